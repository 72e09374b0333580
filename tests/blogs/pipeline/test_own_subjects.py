"""An article about what usually gives away a leak, or with an address that the shop itself names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.models import Article, Stage, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt
from tests.support.front import Front
from tests.support.sandbox_fixtures import PRODUCTS
from wix.models import Site


def with_a_sentence(sentence: str) -> Any:
    def change(answer: Any) -> Any:
        message = answer["choices"][0]["message"]
        content = json.loads(message["content"])
        if "blocks" in content:
            run = {"text": sentence, "bold": False, "italic": False, "product_id": None}
            content["blocks"].append({"type": "paragraph", "runs": [run]})
        message["content"] = json.dumps(content)
        return answer

    return change


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("Lorem ipsum: where the words come from", "It goes: lorem ipsum dolor sit amet."),
        ("What a product_id is for", "A product_id names one product."),
        ("{{ title }} in a theme", "Write {{ title }} there."),
        ("How Booking.com ranks hosts", "Booking.com ranks by answers."),
        ("wool", "Ask the mill, wool-mill.com, for more."),
        ("wool", "Or call +49 30 1234567."),
    ],
)
def test_what_the_shop_asked_for_or_sells_may_stand_in_it(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, source: str, sentence: str
) -> None:
    named = {**PRODUCTS[0], "description": "<p>Wool of wool-mill.com, phone +49 (30) 123-4567.</p>"}
    sandbox.add_shop(str(shop.instance_id), products=[named])
    front.on("POST", "/chat/completions", with_a_sentence(sentence))
    factories.pending_generation(shop, source_type="title", source_id=source)

    done = attempt()

    assert done.status == Status.DONE, done.error_message


def test_an_address_that_the_shop_does_not_name_is_taken_out(front: Front, shop: Site, attempt: Attempt) -> None:
    front.on("POST", "/chat/completions", with_a_sentence("More at evil.com."))
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, done.needs_review) == (Status.DONE, False)
    assert "evil.com" not in json.dumps(Article.objects.get(pk=done.pk).content)
    found = done.outputs.get(stage=Stage.ARTICLE).output["quality"]["findings"]
    assert [(each["level"], each["done"]) for each in found if "evil.com" in each["quote"]] == [("error", "repaired")]
