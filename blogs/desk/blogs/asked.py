"""What an address asks of the list of blogs. A filter that there is not, or a value that it can't have, is named and left out.

Django leaves a value that it does not know out without a word: staff would take all blogs for those that they asked for.
"""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.utils.dateparse import parse_date

from blogs.desk.blogs import filters
from blogs.desk.search import as_id, sites_called
from wix.models import Site
from workers.texts import cut

# What Django itself reads in the address of a list.
_DJANGOS = {"q", "p", "o", "all", "e", "_popup", "_to_field", "_facets"}
# Shorter names that people type; the shop's is a text, and looked up.
_SHORT = {"status": "status__exact", "site": "site__id__exact"}
_SHOP = "shop"
_CODE_MAX = 40


def corrected(asked: QueryDict) -> tuple[QueryDict, list[str]]:
    """Return the address's parameters in their full names, without those that make no sense; and what to tell of these."""
    kept, told = QueryDict(mutable=True), list[str]()
    for name, values in asked.lists():
        value, full = values[-1], _SHORT.get(name, name)
        if name == _SHOP:
            full, value, problem = _shop(value)
        else:
            problem = _problem(full, value)
        if problem:
            told.append(problem)
        elif value or full not in _KNOWN:
            kept.setlist(full, [value] if full in _KNOWN else values)
    told += _reversed(kept)
    return kept, told


def _problem(name: str, value: str) -> str:
    """Say what is wrong with a parameter; "" where nothing is. An empty value asks for nothing."""
    if name in _DJANGOS:
        return ""
    spec = _KNOWN.get(name)
    if spec is None:
        return f"There is no filter “{_shown(name)}”; it was left out."
    if not value or _fits(spec, name, value):
        return ""
    return f"The filter “{spec.title}” can't be “{_shown(value)}”{_instead(spec, name)}; it was left out."


def _fits(spec: Any, name: str, value: str) -> bool:
    if issubclass(spec, filters.Range):
        return value in spec.spans if name == spec.name else _is_day(value)
    if spec is filters.OfSite:
        site_id = as_id(value)
        return site_id is not None and Site.objects.filter(pk=site_id).exists()
    if spec is filters.ErrorCode:
        return "\0" not in value and len(value) <= _CODE_MAX
    return value in spec.options


def _instead(spec: Any, name: str) -> str:
    if issubclass(spec, filters.Range) and name != spec.name:
        return ", which is no day such as 2026-11-28"
    if spec is filters.OfSite:
        return ", since no shop has that number"
    return ""


def _is_day(value: str) -> bool:
    try:
        day = parse_date(value)
    except ValueError:
        return False
    return day is not None and 2000 <= day.year < 3000


def _shop(text: str) -> tuple[str, str, str]:
    """Look up the shop that a text names; return the filter's name, its value, and what to tell."""
    name, term = filters.OfSite.parameter_name, text.replace("\0", "").strip()
    found = list(sites_called(term).order_by("name", "pk")[:2]) if term else []
    exactly = [shop for shop in found if shop.name.lower() == term.lower()]
    if len(exactly or found) == 1:
        return name, str((exactly or found)[0].pk), ""
    if not term:
        return name, "", ""
    return name, "", f"{'Several shops' if found else 'No shop'} called “{_shown(term)}…”; the filter was left out."


def _reversed(kept: QueryDict) -> list[str]:
    """Leave out ranges that end before they begin."""
    told = []
    for spec in (filters.Created, filters.Ended):
        _, first, last = _parameters(spec)
        days = [parse_date(str(kept[name])) for name in (first, last) if name in kept]
        if len(days) == 2 and str(days[0]) > str(days[1]):
            told.append(f"The filter “{spec.title}” ends before it begins; it was left out.")
            del kept[first], kept[last]
    return told


def _shown(text: str) -> str:
    return cut(text.replace("\0", "␀"), 60)


def _parameters(spec: Any) -> list[str]:
    if issubclass(spec, filters.Range):
        return [spec.name, f"{spec.name}_from", f"{spec.name}_to"]
    return [spec.parameter_name]


_KNOWN: dict[str, Any] = {name: spec for spec in filters.FILTERS for name in _parameters(spec)}
