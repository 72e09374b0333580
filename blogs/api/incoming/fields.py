"""The fields of requests: each takes a value of its own JSON type, bounded before anything reads it."""

from __future__ import annotations

import unicodedata
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from wix import writing_systems

# Signs that come along with words that were typed or copied: direction marks, zero-width spaces, byte order marks, soft hyphens.
_COME_ALONG = writing_systems.Invisible(writing_systems.INVISIBLE + writing_systems.BLANK)


class Bounded(serializers.Field[Any, Any, Any, Any]):
    """The base of all fields that are sent to us: refuses a value of another JSON type, or one that is too long.

    64 KB of accents, joiners or brackets may take seconds to normalise or to search, and no other thread runs meanwhile.
    """

    json_type: type | tuple[type, ...] = str
    raw_max = 100
    unreadable = too_long = "invalid"

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not self._is_of_its_type(data):
            self.refuse(self.unreadable)
        if isinstance(data, str) and len(data) > self.raw_max:
            self.refuse(self.too_long)
        return super().run_validation(data)

    def _is_of_its_type(self, data: Any) -> bool:
        """Compare with JSON's types. To Python, true is the number 1."""
        if isinstance(data, bool) and self.json_type is not bool:
            return False
        return isinstance(data, self.json_type)

    def refuse(self, code: str) -> None:
        """Fail with one of the field's own errors, and with all values that its words may name."""
        self.fail(code, max_length=getattr(self, "max_length", None), input="")


class TextField(Bounded, serializers.CharField):
    """A text of at most `max_length` characters. With spaces around it and accents apart it may come in four times as many."""

    too_long = "max_length"

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.raw_max = 4 * max_length


class LanguageField(TextField, serializers.RegexField):
    default_error_messages = {"invalid": "It must be a language's tag, such as en or pt-BR."}


class PlainTextField(TextField):
    """Trims a text, takes out what isn't seen and puts it into Unicode's composed form; refuses control characters.

    `keeps_lines`: line ends stay, since they part what a longer text says.
    """

    default_error_messages = {
        "control": "Control characters are not allowed.",
        "marks": f"A letter may have {writing_systems.MARKS_MAX} accents.",
    }

    def __init__(self, *, keeps_lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._keeps_lines = keeps_lines

    def run_validation(self, data: Any = empty) -> Any:
        # Before it is trimmed: Python counts some controls as spaces.
        if isinstance(data, str) and len(data) <= self.raw_max and any(map(_is_control, data)):
            self.refuse("control")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        # Before the marks are counted: what isn't seen may stand between them.
        lines = _COME_ALONG.removed(text).splitlines() if self._keeps_lines else [_COME_ALONG.removed(text)]
        text = "\n".join(" ".join(line.split()) for line in lines).strip()
        if writing_systems.has_endless_marks(text):
            self.fail("marks")
        text = unicodedata.normalize("NFC", text)
        if not text.strip("\u200c\u200d \n") and not self.allow_blank:
            self.fail("blank")
        return text


def _is_control(char: str) -> bool:
    """True for controls (Cc), lone surrogates (Cs), which no database takes, and what turns the direction of a text round."""
    if char in writing_systems.OVERRIDES:
        return True
    return unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\r\t"


class ListField(Bounded, serializers.ListField):
    """A list whose length is looked at before its items are."""

    json_type = list
    unreadable = "not_a_list"
    default_error_messages = {"not_a_list": "It must be a list."}

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.refuse("max_length")
        return super().run_validation(data)


class YesNoField(Bounded, serializers.BooleanField):
    """JSON's true or false: `"false"` and 0 mean different things to different callers."""

    json_type = bool
    default_error_messages = {"invalid": "It must be true or false, without quotes."}


class WholeNumberField(Bounded, serializers.IntegerField):
    """A number of JSON without a fraction. To JSON 24.0 is the same number as 24."""

    json_type = int

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation(int(data) if isinstance(data, float) and data.is_integer() else data)


class ChoiceField(Bounded, serializers.ChoiceField):
    """Names the allowed values in its error. DRF's own message would repeat the refused value."""

    unreadable = too_long = "invalid_choice"

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        allowed = ", ".join(value for value, _ in choices)
        kwargs.setdefault("error_messages", {})["invalid_choice"] = f"Allowed: {allowed}."
        super().__init__(choices=choices, **kwargs)


class MetadataField(Bounded, serializers.Field[Any, Any, Any, Any]):
    """The caller's own pairs of texts, which we keep, echo and search, and never read."""

    json_type = dict
    pairs_max, key_max, value_max = 16, 40, 500
    default_error_messages = {
        "invalid": 'It must be an object of texts, such as {{"order": "17"}}.',
        "pairs": f"It may have {pairs_max} pairs.",
        "key": f"The key {{name!r}}: it must have 1 to {key_max} of the characters A-Z, a-z, 0-9, _, . and -.",
        "value": f"The value of {{name!r}}: it must be a text of 1 to {value_max} characters, without control characters.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if len(data) > self.pairs_max:
            self.fail("pairs")
        for key, value in data.items():
            if not (0 < len(key) <= self.key_max and _KEY_SIGNS.issuperset(key)):
                self.fail("key", name=key[: self.key_max])
            if not (isinstance(value, str) and 0 < len(value) <= self.value_max and not any(map(_is_control, value))):
                self.fail("value", name=key)
        return dict(data)


_KEY_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
