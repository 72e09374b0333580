"""Defects that the stand-in writer plants on request: one for each kind that the gate looks for.

A fault "defect:NAME" plants it into one answer: `sandbox.fault("openai", "defect:invented_price", "article")`; with `times=None`
into each. LEVELS says what the gate makes of it. Sentences are English: they are for English articles; all else fits any language.
Some need an order that has what they spoil, such as a product that is sold out, or a word that the profile avoids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from blogs.article.quality.text import lexicon
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
    Table,
    TableRow,
    joined,
)
from tests.sandbox.prose import heading, paragraph, run, sentences
from tests.sandbox.writer import Order, Product

PREFIX = "defect:"
ERROR, WARNING, MENDED = "error", "warning", "mended"

# Each is added to a paragraph in the middle of the article.
_SENTENCES = {
    "invented_price": "It is yours for $49.90.",
    "invented_discount": "Take 20% off with this discount until Sunday.",
    "invented_delivery": "Orders ship within 24 hours, and delivery is free.",
    "invented_guarantee": "We give a guarantee of ten years on every piece.",
    "invented_rating": "It is rated 4.9 stars by hundreds of customers.",
    "invented_certificate": "It is FSC certified.",
    "invented_survey": "According to a survey, 7 out of 10 people choose wrongly at first.",
    "health_claim": "It lowers your blood pressure and cures insomnia.",
    "invented_product": "Have a look at our Lantern Bay Deluxe.",
    "address": "More stands at www.lanternbay.com for you.",
    "spelled_address": "More stands at lanternbay dot com for you.",
    "phone": "Text us at (555) 010-4477.",
    "handle": "Follow @lanternbay for more.",
    "placeholder": "Here you see [insert photo of the hook].",
    "prompt_leak": "As an AI language model, I cannot touch it myself.",
    "wrong_encoding": "It feels natÃ¼rlich and schÃ¶n.",
    "lost_letters": "It feels nat?rl?ch.",
    "exclamations": "Look! Feel! Enjoy!",
    "cliches": "Look no further. In today's fast-paced world it is a game-changer.",
    "capitals": "PLEASE ALWAYS MEASURE THE WHOLE PLACE BEFORE YOU DECIDE.",
    "markdown": "**Tip:** use _two_ of them.",
    "html": "See <em>below</em>.",
}
_UNREALISTIC = 987
_AMOUNT = re.compile(r"\d+( ?(?:cm|mm|m|ml|l|kg|g))\b")
_ELSEWHERE = "Quantum zeppelins"


def _with_sentence(article: ArticleContent, sentence: str) -> ArticleContent:
    return _with_runs(article, [run(f" {sentence}")])


def _with_runs(article: ArticleContent, runs: Sequence[Run]) -> ArticleContent:
    at = _paragraphs(article)[len(_paragraphs(article)) // 2]
    changed = article.blocks[at]
    assert isinstance(changed, Paragraph)
    return _replaced(article, at, paragraph(*changed.runs, *runs))


def _replaced(article: ArticleContent, at: int, *blocks: Block) -> ArticleContent:
    return _with_blocks(article, [*article.blocks[:at], *blocks, *article.blocks[at + 1 :]])


def _with_blocks(article: ArticleContent, blocks: Sequence[Block]) -> ArticleContent:
    return article.model_copy(update={"blocks": list(blocks)})


def _paragraphs(article: ArticleContent) -> list[int]:
    return [at for at, block in enumerate(article.blocks) if isinstance(block, Paragraph)]


def _section(article: ArticleContent, number: int) -> slice:
    """The blocks below a section's heading."""
    headings = [at for at, block in enumerate(article.blocks) if isinstance(block, Heading)]
    return slice(headings[number] + 1, headings[number + 1])


def _with_section(article: ArticleContent, number: int, blocks: Sequence[Block]) -> ArticleContent:
    old = _section(article, number)
    return _with_blocks(article, [*article.blocks[: old.start], *blocks, *article.blocks[old.stop :]])


def _other_language(order: Order) -> str:
    if order.language.startswith("en"):
        return "Überlegen Sie zuerst, wann und wo Sie es benutzen werden. Wer selten Zeit hat, braucht etwas anderes."
    return "Think first about when and where you will use it. Those who have little time need something else than all the others."


def _measured(order: Order) -> Product:
    """A product of which the facts tell an amount: against the others a size contradicts nothing."""
    return next(product for product in order.products if _AMOUNT.search(" ".join(product.facts)))


def _unit(product: Product) -> str:
    found = _AMOUNT.search(" ".join(product.facts))
    return found[1] if found else ""


def _coloured(order: Order) -> Product:
    return next(product for product in order.products if product.options)


def _sold_out(article: ArticleContent, order: Order) -> ArticleContent:
    gone = next(product for product in order.told["products"] if not product.get("in_stock", True))
    return _with_runs(article, [run(" Take the "), run(gone["name"], product_id=gone["id"]), run(" with you.")])


def _other_link(article: ArticleContent, order: Order) -> ArticleContent:
    one, other = order.products[:2]
    return _with_runs(article, [run(" Then there is "), run(one.name, product_id=other.id), run(".")])


def _almost_a_name(article: ArticleContent, order: Order) -> ArticleContent:
    first = order.products[0].name.split()[0]
    return _with_sentence(article, f"It goes well with the {first} Wheelbarrow.")


def _obeyed(article: ArticleContent, order: Order) -> ArticleContent:
    said = (sentence for product in order.told["products"] for sentence in sentences(product["text"]))
    return _with_sentence(article, next(sentence for sentence in said if lexicon.is_order(sentence, order.language)))


def _cut(article: ArticleContent) -> ArticleContent:
    at = _paragraphs(article)[-1]
    last = article.blocks[at]
    assert isinstance(last, Paragraph)
    text = joined(last.runs)
    return _replaced(article, at, paragraph(run(text[: len(text) // 2].rstrip(" .,;:!?。、，"))))


def _told_again(article: ArticleContent) -> ArticleContent:
    """The first section's sentences in another order, as the second section."""
    told = [block for block in article.blocks[_section(article, 0)] if isinstance(block, Paragraph)]
    return _with_section(article, 1, [paragraph(run(joined(block.runs))) for block in reversed(told)])


def _without_section(article: ArticleContent) -> ArticleContent:
    old = _section(article, 1)
    return _with_blocks(article, [*article.blocks[: old.start - 1], *article.blocks[old.stop :]])


def _bold(article: ArticleContent) -> ArticleContent:
    def bold(block: Block) -> Block:
        if not isinstance(block, Paragraph):
            return block
        return paragraph(*(each.model_copy(update={"bold": True}) for each in block.runs))

    return _with_blocks(article, [bold(block) for block in article.blocks])


def _short(article: ArticleContent) -> ArticleContent:
    """Each section but for the beginning of its first paragraph."""
    kept: list[Block] = []
    for block in article.blocks:
        if isinstance(block, Heading):
            kept.append(block)
        elif isinstance(block, Paragraph) and (not kept or isinstance(kept[-1], Heading)):
            kept.append(paragraph(run(" ".join(sentences(joined(block.runs))[:2]))))
    return _with_blocks(article, kept)


def _ragged() -> Table:
    rows = [TableRow(cells=["one", "two", "three"]), TableRow(cells=["one"])]
    return Table(type="table", header=["First", "Second"], rows=rows)


def _list_of_one() -> ListBlock:
    return ListBlock(type="list", ordered=False, items=[ListItem(runs=[run("A tape measure")])])


Plant = Callable[[ArticleContent, Order], ArticleContent]


def _said(sentence: str) -> Plant:
    return lambda article, order: _with_sentence(article, sentence)


def _head(**changes: Any) -> Plant:
    return lambda article, order: article.model_copy(update=changes)


OF_ARTICLES: dict[str, tuple[str, Plant]] = {
    **{name: (ERROR, _said(sentence)) for name, sentence in _SENTENCES.items()},
    "exclamations": (WARNING, _said(_SENTENCES["exclamations"])),
    "cliches": (WARNING, _said(_SENTENCES["cliches"])),
    "capitals": (WARNING, _said(_SENTENCES["capitals"])),
    "markdown": (MENDED, _said(_SENTENCES["markdown"])),
    "html": (MENDED, _said(_SENTENCES["html"])),
    "banned_word": (ERROR, lambda a, o: _with_sentence(a, f"It is quite {o.told['profile']['avoid'][0]} to look at.")),
    "competitor": (ERROR, lambda a, o: _with_sentence(a, f"You find it at {o.told['profile']['competitors'][0]} too.")),
    "contradicts_size": (
        ERROR,
        lambda a, o: _with_sentence(a, f"The {_measured(o).name} has {_UNREALISTIC}{_unit(_measured(o))}."),
    ),
    "contradicts_colour": (
        ERROR,
        lambda a, o: _with_sentence(a, f"The {_coloured(o).name} is also available in bright orange."),
    ),
    "sold_out": (ERROR, _sold_out),
    "other_link": (ERROR, _other_link),
    "unknown_link": (
        ERROR,
        lambda a, o: _with_runs(a, [run(" See the "), run("Lantern Bay Lamp", product_id="no-such-product"), run(".")]),
    ),
    "almost_a_name": (ERROR, _almost_a_name),
    "order_obeyed": (ERROR, _obeyed),
    "invented_quote": (
        ERROR,
        lambda a, o: _replaced(
            a,
            _paragraphs(a)[2],
            a.blocks[_paragraphs(a)[2]],
            Quote(type="quote", runs=[run("My favourite for twenty years, says our customer Sylvie.")]),
        ),
    ),
    "language": (ERROR, lambda a, o: a.model_copy(update={"language": "de" if o.language.startswith("en") else "en"})),
    "language_of_section": (ERROR, lambda a, o: _with_section(a, 1, [paragraph(run(_other_language(o)))])),
    "language_of_description": (ERROR, lambda a, o: a.model_copy(update={"meta_description": _other_language(o)})),
    "cut": (ERROR, lambda a, o: _cut(a)),
    "section_missing": (ERROR, lambda a, o: _without_section(a)),
    "section_empty": (ERROR, lambda a, o: _with_section(a, 1, [])),
    "section_thin": (ERROR, lambda a, o: _with_section(a, 1, [paragraph(run("Measure it. Then decide."))])),
    "told_twice": (
        ERROR,
        lambda a, o: _with_section(a, 1, [*a.blocks[_section(a, 1)], *a.blocks[_section(a, 0)][:1]]),
    ),
    "told_again": (ERROR, lambda a, o: _told_again(a)),
    "off_title": (ERROR, _head(title=_ELSEWHERE, meta_title=_ELSEWHERE)),
    "short": (ERROR, lambda a, o: _short(a)),
    "empty_description": (MENDED, _head(meta_description="")),
    "placeholder_title": (MENDED, _head(title="Blog Title")),
    "ragged_table": (ERROR, lambda a, o: _with_section(a, 1, [*a.blocks[_section(a, 1)], _ragged()])),
    "list_of_one": (MENDED, lambda a, o: _with_section(a, 1, [*a.blocks[_section(a, 1)], _list_of_one()])),
    "bold_everywhere": (MENDED, lambda a, o: _bold(a)),
    "heading_at_end": (MENDED, lambda a, o: _with_blocks(a, [*a.blocks, heading("One more thing")])),
    "long_title": (MENDED, _head(title="Something that goes on and on without an end in sight " * 4)),
    "slug": (MENDED, _head(slug="Ein Titel_mit Ümlaut!")),
    "same_tags": (MENDED, _head(tags=["linen sheet", "linen sheets", "Linen Sheets", "bed linen"])),
    "generic_tags": (WARNING, _head(tags=["blog", "shop", "tips"])),
}  # fmt: skip


def _alt_of_keywords(idea: Idea, order: Order) -> Idea:
    topic = order.topic
    return idea.model_copy(
        update={"image_alt_text": f"{topic}, best {topic}, buy {topic}, {topic} sale, {topic} shop"[:125]}
    )


PlantInIdea = Callable[[Idea, Order], Idea]

OF_IDEAS: dict[str, tuple[str, PlantInIdea]] = {
    "idea_sections_missing": (ERROR, lambda idea, o: idea.model_copy(update={"sections": idea.sections[:1]})),
    "idea_same_headings": (
        ERROR,
        lambda idea, o: idea.model_copy(update={"sections": [idea.sections[0]] * len(idea.sections)}),
    ),
    "idea_language": (ERROR, lambda idea, o: idea.model_copy(update={"title": _other_language(o)[:60]})),
    "idea_without_topic": (WARNING, lambda idea, o: idea.model_copy(update={"title": _ELSEWHERE})),
    "idea_without_alt": (WARNING, lambda idea, o: idea.model_copy(update={"image_alt_text": ""})),
    "idea_alt_of_keywords": (WARNING, _alt_of_keywords),
    "idea_earlier": (WARNING, lambda idea, o: idea.model_copy(update={"title": o.earlier[0]})),
}
LEVELS = {name: level for name, (level, _) in {**OF_ARTICLES, **OF_IDEAS}.items()}


def planted(article: ArticleContent, order: Order, name: str) -> ArticleContent:
    return OF_ARTICLES[name][1](article, order)


def planted_in_idea(idea: Idea, order: Order, name: str) -> Idea:
    return OF_IDEAS[name][1](idea, order)
