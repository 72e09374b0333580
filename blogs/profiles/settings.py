"""The settings of a profile by name, and how a blog's writer and gate get them.

brand, sells, audience      who the shop is, what it sells, and to whom
voice                       a sample of how it writes
banned_words, banned_claims, competitors    what it never wants to read
language, tone, length, categories, time_zone    what its requests leave open
disclosure                  the line at the end of each article
quality_threshold           the score, 0 to 100, below which an article is held for a person
"""

from __future__ import annotations

from typing import Any

from blogs.article.quality import Profile
from blogs.models import SiteProfile
from wix.models import Site

NAMES = (
    "brand",
    "sells",
    "audience",
    "voice",
    "banned_words",
    "banned_claims",
    "competitors",
    "language",
    "tone",
    "length",
    "categories",
    "time_zone",
    "disclosure",
    "quality_threshold",
)
# What Wix may fill. A site's language it keeps on the site itself.
FROM_WIX = ("brand", "sells", "time_zone")


def newest(site_id: int) -> SiteProfile | None:
    return SiteProfile.objects.filter(site_id=site_id).order_by("-version").first()


def in_effect(site: Site, profile: SiteProfile | None) -> tuple[dict[str, Any], list[str]]:
    """Return every setting as it counts (None: left open), and the names of those that are Wix's."""
    told, found = (profile.told, profile.found) if profile else ({}, {})
    found = {**({"language": site.language} if site.language else {}), **found}
    settings = {name: told.get(name, found.get(name)) for name in NAMES}
    return settings, [name for name in NAMES if name in found and name not in told]


def time_zone(site: Site) -> str:
    """Return the zone of the site's clocks; "" where it is not known."""
    profile = newest(site.pk)
    return profile.settings.get("time_zone", "") if profile else ""


def for_articles(profile: SiteProfile | None) -> Profile:
    """Return what the writer and the gate may know of the version that a blog has. None: nothing."""
    said = profile.settings if profile else {}
    return Profile(
        brand=said.get("brand", ""),
        about=said.get("sells", ""),
        audience=said.get("audience", ""),
        voice=said.get("voice", ""),
        banned_words=[*said.get("banned_words", ()), *said.get("banned_claims", ())],
        competitors=said.get("competitors", ()),
        disclosure=said.get("disclosure", ""),
        quality_threshold=said.get("quality_threshold"),
    )
