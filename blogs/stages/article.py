"""Stage: the article itself, in blocks. Code mends what it can (`mending`) and refuses the rest (`rules.problems`)."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from blogs.article import prompts
from blogs.article.mending import article_of
from blogs.article.rules import problems
from blogs.article.schema import ArticleContent, Idea, InvalidArticle, json_schema
from blogs.models import Stage
from blogs.providers import openai
from blogs.providers.token_reserve import Kind, output_max
from blogs.stages.idea import prompt_data
from blogs.stages.inputs import Inputs
from workers.errors import TransientError

# Characters of each product's text: enough to write from, and six of them still leave most of the budget to the article.
_TEXT_MAX = 500


def run(inputs: Inputs) -> dict[str, Any]:
    """Ask for the article. Raises TransientError `content_invalid` for one that breaks our rules: another try may keep them."""
    idea = {name: value for name, value in inputs.of(Stage.IDEA).items() if name in Idea.model_fields}
    kind = Kind.of("article", inputs.length, inputs.language)
    text = openai.complete(
        prompts.article({**prompt_data(inputs, text_max=_TEXT_MAX), "idea": idea}),
        kind=kind,
        schema_name="blog_article",
        schema=json_schema(ArticleContent),
        max_tokens=output_max(kind, settings.OPENAI_ARTICLE_MAX_TOKENS[inputs.length], inputs.attempt),
        seconds=inputs.seconds,
    )
    known = {product["id"] for product in inputs.of(Stage.PRODUCTS)["products"]}
    try:
        about = _said_by_the_shop(inputs)
        article = article_of(text, product_ids=known, title=idea["title"], about=about)
        if found := problems(article, product_ids=known, language=inputs.language, about=about):
            raise InvalidArticle(found)
    except InvalidArticle as invalid:
        raise TransientError("content_invalid", str(invalid)) from invalid
    # The tag that was asked for, however the model spells it.
    return {**article.model_dump(), "language": inputs.language, "prompt_version": prompts.VERSION}


def _said_by_the_shop(inputs: Inputs) -> str:
    """Return the texts that are the shop's own: what it asked for, its name and address, its products."""
    found = inputs.of(Stage.PRODUCTS)
    products = [
        part for product in found["products"] for part in (product["name"], product["text"], product.get("brand", ""))
    ]
    return "\n".join([found["source_text"], inputs.instructions, inputs.site_name, inputs.site_url, *products])
