"""An article leads its readers to the shop's earlier posts: those that are published, and no others."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import transaction

from blogs import earlier_posts
from blogs.ideas import bank
from blogs.ideas.bank import New
from blogs.models import Article, BlogGeneration, Stage, Status, Topic
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs import ricos_rules
from tests.support.blogs.desk_rows import thousands_of_blogs
from tests.support.blogs.pipeline import Attempt
from tests.support.query_plans import plan_of, read_whole
from wix.models import Site


def links(draft: dict[str, Any], url: str) -> int:
    return ricos_rules.links(draft["richContent"]).count(url)


@pytest.mark.parametrize("known_url", ["", "https://wool-co.example"])
def test_only_to_a_published_one(sandbox: Sandbox, shop: Site, attempt: Attempt, api: Any, known_url: str) -> None:
    Site.objects.filter(pk=shop.pk).update(url=known_url)
    factories.pending_generation(shop, source_id="wool scarves for winter")
    draft_only = attempt()
    factories.pending_generation(shop, source_id="wool scarves for spring", publish=True)
    published = attempt()
    assert published.post_url
    Article.objects.filter(pk=published.pk).update(title="Wool scarves for spring days")
    Article.objects.filter(pk=draft_only.pk).update(title="Wool scarves for winter days")
    factories.pending_generation(shop, source_id="wool scarves in autumn")

    done = attempt()

    assert done.status == Status.DONE
    output = done.outputs.get(stage=Stage.DRAFT).output
    assert output["related"] == [{"title": "Wool scarves for spring days", "url": published.post_url}]
    (draft,) = (each for each in sandbox.drafts() if each["id"] == str(done.draft_post_id))
    assert links(draft, published.post_url) == 1
    assert [links(draft, str(draft_only.draft_post_url)), links(draft, str(done.post_url))] == [0, 0]
    html = api(shop).get(f"/api/blog-generation/{done.pk}/article?format=html").content.decode()
    assert f'<a href="{published.post_url}" rel="noopener">Wool scarves for spring days</a>' in html
    assert "<h2>Read also</h2>" in html


def test_after_the_shop_moved_not_to_its_old_address(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop, source_id="wool scarves for spring", publish=True)
    attempt()
    Site.objects.filter(pk=shop.pk).update(url="https://elsewhere.example")
    factories.pending_generation(shop, source_id="wool scarves for autumn")

    assert attempt().outputs.get(stage=Stage.DRAFT).output["related"] == []


def in_bank(shop: Site, title: str, url: str, *, published: bool = True, language: str = "en") -> None:
    with transaction.atomic():
        bank.lock(shop.pk)
        post_id = str(uuid.uuid4())
        bank.add(shop.pk, New(Topic.Kind.POST, title, language, post_id=post_id, url=url, published=published))


def test_to_posts_that_were_written_elsewhere_too(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    """Only published ones with an address, at the shop's own host, and each once."""
    Site.objects.filter(pk=shop.pk).update(url="https://wool-co.example")
    factories.pending_generation(shop, source_id="wool scarves for spring", publish=True)
    ours = attempt()
    Article.objects.filter(pk=ours.pk).update(title="Wool scarves for spring days")
    in_bank(shop, "Wool scarves in spring, and how they last", ours.post_url)
    elsewhere = "https://wool-co.example/post/washing"
    in_bank(shop, "Washing wool scarves", elsewhere)
    in_bank(shop, "Drying wool scarves", "https://wool-co.example/post/drying", published=False)
    in_bank(shop, "Mending wool scarves", "")
    in_bank(shop, "Folding wool scarves", "https://other.example/post/folding")
    in_bank(shop, "Wool scarves waschen", "https://wool-co.example/post/waschen", language="de")
    factories.pending_generation(shop, source_id="wool scarves in autumn")

    done = attempt()

    related = done.outputs.get(stage=Stage.DRAFT).output["related"]
    assert {each["url"]: each["title"] for each in related} == {
        ours.post_url: "Wool scarves in spring, and how they last",
        elsewhere: "Washing wool scarves",
    }
    (draft,) = (each for each in sandbox.drafts() if each["id"] == str(done.draft_post_id))
    assert [links(draft, elsewhere), links(draft, ours.post_url)] == [1, 1]


@pytest.mark.django_db
def test_a_shop_with_many_blogs_is_not_read_whole() -> None:
    big = factories.site()
    thousands_of_blogs(big, 5_000)
    blog = factories.done_generation(big)

    plan = plan_of(lambda: earlier_posts.of_shop(BlogGeneration.objects.get(pk=blog.pk), "Wool", "en"), "post_url <>")

    assert "Limit" in {node["Node Type"] for node in plan}
    assert "blog_generations" not in read_whole(plan)
