"""Stage: the article itself, in blocks. The gate (`article.quality`) mends what it can; what is left is refused, and the next try
is told why."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from blogs.article import prompts
from blogs.article.quality import judged, report
from blogs.article.quality.mends.shape import article_in
from blogs.article.schema import ArticleContent, Idea, InvalidArticle, json_schema
from blogs.models import Stage
from blogs.providers import openai
from blogs.providers.token_reserve import Kind, output_max
from blogs.stages.idea import asked, prompt_data
from blogs.stages.inputs import Inputs
from workers.errors import TransientError

# Characters of each product's text: enough to write from, and six of them still leave most of the budget to the article.
_TEXT_MAX = 500


def run(inputs: Inputs) -> dict[str, Any]:
    """Ask for the article. Raises TransientError `content_invalid` for one that breaks our rules: another try may keep them."""
    outline = {name: value for name, value in inputs.of(Stage.IDEA).items() if name in Idea.model_fields}
    kind = Kind.of("article", inputs.length, inputs.language)
    text = openai.complete(
        prompts.article({**prompt_data(inputs, text_max=_TEXT_MAX), "idea": _plan(outline)}),
        kind=kind,
        schema_name="blog_article",
        schema=json_schema(ArticleContent),
        max_tokens=output_max(kind, settings.OPENAI_ARTICLE_MAX_TOKENS[inputs.length], inputs.attempt),
        seconds=inputs.seconds,
    )
    products = inputs.of(Stage.PRODUCTS)["products"]
    try:
        idea = Idea.model_validate(outline)
        verdict = judged(article_in(text), idea=idea, request=asked(inputs), products=products, profile=inputs.profile)
        if verdict.errors:
            raise InvalidArticle([str(found) for found in verdict.errors])
    except InvalidArticle as invalid:
        raise TransientError("content_invalid", str(invalid)) from invalid
    # The tag that was asked for, however the model spells it.
    written = {**verdict.article.model_dump(), "language": inputs.language}
    return {**written, "prompt_version": prompts.version("article"), "quality": report(verdict.warnings)}


def _plan(outline: dict[str, Any]) -> dict[str, Any]:
    """Return what the writer needs of the outline: the picture is no part of the text."""
    return {name: value for name, value in outline.items() if not name.startswith("image_")}
