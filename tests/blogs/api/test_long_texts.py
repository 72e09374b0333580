"""What is too long, or of another type, is refused before anything reads it; with the code that its field has for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import refused_fields

pytestmark = pytest.mark.django_db

_GOOD = {"sourceType": "prompt", "sourceId": "wool"}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("sourceId", "a" + "\u0301" * 16_000 + "\u0316" * 16_000, "max_length"),
        ("sourceId", "wool " + " " * 60_000, "max_length"),
        ("sourceId", "a" + "\u0316\u0301" * 16, "marks"),
        ("sourceId", "\u0f40" + "\u0f73" * 16, "marks"),
        ("sourceId", "a" + "\u0316\u200b\u0301\u200f" * 16, "marks"),
        ("categories.0", ["\u0316" * 40], "marks"),
        ("categories.1", ["a", "\u0316" * 30_000], "max_length"),
        ("categories.0", [["a"] * 10_000], "invalid"),
        ("categories", ["a"] * 11, "max_length"),
        ("categories", [["\u0316" * 2_000]] * 11, "max_length"),
        ("categories", "a" * 60_000, "not_a_list"),
        ("language", "en-" + "a" * 60_000, "max_length"),
        ("tone", "friendly" * 5_000, "invalid_choice"),
        ("tone", {"friendly": [[[]]]}, "invalid_choice"),
        ("publish", "yes" * 20_000, "invalid"),
        ("scheduledAt", "2026-12-24T09:00:00Z" * 3_000, "invalid"),
        ("publishAt", [["2026"]], "invalid"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_each_field_refuses_it_in_its_own_words(api: Any, field: str, value: Any, code: str) -> None:
    response = api(factories.site()).post(json.dumps({**_GOOD, field.partition(".")[0]: value}, ensure_ascii=False))

    assert refused_fields(response) == {field: code}
    assert len(response.content) < 1_000
    assert not BlogGeneration.objects.exists()


@pytest.mark.parametrize("field", ["sourceType", "sourceId", "language", "tone", "publish", "scheduledAt", "cover"])
def test_what_is_nested_as_deep_as_json_can_be_is_no_error_of_ours(api: Any, field: str) -> None:
    """What Python can just read it may not be able to write again, as a text of it would."""
    client = api(factories.site())

    for depth in range(700, 1_000, 10):
        nested = json.dumps({**_GOOD, field: 0}).replace(f'"{field}": 0', f'"{field}": {"[" * depth}{"]" * depth}')
        assert client.post(nested).status_code == 400, depth


def test_accents_apart_and_spaces_to_spare_make_no_text_too_long(api: Any) -> None:
    vietnamese = "Tie\u0302\u0301ng Vie\u0323\u0302t " * 150
    assert len(vietnamese) > 2_000

    body = api(factories.site()).post({**_GOOD, "sourceId": f"  {vietnamese}\n\n  "}).json()

    assert body["sourceId"] == " ".join(["Ti\u1ebfng Vi\u1ec7t"] * 150)
