"""The article of a blog that is DONE, in the form that the caller asks for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from blogs.article.schema import VERSION, word_count
from blogs.models import Article, BlogGeneration, StageOutput
from tests.support import factories
from tests.support.blogs.articles import article
from tests.support.problems import problem

pytestmark = pytest.mark.django_db

_PRODUCT = {
    "id": "p1",
    "name": "Scarf",
    "url": "https://shop.example/scarf",
    "image_id": "i.jpg",
    "text": "Warm.",
    "in_stock": True,
}
_CARD_BLOCKS = [{"type": "product", "product_id": "p1", "pitch": "Warm."}]


def _done(site: Any) -> BlogGeneration:
    generation = factories.done_generation(site)
    text = article()
    content = text.model_dump()
    content["blocks"] += _CARD_BLOCKS
    Article.objects.create(
        generation=generation,
        version=VERSION,
        title=text.title,
        language="en",
        words=word_count(text),
        content=content,
    )
    photo = {"file_id": "i.jpg", "width": 10, "height": 20, "alt_text": "A scarf"}
    StageOutput.objects.create(generation=generation, stage="products", output={"products": [_PRODUCT]})
    StageOutput.objects.create(generation=generation, stage="media", output={"photos": {"p1": photo}})
    return generation


@pytest.fixture
def site() -> Any:
    return factories.site(url="https://shop.example")


@pytest.fixture
def path(site: Any) -> str:
    return f"/api/blog-generation/{_done(site).pk}/article"


_FORMS = [
    ("blocks", "application/json", "application/json", '"blocks":[{"type":"'),
    ("html", "text/html", "text/html; charset=utf-8", '<article lang="en" dir="auto">\n<h1>'),
    ("markdown", "text/markdown", "text/markdown; charset=utf-8", "[Scarf](<https://shop.example/scarf>)"),
    ("plain", "text/plain", "text/plain; charset=utf-8", "Scarf: https://shop.example/scarf"),
    ("wix", "application/vnd.wix.rich-content+json", "application/vnd.wix.rich-content+json", '{"nodes":['),
]


@pytest.mark.parametrize(("form", "kind", "told", "within"), _FORMS)
def test_the_article_comes_in_the_form_that_is_asked_for_by_name_or_by_kind(
    api: Any, site: Any, path: str, form: str, kind: str, told: str, within: str
) -> None:
    by_name, by_kind = api(site).get(f"{path}?format={form}"), api(site).get(path, accept=kind)

    assert (by_name.status_code, by_kind.status_code) == (200, 200)
    assert by_name["Content-Type"] == by_kind["Content-Type"] == told
    assert by_name.content == by_kind.content
    assert within in by_name.content.decode()


@pytest.mark.parametrize(
    ("accept", "told"),
    [
        ("text/html;q=0.5, text/markdown", "text/markdown; charset=utf-8"),
        ("application/json;q=0.1, text/*;q=0.4, text/html;q=0", "text/markdown; charset=utf-8"),
        ("*/*, application/json;q=0", "text/html; charset=utf-8"),
        ("text/plain;q=0.9, text/html;q=abc", "text/html; charset=utf-8"),
    ],
)
def test_the_form_is_the_one_that_the_caller_likes_best(api: Any, site: Any, path: str, accept: str, told: str) -> None:
    assert api(site).get(path, accept=accept)["Content-Type"] == told
    problem(api(site).get(path, accept="text/html;q=0, image/png"), 406, "not_acceptable")


def test_a_browser_gets_html_and_whoever_takes_anything_gets_blocks(api: Any, site: Any, path: str) -> None:
    chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    assert api(site).get(path, accept=chrome)["Content-Type"].startswith("text/html")
    assert api(site).get(path, accept="*/*").json()["blogId"] == int(path.split("/")[3])


def test_blocks_are_camel_case_and_name_their_products(api: Any, site: Any, path: str) -> None:
    body = api(site).get(path).json()

    assert {"title", "metaTitle", "metaDescription", "slug", "excerpt", "tags", "language", "words"} <= set(body)
    assert body["blocks"][-1] == {"type": "product", "productId": "p1", "pitch": "Warm."}
    assert body["products"] == [{"id": "p1", "name": "Scarf", "url": "https://shop.example/scarf"}]


@pytest.mark.parametrize("asked", [{"path": "?format=pdf"}, {"path": "?format="}, {"accept": "application/pdf"}])
def test_another_form_cannot_be_had_and_the_refusal_is_json(api: Any, site: Any, path: str, asked: Any) -> None:
    accept = {"accept": asked["accept"]} if "accept" in asked else {}

    problem(api(site).get(path + asked.get("path", ""), **accept), 406, "not_acceptable")


@pytest.mark.parametrize("make", [factories.pending_generation, factories.processing_generation])
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_before_it_is_done_there_is_nothing_to_read_yet(api: Any, site: Any, make: Any, accept: str) -> None:
    generation = make(site)

    response = api(site).get(f"/api/blog-generation/{generation.pk}/article", accept=accept)

    refused = problem(response, 409, "not_ready")
    assert (refused["blogStatus"], refused["retryable"]) == (generation.status, True)
    assert "cancel" in refused["possible"]
    assert int(response["Retry-After"]) > 0


def test_a_blog_that_failed_has_no_article_to_wait_for(api: Any, site: Any) -> None:
    response = api(site).get(f"/api/blog-generation/{factories.failed_generation(site).pk}/article")

    refused = problem(response, 409, "not_ready")
    assert (refused["blogStatus"], refused["retryable"], refused["possible"]) == ("FAILED", False, ["retry"])
    assert "Retry-After" not in response


def test_the_article_of_another_site_is_not_found(api: Any, path: str) -> None:
    problem(api(factories.site()).get(path), 404, "not_found")


def test_the_blog_leads_to_its_article(api: Any, site: Any, path: str) -> None:
    done = api(site).get(path.removesuffix("/article")).json()
    waiting = api(site).post().json()

    assert done["article"] == f"http://testserver{path}"
    assert waiting["article"] is None


@pytest.mark.parametrize(
    "product",
    [
        {
            "id": "p",
            "name": "<script>alert(1)</script>](javascript:alert(1))",
            "url": "javascript:alert(1)",
            "text": "",
            "image_id": "",
        },
        {"id": "p", "name": "x", "url": None, "text": "", "image_id": ""},
        {"id": "p", "name": "x", "url": "https://shop.example@evil.example/", "text": "", "image_id": ""},
    ],
)
@pytest.mark.parametrize("form", ["html", "markdown", "plain", "wix", "blocks"])
def test_an_article_leads_nowhere_that_it_may_not(api: Any, site: Any, product: Any, form: str) -> None:
    generation = factories.done_generation(site)
    content = article().model_dump()
    evil = "<img src=x onerror=1> [a](javascript:x) ![b](data:x) <javascript:x>"
    content["blocks"] += [
        {"type": "product", "product_id": "p", "pitch": evil},
        {"type": "button", "product_id": "p", "text": evil[:30]},
        {"type": "paragraph", "runs": [{"text": evil, "bold": True, "italic": True, "product_id": "p"}]},
    ]
    Article.objects.create(
        generation=generation, version=VERSION, title=evil, language="en", words=200, content=content
    )
    StageOutput.objects.create(generation=generation, stage="products", output={"products": [product]})

    answer = api(site).get(f"/api/blog-generation/{generation.pk}/article?format={form}")

    assert answer.status_code == 200, answer.content
    forbidden = {
        "html": ["<script", "<img", 'href="javascript', "evil.example"],
        "markdown": ["](javascript", "<javascript", "evil.example"],
    }.get(form, [])
    # What stands behind a backslash is not Markdown's own sign.
    read = re.sub(r"\\.", "", answer.content.decode())
    assert [each for each in forbidden if each in read] == []
