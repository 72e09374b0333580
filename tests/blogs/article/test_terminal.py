from __future__ import annotations

from blogs.article.schema import Block
from blogs.article.terminal import in_terminal
from tests.support.blogs.articles import (
    article,
    bullets,
    divider,
    heading,
    paragraph,
    product,
    quote,
    run,
    table,
)


def test_an_article_reads_well_in_a_terminal() -> None:
    blocks: list[Block] = [
        paragraph("Pick it ", run("up", bold=True), "."),
        heading("Walls"),
        heading("Thin", 3),
        bullets("One", "Two"),
        bullets("First", "Then", ordered=True),
        quote("Warm."),
        table(["", "Mug"], ["重さ", "400 g"], ["Size"]),
        product("mug", "Keeps its heat."),
        product("gone", "Still here."),
        divider(),
    ]

    assert (
        in_terminal(article(blocks, title="マグ mug"), {"mug": "Blue mug"})
        == """\
マグ mug
========

Pick it up.

Walls
-----

Thin

  • One
  • Two

  1. First
  2. Then

  “Warm.”

      Mug
----  -----
重さ  400 g
Size

→ Blue mug
  Keeps its heat.

Still here.

* * *
"""
    )
