"""What other services say, and PostgreSQL does not take: half an emoji, as JavaScript cuts it, and a NUL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from blogs.models import Article, Status
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, free_and_balance
from tests.support.front import Answer, Front
from wix.models import Site

ODD = pytest.mark.parametrize("odd", ["\ud83e", "\x00"], ids=ascii)


def said_by_wix(said: str) -> Any:
    return {"message": said, "details": {"applicationError": {"code": said, "description": said, "data": {}}}}


@ODD
def test_a_refusal_that_repeats_it_ends_the_blog_like_any_other(
    front: Front, shop: Site, attempt: Attempt, odd: str
) -> None:
    front.on("POST", r"/blog/v3/draft-posts$", Answer(400, said_by_wix(f"title: 'Warm wool {odd}' is not allowed")))
    factories.pending_generation(shop)

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "wix_rejected")
    assert "Warm wool �" in failed.error_message
    assert free_and_balance(shop) == (1_000, 1_000)


def with_odd_texts(odd: str) -> Callable[[Any], Any]:
    """Put it at the end of every text of an answer, but for addresses and ids."""

    def changed(value: Any) -> Any:
        match value:
            case dict():
                return {name: changed(inner) for name, inner in value.items()}
            case list():
                return [changed(inner) for inner in value]
            case str() if " " in value:
                return value + odd
        return value

    return changed


@ODD
@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
def test_products_that_hold_it_are_written_about(
    front: Front, sandbox: Any, shop: Site, attempt: Attempt, odd: str, version: str
) -> None:
    sandbox.add_shop(str(shop.instance_id), catalog_version=version, generate=3)
    front.on("POST", r"/products/query", with_odd_texts(odd))
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE, done.error_message
    products = done.outputs.get(stage="products").output["products"]
    assert products
    assert "�" not in json.dumps(products, ensure_ascii=False)


@ODD
def test_an_article_that_holds_it_is_kept_without(front: Front, shop: Site, attempt: Attempt, odd: str) -> None:
    def odd_words(answer: Any) -> Any:
        message = answer["choices"][0]["message"]
        content = json.loads(message["content"])
        content["title"] += odd
        for block in content.get("blocks", []):
            for run in block.get("runs", []):
                run["text"] = odd + run["text"]
        message["content"] = json.dumps(content)
        return answer

    front.on("POST", "/chat/completions", odd_words)
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE, done.error_message
    kept = Article.objects.get(generation=done)
    assert odd not in kept.title
    assert "�" not in json.dumps(kept.content, ensure_ascii=False)


@ODD
def test_openais_refusal_may_hold_it(front: Front, shop: Site, attempt: Attempt, odd: str) -> None:
    error = {"message": f"bad {odd}", "type": f"bad{odd}", "code": f"bad{odd}", "param": None}
    front.on("POST", "/chat/completions", Answer(400, {"error": error}))
    factories.pending_generation(shop)

    refused = attempt()

    assert refused.error_code or refused.events.exclude(code="").exists()
    assert odd not in refused.error_message


@ODD
def test_replicates_answers_may_hold_it(front: Front, shop: Site, attempt: Attempt, odd: str) -> None:
    front.on(
        "GET",
        "/v1/predictions/",
        lambda found: {**found, "status": "failed", "error": f"no {odd}", "logs": odd, "output": None},
    )
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE, done.error_message


@ODD
def test_an_address_of_a_picture_that_holds_it_is_no_picture(
    front: Front, shop: Site, attempt: Attempt, odd: str
) -> None:
    there = f"{front.url}/replicate/files/{odd}.png"
    front.on("GET", "/v1/predictions/", lambda found: {**found, "status": "succeeded", "output": [there]})
    factories.pending_generation(shop)

    done = attempt()

    assert done.status in (Status.DONE, Status.PENDING)
    assert done.error_code != "internal"


@ODD
def test_a_token_that_holds_it_is_no_answer(front: Front, shop: Site, attempt: Attempt, odd: str) -> None:
    front.on("POST", "/oauth2/token$", lambda answer: {**answer, "access_token": f"a{odd}"})
    factories.pending_generation(shop)

    waits = attempt()

    assert (waits.status, waits.error_code) == (Status.PENDING, "wix_unavailable")
