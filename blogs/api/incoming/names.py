"""Refuses fields and query parameters that nothing reads: one that is misspelt must not be dropped in silence."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

# A body of 64 KB may have thousands of names, of any length. This many are told, and compared with ours.
_TOLD = 10
_NAME_SHOWN = 60


class StrictSerializer(serializers.Serializer[Any]):
    """Takes a JSON object whose names are all known, and tells every unknown name along with whatever else is wrong."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = unknown_names(data, self.fields) if isinstance(data, dict) else {}
        try:
            known = super().to_internal_value(data)
        except ValidationError as error:
            if unknown and isinstance(error.detail, dict):
                raise ValidationError({**unknown, **error.detail}) from None
            raise
        if unknown:
            raise ValidationError(unknown)
        return known


def unknown_names(sent: Iterable[Any], known: Collection[str]) -> dict[str, list[ErrorDetail]]:
    """Return an error for each of the first unknown names. Its key is the name, in a form that can be shown."""
    return dict(_refusals(sent, known))


def require_known_parameters(request: Request, known: Collection[str], *, repeatable: Collection[str] = ()) -> None:
    """Refuse query parameters that the address does not know, and those that come twice where one would be dropped."""
    wrong = unknown_names(request.query_params, known)
    for name in known:
        if name not in repeatable and len(request.query_params.getlist(name)) > 1:
            wrong[name] = [ErrorDetail("This was sent more than once.", "repeated")]
    if wrong:
        raise ValidationError(wrong)


def _refusals(sent: Iterable[Any], known: Collection[str]) -> Iterator[tuple[str, list[ErrorDetail]]]:
    unknown = [str(name) for name in sent if name not in known]
    for name in unknown[:_TOLD]:
        shown = _showable(name)
        yield shown, [ErrorDetail(f"{shown}: unknown{_hint(name, known)}", "unknown")]


def _hint(name: str, known: Collection[str]) -> str:
    by_form = {_folded(each): each for each in known}
    near = difflib.get_close_matches(_folded(name[:_NAME_SHOWN]), by_form, 1)
    if near:
        return f"; did you mean {by_form[near[0]]}?"
    return f". Known: {', '.join(known)}." if known else ". None is known here."


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _showable(name: str) -> str:
    """Return a name without what no answer can hold, such as half an emoji."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name[:_NAME_SHOWN])
