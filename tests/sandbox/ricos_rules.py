"""What Wix's own validator refuses in rich content: as strict as it is, and as blind; tests/wix/judge compares the two.

It does not look for duplicate ids, newlines, `javascript:` links or outside image addresses, so neither does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.sandbox.wix_errors import invalid

_ID = re.compile(r"[-_A-Za-z0-9]*")
_COLOUR = re.compile(r"(#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8}))?")
_INT32, _UINT32 = range(-(2**31), 2**31), range(2**32)


@dataclass(frozen=True)
class _One:
    """An object with exactly one of these properties, or with at most one; and any of the others."""

    of: dict[str, Any]
    others: dict[str, Any]
    required: bool = True


_TARGET = frozenset({"SELF", "BLANK", "PARENT", "TOP"})
_ALIGNMENT = frozenset({"AUTO", "LEFT", "RIGHT", "CENTER", "JUSTIFY"})
_REL = {"nofollow": bool, "sponsored": bool, "ugc": bool, "noreferrer": bool}
_LINK = _One({"url": str, "anchor": str}, {"target": _TARGET, "rel": _REL, "customData": str})
_SOURCE = _One({"id": str, "url": str}, {"private": bool})
_TEXT_STYLE: dict[str, Any] = {"textAlignment": _ALIGNMENT, "lineHeight": str}
_CONTAINER = {
    "width": _One(
        {"size": frozenset({"CONTENT", "SMALL", "ORIGINAL", "FULL_WIDTH"}), "custom": str}, {}, required=False
    ),
    "alignment": frozenset({"CENTER", "LEFT", "RIGHT"}),
    "height": {"custom": str},
    "textWrap": bool,
    "spoiler": {"enabled": bool, "buttonText": str},
}
_BORDERS = dict.fromkeys(("left", "right", "top", "bottom"), _COLOUR)
_METADATA = {"version": _UINT32, "id": object, "createdTimestamp": object, "updatedTimestamp": object}
_NODE_STYLE = {"paddingTop": str, "paddingBottom": str, "backgroundColor": str}

# Node type -> its data's name and shape. A dict is an object of at most these properties, a list one of such items, a range
# its integers, a frozenset its words, a pattern its strings.
_DATA: dict[str, tuple[str, Any]] = {
    "HEADING": ("headingData", {"level": range(1, 7), "textStyle": _TEXT_STYLE, "indentation": _INT32}),
    "PARAGRAPH": ("paragraphData", {"textStyle": _TEXT_STYLE, "indentation": _INT32, "level": _INT32}),
    "TEXT": ("textData", {"text": str, "decorations": [dict]}),
    "BULLETED_LIST": ("bulletedListData", {"indentation": _INT32, "offset": _INT32}),
    "ORDERED_LIST": ("orderedListData", {"indentation": _INT32, "offset": _INT32, "start": _INT32}),
    "LIST_ITEM": ("", {}),
    "BLOCKQUOTE": ("blockquoteData", {"indentation": _INT32}),
    "DIVIDER": (
        "dividerData",
        {
            "lineStyle": frozenset({"SINGLE", "DOUBLE", "DASHED", "DOTTED"}),
            "width": frozenset({"LARGE", "MEDIUM", "SMALL"}),
            "alignment": frozenset({"CENTER", "LEFT", "RIGHT"}),
            "containerData": _CONTAINER,
        },
    ),
    "IMAGE": (
        "imageData",
        {
            "containerData": _CONTAINER,
            "image": _One({"src": _SOURCE}, {"width": _INT32, "height": _INT32, "duration": float}),
            "altText": str,
            "caption": str,
            "link": _LINK,
            "disableExpand": bool,
            "disableDownload": bool,
        },
    ),
    "BUTTON": (
        "buttonData",
        {
            "type": frozenset({"LINK"}),  # ACTION is not enabled in Blog
            "text": str,
            "link": _LINK,
            "containerData": _CONTAINER,
            "styles": {
                "border": {"width": _INT32, "radius": _INT32},
                "colors": {"text": str, "border": str, "background": str},
            },
        },
    ),
    "TABLE": (
        "tableData",
        {
            "containerData": _CONTAINER,
            "dimensions": {"colsWidthRatio": [float], "colsMinWidth": [_UINT32], "rowsHeight": [_UINT32]},
            "rowHeader": bool,
            "columnHeader": bool,
        },
    ),
    "TABLE_ROW": ("", {}),
    "TABLE_CELL": (
        "tableCellData",
        {
            "cellStyle": {"verticalAlignment": frozenset({"TOP", "MIDDLE", "BOTTOM"}), "backgroundColor": _COLOUR},
            "borderColors": _BORDERS,
        },
    ),
    "CODE_BLOCK": ("codeBlockData", {"textStyle": _TEXT_STYLE}),
    "COLLAPSIBLE_LIST": (
        "collapsibleListData",
        {
            "containerData": _CONTAINER,
            "expandOnlyOne": bool,
            "initialExpandedItems": frozenset({"FIRST", "ALL", "NONE"}),
            "direction": frozenset({"LTR", "RTL"}),
            "isQapageData": bool,
        },
    ),
    "COLLAPSIBLE_ITEM": ("", {}),
    "COLLAPSIBLE_ITEM_TITLE": ("", {}),
    "COLLAPSIBLE_ITEM_BODY": ("", {}),
}
_DECORATIONS: dict[str, dict[str, Any]] = {
    "BOLD": {"fontWeightValue": float},
    "ITALIC": {"italicData": bool},
    "UNDERLINE": {"underlineData": bool},
    "STRIKETHROUGH": {"strikethroughData": bool},
    "LINK": {"linkData": {"link": _LINK}},
    "COLOR": {"colorData": {"foreground": str, "background": str}},
}

_HOLD_TEXT = {"PARAGRAPH", "HEADING", "CODE_BLOCK"}
_STYLED = {"PARAGRAPH", "HEADING", "CODE_BLOCK", "BLOCKQUOTE"}
_LISTS = {"BULLETED_LIST", "ORDERED_LIST"}
_AT_TOP = _STYLED | _LISTS | {"DIVIDER", "IMAGE", "BUTTON", "TABLE", "COLLAPSIBLE_LIST"}
_CHILDREN = {
    "": _AT_TOP,
    "TEXT": set[str](),
    "DIVIDER": set[str](),
    "BUTTON": set[str](),
    "IMAGE": set[str](),
    "BULLETED_LIST": {"LIST_ITEM"},
    "ORDERED_LIST": {"LIST_ITEM"},
    "LIST_ITEM": {"PARAGRAPH", "HEADING", "IMAGE"} | _LISTS,
    "BLOCKQUOTE": {"PARAGRAPH"},
    "TABLE": {"TABLE_ROW"},
    "TABLE_ROW": {"TABLE_CELL"},
    "TABLE_CELL": _STYLED | _LISTS | {"DIVIDER", "IMAGE", "BUTTON"},
    "COLLAPSIBLE_LIST": {"COLLAPSIBLE_ITEM"},
    "COLLAPSIBLE_ITEM": {"COLLAPSIBLE_ITEM_TITLE", "COLLAPSIBLE_ITEM_BODY"},
    "COLLAPSIBLE_ITEM_TITLE": _STYLED | _LISTS,
    "COLLAPSIBLE_ITEM_BODY": _AT_TOP,
} | {kind: {"TEXT"} for kind in _HOLD_TEXT}
# How many children at least, and at most.
_COUNTS: dict[str, tuple[int, int | None]]
_COUNTS = dict.fromkeys(["BULLETED_LIST", "ORDERED_LIST", "LIST_ITEM", "TABLE", "TABLE_ROW", "TABLE_CELL"], (1, None))
_COUNTS |= {"COLLAPSIBLE_LIST": (1, None), "COLLAPSIBLE_ITEM_BODY": (1, None)}
_COUNTS |= {"BLOCKQUOTE": (1, 1), "COLLAPSIBLE_ITEM": (2, 2), "COLLAPSIBLE_ITEM_TITLE": (1, 1)}
_REQUIRED = {
    "HEADING": {"level"},
    "TEXT": {"text"},
    "BUTTON": {"type", "text"},
    "IMAGE": {"image"},
}


def check(rich_content: Any) -> None:
    if not isinstance(rich_content, dict):
        raise invalid("draftPost.richContent", "must be an object")
    _no_others(rich_content, {"nodes", "metadata", "documentStyle"}, "draftPost.richContent")
    _shaped(rich_content.get("metadata", {}), _METADATA, "draftPost.richContent.metadata")
    _check_children("", rich_content.get("nodes"), "draftPost.richContent")


def walk(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from walk(node.get("nodes", []))


def word_count(rich_content: dict[str, Any]) -> int:
    return sum(len(node["textData"]["text"].split()) for node in walk(rich_content["nodes"]) if node["type"] == "TEXT")


def _check_node(node: dict[str, Any], path: str) -> None:
    kind = node["type"]
    data_name, shape = _DATA[kind]
    _no_others(node, {"type", "id", "nodes", data_name} | ({"style"} if kind in _STYLED else set()), path)
    _shaped(node.get("id", ""), _ID, f"{path}.id")
    _shaped(node.get("style", {}), _NODE_STYLE, f"{path}.style")
    data = node.get(data_name, {})
    _shaped(data, shape, f"{path}.{data_name}")
    if missing := _REQUIRED.get(kind, set()) - data.keys():
        raise invalid(f"{path}.{data_name}", f"is missing {sorted(missing)}", "REQUIRED_FIELD")
    if kind == "TEXT":
        _check_text(data, path)
    _check_children(kind, node.get("nodes", []), path)


def _check_children(kind: str, children: Any, path: str) -> None:
    if not isinstance(children, list):
        raise invalid(f"{path}.nodes", "must be a list")
    least, most = _COUNTS.get(kind, (0, None))
    if len(children) < least or (most and len(children) > most):
        raise invalid(f"{path}.nodes", f"{kind} has {len(children)} children", "SIZE")
    for number, child in enumerate(children):
        child_path = f"{path}.nodes[{number}]"
        child_kind = child.get("type") if isinstance(child, dict) else None
        if not isinstance(child_kind, str) or child_kind not in _CHILDREN[kind]:
            expected = "a paragraph node" if child_kind == "TEXT" else sorted(_CHILDREN[kind])
            raise invalid(child_path, f"Expected {expected} but found {child_kind}")
        _check_node(child, child_path)
    kinds = [child["type"] for child in children]
    if kind == "LIST_ITEM" and kinds[0] in _LISTS:
        raise invalid(f"{path}.nodes[0]", "a list item starts with a paragraph, a heading or media")
    if kind == "COLLAPSIBLE_ITEM" and kinds != ["COLLAPSIBLE_ITEM_TITLE", "COLLAPSIBLE_ITEM_BODY"]:
        raise invalid(f"{path}.nodes", "a collapsible item is a title and a body")


def _check_text(data: dict[str, Any], path: str) -> None:
    if not data["text"]:
        raise invalid(f"{path}.textData.text", "must have at least one character", "MIN_LENGTH")
    seen: set[str] = set()
    for number, decoration in enumerate(data.get("decorations", [])):
        decoration_path = f"{path}.textData.decorations[{number}]"
        kind = decoration.get("type") if isinstance(decoration, dict) else None
        if not isinstance(kind, str) or kind not in _DECORATIONS:
            raise invalid(decoration_path, f"has an unknown type {kind!r}")
        if kind in seen:
            raise invalid(decoration_path, f"repeats {kind}", "DUPLICATE")
        seen.add(kind)
        _shaped(decoration, {"type": str, **_DECORATIONS[kind]}, decoration_path)


def _shaped(value: Any, shape: Any, path: str) -> None:
    match shape:
        case dict():
            _shaped_object(value, shape, path)
        case _One():
            _shaped_object(value, shape.of | shape.others, path)
            if not shape.required <= len(shape.of.keys() & value.keys()) <= 1:
                raise invalid(path, f"must have one of {sorted(shape.of)}", "ONE_OF")
        case list():
            if not isinstance(value, list):
                raise invalid(path, "must be a list", "TYPE")
            for number, part in enumerate(value):
                _shaped(part, shape[0], f"{path}[{number}]")
        case _ if not _is(value, shape):
            raise invalid(path, f"must be {shape}", "TYPE")


def _shaped_object(value: Any, shape: dict[str, Any], path: str) -> None:
    if not isinstance(value, dict):
        raise invalid(path, "must be an object")
    _no_others(value, shape.keys(), path)
    for name, part in value.items():
        _shaped(part, shape[name], f"{path}.{name}")


def _is(value: Any, shape: Any) -> bool:
    """Exact in types: True is no integer here."""
    match shape:
        case range():
            return type(value) is int and value in shape
        case frozenset():
            return isinstance(value, str) and value in shape
        case re.Pattern():
            return isinstance(value, str) and shape.fullmatch(value) is not None
        case _ if shape is float:
            return type(value) in (int, float)
    return shape is object or type(value) is shape


def _no_others(value: dict[str, Any], known: Any, path: str) -> None:
    if unknown := value.keys() - set(known):
        raise invalid(path, f"has unknown properties {sorted(unknown)}", "UNKNOWN_PROPERTY")
