"""The article's schema: what the writer must answer with. `quality` checks what a schema can't express.

The writer refers to products by id only and never writes a URL, so an article can't show or link a product that the shop doesn't
have. OpenAI's strict structured output demands that every field is required and nothing else is allowed (an optional field is
`X | None`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from blogs.article import plain_text as texts
from blogs.article import short_form
from workers.texts import parsed_json

VERSION = 1

# Wix takes more (title 200, excerpt 500, slug 100), but readers and search results show less.
TITLE_MAX = 100
META_TITLE_MAX = 70
META_DESCRIPTION_MAX = 160
META_DESCRIPTION_MIN = 70
EXCERPT_MAX = 200
SLUG_MAX = 80
TAG_MAX = 50
TAGS_MAX = 8
ALT_TEXT_MAX = 125
BUTTON_MAX = 40
BLOCKS_MIN = 4
WORDS_MIN = 120

# NULs, halves of emojis and marks that readers can't see are left out where the answer is read.
Text = Annotated[str, AfterValidator(texts.printable)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(Strict):
    heading: Text
    purpose: Text
    product_ids: list[Text]


class Idea(Strict):
    """What the article will be about: the first, cheap call, and all that the picture needs."""

    title: Text
    angle: Text
    audience: Text
    sections: list[Section]
    image_prompt: Text
    image_alt_text: Text


class NumberedIdea(Idea):
    """One of several ideas that one call asks for."""

    number: int


class Plans(Strict):
    """The answer to a call for several ideas."""

    plans: list[NumberedIdea]


class Run(Strict):
    """A stretch of text with one formatting; `product_id` makes it a link to that product's page."""

    text: Text
    bold: bool
    italic: bool
    product_id: Text | None


class Heading(Strict):
    type: Literal["heading"]
    level: Literal[2, 3, 4]
    text: Text


class Paragraph(Strict):
    type: Literal["paragraph"]
    runs: list[Run]


class ListItem(Strict):
    runs: list[Run]


class ListBlock(Strict):
    type: Literal["list"]
    ordered: bool
    items: list[ListItem]


class Quote(Strict):
    type: Literal["quote"]
    runs: list[Run]


class TableRow(Strict):
    cells: list[Text]


class Table(Strict):
    type: Literal["table"]
    header: list[Text]
    rows: list[TableRow]


class ProductBlock(Strict):
    """A product shown by itself. Its name, picture and link come from the shop's own data."""

    type: Literal["product"]
    product_id: Text
    pitch: Text


class Image(Strict):
    """A product's own photo within the text. Which photo, its size and its alternative text come from the shop's data."""

    type: Literal["image"]
    product_id: Text
    caption: Text


class Button(Strict):
    """A button that leads to a product's page."""

    type: Literal["button"]
    product_id: Text
    text: Text


class Divider(Strict):
    type: Literal["divider"]


Block = Heading | Paragraph | ListBlock | Quote | Table | ProductBlock | Image | Button | Divider


class ArticleContent(Strict):
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
        """Read the article from its stage's output, which has other fields too."""
        return cls.model_validate({name: output[name] for name in cls.model_fields})


REFUSED = "The text can't be used: "


class InvalidArticle(Exception):
    """The model wrote something that can't be used. Asking once more may help."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        super().__init__(f"{REFUSED}{'; '.join(problems[:3])}{more}.")


# A number like this is not told one by one: that would take seconds.
_FAULTS_MAX = 2_000
_Model = TypeVar("_Model", bound=BaseModel)


def parse_idea(text: str) -> Idea:
    idea = parsed(Idea, text)
    wanted = {"title": idea.title, "image_prompt": idea.image_prompt}
    problems = [f"{name} is empty" for name, value in wanted.items() if not value.strip()]
    if not idea.sections or not all(section.heading.strip() for section in idea.sections):
        problems.append("the outline has no sections, or one without a heading")
    if problems:
        raise InvalidArticle(problems)
    return idea


def parse_article(text: str) -> ArticleContent:
    return parsed(ArticleContent, text)


def parsed(model: type[_Model], text: str) -> _Model:
    try:
        return model.model_validate(short_form.in_full(parsed_json(text)))
    except ValueError as error:
        if not isinstance(error, ValidationError):
            raise InvalidArticle(["it is not JSON"]) from error
        if error.error_count() > _FAULTS_MAX:
            raise InvalidArticle([f"it has more than {_FAULTS_MAX:,} faults"]) from error
        raise InvalidArticle([_told(problem) for problem in error.errors(include_url=False)]) from error


def _told(problem: Any) -> str:
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg']}" if place else problem["msg"]


@functools.cache
def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the model's schema in the part of JSON Schema that OpenAI's strict mode knows; the same object for all callers.

    Titles and docstrings are left out: they would only cost prompt tokens. An article's blocks have their short form.
    """
    return short_form.shortened(_strict(model.model_json_schema()))


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
    """Return the block's text, a string for each paragraph, heading or cell, without the products' names."""
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
    """Count the body's words (see `plain_text.words`)."""
    return sum(texts.words(text) for block in article.blocks for text in block_texts(block))
