"""The posts that a shop has published: what an article may lead its readers to.

Those of its blogs here are known at once. Those that were written elsewhere are in the shop's idea bank, which reads Wix's once a
day.
"""

from __future__ import annotations

from django.db import connection

from blogs.article.related import Post
from blogs.ideas import posts
from blogs.models import BlogGeneration
from workers.database.outage import outlasts_an_outage

# How many of a shop's blogs are looked through for published ones, and how many of those are compared.
_READ, _COMPARED = 500, 60
# How many of the bank's posts are compared: those that are nearest to the title.
_OF_BANK = 20

# The newest blogs first, by their index; without the bound, a shop that publishes nothing would have all its blogs read each time.
_POSTS = f"""
SELECT article.title, blog.post_url, article.language
  FROM (SELECT id, post_url FROM blog_generations WHERE site_id = %(site)s AND status = 'DONE' AND id <> %(blog)s
         ORDER BY id DESC LIMIT {_READ}) AS blog
  JOIN blogs_article article ON article.generation_id = blog.id
 WHERE blog.post_url <> '' ORDER BY blog.id DESC LIMIT {_COMPARED}
"""


def of_shop(generation: BlogGeneration, title: str, language: str) -> list[Post]:
    """Read those of its newest blogs, and those of the bank that are near a title in this language, without the blog's own.

    A post that both know goes by the bank's title: the shop may have changed it at Wix.
    """
    near = posts.fitting_posts(generation.site_id, title, language, _OF_BANK)
    known = [Post(post.title, post.url, language) for post in near if post.url != generation.post_url]
    urls = {post.url for post in known}
    return [*known, *(post for post in _of_blogs(generation) if post.url not in urls)]


@outlasts_an_outage
def _of_blogs(generation: BlogGeneration) -> list[Post]:
    """Read the posts of its blogs, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_POSTS, {"site": generation.site_id, "blog": generation.pk})
        return [Post(*row) for row in cursor.fetchall()]
