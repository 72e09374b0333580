"""Rows that the desk shows: a blog with everything about it, and blogs by the thousand."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from blogs.article.schema import VERSION, Block
from blogs.models import Article, BlogGeneration, Stage
from blogs.queue import lifecycle
from tests.support.blogs.articles import article as article_content
from tests.support.blogs.articles import bullets, heading, paragraph, product, run, table
from tests.support.factories import processing_generation
from wix.models import Site


def written_generation(
    site: Site | None = None, *, text: str = "Wear it twice.", product_name: str = "Mug"
) -> BlogGeneration:
    """Make a blog that is DONE, with an article that speaks of a product."""
    generation = processing_generation(site)
    products = {"source_text": "wool", "products": [{"id": "p1", "name": product_name, "text": ""}]}
    lifecycle.checkpoint(generation, Stage.PRODUCTS, products, next_stage=Stage.ARTICLE)
    blocks: list[Block] = [
        heading("How to wash it"),
        paragraph(run(text), run("boldly", bold=True), run("this one", product_id="p1")),
        bullets("First rinse"),
        table(["Wool", "Heat"], ["Merino", "30"]),
        product("p1", "It lasts."),
    ]
    content = article_content(blocks, title=f"About {text}").model_dump()
    written = Article(
        generation=generation, version=VERSION, title=content["title"], language="en", words=120, content=content
    )
    lifecycle.checkpoint(generation, Stage.ARTICLE, content, next_stage=Stage.DRAFT, article=written)
    draft: dict[str, Any] = {"draft_post_id": str(uuid.uuid4()), "draft_post_url": "https://shop.example/draft"}
    lifecycle.succeed(generation, Stage.DRAFT, draft, **draft)
    return BlogGeneration.objects.get(pk=generation.pk)


_THOUSANDS = """
INSERT INTO blog_generations (site_id, status, source_type, source_id, language, tone, length, publish, priority, ready,
    stage, attempts, rescues, error_code, error_message, draft_post_id, draft_post_url, created_at, finished_at)
SELECT %(site)s, CASE WHEN n %% 50 = 0 THEN 'FAILED' ELSE 'DONE' END, 'keyword', md5(n::text) || ' keyword', '',
    'friendly', 'medium', false, 0, false, 'draft', 1, 0,
    CASE WHEN n %% 50 = 0 THEN 'code_' || n %% 400 ELSE '' END, '',
    CASE WHEN n %% 50 > 0 THEN gen_random_uuid() END, '', moment, moment
  FROM (SELECT n, clock_timestamp() - (%(count)s - n) * interval '1 minute' AS moment
          FROM generate_series(1, %(count)s) AS n) AS numbers
"""


_THEIR_WORDS = """
INSERT INTO blogs_blogwords (generation_id, level, subject, words)
SELECT id, 0, '', array_to_tsvector(string_to_array(source_id, ' ') || ARRAY['@' || site_id])
  FROM blog_generations WHERE site_id = %(site)s
"""


def thousands_of_blogs(site: Site, count: int) -> None:
    """Make finished blogs a minute apart, the last one just now. One in fifty has failed."""
    with connection.cursor() as cursor:
        cursor.execute(_THOUSANDS, {"site": site.pk, "count": count})
        cursor.execute(_THEIR_WORDS, {"site": site.pk})
        cursor.execute("ANALYZE blog_generations; ANALYZE blogs_blogwords")


def plan(queryset: Any) -> str:
    return str(queryset.explain())
