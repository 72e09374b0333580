"""Finds the shops that staff name: by instance id at Wix, by domain, by how the name begins, or by any word of name and domain."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Lower

from wix.client.fields import uuid_or_none
from wix.models import Site

# A prefix that fits more shops than this says nothing.
SITES_MATCHED = 50
_WORDS_MAX = 6
# As long as the name of a shop may be.
_NAME_MAX = 200
_WORD = re.compile(r"[^\W_]+")
# A longer word is cut: PostgreSQL takes up to 2,046 bytes of one, and no name has its like.
_WORD_MAX = 60
# Sorts after every letter: the end of all that begins with what stands before it.
_LAST = "\U0010ffff"


def as_id(text: str) -> int | None:
    """Read a row's number; None for anything else, and for more than 18 digits, which may not fit a bigint."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def sites_called(term: str) -> QuerySet[Site]:
    """Find sites by instance id, or by how the name begins."""
    if instance_id := uuid_or_none(term):
        return Site.objects.filter(instance_id=instance_id)
    return Site.objects.alias(lower_name=Lower("name")).filter(lower_name__startswith=term.lower())


_CALLED = """
SELECT id FROM (
    (SELECT 1 AS rank, id, name FROM wix_site
      WHERE lower(name) ~>=~ %(begins)s AND lower(name) ~<~ (%(begins)s || %(last)s)
      ORDER BY lower(name) USING ~<~ LIMIT %(at_most)s)
    UNION ALL
    (SELECT 2, id, name FROM wix_site
      WHERE to_tsvector('simple', name || ' ' || translate(url, '/:.-_', '     ')) @@ %(words)s::tsquery LIMIT %(at_most)s)
) AS found GROUP BY id ORDER BY min(rank), min(lower(name)) LIMIT %(at_most)s
"""


def sites_found(term: str, at_most: int) -> list[Site]:
    """Find the sites whose name begins so, then those that have all the words in name or domain."""
    if uuid_or_none(term):
        return list(sites_called(term))
    words = _words(term)
    if not words:
        return []
    asked: dict[str, str | int] = {
        "begins": term.lower()[:_NAME_MAX],
        "last": _LAST,
        "at_most": at_most,
        "words": _all_of(words),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CALLED, asked)
        ids = [site_id for (site_id,) in cursor.fetchall()]
    known = Site.objects.in_bulk(ids)
    return [known[site_id] for site_id in ids if site_id in known]


def _words(text: str) -> list[str]:
    return [word[:_WORD_MAX] for word in _WORD.findall(text.lower())[:_WORDS_MAX]]


def _all_of(words: Sequence[str]) -> str:
    return " & ".join(f"'{word}':*" for word in words)


# For each of the beginnings of what was typed: the shops whose names begin so, or whose domain it is.
_BY_BEGINNING = """
SELECT typed.words, site.id
  FROM unnest(%(beginnings)s::text[]) WITH ORDINALITY AS typed(beginning, words)
 CROSS JOIN LATERAL (
       SELECT id FROM wix_site
        WHERE lower(name) ~>=~ beginning AND lower(name) ~<~ (beginning || %(last)s) LIMIT %(at_most)s) AS site
"""


def shop_and_words(text: str) -> tuple[list[int], str]:
    """Read "Harbour Coffee wool socks": the shops that the beginning names, and the words that are left. No shop: ([], "")."""
    typed = text.split()[: _WORDS_MAX + 1]
    if len(typed) < 2:
        return [], ""
    if "." in typed[0] and (of_domain := sites_at(typed[0])):
        return [site.pk for site in of_domain], " ".join(text.split()[1:])
    beginnings = [" ".join(typed[:count]).lower()[:_NAME_MAX] for count in range(1, len(typed))]
    with connection.cursor() as cursor:
        cursor.execute(_BY_BEGINNING, {"beginnings": beginnings, "last": _LAST, "at_most": SITES_MATCHED})
        found = cursor.fetchall()
    longest = max((words for words, _ in found), default=0)
    return [site_id for words, site_id in found if words == longest], " ".join(text.split()[longest:])


def sites_at(host: str) -> list[Site]:
    """Find the sites of a domain, with www. or without."""
    bare = host.lower().removeprefix("www.")
    words = _words(bare)
    if not words:
        return []
    same = " & ".join(f"'{word}'" for word in words)
    with connection.cursor() as cursor:
        cursor.execute(_AT, {"words": same, "at_most": SITES_MATCHED})
        found = Site.objects.filter(pk__in=[site_id for (site_id,) in cursor.fetchall()])
    return [site for site in found if _host(site.url).removeprefix("www.") == bare]


_AT = """
SELECT id FROM wix_site
 WHERE to_tsvector('simple', name || ' ' || translate(url, '/:.-_', '     ')) @@ %(words)s::tsquery LIMIT %(at_most)s
"""


def _host(url: str) -> str:
    return url.lower().partition("//")[2].partition("/")[0].partition(":")[0]
