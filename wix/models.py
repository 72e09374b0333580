"""What we know of Wix: the sites that installed our app, who may ask in their name, what they pay for, and what Wix told us."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower, Now

from wix import languages


class Site(models.Model):
    """A Wix site that installed our app, known by its instance id, which survives uninstalling and reinstalling."""

    instance_id = models.UUIDField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    url = models.URLField(max_length=500, blank=True)
    language = models.CharField(
        max_length=languages.TAG_MAX, blank=True, help_text="a BCP 47 tag; empty: not known yet, blogs are in English"
    )
    currency = models.CharField(max_length=3, blank=True, db_default="", help_text="ISO 4217")
    member_id = models.UUIDField(
        null=True, blank=True, help_text="the site member who signs its posts; found with the first one"
    )
    origin_instance_id = models.UUIDField(null=True, blank=True, help_text="the site that this one is a copy of")
    created_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="when it removed the app; its requests are refused"
    )

    # DRF asks this of `request.user`. Only a verified site becomes one.
    is_authenticated = True
    # What its subscription says, where that was read along with it.
    pays_for: str | None = None

    class Meta:
        permissions = [("view_as_shop", "Can see what a shop sees")]
        indexes = [
            models.Index(OpClass(Lower("name"), name="text_pattern_ops"), name="site_name"),
            # By any word of name and domain. The desk's search repeats this expression (`blogs/desk/search.py`).
            GinIndex(
                RawSQL("to_tsvector('simple', name || ' ' || translate(url, '/:.-_', '     '))", ()), name="site_words"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.instance_id)

    @property
    def upgrade_url(self) -> str:
        """The page at Wix that shows the site's owner our plans."""
        return f"https://www.wix.com/apps/upgrade/{settings.WIX_APP_ID}?appInstanceId={self.instance_id}"


class ApiKey(models.Model):
    """A key for a shop's own server. It is shown once; we keep its SHA-256, by which we find it."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="api_keys")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False, help_text="the key's first characters, to tell keys apart")
    label = models.CharField(max_length=100, help_text="what the key is for")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="accurate to about an hour")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="refused from then on")
    revoked_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="another has its place since then"
    )

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.hint}… ({self.label})"


class AccessToken(models.Model):
    """Wix's access token for one site, shared by all processes. It is sealed: of no use to a reader of the database."""

    instance_id = models.UUIDField(primary_key=True)
    sealed = models.TextField(editable=False)
    expires_at = models.DateTimeField()
    fetching_until = models.DateTimeField(
        null=True, blank=True, help_text="until then one process asks Wix for another token, and the others wait"
    )

    def __str__(self) -> str:
        return f"access token of {self.instance_id}"


class WebhookDelivery(models.Model):
    """One event, however often Wix delivers it. The web stores it and answers at once; a worker handles it."""

    class Status(models.TextChoices):
        RECEIVED = "received"
        DONE = "done"
        IGNORED = "ignored", "ignored (nothing to do for this type)"
        FAILED = "failed", "failed (staff should look)"

    digest = models.CharField(
        max_length=64, unique=True, editable=False, help_text="of instance, type and event: the same for a resend"
    )
    event_type = models.CharField(max_length=150)
    instance_id = models.UUIDField(null=True, blank=True)
    data = models.JSONField(help_text="the event's own fields, as Wix sent them")
    issued_at = models.DateTimeField(null=True, blank=True, help_text="when Wix signed it (the JWT's iat)")
    happened_at = models.DateTimeField(null=True, blank=True, help_text="when it happened, if the event says so")
    received_at = models.DateTimeField(db_default=Now())
    received = models.PositiveIntegerField(db_default=1, help_text="how often it was delivered")
    status = models.CharField(max_length=10, choices=Status, db_default=Status.RECEIVED)
    due_at = models.DateTimeField(
        null=True, blank=True, db_default=Now(), help_text="when a worker may take it; empty: nothing is left to do"
    )
    attempts = models.PositiveSmallIntegerField(db_default=0)
    processed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=500, blank=True, db_default="", help_text="what the handler did, or why it failed"
    )

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="webhook_due"),
            models.Index(fields=["instance_id", "event_type", "-issued_at"], name="webhook_of_instance"),
            models.Index(fields=["event_type", "-id"], name="webhook_of_type"),
            models.Index(fields=["status", "-id"], name="webhook_by_status"),
            models.Index(fields=["received_at"], name="webhook_received"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.pk}"


class Plan(models.Model):
    """What a plan of our app's pricing page gives. Staff keep this list in step with the one at Wix."""

    vendor_product_id = models.CharField(max_length=100, unique=True, help_text="the plan's product id at Wix")
    name = models.CharField(max_length=100)
    monthly_credits = models.PositiveIntegerField()
    monthly_price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="US dollars that a shop's month brings us, after Wix's share; empty: the desk shows no margin",
    )
    weight = models.PositiveSmallIntegerField(default=1, help_text="the site's share of the queue; a free site has 1")
    open_blogs_max = models.PositiveIntegerField(
        null=True, blank=True, help_text="how many unfinished blogs a site may have; empty: half of the queue may wait"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(weight__gte=1), name="plan_weight_positive"),
            models.CheckConstraint(
                condition=Q(monthly_price__isnull=True) | Q(monthly_price__gte=0), name="plan_price_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """What a site pays for, as Wix said when last asked. Wix announces neither renewals nor the end: we count months ourselves."""

    site = models.OneToOneField(Site, models.PROTECT, primary_key=True)
    vendor_product_id = models.CharField(max_length=100, blank=True, help_text="its plan's id at Wix; empty: free")
    plan = models.ForeignKey(
        Plan, models.PROTECT, null=True, blank=True, help_text="empty while the site pays: our list lacks its plan"
    )
    cycle = models.CharField(max_length=20, blank=True)
    paid_since = models.DateTimeField(null=True, blank=True, help_text="the moment from which its months are counted")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="known for yearly and longer plans only")
    auto_renewing = models.BooleanField(default=False)
    on_free_trial = models.BooleanField(default=False, help_text="whether this is Wix's free trial of a paid plan")
    invoice_id = models.CharField(max_length=100, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    next_grant_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_grant_at"], condition=Q(next_grant_at__isnull=False), name="subscription_next_grant"
            ),
            models.Index(
                fields=["vendor_product_id"],
                condition=Q(plan=None) & ~Q(vendor_product_id=""),
                name="subscription_plan_unknown",
            ),
        ]

    def __str__(self) -> str:
        return self.vendor_product_id or "free"


class Allowance(models.Model):
    """Credits granted for a paid month: once, and again for what a larger plan adds, or when a site buys again after a refund."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="allowances", db_index=False)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    number = models.PositiveSmallIntegerField(default=1, help_text="the month's first grant is 1, the next 2")
    vendor_product_id = models.CharField(max_length=100)
    credits = models.PositiveIntegerField(help_text="how many this grant gave")
    up_to = models.PositiveIntegerField(default=0, help_text="how many credits a month the plan gave in all")
    invoice_id = models.CharField(max_length=100, blank=True)
    taken_back = models.PositiveIntegerField(default=0, help_text="how many a refund or a chargeback took back")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "period_start", "number"], name="allowance_once_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.credits} for {self.period_start:%Y-%m-%d}"


class BlogLabel(models.Model):
    """A tag or category of a site's blog, kept by its folded label, so that we find it again and do not make it twice."""

    class Kind(models.TextChoices):
        TAG = "tag"
        CATEGORY = "category"

    site = models.ForeignKey(Site, models.CASCADE, related_name="blog_labels", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    folded = models.CharField(max_length=100)
    wix_id = models.CharField(max_length=40, blank=True, help_text="empty: a blog is about to make it at Wix")
    read_at = models.DateTimeField(null=True, blank=True, help_text="when Wix listed it; empty: we made it since")
    claimed_at = models.DateTimeField(
        null=True, blank=True, help_text="when a blog began to make it; empty: it gave up"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "kind", "folded"], name="blog_label_once_a_site")]

    def __str__(self) -> str:
        return self.folded


class Catalogue(models.Model):
    """A shop's catalog: its products as we last read them, so that its blogs need not each read them at Wix.

    `shown` and `reading` are numbers of readings. Blogs use the products of `shown` until the next reading is complete.
    """

    instance_id = models.UUIDField(primary_key=True)
    version = models.CharField(
        max_length=25, blank=True, db_default="", help_text="what Wix calls it; empty: not known"
    )
    shown = models.PositiveIntegerField(db_default=0, help_text="the reading whose products are used; 0: none yet")
    products = models.PositiveIntegerField(db_default=0, help_text="how many visible products are used")
    read_at = models.DateTimeField(null=True, blank=True, help_text="when the reading that is used began")
    wanted_at = models.DateTimeField(null=True, blank=True, help_text="when a product changed, or staff asked to read")
    used_at = models.DateTimeField(db_default=Now(), help_text="when a blog last needed it; accurate to a day")

    reading = models.PositiveIntegerField(db_default=0, help_text="the latest reading that was begun")
    reading_began_at = models.DateTimeField(null=True, blank=True, help_text="empty: no reading is under way")
    reading_until = models.DateTimeField(null=True, blank=True, help_text="until then the reader counts as alive")
    position = models.TextField(blank=True, db_default="", help_text="where the next page of this reading begins")
    found = models.PositiveIntegerField(db_default=0, help_text="how many products this reading has found so far")
    expected = models.PositiveIntegerField(db_default=0, help_text="how many it will find in all; 0: not known")
    has_outdated = models.BooleanField(db_default=False, help_text="whether rows of other readings are left")

    def __str__(self) -> str:
        return f"catalog of {self.instance_id}"


class CatalogueProduct(models.Model):
    """One visible product of one reading. `wix.catalog.words` makes its `words`: weight A from the name, D from the rest."""

    catalogue = models.ForeignKey(Catalogue, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    reading = models.PositiveIntegerField()
    product_id = models.CharField(max_length=100)
    in_stock = models.BooleanField()
    collection_ids = models.JSONField()
    words = SearchVectorField()
    data = models.JSONField(help_text="the product as a stage's output keeps it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalogue", "reading", "product_id"], name="catalogue_product_once")
        ]

    def __str__(self) -> str:
        return self.product_id
