"""Ours and the sandbox's idea of rich content, before ricos-schema."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from blogs.article.ricos import SIZE_MAX, has_marker, size_bytes
from tests.sandbox import ricos_rules
from tests.sandbox.provider import Refused
from tests.support.blogs import ricos_rules as our_rules
from tests.support.blogs.rendering import MARKER, MUG, rendered
from tests.support.rich_content import RIGHT, WRONG, paragraph, text
from tests.wix.judge.articles import BLOCKS, any_blocks, any_of
from tests.wix.judge.examples import quick
from tests.wix.judge.judging import Judge

# Stricter than the validator, and meant: Wix documents levels from 1 to 6 (we write 2 to 4); and 2.0 is 2 in JavaScript.
STRICTER = {"heading of level 7", "heading of level 2.0", "heading without level"}


# Whatever may stand somewhere by mistake.
SCRAPS = [
    None,
    True,
    0,
    1,
    -1,
    2.5,
    10**12,
    "",
    "x",
    "a b",
    "LINK",
    "#123",
    [],
    [None],
    ["a"],
    {},
    {"a": 1},
    text(),
    paragraph(),
]


_POST = "https://shop.example/post/care"


@settings(quick, max_examples=200)
@given(any_blocks)
def test_any_article_is_valid_for_ricos_schema(judge: Judge, blocks: list[Any]) -> None:
    document = rendered(blocks, related=[("Care for mugs", _POST)])

    assert judge.document_errors([document]) == [[]]
    ricos_rules.check(document)
    our_rules.check(document)
    assert has_marker(document, MARKER)
    assert {_POST} <= set(our_rules.links(document)) <= {MUG.url, _POST}
    assert size_bytes(document) <= SIZE_MAX


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_any_block_is_valid_by_itself(judge: Judge, block: Any) -> None:
    """However rarely an article of all kinds would show this one."""

    @settings(quick, max_examples=20)
    @given(st.lists(any_of(block), min_size=1, max_size=3))
    def check(blocks: list[Any]) -> None:
        document = rendered(blocks)
        assert judge.document_errors([document]) == [[]]
        our_rules.check(document)

    check()


def test_the_sandbox_judges_right_and_wrong_nodes_as_ricos_schema_does(judge: Judge) -> None:
    nodes = {f"right {node['type']} {number}": node for number, node in enumerate(RIGHT)} | WRONG
    documents = [{"nodes": [node], "metadata": {"version": 1}} for node in nodes.values()]

    verdicts = zip(nodes, map(taken_by_the_sandbox, documents), judge.document_errors(documents), strict=True)

    assert {name for name, taken, errors in verdicts if taken != (not errors)} == STRICTER


@st.composite
def spoiled_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A document of right nodes in which something is missing, added, doubled or something else."""
    document = {"nodes": [copy.deepcopy(draw(st.sampled_from(RIGHT)))], "metadata": {"version": 1}}
    holder, key = draw(st.sampled_from(list(places(document))))
    scrap = copy.deepcopy(draw(st.sampled_from(SCRAPS + RIGHT)))
    match draw(st.sampled_from(["missing", "another", "added", "doubled", "type"])):
        case "missing":
            del holder[key]
        case "another":
            holder[key] = scrap
        case "added" if isinstance(holder, list):
            holder.insert(key, scrap)
        case "added":
            holder[draw(st.sampled_from(["x", "id", "style", "level", "indentation", "custom", "url"]))] = scrap
        case "doubled" if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        case "type" if key == "type":
            holder[key] = draw(st.sampled_from(sorted(ricos_rules._DATA)))
    return document


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@settings(quick, max_examples=400)
@given(spoiled_documents())
def test_the_sandbox_judges_spoiled_documents_as_ricos_schema_does(judge: Judge, document: dict[str, Any]) -> None:
    assume(all(1 <= level <= 6 for level in heading_levels(document)))

    (errors,) = judge.document_errors([document])

    assert taken_by_the_sandbox(document) is (not errors), errors[:3]


def heading_levels(document: dict[str, Any]) -> list[int]:
    """0 where there is none."""
    nodes = [holder for holder, key in places(document) if key == "type" and holder[key] == "HEADING"]
    levels = [
        (node.get("headingData") or {}).get("level", 0)
        for node in nodes
        if isinstance(node.get("headingData", {}), dict)
    ]
    return [level for level in levels if type(level) is int]


def taken_by_the_sandbox(document: dict[str, Any]) -> bool:
    try:
        ricos_rules.check(document)
    except Refused:
        return False
    return True
