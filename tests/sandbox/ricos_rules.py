"""What Wix's own validator refuses in rich content: as strict as it is, and as blind.

It does not look for duplicate ids, newlines, `javascript:` links or outside image addresses, so neither does this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.sandbox.wix_errors import invalid

_ID = re.compile(r"^[-_A-Za-z0-9]*$")

_TARGET = frozenset({"SELF", "BLANK", "PARENT", "TOP"})
_ALIGNMENT = frozenset({"AUTO", "LEFT", "RIGHT", "CENTER", "JUSTIFY"})
_LINK = {
    "url": str,
    "anchor": str,
    "target": _TARGET,
    "rel": {"nofollow": bool, "sponsored": bool, "ugc": bool, "noreferrer": bool},
}
_TEXT_STYLE = {"textAlignment": _ALIGNMENT, "lineHeight": str}
_CONTAINER = {
    "width": {"size": frozenset({"CONTENT", "SMALL", "ORIGINAL", "FULL_WIDTH"}), "custom": str},
    "alignment": frozenset({"CENTER", "LEFT", "RIGHT"}),
    "height": {"custom": str},
    "textWrap": bool,
    "spoiler": {"enabled": bool, "description": str, "buttonText": str},
}
_BORDERS = {"left": str, "right": str, "top": str, "bottom": str}

# Node type -> its data's name and shape. A dict is an object of at most these properties, a list one of such items.
_DATA: dict[str, tuple[str, Any]] = {
    "HEADING": ("headingData", {"level": int, "textStyle": _TEXT_STYLE, "indentation": int}),
    "PARAGRAPH": ("paragraphData", {"textStyle": _TEXT_STYLE, "indentation": int, "level": int}),
    "TEXT": ("textData", {"text": str, "decorations": list}),
    "BULLETED_LIST": ("bulletedListData", {"indentation": int, "offset": int}),
    "ORDERED_LIST": ("orderedListData", {"indentation": int, "offset": int, "start": int}),
    "LIST_ITEM": ("listItemData", {}),
    "BLOCKQUOTE": ("blockquoteData", {"indentation": int}),
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
            "image": {"src": {"id": str, "url": str, "private": bool}, "width": int, "height": int},
            "altText": str,
            "caption": str,
            "link": _LINK,
            "disableExpand": bool,
            "disableDownload": bool,
        },
    ),
    "CAPTION": ("captionData", {"textStyle": _TEXT_STYLE}),
    "BUTTON": (
        "buttonData",
        {
            "type": frozenset({"LINK"}),  # ACTION is not enabled in Blog
            "text": str,
            "link": _LINK,
            "containerData": _CONTAINER,
            "styles": dict,
        },
    ),
    "TABLE": (
        "tableData",
        {
            "dimensions": {"colsWidthRatio": [int], "colsMinWidth": [int], "rowsHeight": [int]},
            "rowHeader": bool,
            "columnHeader": bool,
        },
    ),
    "TABLE_ROW": ("tableRowData", {}),
    "TABLE_CELL": (
        "tableCellData",
        {
            "cellStyle": {"verticalAlignment": frozenset({"TOP", "MIDDLE", "BOTTOM"}), "backgroundColor": str},
            "borderColors": _BORDERS,
        },
    ),
    "CODE_BLOCK": ("codeBlockData", {"textStyle": _TEXT_STYLE}),
    "COLLAPSIBLE_LIST": (
        "collapsibleListData",
        {"containerData": _CONTAINER, "expandOnlyOne": bool, "initialExpandedItems": str, "direction": str},
    ),
    "COLLAPSIBLE_ITEM": ("collapsibleItemData", {}),
    "COLLAPSIBLE_ITEM_TITLE": ("collapsibleItemTitleData", {}),
    "COLLAPSIBLE_ITEM_BODY": ("collapsibleItemBodyData", {}),
}
_DECORATIONS: dict[str, dict[str, Any]] = {
    "BOLD": {"fontWeightValue": int},
    "ITALIC": {"italicData": bool},
    "UNDERLINE": {"underlineData": bool},
    "STRIKETHROUGH": {"strikethroughData": bool},
    "LINK": {"linkData": {"link": _LINK}},
    "COLOR": {"colorData": {"foreground": str, "background": str}},
}

_HOLD_TEXT = {"PARAGRAPH", "HEADING", "CODE_BLOCK", "CAPTION"}
_MEDIA = {"IMAGE", "VIDEO", "GIF"}
_CHILDREN = {
    "TEXT": set[str](),
    "DIVIDER": set[str](),
    "BUTTON": set[str](),
    "BULLETED_LIST": {"LIST_ITEM"},
    "ORDERED_LIST": {"LIST_ITEM"},
    "BLOCKQUOTE": {"PARAGRAPH"},
    "IMAGE": {"CAPTION"},
    "TABLE": {"TABLE_ROW"},
    "TABLE_ROW": {"TABLE_CELL"},
    "COLLAPSIBLE_LIST": {"COLLAPSIBLE_ITEM"},
    "COLLAPSIBLE_ITEM": {"COLLAPSIBLE_ITEM_TITLE", "COLLAPSIBLE_ITEM_BODY"},
} | {kind: {"TEXT"} for kind in _HOLD_TEXT}
_NEED_CHILDREN = {"BULLETED_LIST", "ORDERED_LIST", "LIST_ITEM", "TABLE", "TABLE_ROW", "BLOCKQUOTE", "COLLAPSIBLE_LIST"}
_REQUIRED = {
    "HEADING": {"level"},
    "TEXT": {"text"},
    "BUTTON": {"type", "text"},
    "IMAGE": {"image"},
}


def check(rich_content: Any) -> None:
    if not isinstance(rich_content, dict) or not isinstance(rich_content.get("nodes"), list):
        raise invalid("draftPost.richContent", "must have nodes")
    _no_others(rich_content, {"nodes", "metadata", "documentStyle"}, "draftPost.richContent")
    _shaped(rich_content.get("metadata", {}), {"version": int, "id": str}, "draftPost.richContent.metadata")
    for number, node in enumerate(rich_content["nodes"]):
        _check_node(node, None, f"draftPost.richContent.nodes[{number}]")


def walk(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from walk(node.get("nodes", []))


def word_count(rich_content: dict[str, Any]) -> int:
    return sum(len(node["textData"]["text"].split()) for node in walk(rich_content["nodes"]) if node["type"] == "TEXT")


def _check_node(node: Any, parent: str | None, path: str) -> None:
    if not isinstance(node, dict) or node.get("type") not in _DATA:
        raise invalid(path, f"has an unknown node type {node.get('type') if isinstance(node, dict) else node!r}")
    kind = node["type"]
    if kind == "TEXT" and parent not in _HOLD_TEXT:
        raise invalid(path, "Expected a paragraph node but found TEXT")
    data_name, shape = _DATA[kind]
    _no_others(node, {"type", "id", "nodes", "style", data_name}, path)
    if not isinstance(node.get("id", ""), str) or not _ID.match(node.get("id", "")):
        raise invalid(f"{path}.id", "must match ^[-_A-Za-z0-9]*$")
    data = node.get(data_name, {})
    _shaped(data, shape, f"{path}.{data_name}")
    if missing := _REQUIRED.get(kind, set()) - data.keys():
        raise invalid(f"{path}.{data_name}", f"is missing {sorted(missing)}", "REQUIRED_FIELD")
    _SPECIAL.get(kind, _nothing_special)(data, path)
    _check_children(kind, node.get("nodes", []), path)


def _check_children(kind: str, children: Any, path: str) -> None:
    if not isinstance(children, list):
        raise invalid(f"{path}.nodes", "must be a list")
    if kind in _NEED_CHILDREN and not children:
        raise invalid(f"{path}.nodes", f"{kind} must have at least one child", "MIN_SIZE")
    if kind == "BLOCKQUOTE" and len(children) != 1:
        raise invalid(f"{path}.nodes", "BLOCKQUOTE must have exactly one paragraph", "MAX_SIZE")
    for number, child in enumerate(children):
        child_path = f"{path}.nodes[{number}]"
        _check_node(child, kind, child_path)
        if kind in _CHILDREN and child["type"] not in _CHILDREN[kind]:
            raise invalid(child_path, f"{child['type']} is not allowed inside {kind}")
        if kind == "LIST_ITEM" and number == 0 and child["type"] not in {"PARAGRAPH", "HEADING"} | _MEDIA:
            raise invalid(child_path, "a list item starts with a paragraph, a heading or media")


def _check_text(data: dict[str, Any], path: str) -> None:
    if not data["text"]:
        raise invalid(f"{path}.textData.text", "must have at least one character", "MIN_LENGTH")
    seen: set[str] = set()
    for number, decoration in enumerate(data.get("decorations", [])):
        decoration_path = f"{path}.textData.decorations[{number}]"
        kind = decoration.get("type") if isinstance(decoration, dict) else None
        if kind not in _DECORATIONS:
            raise invalid(decoration_path, f"has an unknown type {kind!r}")
        if kind in seen:
            raise invalid(decoration_path, f"repeats {kind}", "DUPLICATE")
        seen.add(kind)
        _shaped(decoration, {"type": str, **_DECORATIONS[kind]}, decoration_path)


def _check_heading(data: dict[str, Any], path: str) -> None:
    if not 1 <= data["level"] <= 6:
        raise invalid(f"{path}.headingData.level", "must be between 1 and 6", "MAX", threshold=6)


def _nothing_special(data: dict[str, Any], path: str) -> None:
    return


_SPECIAL: dict[str, Callable[[dict[str, Any], str], None]] = {"TEXT": _check_text, "HEADING": _check_heading}


def _shaped(value: Any, shape: Any, path: str) -> None:
    if value is None:
        raise invalid(path, "must not be null", "NULL")
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise invalid(path, "must be an object")
        _no_others(value, shape.keys(), path)
        for name, part in value.items():
            _shaped(part, shape[name], f"{path}.{name}")
    elif isinstance(shape, list):
        for number, part in enumerate(value if isinstance(value, list) else [None]):
            _shaped(part, shape[0], f"{path}[{number}]")
    elif isinstance(shape, frozenset):
        if value not in shape:
            raise invalid(path, f"must be one of {sorted(shape)}", "ENUM")
    elif type(value) is not shape:  # an exact comparison: True is no integer here
        raise invalid(path, f"must be of type {shape.__name__}", "TYPE")


def _no_others(value: dict[str, Any], known: Any, path: str) -> None:
    if unknown := value.keys() - set(known):
        raise invalid(path, f"has unknown properties {sorted(unknown)}", "UNKNOWN_PROPERTY")
