"""What templates of the desk ask for."""

from __future__ import annotations

from typing import Any

from django import template

from blogs.desk import overview

register = template.Library()


@register.simple_tag
def service_state() -> dict[str, Any]:
    return overview.state()


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
