"""The article's schema: what the writer must answer with, and how it reads. `article_rules` has what a schema lacks.

The writer refers to products by id only and never writes a URL, so an article cannot show or link a product that the
shop doesn't have. Every field is required and nothing else is allowed: that is what OpenAI's strict structured output
asks of a schema (optional would be `X | None`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from blogs.article import plain_text as texts

VERSION = 1

# What Wix takes is more (title 200, excerpt 500, slug 100); what readers and search results show is less.
TITLE_MAX = 100
META_TITLE_MAX = 70
META_DESCRIPTION_MAX = 160
EXCERPT_MAX = 200
SLUG_MAX = 80
TAG_MAX = 50
TAGS_MAX = 8
ALT_TEXT_MAX = 125
BUTTON_MAX = 40
BLOCKS_MIN = 4
WORDS_MIN = 120

# A NUL or a lone surrogate would be refused only when the answer is stored.
Text = Annotated[str, AfterValidator(texts.printable)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(_Strict):
    heading: Text
    purpose: Text
    product_ids: list[Text]


class Idea(_Strict):
    """What the article will be about: the first, cheap call, and all that the picture needs."""

    title: Text
    angle: Text
    audience: Text
    sections: list[Section]
    image_prompt: Text
    image_alt_text: Text


class Run(_Strict):
    """A stretch of text with one formatting; `product_id` makes it a link to that product's page."""

    text: Text
    bold: bool
    italic: bool
    product_id: Text | None


class Heading(_Strict):
    type: Literal["heading"]
    level: Literal[2, 3, 4]
    text: Text


class Paragraph(_Strict):
    type: Literal["paragraph"]
    runs: list[Run]


class ListItem(_Strict):
    runs: list[Run]


class ListBlock(_Strict):
    type: Literal["list"]
    ordered: bool
    items: list[ListItem]


class Quote(_Strict):
    type: Literal["quote"]
    runs: list[Run]


class TableRow(_Strict):
    cells: list[Text]


class Table(_Strict):
    type: Literal["table"]
    header: list[Text]
    rows: list[TableRow]


class ProductBlock(_Strict):
    """A product shown by itself; name, picture and link are filled in from the shop's own data."""

    type: Literal["product"]
    product_id: Text
    pitch: Text


class Image(_Strict):
    """A product's own photo within the text; which one, its size and its alternative text come from the shop's data."""

    type: Literal["image"]
    product_id: Text
    caption: Text


class Button(_Strict):
    """Leads to a product's page."""

    type: Literal["button"]
    product_id: Text
    text: Text


class Divider(_Strict):
    type: Literal["divider"]


Block = Heading | Paragraph | ListBlock | Quote | Table | ProductBlock | Image | Button | Divider


class ArticleContent(_Strict):
    language: Text
    title: Text
    meta_title: Text
    meta_description: Text
    slug: Text
    excerpt: Text
    tags: list[Text]
    blocks: list[Annotated[Block, Field(discriminator="type")]]

    @classmethod
    def stored(cls, output: Mapping[str, Any]) -> ArticleContent:
        """Of a stage's output, which says more than the article."""
        return cls.model_validate({name: output[name] for name in cls.model_fields})


class InvalidArticle(Exception):
    """Something was written that can't be used; asking once more may help."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        super().__init__(f"The text can't be used: {'; '.join(problems[:3])}{more}.")


_Model = TypeVar("_Model", bound=BaseModel)


def parse_idea(text: str) -> Idea:
    idea = _parse(Idea, text)
    wanted = {"title": idea.title, "image_prompt": idea.image_prompt}
    problems = [f"{name} is empty" for name, value in wanted.items() if not value.strip()]
    if not idea.sections or not all(section.heading.strip() for section in idea.sections):
        problems.append("the outline has no sections, or one without a heading")
    if problems:
        raise InvalidArticle(problems)
    return idea


def parse_article(text: str) -> ArticleContent:
    return _parse(ArticleContent, text)


def _parse(model: type[_Model], text: str) -> _Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise InvalidArticle([_told(problem) for problem in error.errors()]) from error


def _told(problem: Any) -> str:
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg']}" if place else problem["msg"]


@functools.cache
def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The part of JSON Schema that OpenAI's strict mode knows; one object for all callers.

    Titles and docstrings would only cost prompt tokens.
    """
    strict = _strict(model.model_json_schema())
    assert isinstance(strict, dict)
    return strict


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs"):  # here the keys are names: `title` is a field of the article
            strict[keyword] = {name: _strict(part) for name, part in value.items()}
        elif keyword == "const":
            strict["enum"] = [value]
        elif keyword not in ("title", "description", "discriminator"):
            strict["anyOf" if keyword == "oneOf" else keyword] = _strict(value)
    return strict


def joined(runs: Iterable[Run]) -> str:
    return "".join(run.text for run in runs)


def block_texts(block: Block) -> list[str]:
    """What the block says, a string for each paragraph, heading or cell; without the products' names."""
    match block:
        case Heading():
            return [block.text]
        case Paragraph() | Quote():
            return [joined(block.runs)]
        case ListBlock():
            return [joined(item.runs) for item in block.items]
        case Table():
            return [*block.header, *(cell for row in block.rows for cell in row.cells)]
        case ProductBlock():
            return [block.pitch]
        case Image():
            return [block.caption]
        case Button():
            return [block.text]
        case Divider():
            return []


def products_named(article: ArticleContent) -> Iterator[str]:
    for block in article.blocks:
        match block:
            case ProductBlock() | Image() | Button():
                yield block.product_id
            case Paragraph() | Quote():
                yield from (run.product_id for run in block.runs if run.product_id)
            case ListBlock():
                yield from (run.product_id for item in block.items for run in item.runs if run.product_id)


def word_count(article: ArticleContent) -> int:
    """Words of the body; two characters count as one where a script has no spaces (see `text.words`)."""
    return sum(texts.words(text) for block in article.blocks for text in block_texts(block))


def plain_text(article: ArticleContent, products: Mapping[str, str]) -> str:
    """As it reads in a terminal; `products` are the names by id."""
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
