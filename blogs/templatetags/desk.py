"""What templates of the desk ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from django import template
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe

from blogs.desk import sidebar
from blogs.desk.base import span
from blogs.desk.front import parts

register = template.Library()


@register.simple_tag(takes_context=True)
def service_now(context: Any) -> parts.Shown | None:
    """Return the first page's parts; None for a reader who lacks the right."""
    user = context["request"].user
    return parts.now(user) if parts.may_look(user) else None


@register.simple_tag(takes_context=True)
def desk_pages(context: Any) -> list[tuple[str, list[sidebar.Entry]]]:
    """List the pages of the sidebar by group; none for a reader who is not signed in."""
    request = context.get("request")
    return sidebar.groups(context.get("available_apps") or [], request.path) if request else []


@register.filter
def grouped(number: int) -> str:
    """Write a count with its thousands parted."""
    return f"{number:,}"


@register.filter
def lasting(seconds: float) -> str:
    """Say how long that is: with a tenth of a second where it tells something."""
    return f"{seconds:.1f} s" if seconds < 100 else span(seconds)


@register.filter
def per_cent(share: float) -> str:
    """Write a share; one that is not nothing does not look like nothing."""
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


@register.filter
def labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> list[SafeString]:
    """Give each cell of a list's row its column's name, which a phone shows in place of the column's head."""
    return [
        mark_safe(_CELL.sub(partial(_with_label, str(header["text"])), str(cell), count=1))
        for cell, header in zip(cells, headers, strict=False)
    ]


_CELL = re.compile(r"<t[dh]\b")


def _with_label(label: str, tag: re.Match[str]) -> str:
    plain = strip_tags(label).strip()
    return f'{tag[0]} data-label="{escape(plain[:1].upper() + plain[1:])}"'


@register.simple_tag
def chips(changelist: Any) -> list[tuple[str, str]]:
    """List the filters that are in force: each in words, and the address of the list without it."""
    found, known = list[tuple[str, str]](), {"q", "o", "p", "all", "e"}
    for spec in changelist.filter_specs:
        known |= set(spec.expected_parameters())
        chosen = [choice["display"] for choice in list(spec.choices(changelist))[1:] if choice["selected"]]
        found += [
            (f"{spec.title}: {each}", changelist.get_query_string(remove=spec.expected_parameters())) for each in chosen
        ]
    for name in sorted(set(changelist.params) - known):
        found.append((_in_words(name, changelist.params[name]), changelist.get_query_string(remove=[name])))
    return found


def _in_words(name: str, value: Any) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{name.removesuffix('__exact').removesuffix('__id').replace('__', ' ')}: {shown}"
