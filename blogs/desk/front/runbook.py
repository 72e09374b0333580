"""The runbook for staff who have a browser and nothing else: docs/runbook.md, a section on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

_FILE = Path("docs", "runbook.md")
# No HTML of the file gets through: it is read as text.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@cache
def sections() -> dict[str, tuple[str, SafeString]]:
    """Return each section by its anchor: its heading, and its text as HTML. The file does not change while a process runs.

    An installation without the docs has none.
    """
    found: dict[str, tuple[str, SafeString]] = {}
    file = settings.BASE_DIR / _FILE
    text = file.read_text() if file.exists() else ""
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]:
        heading, _, below = part.removeprefix("## ").partition("\n")
        tokens = _MARKDOWN.parse(below)
        _lead(tokens)
        # Safe: the file is ours, and the renderer escapes all that is no Markdown.
        found[_anchor(heading)] = heading, mark_safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))
    return found


def _lead(tokens: Sequence[Token]) -> None:
    """Have links to sections lead to their pages. Those to other files, which are not on the desk, become the file's name."""
    for token in tokens:
        is_away = False
        for inner in token.children or ():
            if inner.type == "link_open":
                target = str(inner.attrGet("href") or "")
                is_away = not target.startswith(("#", "https://"))
                if target.startswith("#"):
                    inner.attrSet("href", reverse("desk-runbook", args=[target[1:].lower()]))
                elif is_away:
                    inner.type, inner.tag, inner.nesting, inner.attrs = "text", "", 0, {}
            elif inner.type == "link_close" and is_away:
                inner.type, inner.tag, inner.nesting, inner.content = "text", "", 0, " (in the repository's docs)"
        # Its class would colour commands, which we do not.
        if token.type == "fence":
            token.info = ""


def _anchor(heading: str) -> str:
    """Name a section as the links in the file do."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
