"""A shop's ideas: those that it asked for, and those of blogs that were cancelled. One of them makes a blog.

The idea of a blog that failed or was cancelled can be used again after an hour or two (`upkeep.py`).
"""

from __future__ import annotations

from django.db.models import QuerySet

from blogs.models import BlogGeneration, Topic
from wix.models import Site
from workers.database.connections import briefly


class UnknownIdea(Exception):
    """The site has no idea with this number."""


class IdeaUsed(Exception):
    """Another blog has it; `generation_id` is that blog."""

    def __init__(self, generation_id: int | None) -> None:
        super().__init__(f"blog {generation_id} has it")
        self.generation_id = generation_id


def offered(site: Site) -> QuerySet[Topic]:
    """Select the site's ideas, used or not."""
    return Topic.objects.filter(site=site, offered_at__isnull=False)


def find(site: Site, source_id: str) -> Topic:
    """Return an idea of the site by its number. Raises UnknownIdea."""
    number = int(source_id) if source_id.isascii() and source_id.isdigit() and len(source_id) <= 18 else 0
    found = offered(site).filter(pk=number).first()
    if found is None:
        raise UnknownIdea
    return found


def use(site: Site, idea: Topic, blog: BlogGeneration) -> None:
    """Give an idea to a blog, within the transaction that makes the blog. Raises IdeaUsed."""
    free = offered(site).filter(kind=Topic.Kind.IDEA, pk=idea.pk)
    if not free.update(kind=Topic.Kind.TITLE, generation_id=blog.pk):
        taken = offered(site).filter(pk=idea.pk).values_list("generation_id", flat=True).first()
        raise IdeaUsed(taken)


@briefly
def text_of(site_id: int, source_id: str) -> str:
    """Return what an idea is about, in words: its title and its angle; "" where it is gone."""
    found = Topic.objects.filter(pk=int(source_id), site_id=site_id).values_list("text", "plan").first()
    if found is None:
        return ""
    title, plan = found
    return f"{title}. {plan['angle']}" if plan and plan.get("angle") else title
