"""Nodes of Wix's rich content: such as its own validator takes, and such as it refuses."""

from __future__ import annotations

from typing import Any


def text(content: str = "word", *decorations: dict[str, Any]) -> dict[str, Any]:
    return {"type": "TEXT", "id": "", "nodes": [], "textData": {"text": content, "decorations": list(decorations)}}


def node(kind: str, *children: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"type": kind, "id": "n1", "nodes": list(children), **data}


def paragraph(*children: dict[str, Any]) -> dict[str, Any]:
    return node("PARAGRAPH", *(children or (text(),)), paragraphData={"textStyle": {"textAlignment": "AUTO"}})


def link(url: str) -> dict[str, Any]:
    return {"type": "LINK", "linkData": {"link": {"url": url, "target": "BLANK", "rel": {"nofollow": True}}}}


CONTAINER = {"width": {"size": "CONTENT"}, "alignment": "CENTER", "textWrap": True}


IMAGE = {
    "image": {"src": {"id": "a_b~mv2.jpg"}, "width": 900, "height": 600},
    "containerData": CONTAINER,
    "altText": "A",
}


BOLD = {"type": "BOLD", "fontWeightValue": 700}


RIGHT = [
    node("HEADING", text(), headingData={"level": 2, "textStyle": {"textAlignment": "AUTO"}}),
    paragraph(
        text("bold", BOLD), text("linked", link("https://shop.example/a"), {"type": "ITALIC", "italicData": True})
    ),
    node("PARAGRAPH", paragraphData={}),
    node("BULLETED_LIST", node("LIST_ITEM", paragraph(), paragraph()), bulletedListData={"indentation": 0}),
    node("ORDERED_LIST", node("LIST_ITEM", paragraph()), orderedListData={"indentation": 0, "start": 1}),
    node("BLOCKQUOTE", paragraph(), blockquoteData={"indentation": 0}),
    node("DIVIDER", dividerData={"lineStyle": "SINGLE", "width": "LARGE", "alignment": "CENTER"}),
    node("IMAGE", imageData=IMAGE),
    node("BUTTON", buttonData={"type": "LINK", "text": "Buy", "link": {"url": "https://shop.example/a"}}),
    node(
        "TABLE",
        node("TABLE_ROW", node("TABLE_CELL", paragraph(), tableCellData={"borderColors": {}})),
        tableData={
            "dimensions": {"colsWidthRatio": [50], "colsMinWidth": [120], "rowsHeight": [47]},
            "rowHeader": True,
        },
    ),
    node("CODE_BLOCK", text("a\nb"), codeBlockData={"textStyle": {"textAlignment": "AUTO"}}),
    paragraph(text("here", link("javascript:alert(1)"))),
]


WRONG = {
    "text outside a paragraph": text(),
    "text in a list item": node("BULLETED_LIST", node("LIST_ITEM", text()), bulletedListData={"indentation": 0}),
    "empty text": paragraph(text("")),
    "null": paragraph() | {"paragraphData": {"textStyle": None}},
    "unknown property": paragraph() | {"paragraphData": {"colour": "red"}},
    "unknown node property": paragraph() | {"key": "x"},
    "unknown node": node("MENTION"),
    "id with a space": paragraph() | {"id": "a b"},
    "heading of level 7": node("HEADING", text(), headingData={"level": 7}),
    "heading of level 2.0": node("HEADING", text(), headingData={"level": 2.0}),
    "heading without level": node("HEADING", text(), headingData={}),
    "empty list": node("BULLETED_LIST", bulletedListData={"indentation": 0}),
    "empty table": node("TABLE", tableData={"rowHeader": True}),
    "list item that starts with a list": node(
        "BULLETED_LIST", node("LIST_ITEM", node("BULLETED_LIST", node("LIST_ITEM", paragraph())))
    ),
    "quote of two paragraphs": node("BLOCKQUOTE", paragraph(), paragraph()),
    "quote of a heading": node("BLOCKQUOTE", node("HEADING", text(), headingData={"level": 2})),
    "bold twice": paragraph(text("x", BOLD, BOLD)),
    "unknown decoration": paragraph(text("x", {"type": "BLINK"})),
    "width as text": node("IMAGE", imageData={"image": {"src": {"id": "a"}, "width": "900", "height": 600}}),
    "button without text": node("BUTTON", buttonData={"type": "LINK"}),
    "empty table cell": node("TABLE", node("TABLE_ROW", node("TABLE_CELL", tableCellData={}))),
    "table in a table cell": node("TABLE", node("TABLE_ROW", node("TABLE_CELL", node("TABLE", tableData={})))),
    "link to nothing": paragraph(text("x", {"type": "LINK", "linkData": {"link": {"target": "BLANK"}}})),
    "picture from two places": node("IMAGE", imageData={"image": {"src": {"id": "a", "url": "https://a.example"}}}),
    "width of two kinds": node(
        "IMAGE", imageData=IMAGE | {"containerData": {"width": {"size": "SMALL", "custom": "9"}}}
    ),
    "width beyond all pictures": node("IMAGE", imageData={"image": {"src": {"id": "a"}, "width": 2**31}}),
    "caption, which the validator does not know": node("IMAGE", node("CAPTION", text()), imageData=IMAGE),
    "style of a list": node("BULLETED_LIST", node("LIST_ITEM", paragraph()), style={}),
    "colour by name": node(
        "TABLE", node("TABLE_ROW", node("TABLE_CELL", paragraph(), tableCellData={"borderColors": {"left": "red"}}))
    ),
    "list for a word": paragraph() | {"paragraphData": {"textStyle": {"textAlignment": ["AUTO"]}}},
    "paragraph right in a table row": node("TABLE", node("TABLE_ROW", paragraph())),
}
