"""What older code leaves out is filled in, and what the queue writes needs no filling in."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from blogs.desk.find import blogs
from blogs.models import Article, BlogGeneration, BlogWords, SourceType, Stage
from blogs.queue import lifecycle
from blogs.queue.pruning import prune
from blogs.words.keeping import Keeper
from tests.support.blogs.desk_rows import written_generation
from tests.support.factories import done_generation, pending_generation, processing_generation, site
from workers.errors import LeaseLost

pytestmark = pytest.mark.django_db
Level = BlogWords.Level


def look_through() -> None:
    keeper = Keeper()
    # Numbers may be in the millions: tests of a restored backup leap ahead.
    for _ in range(10_000):
        keeper.look()
        if keeper._was_through:
            return
    raise AssertionError("it never came to an end")


def found(text: str) -> list[int]:
    return blogs.worded(text, 10)


def test_a_blog_is_found_by_its_topic_at_once() -> None:
    blog = pending_generation(source_id="merino socks")

    assert found("socks") == [blog.pk]
    assert BlogWords.objects.get(pk=blog.pk).level == Level.TOPIC


def test_by_its_products_after_the_first_stage_and_by_its_title_after_the_article() -> None:
    blog = written_generation(text="Felt slippers", product_name="Harbour mug")

    assert found("slippers") == [blog.pk]
    assert found("harbour") == [blog.pk]
    assert found("wool harbour slippers") == [blog.pk]
    assert BlogWords.objects.get(pk=blog.pk).level == Level.TITLE


def test_a_blog_about_a_product_is_called_by_its_name_and_not_found_by_its_id() -> None:
    blog = processing_generation(source_type=SourceType.PRODUCT, source_id=str(uuid.uuid4()))
    output = {"source_text": "Blue mug", "products": [{"id": "p1", "name": "Blue mug", "text": ""}]}

    lifecycle.checkpoint(blog, Stage.PRODUCTS, output, next_stage=Stage.IDEA)

    assert BlogWords.objects.get(pk=blog.pk).subject == "Blue mug"
    assert found("blue") == [blog.pk]


def test_words_of_a_worker_that_lost_its_lease_are_not_written() -> None:
    blog = processing_generation(source_id="wool")
    BlogGeneration.objects.filter(pk=blog.pk).update(lease_token=uuid.uuid4())

    with pytest.raises(LeaseLost):
        lifecycle.checkpoint(blog, Stage.PRODUCTS, {"source_text": "tea", "products": []}, next_stage=Stage.IDEA)

    assert found("tea") == []


@pytest.mark.parametrize("level", [None, Level.INCOMPLETE, Level.TOPIC, Level.PRODUCTS])
def test_what_older_code_left_out_is_filled_in(level: int | None) -> None:
    blog = written_generation(site(name="Nordic"), text="Felt slippers", product_name="Harbour mug")
    left = BlogWords.objects.filter(pk=blog.pk)
    if level is None:
        left.delete()
    else:
        BlogWords.objects.filter(pk=blog.pk).update(level=level)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE blogs_blogwords SET words = '' WHERE generation_id = %s", [blog.pk])
    assert found("slippers") == []

    look_through()

    assert found("harbour slippers scarves") == [blog.pk]
    assert found("nordic slippers") == [blog.pk]
    assert left.get().level == Level.TITLE


def test_a_stage_saved_beside_a_missing_row_leaves_it_incomplete_and_it_is_filled_in() -> None:
    blog = processing_generation(source_id="merino socks")
    BlogWords.objects.all().delete()
    output: dict[str, Any] = {"source_text": "x", "products": [{"id": "p1", "name": "Blue mug", "text": ""}]}

    lifecycle.checkpoint(blog, Stage.PRODUCTS, output, next_stage=Stage.IDEA)
    assert BlogWords.objects.get(pk=blog.pk).level == Level.INCOMPLETE
    look_through()

    assert found("merino blue") == [blog.pk]
    assert BlogWords.objects.get(pk=blog.pk).level == Level.PRODUCTS


def test_an_article_that_new_code_writes_after_old_products_is_completed() -> None:
    blog = processing_generation(source_id="merino socks")
    content = {"title": "About tea", "blocks": []}
    article = Article(generation=blog, version=1, title="About tea", language="en", words=1, content=content)

    lifecycle.checkpoint(blog, Stage.ARTICLE, content, next_stage=Stage.IMAGE, article=article)
    assert BlogWords.objects.get(pk=blog.pk).level == Level.TOPIC
    look_through()

    assert BlogWords.objects.get(pk=blog.pk).level == Level.TITLE
    assert found("merino tea") == [blog.pk]


def test_it_fills_in_more_than_one_portion(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [pending_generation(source_id=f"topic{number}").pk for number in range(7)]
    BlogWords.objects.all().delete()
    monkeypatch.setattr("blogs.words.keeping._FILLED", 2)
    monkeypatch.setattr("blogs.words.keeping._LOOKED_AT", 5)
    keeper = Keeper()

    for _ in range(6):
        keeper.look()

    assert sorted(BlogWords.objects.values_list("pk", flat=True)) == made


def test_words_go_with_their_blog_and_what_older_code_left_of_them_goes_too() -> None:
    gone, kept = done_generation(source_id="gone"), pending_generation(source_id="kept")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET finished_at = finished_at - interval '9 days' WHERE id = %s", [gone.pk]
        )
        cursor.execute("INSERT INTO blogs_blogwords VALUES (%s, 0, '', 'orphan')", [gone.pk - 1])

    list(prune(timedelta(days=8), batch_size=10))
    assert not BlogWords.objects.filter(pk=gone.pk).exists()
    look_through()

    assert list(BlogWords.objects.values_list("pk", flat=True)) == [kept.pk]


def test_once_it_is_through_it_looks_less_often() -> None:
    pending_generation()
    keeper = Keeper()

    pauses = [keeper.look()]
    while not keeper._was_through:
        pauses.append(keeper.look())

    assert set(pauses[:-1]) <= {1.0}
    assert keeper.look() == 300.0
