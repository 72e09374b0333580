"""The bank finds topics alike among 20,000 of a site, and no two of its writers wait for each other."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from blogs.ideas import bank, upkeep
from blogs.ideas.bank import New
from blogs.ideas.keys import key, stems
from blogs.models import BlogGeneration, Topic, TopicStem
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.query_plans import plan_of, read_whole
from wix.models import Site

pytestmark = pytest.mark.django_db

Kind = Topic.Kind


def keep(site: Site, text: str, language: str = "en", **more: object) -> int | None:
    with transaction.atomic():
        bank.lock(site.pk)
        return bank.add(site.pk, New(Kind.TITLE, text, language, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("earlier", "title", "language"),
    [
        ("How to choose a coffee grinder", "Choosing a coffee grinder", "en"),
        ("A practical guide to wool scarves", "Wool scarves: the practical guide", "en"),
        ("Kaffeemühlen richtig reinigen", "Die Kaffeemühle richtig reinigen", "de"),
        ("Jak dbać o wełniane szaliki", "Jak dbać o wełniany szalik", "pl"),
        ("冬のマフラーの選び方", "冬のマフラーの選びかた", "ja"),
    ],
)
def test_a_topic_is_found_again_in_other_words(earlier: str, title: str, language: str) -> None:
    site = factories.site()
    keep(site, earlier, language)
    keep(site, "Something else: soap", language)

    [near, *_] = bank.near(site.pk, title, language)

    assert (near.text, near.is_same) == (earlier, True)


def test_other_topics_sites_and_languages_are_not_the_same() -> None:
    site, other = factories.site(), factories.site()
    keep(site, "How to choose a coffee grinder")
    keep(site, "Gift ideas for tea drinkers", "de")
    keep(other, "Storing tea for a year")

    assert not any(near.is_same for near in bank.near(site.pk, "How to clean an espresso machine", "en"))
    assert bank.near(site.pk, "Gift ideas for tea drinkers", "en") == []
    assert bank.near(site.pk, "Storing tea for a year", "en") == []


def test_the_topic_of_a_blog_that_was_cancelled_is_free_again() -> None:
    site = factories.site()
    blog = factories.pending_generation(site)
    keep(site, "Wool scarves for the cold", generation_id=blog.pk, holds=True)
    assert keep(site, "For the cold: wool scarves", holds=True) is None

    lifecycle.cancel(blog.pk, by="test")

    assert bank.near(site.pk, "Wool scarves for the cold", "en") == []
    assert keep(site, "For the cold: wool scarves", holds=True)


WORDS = [
    f"{first}{last}"
    for first in ("wo", "li", "ka", "te", "bra", "co", "sil", "pu", "mo")
    for last in ("ol", "nen", "rt", "ttle")
]
WORDS += [f"{word}{end}" for word in WORDS[:20] for end in ("ik", "us", "am")]


def fill(site: Site, count: int) -> None:
    dice = random.Random(5)
    titles = [
        f"{' '.join(dice.sample(WORDS, 3))} {dice.choice(['care', 'guide', 'ideas', 'checks'])} {number}"
        for number in range(count)
    ]
    # In portions: PostgreSQL ends a transaction that says nothing for five seconds.
    for at in range(0, count, 1_000):
        portion = [
            Topic(site=site, kind=Kind.TITLE, language="en", text=title, key=key(title, "en"))
            for title in titles[at : at + 1_000]
        ]
        made = Topic.objects.bulk_create(portion)
        rows = [(site.pk, stem, topic.pk) for topic in made for stem in stems(topic.text, "en")]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO blogs_topicstem (site_id, stem, topic_id) SELECT * FROM unnest(%s::bigint[], %s::int[], %s::bigint[])",
                [list(column) for column in zip(*rows, strict=True)],
            )


def test_a_bank_of_20_000_titles_is_searched_by_an_index_and_quickly() -> None:
    site = factories.site()
    keep(site, "Keeping a cast iron griddle from rusting")
    fill(site, 20_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE blogs_topic; ANALYZE blogs_topicstem")

    def look() -> list[bank.Near]:
        return bank.near(site.pk, "How to keep the cast iron griddle from rust", "en")

    plan = plan_of(look, containing="blogs_topicstem")
    assert not read_whole(plan) & {"blogs_topic", "blogs_topicstem"}
    assert look()[0].text == "Keeping a cast iron griddle from rusting"
    took = []
    for _ in range(5):
        began = time.perf_counter()
        assert bank.near(site.pk, "wool linen cottle guide 7", "en")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.05  # 3 to 8 ms on a quiet machine


@pytest.mark.django_db(transaction=True)
def test_writers_of_one_site_never_wait_for_each_other_in_a_circle() -> None:
    site = factories.site()
    titles = [f"{word} and its uses" for word in WORDS[:12]]

    def write(order: list[str]) -> int:
        try:
            with transaction.atomic():
                bank.lock(site.pk)
                return sum(bank.add(site.pk, New(Kind.TITLE, title, "en", holds=True)) is not None for title in order)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        added = list(threads.map(write, [titles, titles[::-1], titles[6:] + titles[:6], titles]))

    assert sum(added) == len(titles) == Topic.objects.count()


def test_an_idea_of_a_cancelled_blog_stays_as_an_idea_and_the_sites_topics_go_with_the_site() -> None:
    site = factories.site()
    blog = factories.pending_generation(site)
    keep(site, "Wool scarves for the cold", generation_id=blog.pk, plan={"angle": "warmth"})
    lifecycle.cancel(blog.pk, by="test")
    BlogGeneration.objects.update(finished_at="2020-01-01T00:00:00Z")

    upkeep.tidy()

    idea = Topic.objects.get()
    assert (idea.kind, idea.generation_id, idea.offered_at is None) == (Kind.IDEA, None, False)

    Site.objects.update(removed_at="2020-01-01T00:00:00Z")
    upkeep.tidy()
    assert not Topic.objects.exists()
    assert not TopicStem.objects.exists()
