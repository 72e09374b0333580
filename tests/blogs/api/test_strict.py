"""What is misspelt, or of another type than the field's, is refused by name: nothing that was sent is dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import problem, refused_fields

pytestmark = pytest.mark.django_db

_GOOD = {"sourceType": "keyword", "sourceId": "wool"}


@pytest.fixture
def client(api: Any) -> Any:
    return api(factories.site())


def _messages(response: Any) -> dict[str, str]:
    return {error["field"]: error["message"] for error in problem(response, 400, "invalid")["errors"]}


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("scheduleAt", "scheduledAt"),
        ("scheduled_at", "scheduledAt"),
        ("SOURCETYPE", "sourceType"),
        ("publishat", "publishAt"),
        ("lenght", "length"),
        ("timezone", "timeZone"),
    ],
)
def test_a_misspelt_field_is_refused_with_the_nearest_known_one(client: Any, sent: str, meant: str) -> None:
    response = client.post({**_GOOD, sent: "2030-01-01T00:00:00Z"})

    assert _messages(response) == {sent: f"{sent}: unknown; did you mean {meant}?"}
    assert not BlogGeneration.objects.exists()


def test_a_field_that_is_like_none_is_refused_with_all_known_ones(client: Any) -> None:
    assert "Known: sourceType, sourceId" in _messages(client.post({**_GOOD, "xyz": 1}))["xyz"]


def test_unknown_fields_are_told_along_with_everything_else_that_is_wrong(client: Any) -> None:
    response = client.post({"sourceType": "keyword", "tone": "loud", "tune": "loud"})

    assert refused_fields(response) == {"tune": "unknown", "sourceId": "required", "tone": "invalid_choice"}


def test_thousands_of_unknown_fields_are_not_all_told(client: Any) -> None:
    response = client.post({**_GOOD, **{f"field{number}": 1 for number in range(3_000)}})

    assert len(problem(response, 400, "invalid")["errors"]) == 10


@pytest.mark.parametrize("name", ["\ud83d", "\x00", "\u202e", "x" * 5_000, "", "<script>"], ids=ascii)
def test_a_name_that_cannot_be_shown_is_refused_as_well(client: Any, name: str) -> None:
    response = client.post(json.dumps({**_GOOD, name: 1}))

    assert set(refused_fields(response).values()) == {"unknown"}
    assert len(response.content) < 1_500


@pytest.mark.parametrize("publish", ["true", "false", "yes", "", 0, 1, 1.0, []])
def test_only_true_and_false_are_true_and_false(client: Any, publish: Any) -> None:
    assert refused_fields(client.post({**_GOOD, "publish": publish})) == {"publish": "invalid"}


@pytest.mark.parametrize("field", ["sourceId", "language", "timeZone", "scheduledAt", "publishAt"])
@pytest.mark.parametrize("value", [17, 1.5, True, False, [], {}])
def test_a_text_is_a_text(client: Any, field: str, value: Any) -> None:
    assert set(refused_fields(client.post({**_GOOD, field: value}))) == {field}


@pytest.mark.parametrize("field", ["categories", "productIds"])
@pytest.mark.parametrize("value", ["a", 7, True, {"0": "a"}])
def test_a_list_is_a_list(client: Any, field: str, value: Any) -> None:
    assert refused_fields(client.post({**_GOOD, field: value})) == {field: "not_a_list"}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"sourceType": "keyword", "sourceId": "a", "sourceId": "b"}', "sourceId"),
        ('{"sourceType": "keyword", "sourceId": "a", "metadata": {"order": "1", "order": "2"}}', "order"),
        ('{"x": [{"y": 1, "y": 1}]}', "y"),
    ],
)
def test_a_name_that_stands_in_an_object_twice_is_refused(client: Any, body: str, name: str) -> None:
    assert refused_fields(client.post(body)) == {name: "repeated"}
    assert not BlogGeneration.objects.exists()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("statuss=DONE", "statuss: unknown; did you mean status?"),
        ("created_after=2026-01-01T00:00:00Z", "created_after: unknown; did you mean createdAfter?"),
        ("format=json", "format: unknown. Known: status, ids"),
        ("limit=1&limit=2", "This was sent more than once."),
    ],
)
def test_a_parameter_that_nothing_reads_is_refused_with_the_nearest_known_one(
    client: Any, query: str, said: str
) -> None:
    (message,) = _messages(client.get(f"/api/blog-generation?{query}")).values()

    assert message.startswith(said)


@pytest.mark.parametrize("path", ["/api/credits?status=DONE", "/api/blog-generation/{}?expand=article"])
def test_parameters_of_addresses_that_have_none_are_refused(client: Any, path: str) -> None:
    blog = client.post().json()["id"]

    assert set(refused_fields(client.get(path.format(blog))).values()) == {"unknown"}


def test_a_parameter_of_a_request_that_would_do_something_is_refused(client: Any, api: Any) -> None:
    blog = client.post().json()["id"]

    assert refused_fields(client.act(blog, "cancel?dryRun=true")) == {"dryRun": "unknown"}
    assert BlogGeneration.objects.get(pk=blog).status == "PENDING"


@pytest.mark.parametrize(
    "metadata",
    [
        {str(number): "x" for number in range(17)},
        {"": "x"},
        {"k" * 41: "x"},
        {"a b": "x"},
        {"ключ": "x"},
        {"a": ""},
        {"a": "x" * 501},
        {"a": 1},
        {"a": None},
        {"a": {"b": "c"}},
        {"a": "\x00"},
        {"a": "\ud83d"},
        [],
        "a",
    ],
    ids=ascii,
)
def test_pairs_that_cannot_be_kept_are_refused(client: Any, metadata: Any) -> None:
    response = client.post(json.dumps({**_GOOD, "metadata": metadata}))

    assert set(refused_fields(response)) == {"metadata"}


def test_pairs_are_echoed_as_they_came_everywhere(client: Any) -> None:
    metadata = {"order": "17", "note": "für Ömer 👩\u200d🌾\n2", **{f"k{number}": "v" * 500 for number in range(14)}}

    blog = client.post({**_GOOD, "metadata": metadata}).json()

    assert blog["metadata"] == metadata
    assert client.get(f"/api/blog-generation/{blog['id']}").json()["metadata"] == metadata
    assert client.get("/api/blog-generation").json()["results"][0]["metadata"] == metadata
