"""What a writer is told of a blog, and the call for one idea: title, angle, outline, and what the picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from blogs.article import prompts, shop
from blogs.article.quality import Finding, Request, judged_idea
from blogs.article.quality.mends.shape import idea_in
from blogs.article.schema import ALT_TEXT_MAX, Idea, InvalidArticle, json_schema
from blogs.models import SourceType, Stage
from blogs.providers import openai
from blogs.providers.token_reserve import Kind, output_max
from blogs.stages import products
from blogs.stages.inputs import Inputs
from wix.writing_systems import shortened
from workers.errors import TransientError

# Characters of each product's text: an outline needs no more than what the product is.
TEXT_MAX = 160


def ask(inputs: Inputs, *, earlier: Sequence[str] = ()) -> Idea:
    """Ask for one idea. `earlier`: titles that the site has, from which it is to differ.

    Raises TransientError `content_invalid` for an answer that is none: another try may be.
    """
    kind = Kind.of("idea", inputs.length, inputs.language)
    told = {"earlier": list(earlier)} if earlier else {}
    text = openai.complete(
        prompts.idea({**told, **prompt_data(inputs, text_max=TEXT_MAX)}),
        kind=kind,
        schema_name="blog_idea",
        schema=json_schema(Idea),
        max_tokens=output_max(kind, settings.OPENAI_IDEA_MAX_TOKENS, inputs.attempt),
        seconds=inputs.seconds,
    )
    try:
        return idea_in(text, topic=inputs.of(Stage.PRODUCTS)["source_text"])
    except InvalidArticle as invalid:
        raise TransientError("content_invalid", str(invalid)) from invalid


def judged(idea: Idea, inputs: Inputs) -> tuple[Idea, list[Finding]]:
    """Return an idea as the blog can use it, with the gate's warnings. Raises InvalidArticle."""
    idea, errors, warnings = looked_at(idea, inputs)
    if errors:
        raise InvalidArticle([str(found) for found in errors])
    return idea, warnings


def looked_at(idea: Idea, inputs: Inputs) -> tuple[Idea, list[Finding], list[Finding]]:
    """Return an idea with products that the blog has, and the gate's errors and warnings."""
    idea = _with_known_products(idea, inputs)
    return idea, *judged_idea(idea, request=asked(inputs))


def asked(inputs: Inputs) -> Request:
    """Return what the shop asked for, as the gate wants to know it."""
    return Request(
        topic=inputs.of(Stage.PRODUCTS)["source_text"],
        language=inputs.language,
        length=inputs.length,
        site_name=inputs.site_name,
        site_url=inputs.site_url,
        product_ids=_asked_for(inputs),
        wishes=inputs.instructions,
    )


def _with_known_products(idea: Idea, inputs: Inputs) -> Idea:
    """Drop from the outline the ids that are invented or sold out: the article would use them and lose an attempt."""
    known = {product["id"] for product in recommendable(inputs)}
    sections = [
        section.model_copy(update={"product_ids": [found for found in section.product_ids if found in known]})
        for section in idea.sections
    ]
    alt_text = shortened(idea.image_alt_text, ALT_TEXT_MAX)
    return idea.model_copy(update={"sections": sections, "image_alt_text": alt_text})


def prompt_data(inputs: Inputs, *, text_max: int) -> dict[str, Any]:
    """Collect what the prompts' data block holds: everything from the shop, and none of it an instruction."""
    found = inputs.of(Stage.PRODUCTS)
    # A shop may choose more products than we do; together they say no more.
    each_max = text_max * products.AT_MOST // max(len(found["products"]), products.AT_MOST)
    # What the last answer was refused for, so that the next one is another.
    refused = {"refused": inputs.refused} if inputs.refused else {}
    return {
        **refused,
        "source": {"type": inputs.source_type, "text": found["source_text"]},
        "language": inputs.language,
        "tone": inputs.tone,
        "sections": prompts.SECTIONS[inputs.length],
        "site": {"name": inputs.site_name},
        **({"profile": said} if (said := shop.described(inputs.profile)) else {}),
        "products": [_facts(product, text_max=each_max) for product in found["products"]],
        **({"wishes": inputs.instructions} if inputs.instructions else {}),
    }


def _facts(product: dict[str, Any], *, text_max: int) -> dict[str, Any]:
    """Return what a writer may know of a product. Its price is not among it.

    Blogs that began under an older release have products without some of these.
    """
    facts = {
        "id": product["id"],
        "name": product["name"],
        "text": shortened(product["text"], text_max),
        "photo": bool(product["image_id"]),
    }
    if brand := product.get("brand"):
        facts["brand"] = brand
    if options := {option["name"]: option["choices"] for option in product.get("options", ()) if option["choices"]}:
        facts["options"] = options
    if not product.get("in_stock", True):
        facts["in_stock"] = False
    return facts


def recommendable(inputs: Inputs) -> list[dict[str, Any]]:
    """Return the products that the article may link and show: those in stock, and those that were asked for."""
    asked_for = _asked_for(inputs)
    found = inputs.of(Stage.PRODUCTS)["products"]
    return [product for product in found if product.get("in_stock", True) or product["id"] in asked_for]


def _asked_for(inputs: Inputs) -> set[str]:
    """Return the products that the article was asked to be about."""
    return {*inputs.product_ids, *([inputs.source_id] if inputs.source_type == SourceType.PRODUCT else ())}
