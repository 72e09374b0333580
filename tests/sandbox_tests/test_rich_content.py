"""The hard rules of Wix's own validator, and the things it is blind to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox import ricos_rules
from tests.sandbox.provider import Refused
from tests.support.rich_content import RIGHT, WRONG, paragraph, text


@pytest.mark.parametrize("right", RIGHT, ids=lambda right: right["type"])
def test_what_wix_takes_passes(right: dict[str, Any]) -> None:
    ricos_rules.check({"nodes": [right], "metadata": {"version": 1}})


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_what_wix_refuses_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        ricos_rules.check({"nodes": [paragraph(), wrong], "metadata": {"version": 1}})

    assert caught.value.response.status == 400
    assert "nodes[1]" in (caught.value.response.text or "")


def test_words_are_counted_wherever_they_are() -> None:
    assert ricos_rules.word_count({"nodes": [paragraph(text("two words")), RIGHT[3]]}) == 4
