from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from blogs.models import BlogGeneration, SourceType, Stage
from blogs.queue import lifecycle
from blogs.queue.submitting import submit
from tests.support.blogs.desk_pages import ids_listed, text_of, visible
from tests.support.blogs.desk_rows import written_generation
from tests.support.factories import blog_request, done_generation, pending_generation, processing_generation, site
from workers.models import ProviderCall

pytestmark = pytest.mark.django_db

AWKWARD = [
    "'",
    '"',
    "%",
    "_",
    "\\",
    "a'b",
    "% wool",
    "x" * 10_000,
    "木",
    "手作り",
    "a",
    "of",
    "|&!()",
    "#",
]


def search(client: Client, text: str) -> Any:
    return client.get(reverse("desk-search"), {"q": text})


def found(client: Client, text: str) -> list[int]:
    """Return the blogs that the page shows, or the one that it leads to."""
    response = search(client, text)
    if response.status_code == 302:
        return [int(response["Location"].split("/")[-3])]
    assert response.status_code == 200
    return [row["blog"].pk for row in response.context["blogs"]]


def leads_to(client: Client, text: str) -> str:
    response = search(client, text)
    return str(response["Location"]) if response.status_code == 302 else ""


def page_of(blog: BlogGeneration) -> str:
    return reverse("admin:blogs_bloggeneration_change", args=[blog.pk])


@pytest.fixture
def post() -> BlogGeneration:
    """Make a blog whose post is at harbour.example, and others that no search for it should find."""
    shop = site(name="Harbour Coffee", url="https://www.harbour.example")
    made = done_generation(shop, source_id="merino socks")
    BlogGeneration.objects.filter(pk=made.pk).update(
        draft_post_slug="merino-socks-guide", post_url="https://www.harbour.example/post/merino-socks-guide"
    )
    ProviderCall.objects.create(
        provider="openai", operation="article", work=made.pk, site=made.site_id, seconds=1, outcome="ok",
        request_id="req_8f2c", tokens_reserved=1, prompt_bytes=1, output_max=1, truncated=False, images=0,
    )  # fmt: skip
    pending_generation(source_id="zebra stripes")
    return BlogGeneration.objects.get(pk=made.pk)


@pytest.mark.parametrize(
    "named",
    [
        "#{blog.pk}",
        "{blog.pk}",
        "{blog.draft_post_id}",
        "https://manage.wix.com/dashboard/blog/{blog.draft_post_id}/edit",
        "merino-socks-guide",
        "https://www.harbour.example/post/merino-socks-guide",
        "https://harbour.example/post/merino-socks-guide?ref=mail",
        "req_8f2c",
    ],
)
def test_what_names_one_blog_leads_straight_to_it(desk: Client, post: BlogGeneration, named: str) -> None:
    text = named.format(blog=post)

    assert leads_to(desk, text) == page_of(post)
    assert ids_listed(desk, q=text) == [post.pk]


def test_an_idempotency_key_leads_to_its_blog(desk: Client) -> None:
    wanted = submit(site=site(), request=blog_request(), idempotency_key="Order-8/it's")
    submit(site=site(), request=blog_request(), idempotency_key="order-9")

    assert leads_to(desk, "Order-8/it's") == page_of(wanted)
    assert leads_to(desk, "order-10") == ""


@pytest.mark.parametrize("typed", ["A-1017", "order:A-1017", "4711", "customer:4711", "it's:so"])
def test_a_value_or_a_pair_of_metadata_leads_to_its_blog(desk: Client, typed: str) -> None:
    pairs = {"order": "A-1017", "customer": "4711", "note": "it's:so", "long": "x" * 500}
    wanted = submit(site=site(), request=replace(blog_request(), metadata=pairs))
    submit(site=site(), request=replace(blog_request(), metadata={"order": "A-1018", "customer": "47111"}))

    assert leads_to(desk, typed) == page_of(wanted)
    assert leads_to(desk, "order:4711") == leads_to(desk, "A-101") == ""


def test_the_instance_id_of_a_shop_leads_to_the_shop(desk: Client, post: BlogGeneration) -> None:
    assert leads_to(desk, str(post.site.instance_id)) == reverse("admin:wix_site_change", args=[post.site_id])


@pytest.mark.parametrize(
    "words",
    ["socks", "MERINO", "meri", "socks merino", "harbour coffee socks", "Harbour merino", "harbour.example socks"],
)
def test_words_of_the_topic_and_of_the_shop_find_it(desk: Client, post: BlogGeneration, words: str) -> None:
    assert found(desk, words) == [post.pk]
    assert ids_listed(desk, q=words) == [post.pk]


@pytest.mark.parametrize("words", ["socks zebra", "erino", "zebra coffee socks", "harbour zebra"])
def test_other_words_do_not(desk: Client, post: BlogGeneration, words: str) -> None:
    assert post.pk not in found(desk, words)


def test_a_slug_that_two_shops_have_shows_both_and_the_posts_address_one(desk: Client, post: BlogGeneration) -> None:
    other = pending_generation(site(url="https://other.example"))
    BlogGeneration.objects.filter(pk=other.pk).update(draft_post_slug="merino-socks-guide")

    assert found(desk, "merino-socks-guide") == [other.pk, post.pk]
    assert leads_to(desk, "https://harbour.example/post/merino-socks-guide") == page_of(post)


def test_titles_and_products_are_found_and_shown(desk: Client) -> None:
    blog = written_generation(text="Felt slippers", product_name="Harbour mug")

    assert found(desk, "harbour mug") == [blog.pk]
    assert "About Felt slippers" in visible(text_of(desk, reverse("desk-search"), q="slippers"))


def test_a_product_is_called_by_its_name_on_the_desk(desk: Client) -> None:
    product_id = str(uuid.uuid4())
    blog = processing_generation(source_type=SourceType.PRODUCT, source_id=product_id)
    output = {"source_text": "Blue mug", "products": [{"id": product_id, "name": "Blue mug", "text": ""}]}
    lifecycle.checkpoint(blog, Stage.PRODUCTS, output, next_stage=Stage.IDEA)
    pages = [
        text_of(desk, reverse("desk-search"), q="mug"),
        text_of(desk, reverse("admin:blogs_bloggeneration_changelist")),
    ]

    for page in pages:
        assert "Blue mug" in visible(page)
        assert product_id not in visible(page)


def test_shops_are_found_by_any_word_of_name_and_domain(desk: Client, post: BlogGeneration) -> None:
    for words in ("Harbour", "coffee", "harb cof", "harbour.example", "www.harbour.example"):
        page = text_of(desk, reverse("desk-search"), q=words)

        assert reverse("admin:wix_site_change", args=[post.site_id]) in page, words


@pytest.mark.parametrize("text", AWKWARD)
def test_no_text_breaks_the_search(desk: Client, post: BlogGeneration, text: str) -> None:
    assert search(desk, text).status_code == 200
    assert desk.get(reverse("desk-suggestions"), {"q": text}).status_code == 200
    assert desk.get(reverse("admin:blogs_bloggeneration_changelist"), {"q": text}).status_code == 200


def test_a_character_that_no_text_has_is_refused_with_a_message(desk: Client) -> None:
    answer = search(desk, "wool\x00")

    assert answer.status_code == 400
    assert "NUL" in answer.content.decode()


def test_nothing_typed_says_what_can_be_found(desk: Client) -> None:
    assert "It finds" in visible(text_of(desk, reverse("desk-search")))
    assert "No blog has all these words" in visible(text_of(desk, reverse("desk-search"), q="nowhere"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("#987654", "No blog has the number 987654"),
        ("00000000-0000-4000-8000-0000000000ff", "No blog has a draft with this id, and no shop this instance id."),
    ],
)
def test_what_names_one_blog_and_finds_none_is_not_told_of_words(desk: Client, typed: str, said: str) -> None:
    shown = visible(text_of(desk, reverse("desk-search"), q=typed))

    assert said in shown
    assert "words" not in shown


def test_the_box_is_on_every_page(desk: Client) -> None:
    for url in ("admin:index", "admin:wix_site_changelist", "desk-search"):
        assert 'id="desk-search"' in text_of(desk, reverse(url))


# --- Suggestions ------------------------------------------------------------------------------------------------------


def suggested(client: Client, text: str) -> list[str]:
    return [shop["name"] for shop in client.get(reverse("desk-suggestions"), {"q": text}).json()["shops"]]


def test_shops_are_suggested_those_first_whose_name_begins_so(desk: Client) -> None:
    for name in ("Old Mill Tea", "Teapots & more", "Tea House", "Wool"):
        site(name=name)

    assert suggested(desk, "tea") == ["Tea House", "Teapots & more", "Old Mill Tea"]
    assert suggested(desk, "") == []


def test_no_more_shops_are_suggested_than_fit(desk: Client) -> None:
    for number in range(12):
        site(credits=0, name=f"Tea {number}")

    assert len(suggested(desk, "tea")) == 8


# --- Rights -----------------------------------------------------------------------------------------------------------


def test_who_may_see_neither_is_refused_by_the_rights_name(desk_with: Callable[..., Client]) -> None:
    client = desk_with()

    assert search(client, "wool").status_code == 403
    assert suggested(client, "tea") == []


def test_who_may_not_see_blogs_is_shown_none_and_led_to_none(
    desk_with: Callable[..., Client], post: BlogGeneration
) -> None:
    client = desk_with("wix.view_site")

    for text in ("merino", f"#{post.pk}", "req_8f2c", "merino-socks-guide"):
        assert found(client, text) == []
    assert suggested(client, "harb") == ["Harbour Coffee"]


def test_who_may_not_see_shops_is_shown_none(desk_with: Callable[..., Client], post: BlogGeneration) -> None:
    client = desk_with("blogs.view_bloggeneration")

    assert search(client, "harbour coffee").context["shops"] == []
    assert suggested(client, "harb") == []
    assert found(client, "merino") == [post.pk]


def test_a_stranger_is_led_to_the_login(db: None) -> None:
    for url in ("desk-search", "desk-suggestions"):
        assert "/login/" in Client().get(reverse(url))["Location"]
