"""Every page of the desk, by address: those that the admin knows by itself, and those that need a question after them.

A page with filters, a search or parameters is one line in `QUESTIONS`; all others are found in the table of addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from blogs.desk.blogs import cost_bands
from blogs.ideas.listing import LISTS
from tests.bench.desk_data import Known

_BLOGS = "admin:blogs_bloggeneration_changelist"
_AUDIT = "admin:blogs_auditentry_changelist"
_BLOG, _SITE = "admin:blogs_bloggeneration_change", "admin:wix_site_change"


def pages(known: Known) -> dict[str, str]:
    """Return the address of each page that is measured, by its name."""

    yesterday = (timezone.now() - timedelta(days=1)).date()

    def blogs(**query: object) -> str:
        return f"{reverse(_BLOGS)}?{urlencode(query)}"

    def audit(**query: object) -> str:
        return f"{reverse(_AUDIT)}?{urlencode(query)}"

    def search(text: object) -> str:
        return f"{reverse('desk-search')}?{urlencode({'q': text})}"

    listed = {
        "list": blogs(),
        "list, page 9": blogs(p=9),
        "list of the whale": blogs(site__id__exact=known.whale),
        "list of a shop": blogs(site__id__exact=known.ordinary_site),
        "list by words": blogs(q="wool"),
        "list by words, failed": blogs(q="wool", status__exact="FAILED"),
        "list by words of a shop": blogs(q="Northern wool"),
        **{f"list, {status}": blogs(status__exact=status) for status in ("PENDING", "PROCESSING", "DONE", "FAILED")},
        **{
            f"list, view {view}": blogs(view=view)
            for view in ("needs_review", "failed_today", "stuck", "late", "retried")
        },
        **{
            f"list, {where}": blogs(where=where)
            for where in ("processing", "ready", "paused", "openai", "retry", "scheduled")
        },
        **{f"list, created {since}": blogs(created=since) for since in ("hour", "today", "week")},
        **{f"list, ended {since}": blogs(ended=since) for since in ("hour", "day", "week")},
        "list, error": blogs(error="timeout"),
        "list, error of the whale": blogs(error="timeout", site__id__exact=known.whale),
        "list, source": blogs(source="product"),
        "list, stage": blogs(stage="article"),
        "list, attempts": blogs(attempts=3),
        "list, created from to": blogs(created_from=yesterday, created_to=yesterday),
        "list, ended from to": blogs(ended_from=yesterday, ended_to=yesterday),
    }
    searched = {
        f"search {name}": search(text)
        for name, text in {
            "a common word": "wool",
            "a very common word": "for",
            "two words": "wool mug",
            "a title": "how to choose merino socks for the winter",
            "words that never meet": "wool taza",
            "a word of no blog": "zzzzzz",
            "a word of one blog": "n1a2b",
            "one letter": "a",
            "two letters": "tv",
            "Japanese": "手作りの",
            "one Japanese letter": "木",
            "Thai": "แก้วกาแฟ",
            "accents": "Übertöpfe",
            "a shop": "Northern",
            "a shop and words": "Northern Coffee wool",
            "a domain": "www.coffee-1.example",
            "a domain and words": "wool-7.example mug",
            "a number": f"#{known.done}",
            "a draft": known.draft_id,
            "a post": known.post_url,
            "a slug": known.slug,
            "a request": known.request_id,
            "a key": known.key,
            "quotes": "'wool' \"mug\"",
            "signs": "100%_\\ & | !",
            "a thousand words": "wool " * 2_000,
        }.items()
    }
    audited = {
        "audit log": audit(),
        "audit log, words": audit(q="colleague7"),
        "audit log by person": audit(by="colleague7"),
        "audit log by action": audit(action="cancel"),
        "audit log by blog": audit(blog=known.done),
        "audit log of the whale": audit(shop=known.whale),
        "audit log, from to": audit(since=yesterday, until=yesterday),
        **{f"audit log, {when}": audit(when=when) for when in ("hour", "day", "week")},
    }
    return {
        "front page": reverse("admin:index"),
        **listed,
        **searched,
        "suggestions": f"{reverse('desk-suggestions')}?q=nort",
        "blog": reverse(_BLOG, args=[known.done]),
        "blog that failed": reverse(_BLOG, args=[known.failed]),
        "blog with 500 events": reverse(_BLOG, args=[known.long_history]),
        "history of a blog": reverse("admin:blogs_bloggeneration_history", args=[known.done]),
        "site": reverse(_SITE, args=[known.ordinary_site]),
        "site with a tenth of all": reverse(_SITE, args=[known.whale]),
        **{
            f"topics of a site, {name}": f"{reverse('admin:wix_site_topics', args=[known.whale])}?{urlencode(query)}"
            for name, query in {
                **{name: {"show": name} for name in LISTS},
                "by words": {"show": "open", "q": "wool"},
                "scheduled": {"show": "open", "state": "scheduled"},
            }.items()
        },
        "history of a site": reverse("admin:wix_site_history", args=[known.whale]),
        "sites": reverse("admin:wix_site_changelist"),
        **audited,
        "spend": reverse("admin:workers_spend_changelist"),
        "prices": reverse("admin:workers_price_changelist"),
        "credits": reverse("admin:credits_credit_changelist"),
        "batches": reverse("admin:blogs_batch_changelist"),
        "batch": reverse("admin:blogs_batch_change", args=[known.batch]),
    }


def pages_of_the_newest() -> dict[str, str]:
    """Return pages that add up the newest 5,000 blogs' calls: few of a million blogs, of 20,000 too many for an index."""
    return {f"list, cost {band}": f"{reverse(_BLOGS)}?{urlencode({'cost': band})}" for band in cost_bands.BANDS}


# What answers with more than a page, changes something, or leads out.
_NO_PAGES = ("logout", "jsi18n", "export", "autocomplete", "password_change", "add", "delete", "login", "view_on_site")


def found_by_itself() -> Iterator[str]:
    """Yield the address of each page of the admin: those without parameters, and those of one row, of the first one there is."""
    for model in admin.site._registry:
        meta, row = model._meta, model._default_manager.order_by("pk").first()
        for pattern in admin.site._registry[model].get_urls():
            if not any(word in str(pattern.pattern) or word in (pattern.name or "") for word in _NO_PAGES):
                yield from _addresses(pattern, f"/admin/{meta.app_label}/{meta.model_name}/", row)
    for ours in get_resolver().url_patterns:
        if isinstance(ours, URLPattern) and str(ours.pattern).startswith("admin/"):
            yield from _addresses(ours, "/", None)


def _addresses(pattern: URLPattern | URLResolver, before: str, row: Any) -> Iterator[str]:
    if isinstance(pattern, URLResolver):
        return
    route, parameters = str(pattern.pattern), pattern.pattern.converters
    if not parameters:
        yield before + route
    elif len(parameters) == 1 and row is not None:
        (name,) = parameters
        start, _, rest = route.partition("<")
        # Names that a number of a row goes by. Other parameters are one line each in `pages`.
        if name in ("object_id", "pk", "id", "site_id", "blog_id"):
            yield f"{before}{start}{row.pk}{rest.partition('>')[2]}"
