"""Renders an article as Wix's rich content (Ricos), in pure functions.

Wix's validator checks neither link schemes nor doubled ids nor line ends in text, so this module does: links come from the shop's
own cards and lead only to its hosts. The first node's id is the blog's marker: Wix has no idempotency key, and after a create that
timed out its draft is recognized by the marker.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from blogs.article import plain_text as texts
from blogs.article.quality.mends.tidying import tidied
from blogs.article.related import heading
from blogs.article.schema import (
    ALT_TEXT_MAX,
    ArticleContent,
    Block,
    Button,
    Divider,
    Heading,
    Image,
    ListBlock,
    Paragraph,
    ProductBlock,
    Quote,
    Run,
    Table,
)
from wix.writing_systems import shortened

# Wix takes drafts of 400 KB in all. The rest, 1,024 x 400 - 400,000 bytes, is left for title, excerpt and SEO data.
SIZE_MAX = 400_000

# As `marker_for` makes it.
_MARKER = re.compile(r"blog-([0-9]{1,18})-[0-9a-f]{16}")
# A media id is neither `wix:image://…`, the SDK's form, nor an address: Wix would take either and show nothing.
_BARE_ID = re.compile(r"(?!.*://)[!-~]+")

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProductCard:
    """What the shop says about a product; `image_id` is Wix's bare media id, never a URL."""

    id: str
    name: str
    url: str | None
    image_id: str | None
    image_width: int | None
    image_height: int | None
    alt_text: str


class ArticleTooLarge(Exception):
    """More than one draft can hold."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"The article takes {size:,} bytes, more than the {SIZE_MAX:,} a draft may have.")


def marker_for(generation_id: int, secret: str) -> str:
    """Make a blog's marker. The secret tells ours from those of another installation that counts this site's blogs from 1 too."""
    digest = hmac.new(secret.encode(), f"blog:{generation_id}".encode(), hashlib.sha256).hexdigest()
    return f"blog-{generation_id}-{digest[:16]}"


def has_marker(rich_content: Mapping[str, Any], marker: str) -> bool:
    """Look for the marker anywhere at the top level: the owner may have moved it. Takes an answer of Wix's in any shape."""
    return marker in _top_ids(rich_content)


def markers_in(rich_content: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield what looks like a marker, with the blog's number that it names: ours, or another installation's."""
    for node_id in _top_ids(rich_content):
        if found := _MARKER.fullmatch(str(node_id)):
            yield int(found[1]), found[0]


def _top_ids(rich_content: Mapping[str, Any]) -> list[Any]:
    nodes = rich_content.get("nodes")
    return [node.get("id") for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []


def without_images(rich_content: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the images. The marker stays: without it the draft would never be recognized as ours."""
    first, *_ = nodes = rich_content["nodes"]
    spared: list[Node] = []
    for node in nodes:
        # Nor the space that was between an image and what stands around it.
        if node["type"] != "IMAGE" and not (is_space(node) and (not spared or is_space(spared[-1]))):
            spared.append(node)
    while len(spared) > 1 and is_space(spared[-1]):
        spared.pop()
    spared = spared or [_paragraph([])]
    return {**rich_content, "nodes": [{**spared[0], "id": first["id"]}, *spared[1:]]}


def is_space(node: Mapping[str, Any]) -> bool:
    """Say whether a node is an empty paragraph. Wix shows blocks without any gap: this is how a document has one."""
    return node["type"] == "PARAGRAPH" and not node["nodes"]


def size_bytes(document: Mapping[str, Any]) -> int:
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def render(
    article: ArticleContent,
    *,
    marker: str,
    products: Mapping[str, ProductCard],
    allowed_hosts: Collection[str],
    related: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Render the article; the same one always gives the same document. A product without a card leaves only its pitch.

    `related`: the titles and addresses of the shop's posts to which it leads at its end.
    """
    renderer = _Renderer(products, frozenset(host.lower() for host in allowed_hosts))
    stacks = [stack for block in tidied(article).blocks for stack in renderer.block(block) if stack]
    stacks += renderer.related(related, article.language)
    # An empty article gets an empty paragraph, which carries the marker.
    nodes = _spaced(stacks) or [_paragraph([])]
    _number(nodes, marker)
    document = {"nodes": nodes, "metadata": {"version": 1}}
    if (size := size_bytes(document)) > SIZE_MAX:
        raise ArticleTooLarge(size)
    return document


@dataclass(frozen=True, slots=True)
class _Renderer:
    products: Mapping[str, ProductCard]
    allowed_hosts: frozenset[str]

    def block(self, block: Block) -> list[list[Node]]:
        """Render a block as stacks of nodes; the nodes of one stack stand close together."""
        match block:
            case Heading():
                return [_heading(block.level, block.text)]
            case Paragraph():
                return [[self._paragraph_of(block.runs)]]
            case ListBlock():
                return [[self._list(block)]]
            case Quote():
                return [[_node("BLOCKQUOTE", [self._paragraph_of(block.runs)], blockquoteData={"indentation": 0})]]
            case Table():
                return [_table([block.header, *(row.cells for row in block.rows)])]
            case ProductBlock():
                return self._product(block)
            case Image():
                return [self._photo(block)]
            case Button():
                link = self._link(self.products.get(block.product_id))
                return [[_button(block.text, link)]] if block.text and link else []
            case Divider():
                return [
                    [_node("DIVIDER", dividerData={"lineStyle": "SINGLE", "width": "LARGE", "alignment": "CENTER"})]
                ]

    def related(self, posts: Iterable[tuple[str, str]], language: str) -> list[list[Node]]:
        """Render links to other posts of the shop, below a heading, or a line where we know no words in this language."""
        own = [(title, url) for title, url in posts if title and leads_to(url, self.allowed_hosts)]
        if not own:
            return []
        items = [
            _node("LIST_ITEM", [_paragraph([_text(title, [_link_to({"url": url, "target": "SELF"})])])])
            for title, url in own
        ]
        above = _heading(2, heading(language)) or [_divider()]
        return [above, [_node("BULLETED_LIST", items, bulletedListData={"indentation": 0})]]

    def _list(self, block: ListBlock) -> Node:
        items = [_node("LIST_ITEM", [self._paragraph_of(item.runs)]) for item in block.items]
        if block.ordered:
            return _node("ORDERED_LIST", items, orderedListData={"indentation": 0})
        return _node("BULLETED_LIST", items, bulletedListData={"indentation": 0})

    def _paragraph_of(self, runs: Iterable[Run]) -> Node:
        return _paragraph([_text(run.text, self._decorations(run)) for run in runs])

    def _decorations(self, run: Run) -> list[dict[str, Any]]:
        decorations: list[dict[str, Any]] = []
        if run.bold:
            decorations.append({"type": "BOLD", "fontWeightValue": 700})
        if run.italic:
            decorations.append({"type": "ITALIC", "italicData": True})
        if link := self._link(self.products.get(run.product_id or "")):
            decorations.append(_link_to(link))
        return decorations

    def _product(self, block: ProductBlock) -> list[list[Node]]:
        card = self.products.get(block.product_id)
        pitch = [_paragraph([_text(block.pitch)])] if block.pitch else []
        if card is None:
            return [pitch]
        name = texts.one_line(card.name)
        link = self._link(card)
        # The product's name is the one label that fits the article's language.
        button = [_button(name, link)] if name and link else []
        return [_heading(3, name), _image(card), pitch, button]

    def _photo(self, block: Image) -> list[Node]:
        """Render a photo, with its caption as a paragraph: Wix's two schemas disagree on what an image's caption is."""
        card = self.products.get(block.product_id)
        italic = [{"type": "ITALIC", "italicData": True}]
        caption = [_paragraph([_text(block.caption, italic)])] if block.caption else []
        return [*(_image(card, self._link(card)) if card else []), *caption]

    def _link(self, card: ProductCard | None) -> dict[str, Any] | None:
        if card and card.url and leads_to(card.url, self.allowed_hosts):
            return {"url": card.url, "target": "BLANK"}
        return None


def _spaced(stacks: list[list[Node]]) -> list[Node]:
    """Put an empty paragraph between stacks, as Wix's own recipe for rich content has it."""
    nodes: list[Node] = []
    for stack in stacks:
        if nodes:
            nodes.append(_paragraph([]))
        nodes += stack
    return nodes


def leads_to(url: str, hosts: frozenset[str]) -> bool:
    r"""Check where a link leads. A URL with `\`, tabs or line ends leads nowhere: browsers read it differently than urlsplit."""
    if url != texts.printable(url) or re.search(r"[\s\\]", url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return False
    return parts.scheme in ("http", "https") and "@" not in parts.netloc and parts.hostname in hosts


def _node(kind: str, nodes: list[Node] | None = None, **data: Any) -> Node:
    return {"type": kind, "id": "", "nodes": nodes or [], **data}


def _divider() -> Node:
    return _node("DIVIDER", dividerData={"lineStyle": "SINGLE", "width": "LARGE", "alignment": "CENTER"})


def _text(text: str, decorations: list[dict[str, Any]] | None = None) -> Node:
    return _node("TEXT", textData={"text": text, "decorations": decorations or []})


def _link_to(link: dict[str, Any]) -> dict[str, Any]:
    return {"type": "LINK", "linkData": {"link": link}}


def _paragraph(nodes: list[Node]) -> Node:
    return _node("PARAGRAPH", nodes, paragraphData={"textStyle": {"textAlignment": "AUTO"}})


def _heading(level: int, text: str) -> list[Node]:
    data = {"level": level, "textStyle": {"textAlignment": "AUTO"}}
    return [_node("HEADING", [_text(text)], headingData=data)] if text else []


def _image(card: ProductCard, link: dict[str, Any] | None = None) -> list[Node]:
    if not (card.image_id and card.image_width and card.image_height) or not _BARE_ID.fullmatch(card.image_id):
        return []
    data: dict[str, Any] = {
        "containerData": {"width": {"size": "CONTENT"}, "alignment": "CENTER", "textWrap": True},
        "image": {"src": {"id": card.image_id}, "width": card.image_width, "height": card.image_height},
    }
    if alt_text := shortened(texts.one_line(card.alt_text or card.name), ALT_TEXT_MAX):
        data["altText"] = alt_text
    if link:
        data["link"] = link
    return [_node("IMAGE", imageData=data)]


def _button(text: str, link: dict[str, Any]) -> Node:
    container = {"width": {"size": "ORIGINAL"}, "alignment": "CENTER", "textWrap": True}
    return _node("BUTTON", buttonData={"type": "LINK", "text": text, "link": link, "containerData": container})


def _table(rows: list[list[str]]) -> list[Node]:
    """Render a table as wide as its header: a row of another width is filled up or cut."""
    width = len(rows[0])
    if not width:
        return []
    dimensions = {
        "colsWidthRatio": [max(100 // width, 1)] * width,
        "colsMinWidth": [120] * width,
        "rowsHeight": [47] * len(rows),
    }
    filled = [(row + [""] * width)[:width] for row in rows]
    return [_node("TABLE", [_row(row) for row in filled], tableData={"dimensions": dimensions, "rowHeader": True})]


def _row(cells: list[str]) -> Node:
    return _node("TABLE_ROW", [_cell(cell) for cell in cells])


def _cell(text: str) -> Node:
    data = {"cellStyle": {"verticalAlignment": "TOP"}, "borderColors": {}}
    return _node("TABLE_CELL", [_paragraph([_text(text)] if text else [])], tableCellData=data)


def _number(nodes: list[Node], marker: str) -> None:
    """Give the nodes ids in reading order: the marker, then the marker with a number. Texts get none, as Wix wants it."""
    numbers = count(2)

    def visit(nodes: list[Node]) -> None:
        for node in nodes:
            if node["type"] != "TEXT":
                node["id"] = f"{marker}-{next(numbers)}"
                visit(node["nodes"])

    visit(nodes)
    nodes[0]["id"] = marker
