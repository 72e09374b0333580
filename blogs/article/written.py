"""Writes Wix's rich content out as HTML, Markdown or plain text: the same document that the draft post has.

The document's links and pictures are checked already (`ricos`). Here every text is escaped: it comes from a model and from shops.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from blogs.article.ricos import is_space

Node = Mapping[str, Any]

_PICTURES = "https://static.wixstatic.com/media/"
# What Markdown reads as its own within a line, and what at a line's beginning.
_MARKED = re.compile(r"([\\`*_\[\]<>|~&])")
_MARKED_FIRST = re.compile(r"^(\s*)([#+\-=]|\d+(?=[.)]))")


def html(title: str, language: str, document: Mapping[str, Any]) -> str:
    # A page of HTML has its own gaps.
    body = "\n".join(_html(node) for node in document["nodes"] if not is_space(node))
    return f'<article lang="{escape(language)}" dir="auto">\n<h1>{escape(title)}</h1>\n{body}\n</article>\n'


def markdown(title: str, document: Mapping[str, Any]) -> str:
    parts = [f"# {_marked_line(title)}", *map(_markdown, document["nodes"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(title: str, document: Mapping[str, Any]) -> str:
    parts = [title, *map(_plain, document["nodes"])]
    return "\n\n".join(part for part in parts if part) + "\n"


# --- HTML -------------------------------------------------------------------------------------------------------------


def _html(node: Node) -> str:
    match node["type"]:
        case "HEADING":
            level = node["headingData"]["level"]
            return f"<h{level}>{_html_texts(node)}</h{level}>"
        case "PARAGRAPH":
            return f"<p>{_html_texts(node)}</p>"
        case "BULLETED_LIST":
            return f"<ul>{_within(_html, node)}</ul>"
        case "ORDERED_LIST":
            return f"<ol>{_within(_html, node)}</ol>"
        case "LIST_ITEM":
            return f"<li>{''.join(map(_html_texts, node['nodes']))}</li>"
        case "BLOCKQUOTE":
            return f"<blockquote>{_within(_html, node)}</blockquote>"
        case "TABLE":
            head, *rows = node["nodes"]
            body = "".join(_html_row(row, "td") for row in rows)
            return f"<table><thead>{_html_row(head, 'th')}</thead><tbody>{body}</tbody></table>"
        case "IMAGE":
            return _html_picture(node["imageData"])
        case "BUTTON":
            data = node["buttonData"]
            return f"<p>{_html_link(escape(data['text']), data['link']['url'])}</p>"
        case "DIVIDER":
            return "<hr>"
    return ""


def _html_row(row: Node, cell: str) -> str:
    cells = (f"<{cell}>{''.join(map(_html_texts, each['nodes']))}</{cell}>" for each in row["nodes"])
    return f"<tr>{''.join(cells)}</tr>"


def _html_texts(node: Node) -> str:
    return "".join(_decorated(text, escape, _HTML) for text in node["nodes"])


def _html_link(text: str, url: str) -> str:
    return f'<a href="{escape(url)}" rel="noopener">{text}</a>'


def _html_picture(data: Mapping[str, Any]) -> str:
    image = data["image"]
    size = f'width="{image["width"]}" height="{image["height"]}"'
    shown = f'<img src="{escape(_address_of(data))}" alt="{escape(data.get("altText", ""))}" {size} loading="lazy">'
    linked = _html_link(shown, data["link"]["url"]) if "link" in data else shown
    return f"<figure>{linked}</figure>"


# --- Markdown ---------------------------------------------------------------------------------------------------------


def _markdown(node: Node) -> str:
    match node["type"]:
        case "HEADING":
            return f"{'#' * node['headingData']['level']} {_markdown_texts(node)}"
        case "PARAGRAPH":
            return _MARKED_FIRST.sub(r"\1\\\2", _markdown_texts(node))
        case "BULLETED_LIST":
            return "\n".join(f"- {_markdown_item(item)}" for item in node["nodes"])
        case "ORDERED_LIST":
            return "\n".join(f"{number}. {_markdown_item(item)}" for number, item in enumerate(node["nodes"], 1))
        case "BLOCKQUOTE":
            return "\n>\n".join(f"> {_markdown(each)}" for each in node["nodes"])
        case "TABLE":
            head, *rows = (_markdown_row(row) for row in node["nodes"])
            rule = "|" + " --- |" * len(node["nodes"][0]["nodes"])
            return "\n".join([head, rule, *rows])
        case "IMAGE":
            data = node["imageData"]
            shown = f"![{_marked_line(data.get('altText', ''))}]({_address_of(data)})"
            return _markdown_link(shown, data["link"]["url"]) if "link" in data else shown
        case "BUTTON":
            data = node["buttonData"]
            return _markdown_link(_marked_line(data["text"]), data["link"]["url"])
        case "DIVIDER":
            return "---"
    return ""


def _markdown_row(row: Node) -> str:
    return "| " + " | ".join(_markdown_item(cell) for cell in row["nodes"]) + " |"


def _markdown_item(item: Node) -> str:
    return " ".join(map(_markdown_texts, item["nodes"]))


def _markdown_texts(node: Node) -> str:
    return "".join(_decorated(text, _marked_line, _MARKDOWN) for text in node["nodes"])


def _markdown_link(text: str, url: str) -> str:
    return f"[{text}](<{url.replace('<', '%3C').replace('>', '%3E')}>)"


def _marked_line(text: str) -> str:
    return _MARKED.sub(r"\\\1", text.replace("\n", " "))


# --- Plain text -------------------------------------------------------------------------------------------------------


def _plain(node: Node) -> str:
    match node["type"]:
        case "BULLETED_LIST":
            return "\n".join(f"- {_words(item)}" for item in node["nodes"])
        case "ORDERED_LIST":
            return "\n".join(f"{number}. {_words(item)}" for number, item in enumerate(node["nodes"], 1))
        case "TABLE":
            return "\n".join("\t".join(_words(cell) for cell in row["nodes"]) for row in node["nodes"])
        case "IMAGE":
            return ""
        case "BUTTON":
            return f"{node['buttonData']['text']}: {node['buttonData']['link']['url']}"
    return _words(node)


def _words(node: Node) -> str:
    if node["type"] == "TEXT":
        return str(node["textData"]["text"])
    return "".join(map(_words, node["nodes"]))


# --- What they share --------------------------------------------------------------------------------------------------


def _within(write: Callable[[Node], str], node: Node) -> str:
    return "".join(map(write, node["nodes"]))


def _address_of(data: Mapping[str, Any]) -> str:
    return f"{_PICTURES}{data['image']['src']['id']}"


def _around(mark: str) -> Callable[[str], str]:
    """Put Markdown's signs around words: right beside a space they would mean nothing."""

    def marked(text: str) -> str:
        words = text.strip()
        return text.replace(words, f"{mark}{words}{mark}", 1) if words else text

    return marked


class _Style:
    def __init__(
        self, bold: Callable[[str], str], italic: Callable[[str], str], link: Callable[[str, str], str]
    ) -> None:
        self.bold, self.italic, self.link = bold, italic, link


_HTML = _Style("<strong>{}</strong>".format, "<em>{}</em>".format, _html_link)
_MARKDOWN = _Style(_around("**"), _around("*"), _markdown_link)


def _decorated(text: Node, escaped: Callable[[str], str], style: _Style) -> str:
    written = escaped(text["textData"]["text"])
    decorations: Iterable[Mapping[str, Any]] = text["textData"]["decorations"]
    for decoration in decorations:
        match decoration["type"]:
            case "BOLD":
                written = style.bold(written)
            case "ITALIC":
                written = style.italic(written)
            case "LINK":
                written = style.link(written, decoration["linkData"]["link"]["url"])
    return written
