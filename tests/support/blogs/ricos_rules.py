"""What Wix's schema for rich content refuses, and what it should but doesn't: doubled ids, line ends, far images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# For each type: the name of its data, the fields that must be there, those that may, and the children it takes.
_STYLED = ({"textStyle"}, set[str](), {"TEXT"})
NODES: dict[str, tuple[str, set[str], set[str], set[str]]] = {
    "PARAGRAPH": ("paragraphData", *_STYLED),
    "HEADING": ("headingData", {"level", "textStyle"}, set(), {"TEXT"}),
    "TEXT": ("textData", {"text", "decorations"}, set(), set()),
    "BULLETED_LIST": ("bulletedListData", {"indentation"}, set(), {"LIST_ITEM"}),
    "ORDERED_LIST": ("orderedListData", {"indentation"}, {"start"}, {"LIST_ITEM"}),
    "LIST_ITEM": ("", set(), set(), {"PARAGRAPH"}),
    "BLOCKQUOTE": ("blockquoteData", {"indentation"}, set(), {"PARAGRAPH"}),
    "DIVIDER": ("dividerData", {"lineStyle", "width", "alignment"}, set(), set()),
    "IMAGE": ("imageData", {"containerData", "image"}, {"altText", "link"}, set()),
    "BUTTON": ("buttonData", {"type", "text", "link", "containerData"}, set(), set()),
    "TABLE": ("tableData", {"dimensions", "rowHeader"}, set(), {"TABLE_ROW"}),
    "TABLE_ROW": ("", set(), set(), {"TABLE_CELL"}),
    "TABLE_CELL": ("tableCellData", {"cellStyle", "borderColors"}, set(), {"PARAGRAPH"}),
}
AT_TOP = {"PARAGRAPH", "HEADING", "BULLETED_LIST", "ORDERED_LIST", "BLOCKQUOTE", "DIVIDER", "IMAGE", "BUTTON", "TABLE"}
NOT_EMPTY = {
    "HEADING",
    "BULLETED_LIST",
    "ORDERED_LIST",
    "LIST_ITEM",
    "BLOCKQUOTE",
    "TABLE",
    "TABLE_ROW",
    "TABLE_CELL",
}
DECORATIONS = {"BOLD": "fontWeightValue", "ITALIC": "italicData", "LINK": "linkData"}


def walk(nodes: list[Any]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from walk(node["nodes"])


def links(document: dict[str, Any]) -> list[str]:
    return [value["url"] for value in _objects(document) if "url" in value]


def check(document: dict[str, Any]) -> None:
    assert set(document) == {"nodes", "metadata"}
    assert document["metadata"] == {"version": 1}
    assert {node["type"] for node in document["nodes"]} <= AT_TOP
    for value in _objects(document):
        assert None not in value.values()
    ids = []
    for node in walk(document["nodes"]):
        _check_node(node)
        if node["type"] != "TEXT":
            ids.append(node["id"])
    assert len(ids) == len(set(ids))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(part)


def _check_node(node: dict[str, Any]) -> None:
    name, required, optional, children = NODES[node["type"]]
    assert set(node) == {"type", "id", "nodes"} | ({name} if name else set())
    data = node.get(name, {})
    assert required <= set(data) <= required | optional
    assert {child["type"] for child in node["nodes"]} <= children
    assert node["nodes"] or node["type"] not in NOT_EMPTY
    if node["type"] == "TEXT":
        _check_text(node)
    else:
        assert re.fullmatch("[A-Za-z][-_A-Za-z0-9]*", node["id"])
    match node["type"]:
        case "HEADING":
            assert data["level"] in range(2, 7)
        case "BLOCKQUOTE":
            assert len(node["nodes"]) == 1
        case "TABLE":
            _check_table(node, data["dimensions"])
        case "IMAGE":
            _check_image(data)
        case "BUTTON":
            assert data["type"] == "LINK"
            _check_string(data["text"])
            _check_link(data["link"])


def _check_text(node: dict[str, Any]) -> None:
    assert node["id"] == ""
    _check_string(node["textData"]["text"])
    kinds = [decoration["type"] for decoration in node["textData"]["decorations"]]
    assert len(kinds) == len(set(kinds))
    for decoration in node["textData"]["decorations"]:
        assert set(decoration) == {"type", DECORATIONS[decoration["type"]]}
        if decoration["type"] == "LINK":
            _check_link(decoration["linkData"]["link"])


def _check_string(text: str) -> None:
    assert text
    assert not re.search("[\0-\x1f\u2028\u2029]", text)


def _check_link(link: dict[str, Any]) -> None:
    assert set(link) == {"url", "target"}
    # A product in a tab of its own, another post of the shop in place of this one.
    assert link["target"] in ("BLANK", "SELF")


def _check_image(data: dict[str, Any]) -> None:
    image = data["image"]
    assert set(image) == {"src", "width", "height"}
    assert set(image["src"]) == {"id"}
    assert "://" not in image["src"]["id"]
    assert all(type(image[side]) is int and image[side] > 0 for side in ("width", "height"))
    assert data.get("altText") != ""


def _check_table(node: dict[str, Any], dimensions: dict[str, list[int]]) -> None:
    widths = {len(row["nodes"]) for row in node["nodes"]}
    assert len(widths) == 1
    assert set(dimensions) == {"colsWidthRatio", "colsMinWidth", "rowsHeight"}
    assert {len(dimensions["colsWidthRatio"]), len(dimensions["colsMinWidth"])} == widths
    assert len(dimensions["rowsHeight"]) == len(node["nodes"])
    assert all(type(number) is int for numbers in dimensions.values() for number in numbers)
