"""Stage: what the article will be about (title, angle, outline), and what its picture shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from blogs.article import prompts
from blogs.article.mending import idea_of
from blogs.article.schema import ALT_TEXT_MAX, Idea, InvalidArticle, json_schema
from blogs.models import Stage
from blogs.providers import openai
from blogs.providers.token_reserve import Kind, output_max
from blogs.stages.inputs import Inputs
from wix.writing_systems import shortened
from workers.errors import TransientError

# Characters of each product's text: an outline needs no more than what the product is.
_TEXT_MAX = 160


def run(inputs: Inputs) -> dict[str, Any]:
    kind = Kind.of("idea", inputs.length, inputs.language)
    text = openai.complete(
        prompts.idea(prompt_data(inputs, text_max=_TEXT_MAX)),
        kind=kind,
        schema_name="blog_idea",
        schema=json_schema(Idea),
        max_tokens=output_max(kind, settings.OPENAI_IDEA_MAX_TOKENS, inputs.attempt),
        seconds=inputs.seconds,
    )
    try:
        idea = idea_of(text, topic=inputs.of(Stage.PRODUCTS)["source_text"])
    except InvalidArticle as invalid:
        raise TransientError("content_invalid", str(invalid)) from invalid
    return {**_with_known_products(idea, inputs).model_dump(), "prompt_version": prompts.VERSION}


def _with_known_products(idea: Idea, inputs: Inputs) -> Idea:
    """Drop invented ids from the outline: the article would use them and lose an attempt."""
    known = {product["id"] for product in inputs.of(Stage.PRODUCTS)["products"]}
    sections = [
        section.model_copy(update={"product_ids": [found for found in section.product_ids if found in known]})
        for section in idea.sections
    ]
    alt_text = shortened(idea.image_alt_text, ALT_TEXT_MAX)
    return idea.model_copy(update={"sections": sections, "image_alt_text": alt_text})


def prompt_data(inputs: Inputs, *, text_max: int) -> dict[str, Any]:
    """Collect what the prompts' data block holds: everything from the shop, and none of it an instruction."""
    found = inputs.of(Stage.PRODUCTS)
    products = [
        {
            "id": product["id"],
            "name": product["name"],
            "text": shortened(product["text"], text_max),
            "photo": bool(product["image_id"]),
        }
        for product in found["products"]
    ]
    return {
        "source": {"type": inputs.source_type, "text": found["source_text"]},
        "language": inputs.language,
        "tone": inputs.tone,
        "length": inputs.length,
        "sections": prompts.SECTIONS[inputs.length],
        "site": {"name": inputs.site_name},
        "products": products,
    }
