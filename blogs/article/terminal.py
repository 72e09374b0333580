"""An article as it reads in a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from blogs.article import plain_text as texts
from blogs.article.schema import (
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
    Table,
    joined,
)


def in_terminal(article: ArticleContent, products: Mapping[str, str]) -> str:
    """Write the article out with underlined headings and bullets; `products` are the products' names by id."""
    parts = [_underlined(article.title, "=")]
    parts += [_plain_block(block, products) for block in article.blocks]
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def _plain_block(block: Block, products: Mapping[str, str]) -> str:
    match block:
        case Heading():
            return _underlined(block.text, "-") if block.level == 2 else block.text
        case Paragraph():
            return joined(block.runs)
        case ListBlock():
            bullets = (f"{number}." if block.ordered else "•" for number in range(1, len(block.items) + 1))
            return "\n".join(
                f"  {bullet} {joined(item.runs)}" for bullet, item in zip(bullets, block.items, strict=True)
            )
        case Quote():
            return f"  “{joined(block.runs)}”"
        case Table():
            return _plain_table([block.header, *(row.cells for row in block.rows)])
        case ProductBlock():
            named = "→ " + products[block.product_id] if block.product_id in products else ""
            return "\n  ".join(part for part in (named, block.pitch) if part)
        case Image():
            shown = f"[photo: {products[block.product_id]}]" if block.product_id in products else ""
            return " ".join(part for part in (shown, block.caption) if part)
        case Button():
            return f"[ {block.text} ]" if block.text else ""
        case Divider():
            return "* * *"


def _underlined(text: str, line: str) -> str:
    return f"{text}\n{line * texts.columns(text)}" if text else ""


def _plain_table(rows: list[list[str]]) -> str:
    width = max(len(row) for row in rows)
    cells = [row + [""] * (width - len(row)) for row in rows]
    widths = [max(texts.columns(row[column]) for row in cells) for column in range(width)]
    lines = [
        "  ".join(cell + " " * (size - texts.columns(cell)) for cell, size in zip(row, widths, strict=True))
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "  ".join("-" * size for size in widths), *lines[1:]])
