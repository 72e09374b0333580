"""The posts that a shop has published from its blogs here, newest first: what an article may lead its readers to."""

from __future__ import annotations

from django.db import connection

from blogs.article.related import Post
from blogs.models import BlogGeneration
from workers.database.outage import outlasts_an_outage

# How many of a shop's blogs are looked through for published ones, and how many of those are compared.
_READ, _COMPARED = 500, 60

# The newest blogs first, by their index; without the bound, a shop that publishes nothing would have all its blogs read each time.
_POSTS = f"""
SELECT article.title, blog.post_url, article.language
  FROM (SELECT id, post_url FROM blog_generations WHERE site_id = %(site)s AND status = 'DONE' AND id <> %(blog)s
         ORDER BY id DESC LIMIT {_READ}) AS blog
  JOIN blogs_article article ON article.generation_id = blog.id
 WHERE blog.post_url <> '' ORDER BY blog.id DESC LIMIT {_COMPARED}
"""


@outlasts_an_outage
def of_shop(generation: BlogGeneration) -> list[Post]:
    """Read them, without the blog's own."""
    with connection.cursor() as cursor:
        cursor.execute(_POSTS, {"site": generation.site_id, "blog": generation.pk})
        return [Post(*row) for row in cursor.fetchall()]
