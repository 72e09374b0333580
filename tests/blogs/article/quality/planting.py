"""Articles in many languages that the gate was not tuned to, and the defects that are planted in them.

A file of `held_out` is one shop's clean article with three harmless sentences that look like defects, and a sentence for each kind
of defect. More kinds, of form, are planted here. `[[name]]` in a text is a link to that product.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blogs.article.quality import Profile, Request, Verdict, judged, judged_idea
from blogs.article.schema import (
    ArticleContent,
    Block,
    Heading,
    Idea,
    ListBlock,
    ListItem,
    Paragraph,
    Quote,
    Run,
    Section,
)

_FOLDER = Path(__file__).parent / "held_out"
_LINK = re.compile(r"\[\[(.+?)\]\]")
# A lexicon finds part of these; the rest is for a critic. All other kinds are decided by code.
CLAIMS = {
    "invented_discount", "invented_delivery", "invented_guarantee", "invented_rating", "health_claim", "invented_stat",
    "invented_certificate",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    """The planted defect; "" for a clean article."""
    article: ArticleContent
    idea: Idea
    request: Request
    products: list[dict[str, Any]]
    profile: Profile
    earlier: list[str]

    def judged(self) -> Verdict:
        """Judge outline and article as the stages do, one after the other."""
        errors, warnings = judged_idea(self.idea, request=self.request, earlier_titles=self.earlier)
        verdict = judged(
            self.article,
            idea=self.idea,
            request=self.request,
            products=self.products,
            profile=self.profile,
            earlier_titles=self.earlier,
        )
        return replace(verdict, errors=errors + verdict.errors, warnings=warnings + verdict.warnings)


def cases() -> Iterator[Case]:
    for path in sorted(_FOLDER.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        clean = _clean(path.stem, data)
        yield clean
        for number, sentence in enumerate(data["harmless"]):
            yield _with_sentence(clean, f"harmless-{number}", "", sentence, section=number % 3)
        for number, (kind, text) in enumerate(data["defects"].items()):
            yield _planted(clean, kind, text, section=number % 3)
        yield from _of_form(clean)


def _clean(name: str, data: dict[str, Any]) -> Case:
    products = [_product(name, number, raw) for number, raw in enumerate(data["products"])]
    ids = {product["name"]: product["id"] for product in products}
    sections = data["sections"]
    blocks: list[Block] = [_paragraph(data["intro"], ids)]
    for section in sections:
        blocks.append(Heading(type="heading", level=2, text=section["heading"]))
        blocks += [_paragraph(text, ids) for text in section["text"].split("\n")]
    article = ArticleContent(
        language=data["language"],
        title=data["title"],
        meta_title=data["meta_title"],
        meta_description=data["meta_description"],
        slug="",
        excerpt=data["excerpt"],
        tags=data["tags"],
        blocks=blocks,
    )
    idea = Idea(
        title=data["title"],
        angle=data["excerpt"],
        audience=data["excerpt"],
        sections=[Section(heading=section["heading"], purpose="", product_ids=[]) for section in sections],
        image_prompt="A quiet still life by a window",
        image_alt_text=data["alt"],
    )
    request = Request(topic=data["topic"], language=data["language"], length="short", site_name=data["site"])
    profile = Profile(brand=data["site"], banned_words=data["banned"], competitors=data["competitors"])
    return Case(name, "", article, idea, request, products, profile, data["earlier"])


def _product(name: str, number: int, raw: dict[str, Any]) -> dict[str, Any]:
    options = [{"name": option, "choices": choices} for option, choices in raw.get("options", {}).items()]
    return {
        "id": f"{name}-{number}", "name": raw["name"], "text": raw["text"], "price": raw["price"], "currency": "EUR",
        "in_stock": raw.get("in_stock", True), "brand": "", "options": options, "image_id": None,
    }  # fmt: skip


def _paragraph(text: str, ids: dict[str, str]) -> Paragraph:
    parts = _LINK.split(text)
    runs = [_run(part, ids.get(part) if at % 2 else None) for at, part in enumerate(parts) if part]
    return Paragraph(type="paragraph", runs=runs)


def _run(text: str, product_id: str | None = None, *, bold: bool = False) -> Run:
    return Run(text=text, bold=bold, italic=False, product_id=product_id)


def _with_sentence(case: Case, name: str, kind: str, sentence: str, *, section: int) -> Case:
    """Add a sentence to the last paragraph of a section, as the writer would have written it."""
    ids = {product["name"]: product["id"] for product in case.products}
    blocks = list(case.article.blocks)
    at = _end_of(blocks, section)
    paragraph = blocks[at]
    assert isinstance(paragraph, Paragraph)
    blocks[at] = Paragraph(type="paragraph", runs=[*paragraph.runs, _run(" "), *_paragraph(sentence, ids).runs])
    return _changed(case, name, kind, blocks=blocks)


def _end_of(blocks: list[Block], section: int) -> int:
    headings = [at for at, block in enumerate(blocks) if isinstance(block, Heading)]
    return (headings[section + 1] if section + 1 < len(headings) else len(blocks)) - 1


def _changed(case: Case, name: str, kind: str, **changes: Any) -> Case:
    return replace(case, name=f"{case.name}-{name}", kind=kind, article=case.article.model_copy(update=changes))


def _planted(case: Case, kind: str, text: str, *, section: int) -> Case:
    blocks = list(case.article.blocks)
    match kind:
        case "lang_alt":
            return replace(
                case, name=f"{case.name}-{kind}", kind=kind, idea=case.idea.model_copy(update={"image_alt_text": text})
            )
        case "lang_heading":
            at = [number for number, block in enumerate(blocks) if isinstance(block, Heading)][-1]
            blocks[at] = Heading(type="heading", level=2, text=text)
            return _changed(case, kind, kind, blocks=blocks)
        case "lang_section":
            blocks[_end_of(blocks, section)] = _paragraph(text, {})
            return _changed(case, kind, kind, blocks=blocks)
        case "invented_quote" if section == 0:
            return _changed(case, kind, kind, blocks=[*blocks[:2], Quote(type="quote", runs=[_run(text)]), *blocks[2:]])
        case _:
            return _with_sentence(case, kind, kind, text, section=section)


def _of_form(case: Case) -> Iterator[Case]:
    """Plant the kinds that need no sentence of their own. Each article gets some of them."""
    blocks, article = case.article.blocks, case.article
    first, last = blocks[2], blocks[-1]
    assert isinstance(first, Paragraph)
    assert isinstance(last, Paragraph)
    second_heading = _end_of(list(blocks), 0) + 1
    yield _changed(case, "truncated", "truncated", blocks=[*blocks[:-1], _cut(last)])
    yield _changed(case, "repeated", "repeat_verbatim", blocks=[*blocks, first])
    yield _changed(
        case, "missing", "outline_missing", blocks=list(blocks[:second_heading] + blocks[second_heading + 3 :])
    )
    yield _changed(
        case, "empty", "section_empty", blocks=list(blocks[: second_heading + 1] + blocks[second_heading + 3 :])
    )
    if len(case.name) == 2 and case.name < "g":
        bold = [_bold(block) for block in blocks]
        yield _changed(case, "bold", "bold_everywhere", blocks=bold)
    items = [ListItem(runs=list(last.runs))]
    yield _changed(case, "list", "list_one_item", blocks=[*blocks, ListBlock(type="list", ordered=False, items=items)])
    if not article.excerpt.isascii():
        yield _changed(case, "mojibake", "mojibake", excerpt=_misread(article.excerpt))
    yield replace(case, name=f"{case.name}-again", kind="duplicate_topic", earlier=[f"{article.title}."])


def _cut(paragraph: Paragraph) -> Paragraph:
    text = "".join(run.text for run in paragraph.runs)
    return Paragraph(type="paragraph", runs=[_run(text[: len(text) // 2].rstrip(" .,;:!?。"))])


def _bold(block: Block) -> Block:
    if not isinstance(block, Paragraph):
        return block
    return Paragraph(type="paragraph", runs=[_run(run.text, run.product_id, bold=True) for run in block.runs])


def _misread(text: str) -> str:
    return text.encode().decode("latin-1")
