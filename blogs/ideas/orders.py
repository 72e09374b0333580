"""Ideas that a shop asks for without blogs: ten an order, by a worker, free of charge, as often a day as the settings allow.

A worker takes an order by moving its `due_at` ahead and committing. So a killed worker's order is due again some minutes later.
What was found is kept in the transaction that ends the order, so none is kept twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from blogs.article import prompts
from blogs.article.quality import Request, judged_idea
from blogs.article.quality.ideas import is_same_topic
from blogs.article.schema import Idea
from blogs.ideas import asking, bank
from blogs.ideas.bank import New
from blogs.ideas.keys import of_language
from blogs.models import IdeaOrder, Topic
from wix.models import Site
from workers.context.deadline import DeadlineExceeded, within
from workers.context.on_behalf import Caller, on_behalf_of, shared_by
from workers.database import wakeup
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards
from workers.errors import RateLimited, WorkError
from workers.texts import cut

logger = logging.getLogger(__name__)

CHANNEL = "ideas_asked_for"
AN_ORDER = 10
# Longer than a call takes, with its wait for the limit.
_TAKEN_SECONDS = 300
_ATTEMPTS = 3
_AGAIN_SECONDS = 30.0
# Titles that the writer is told to differ from: the newest.
_EARLIER = 40
_ABOUT_THE_SHOP = "the shop and what it sells"


class TooManyOrders(Exception):
    """The site has had its orders of today; `retry_after` are the seconds until tomorrow, in UTC."""

    def __init__(self, most: int, retry_after: int) -> None:
        super().__init__(f"A site may ask for ideas {most} times a day.")
        self.retry_after = retry_after


def order(site: Site, *, about: str, language: str, length: str) -> IdeaOrder:
    """Store an order and wake a worker. Raises TooManyOrders."""
    now = timezone.now()
    began = datetime(now.year, now.month, now.day, tzinfo=UTC)
    with transaction.atomic():
        bank.lock(site.pk)
        most = settings.IDEA_ORDERS_PER_DAY
        if IdeaOrder.objects.filter(site=site, created_at__gte=began).count() >= most:
            raise TooManyOrders(most, int((began + timedelta(days=1) - now).total_seconds()) + 1)
        made = IdeaOrder.objects.create(site=site, about=about, language=language, length=length)
    wakeup.notify(CHANNEL)
    return made


def work_off(go_on: Callable[[], bool] = lambda: True) -> float | None:
    """Work off the orders that are due; return in how many seconds the next one will be."""
    with released_afterwards():
        if _seconds_until_due() is None:
            return None
    while go_on():
        with released_afterwards():
            taken = _take()
        if taken is None:
            break
        with on_behalf_of(Caller(work=-taken.pk, party=taken.site_id)):
            _carry_out(taken)
    with released_afterwards():
        return _seconds_until_due()


_TAKE = f"""
UPDATE blogs_ideaorder SET due_at = clock_timestamp() + interval '{_TAKEN_SECONDS} seconds', attempts = attempts + 1
 WHERE id = (SELECT id FROM blogs_ideaorder WHERE due_at <= (SELECT clock_timestamp())
              ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def _take() -> IdeaOrder | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE)
        row = cursor.fetchone()
    return IdeaOrder.objects.select_related("site").get(pk=row[0]) if row else None


def _carry_out(taken: IdeaOrder) -> None:
    try:
        with within(settings.STAGE_DEADLINE_SECONDS["idea"]):
            found = _ask(taken)
    except RateLimited as limited:
        _put_off(taken, limited.retry_in, spent=False)
    except (WorkError, DeadlineExceeded) as error:
        said = getattr(error, "message", "The writer took too long.")
        logger.warning("ideas not found", extra={"action": "ideas_failed", "site": taken.site_id, "order": taken.pk})
        if taken.attempts < _ATTEMPTS:
            _put_off(taken, _AGAIN_SECONDS, spent=True)
        else:
            _end(taken, IdeaOrder.State.FAILED, error=said)
    else:
        _keep(taken, found)


def _ask(taken: IdeaOrder) -> list[Idea]:
    site = taken.site
    source = {"type": "prompt", "text": taken.about or _ABOUT_THE_SHOP}
    wanted = [{"number": n, "source": source, "products": []} for n in range(1, AN_ORDER + 1)]
    with released_afterwards():
        newest = Topic.objects.filter(site=site, kind__in=bank.WRITTEN).order_by("-id")
        earlier = list(newest.values_list("text", flat=True)[:_EARLIER])
    common = {
        "site": {"name": site.name},
        "sections": prompts.SECTIONS[taken.length],
        "products": [],
        **({"earlier": earlier} if earlier else {}),
    }
    with shared_by([-taken.pk] * AN_ORDER):
        seconds = settings.STAGE_DEADLINE_SECONDS["idea"]
        found = asking.ask(common, wanted, length=taken.length, language=taken.language, seconds=seconds)
    request = Request(
        topic=taken.about, language=taken.language, length=taken.length, site_name=site.name, site_url=site.url
    )
    return [idea for idea in found.values() if not judged_idea(idea, request=request)[0]]


def _keep(taken: IdeaOrder, found: Sequence[Idea]) -> None:
    """Keep the ideas that tell of nothing that the site has, and end the order."""
    language = of_language(taken.language)
    good: list[Idea] = []
    for idea in found:
        known = bank.near(taken.site_id, idea.title, language, at_most=3)
        if not any(near.is_close for near in known) and not any(is_same_topic(idea.title, one.title) for one in good):
            good.append(idea)
    with released_afterwards(), transaction.atomic():
        bank.lock(taken.site_id)
        if not _end(taken, IdeaOrder.State.DONE, found=len(good)):
            return
        for idea in good:
            plan = idea.model_dump()
            bank.add(
                taken.site_id, New(Topic.Kind.IDEA, idea.title, language, plan=plan, offered=True, order_id=taken.pk)
            )


def _put_off(taken: IdeaOrder, seconds: float, *, spent: bool) -> None:
    again = {"due_at": seconds_from_now(max(seconds, 1.0)), "attempts": taken.attempts - (not spent)}
    with released_afterwards():
        IdeaOrder.objects.filter(pk=taken.pk, state=IdeaOrder.State.WAITING).update(**again)


def _end(taken: IdeaOrder, state: str, *, found: int = 0, error: str = "") -> bool:
    """End an order. False: another worker has ended it, since this one took too long."""
    open_order = IdeaOrder.objects.filter(pk=taken.pk, state=IdeaOrder.State.WAITING)
    return bool(open_order.update(state=state, due_at=None, found=found, error=cut(error, 200)))


def _seconds_until_due() -> float | None:
    first = IdeaOrder.objects.filter(due_at__isnull=False).order_by("due_at")
    left = first.annotate(left=F("due_at") - ClockTimestamp()).values_list("left", flat=True).first()
    return None if left is None else max(0.0, float(left.total_seconds()))
