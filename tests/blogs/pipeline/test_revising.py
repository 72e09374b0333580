"""A critic, one repair, and articles that are held for a person: with the ledger right each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.models import Article, BlogGeneration, Stage, StageOutput, Status, WebhookEndpoint, WebhookMessage
from blogs.outgoing import payload
from blogs.stages import revising
from tests.sandbox import Sandbox
from tests.sandbox.defects import LEVELS, OF_ARTICLES
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, free_and_balance, warnings
from tests.support.front import Front
from wix.models import Site
from workers import metrics
from workers.models import Breaker

PRICE = "It is yours for $49.90."
BOAST = "The founder of this shop learned the craft from the old lighthouse keeper, who told it to few."


def _planted(change: Any) -> Any:
    """Change the article of an answer; leave other answers as they are."""

    def changed(answer: Any) -> Any:
        message = answer["choices"][0]["message"]
        try:
            content = json.loads(message["content"] or "{}")
        except ValueError:
            return answer
        if "blocks" in content:
            message["content"] = json.dumps(change(content))
        return answer

    return changed


def with_a_price(article: dict[str, Any]) -> dict[str, Any]:
    paragraphs = [block for block in article["blocks"] if block["type"] == "paragraph"]
    middle = paragraphs[len(paragraphs) // 2]
    middle["runs"].append({"text": f" {PRICE}", "bold": False, "italic": False, "product_id": None})
    return article


def with_a_boast(article: dict[str, Any]) -> dict[str, Any]:
    run = {"text": BOAST, "bold": False, "italic": False, "product_id": None}
    article["blocks"].append({"type": "paragraph", "runs": [run]})
    return article


def calls(sandbox: Sandbox) -> list[int]:
    return [len(sandbox.requests("openai", name)) for name in ("article", "critic", "repair")]


def report_of(blog: BlogGeneration) -> dict[str, Any]:
    quality: dict[str, Any] = blog.outputs.get(stage=Stage.ARTICLE).output["quality"]
    return quality


def test_a_clean_article_costs_no_call_more(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, done.needs_review, calls(sandbox)) == (Status.DONE, False, [1, 0, 0])
    assert (report_of(done)["held"], report_of(done)["critic"]) == (False, "")
    assert {*done.outputs.values_list("stage", flat=True)} <= {*Stage.values}


def test_the_part_that_failed_is_repaired_once(front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    front.on("POST", "/chat/completions", _planted(with_a_price))
    factories.pending_generation(shop, publish=True)
    counted = metrics.value(metrics.FINDINGS, "price", "error")

    done = attempt()

    assert (done.status, done.needs_review, calls(sandbox)) == (Status.DONE, False, [1, 1, 1])
    assert done.post_url
    assert metrics.value(metrics.FINDINGS, "price", "error") == counted + 1
    (found,) = [found for found in report_of(done)["findings"] if found["check"] == "price"]
    assert (found["level"], found["done"]) == ("error", "repaired")
    assert PRICE not in json.dumps(Article.objects.get(pk=done.pk).content)
    asked = sandbox.requests("openai", "repair")[0]["body"]["messages"][1]["content"]
    assert "price in section" in asked
    assert free_and_balance(shop) == (975, 975)


def test_what_a_repair_leaves_is_held_and_not_published(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    WebhookEndpoint.objects.create(site=shop, url="https://x.example/", events=["blog.needs_review"], sealed_secret="s")
    front.on("POST", "/chat/completions", _planted(with_a_price))
    sandbox.fault("openai", "changes_nothing", "repair")
    factories.pending_generation(shop, publish=True)

    held = attempt()

    assert (held.status, held.needs_review, held.post_url) == (Status.DONE, True, "")
    assert warnings(held) == ["needs_review"]
    assert calls(sandbox) == [1, 1, 1]
    assert [draft["status"] for draft in sandbox.drafts()] == ["UNPUBLISHED"]
    assert report_of(held)["held"]
    told = WebhookMessage.objects.get()
    assert told.type == "blog.needs_review"
    body = json.loads(payload.body_of(told, shop))
    assert (body["type"], body["data"]["id"]) == ("blog.needs_review", held.pk)
    assert (body["data"]["draftPostId"], PRICE in json.dumps(body)) == (str(held.draft_post_id), False)
    assert free_and_balance(shop) == (975, 975)


@pytest.mark.parametrize("fault", ["500", "nonsense", "refusal", "length", "timeout"])
def test_without_a_critic_the_gate_stands_alone(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, fault: str
) -> None:
    settings.OPENAI_CRITIC_SECONDS = 0.3
    sandbox.fault("openai", fault, "critic", seconds=5)
    factories.pending_generation(shop, publish=True)

    done = attempt()

    assert (done.status, done.needs_review, warnings(done)) == (Status.DONE, False, ["critic_unavailable"])
    assert report_of(done)["critic"] == "unavailable"
    assert done.post_url
    assert free_and_balance(shop) == (975, 975)


def test_what_a_critic_quotes_that_is_not_there_counts_for_nothing(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("openai", "misquotes", "critic")
    factories.pending_generation(shop, publish=True)

    done = attempt()

    assert (done.status, done.needs_review, calls(sandbox)) == (Status.DONE, False, [1, 1, 0])
    assert report_of(done)["critic"] == "asked"
    assert not warnings(done)


@pytest.mark.parametrize(("fault", "held"), [(None, False), ("changes_nothing", True)])
def test_what_a_critic_finds_is_repaired_or_held(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, fault: str | None, held: bool
) -> None:
    front.on("POST", "/chat/completions", _planted(with_a_boast))
    sandbox.fault("openai", "finds", "critic")
    if fault:
        sandbox.fault("openai", fault, "repair")
    factories.pending_generation(shop, publish=True)

    done = attempt()

    assert (done.status, calls(sandbox)) == (Status.DONE, [1, 1, 1])
    (found,) = [found for found in report_of(done)["findings"] if found["check"].startswith("critic: ")]
    assert (BOAST.startswith(found["quote"]), found["done"]) == (True, "" if held else "repaired")
    assert (done.needs_review, BOAST in json.dumps(Article.objects.get(pk=done.pk).content)) == (held, held)
    assert bool(done.post_url) is not held


@pytest.mark.parametrize(("setting", "asked"), [("off", 0), ("suspicious", 0), ("always", 1)])
def test_a_setting_says_when_a_critic_reads_a_draft(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, setting: str, asked: int
) -> None:
    settings.OPENAI_CRITIC = setting
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE

    assert calls(sandbox) == [1, asked, 0]


def test_a_breaker_that_opens_at_the_critic_costs_no_article(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_SITES = 1
    sandbox.fault("openai", "500", "critic")
    factories.pending_generation(shop, publish=True)

    done = attempt()

    assert Breaker.objects.get(provider="openai").opened_at
    assert (done.status, warnings(done), calls(sandbox)) == (Status.DONE, ["critic_unavailable"], [1, 1, 0])


@pytest.mark.parametrize("fault", ["500", "timeout"])
def test_a_repair_that_cannot_be_had_now_is_tried_again_alone(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, fault: str
) -> None:
    front.on("POST", "/chat/completions", _planted(with_a_price))
    sandbox.fault("openai", fault, "repair", seconds=1)
    factories.pending_generation(shop)
    waiting = attempt()
    assert (waiting.status, waiting.stage) == (Status.PENDING, Stage.ARTICLE)

    done = attempt()

    # The article that was paid for is not asked for again.
    assert (done.status, done.needs_review, calls(sandbox)) == (Status.DONE, False, [1, 0, 2])
    assert free_and_balance(shop) == (975, 975)


def test_a_repair_that_another_release_has_kept_is_taken_by_what_it_is(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    """To that release's gate most of it was at fault, so it had all of it written again; to ours only one part is."""
    front.on("POST", "/chat/completions", _planted(with_a_price))
    sandbox.fault("openai", "500", "repair")
    factories.pending_generation(shop)
    waiting = attempt()
    text = waiting.outputs.get(stage=revising.TEXT).output
    StageOutput.objects.create(generation=waiting, stage=revising.REPAIR, output=text)
    paid = len(sandbox.requests("openai"))

    held = attempt()

    assert (held.status, held.needs_review, held.error_code) == (Status.DONE, True, "")
    assert len(sandbox.requests("openai")) == paid


@pytest.mark.parametrize("fault", ["nonsense", "refusal", "length"])
def test_a_repair_that_is_of_no_use_leaves_the_article_held(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, fault: str
) -> None:
    front.on("POST", "/chat/completions", _planted(with_a_price))
    sandbox.fault("openai", fault, "repair")
    factories.pending_generation(shop)

    held = attempt()

    assert (held.status, held.needs_review, calls(sandbox)) == (Status.DONE, True, [1, 0, 1])
    assert free_and_balance(shop) == (975, 975)


def test_a_cut_answer_gets_only_the_sections_that_it_lacks(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "length", "article")
    factories.pending_generation(shop, length="long")

    done = attempt()

    assert (done.status, done.attempts, done.needs_review, calls(sandbox)) == (Status.DONE, 1, False, [1, 0, 1])
    headings = [section["heading"] for section in done.outputs.get(stage=Stage.IDEA).output["sections"]]
    written = [
        block["text"] for block in Article.objects.get(pk=done.pk).content["blocks"] if block["type"] == "heading"
    ]
    assert [heading for heading in written if heading in headings] == headings


def test_a_score_below_the_shops_threshold_holds_it(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BLOG_QUALITY_THRESHOLD = 101
    factories.pending_generation(shop, publish=True)

    held = attempt()

    assert (held.status, held.needs_review, held.post_url) == (Status.DONE, True, "")
    assert calls(sandbox) == [1, 1, 0]
    assert revising.REPAIR not in held.outputs.values_list("stage", flat=True)


_NEED_MORE = {
    "banned_word",
    "competitor",
    "sold_out",
    "order_obeyed",
    "language",
    "other_link",
    "contradicts_size",
    "contradicts_colour",
    "almost_a_name",
}


@pytest.mark.parametrize("defect", sorted({*OF_ARTICLES} - _NEED_MORE))
def test_each_defect_ends_as_the_table_says(sandbox: Sandbox, shop: Site, attempt: Attempt, defect: str) -> None:
    sandbox.fault("openai", f"defect:{defect}", "article")
    factories.pending_generation(shop, publish=True)

    done = attempt()

    assert (done.status, done.attempts) == (Status.DONE, 1)
    level, report = LEVELS[defect], report_of(done)
    assert done.needs_review == report["held"] == (not done.post_url)
    found = {(each["level"], bool(each["done"])) for each in report["findings"]}
    written_twice = calls(sandbox)[0] + calls(sandbox)[2] == 2
    match level:
        case "error":
            assert {("error", True), ("error", False)} & found
            assert written_twice
            assert done.needs_review == (("error", False) in found)
        case "warning":
            assert ("warning", False) in found
            assert not written_twice
        case "mended":
            # What only changes the form is mended without a word.
            assert ("warning", False) not in found
            assert (written_twice, done.needs_review) == (False, False)
    assert free_and_balance(shop) == (975, 975)
