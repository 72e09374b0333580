"""Text that came from outside: made storable, and cut between what readers see as characters."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import PermanentError
from workers.texts import cut, parsed_json, storable

GERMANY, FRANCE = "\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7"
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner),
)


@given(ANY_JSON)
def test_any_json_is_read_as_what_can_be_stored(value: Any) -> None:
    raw = json.dumps(value)

    for form in (raw, raw.encode(), json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")):
        kept = parsed_json(form)
        assert storable(kept) == kept
        # PostgreSQL's JSON has no NaN and no infinity, its text no surrogates.
        assert json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (
            rb'{"a\u0000": ["half \ud83e", "\udd1e", {"whole": "\ud83e\udd1e"}]}',
            {"a�": ["half �", "�", {"whole": "🤞"}]},
        ),
        (b'"\xed\xa0\xbe raw"', "� raw"),
        (b"[NaN, -Infinity, 1e999, 1.5]", [None, None, None, 1.5]),
    ],
)
def test_a_mark_stands_where_something_could_not_be_read(raw: bytes, value: Any) -> None:
    assert parsed_json(raw) == value


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b'"\xff"', b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5_000, b'{"a": [' + b"9" * 5_000 + b"]}"],
    ids=lambda raw: str(raw[:8]),
)
def test_what_is_no_json_that_can_be_read_is_one_error(raw: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        parsed_json(raw)


@pytest.mark.parametrize("value", ["[]", "{}", "1", '""', "[{}]"])
def test_so_many_values_that_they_would_fill_the_memory_are_not_read(value: str) -> None:
    raw = f"[{','.join([value] * 1_000_000)}]".encode()
    began = time.process_time()

    tracemalloc.start()
    with pytest.raises(json.JSONDecodeError, match="too many"):
        parsed_json(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000
    assert time.process_time() - began < 0.2


def test_a_page_of_products_has_no_more_values_than_are_read() -> None:
    product = {"id": "p", "options": [{"name": "o", "choices": [{"name": "c", "value": "v"}] * 40}] * 6}

    assert len(parsed_json(json.dumps([product] * 100))) == 100


def test_an_errors_message_can_be_stored_whatever_it_repeats() -> None:
    error = PermanentError("wix_rejected", "title: 'Warm \ud83e\0 wool' " + GERMANY * 300)

    assert error.message.startswith("title: 'Warm �� wool' ")
    assert len(error.message) <= 500
    assert error.message == str(error) == storable(error.message)
    assert error.message.count("\U0001f1e9") == error.message.count("\U0001f1ea")


@pytest.mark.parametrize(
    "seen_as_one",
    [
        GERMANY,
        "👩🏽",
        "👩\u200d👩\u200d👧",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "1\ufe0f\u20e3",
        "e\u0301\u0316",
        "न\u094dद\u0940",
        "ก\u0e33",
        "\u1112\u1161\u11ab",
        "ｶ\uff9e",
        "\r\n",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("beside", ["", "x", FRANCE, "字"], ids=ascii)
def test_nothing_that_is_seen_as_one_character_is_cut_in_two(seen_as_one: str, beside: str) -> None:
    unit = beside + seen_as_one
    ends = {0} | {n * len(unit) for n in range(4)} | {n * len(unit) + len(beside) for n in range(3)}

    for limit in range(3 * len(unit) + 1):
        assert len(cut(unit * 3, limit)) in ends, limit


@pytest.mark.parametrize("run", ["a" + "\u0301" * 60_000, GERMANY * 30_000, "\u200d" * 60_000, "\ud83d" * 60_000])
def test_long_runs_take_no_time(run: str) -> None:
    began = time.thread_time()

    PermanentError("any", run)
    cut(run, 50_000)

    assert time.thread_time() - began < 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_json_in_any_encoding_of_unicode_holds_no_nul(encoding: str) -> None:
    assert "\x00" not in parsed_json('{"a": "x\\u0000y"}'.encode(encoding))["a"]
