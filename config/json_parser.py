from __future__ import annotations

import codecs
import json
from typing import Any

from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import JSONParser, get_encoding  # type: ignore[attr-defined]
from rest_framework.utils.json import strict_constant

_NAME_SHOWN = 60


class StrictJSONParser(JSONParser):
    """Refuses an object that has a name twice: readers of JSON differ in which of the two they take.

    JSON that is nested more deeply than Python can parse gets 400, and not 500.
    """

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        text = codecs.getreader(get_encoding(parser_context or {}))(stream)
        try:
            return json.load(text, parse_constant=strict_constant, object_pairs_hook=_object)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValidationError(
                    {_shown(name): [ErrorDetail("This name stands in the object twice.", "repeated")]}
                )
            seen.add(name)
    return made


def _shown(name: str) -> str:
    """Return a name without what no answer can hold, such as half an emoji."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name[:_NAME_SHOWN])
