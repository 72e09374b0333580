"""An idea that the gate refuses in a part has that part written again, of several only the bad ones, and costs no attempt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.article import idea_repair
from blogs.article.idea_repair import IdeaRepair, NewParts
from blogs.article.quality import Finding
from blogs.article.schema import Idea
from blogs.models import BlogGeneration, Stage, Status, Topic
from tests.sandbox import Sandbox, defects
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, free_and_balance, warnings
from tests.support.front import Front
from wix.models import Site
from workers.models import ProviderCall

TOPICS = ["merino socks", "garden benches", "espresso cups", "beeswax candles", "linen curtains"]
REPAIRED = {"idea_sections_missing", "idea_same_headings", "idea_language", "idea_without_alt", "idea_alt_of_keywords"}


def calls(sandbox: Sandbox) -> list[int]:
    return [len(sandbox.requests("openai", name)) for name in ("idea", "idea_repair")]


def asked_to_repair(sandbox: Sandbox) -> list[dict[str, Any]]:
    prompt = sandbox.requests("openai", "idea_repair")[0]["body"]["messages"][1]["content"]
    told: list[dict[str, Any]] = json.loads(prompt.partition("<data>")[2].partition("</data>")[0])["blogs"]
    return told


def findings(blog: BlogGeneration) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = blog.outputs.get(stage=Stage.IDEA).output["quality"]["findings"]
    return found


@pytest.mark.parametrize("defect", sorted(REPAIRED))
def test_the_part_that_failed_is_written_again(sandbox: Sandbox, shop: Site, attempt: Attempt, defect: str) -> None:
    sandbox.fault("openai", f"defect:{defect}", "idea")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, done.attempts, calls(sandbox)) == (Status.DONE, 1, [1, 1])
    [told] = asked_to_repair(sandbox)
    expected = "title" if defect == "idea_language" else "image_alt_text" if "alt" in defect else "sections"
    assert [*told["refused"]] == [expected]
    assert {found["done"] for found in findings(done)} == {"repaired"}
    assert free_and_balance(shop) == (975, 975)


def test_the_text_for_the_picture_costs_a_line_and_not_an_idea(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "defect:idea_alt_of_keywords", "idea")
    factories.pending_generation(shop)

    done = attempt()

    [repair] = ProviderCall.objects.filter(operation="blog_idea_repair")
    [whole] = ProviderCall.objects.filter(operation="blog_idea")
    assert repair.work == done.pk
    assert repair.output_max is not None
    assert whole.output_max is not None
    assert repair.output_max * 4 < whole.output_max
    assert repair.tokens_reserved < whole.tokens_reserved


@pytest.mark.parametrize("fault", ["500", "nonsense", "refusal", "length", "changes_nothing"])
def test_without_a_repair_a_warning_stays_one(sandbox: Sandbox, shop: Site, attempt: Attempt, fault: str) -> None:
    sandbox.fault("openai", "defect:idea_alt_of_keywords", "idea")
    sandbox.fault("openai", fault, "idea_repair")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, done.attempts, calls(sandbox)) == (Status.DONE, 1, [1, 1])
    assert [(found["level"], found["done"]) for found in findings(done)] == [("warning", "")]


def test_without_a_repair_an_error_has_the_idea_asked_for_again(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "defect:idea_sections_missing", "idea")
    sandbox.fault("openai", "changes_nothing", "idea_repair")
    factories.pending_generation(shop)

    waits = attempt()
    done = attempt()

    assert (waits.status, waits.error_code) == (Status.PENDING, "content_invalid")
    assert (done.status, done.attempts, calls(sandbox)) == (Status.DONE, 2, [2, 1])
    assert free_and_balance(shop) == (975, 975)


def test_a_limit_that_has_no_place_for_the_repair_has_the_idea_asked_for_again(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("openai", "defect:idea_sections_missing", "idea")
    sandbox.fault("openai", "429", "idea_repair")
    factories.pending_generation(shop)

    waits = attempt()

    assert (waits.status, waits.attempts, waits.error_code) == (Status.PENDING, 1, "content_invalid")


def _spoiled(front: Front, *numbers: int) -> None:
    """Leave one section to the plans of these numbers in the answer to a batch."""

    def changed(answer: Any) -> Any:
        if "choices" not in answer:
            return answer
        message = answer["choices"][0]["message"]
        content = json.loads(message["content"])
        for plan in content.get("plans", []):
            if plan["number"] in numbers and "angle" in plan:
                del plan["sections"][1:]
        message["content"] = json.dumps(content)
        return answer

    front.on("POST", "/chat/completions", changed)


def test_of_a_batch_only_the_bad_ideas_are_repaired_in_one_call(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    _spoiled(front, 2, 4)
    blogs = [factories.pending_generation(shop, source_id=topic) for topic in TOPICS]

    done = [attempt() for _ in blogs]

    assert {(blog.status, blog.attempts) for blog in done} == {(Status.DONE, 1)}
    assert calls(sandbox) == [1, 1]
    told = [(each["source"]["text"], [*each["refused"]]) for each in asked_to_repair(sandbox)]
    assert told == [(TOPICS[1], ["sections"]), (TOPICS[3], ["sections"])]
    # Paid for by the blogs whose ideas were bad.
    shares = ProviderCall.objects.filter(operation="blog_idea_repair").order_by("work").values_list("work", flat=True)
    assert [*shares] == [blogs[1].pk, blogs[3].pk]
    assert Topic.objects.filter(kind=Topic.Kind.TITLE).count() == 5
    assert not any(warnings(blog) for blog in done)


def test_a_batch_whose_repair_fails_loses_only_the_bad_idea(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    _spoiled(front, 2)
    sandbox.fault("openai", "500", "idea_repair", times=None)
    blogs = [factories.pending_generation(shop, source_id=topic) for topic in TOPICS]

    done = [attempt() for _ in blogs]

    assert {blog.status for blog in done} == {Status.DONE}
    alone = ProviderCall.objects.filter(operation="blog_idea").values_list("work", flat=True)
    assert [*alone] == [blogs[1].pk]


def _idea() -> Idea:
    data = {"title": "T", "angle": "A", "audience": "B", "image_prompt": "P", "image_alt_text": "old"}
    return Idea.model_validate({**data, "sections": [{"heading": "H", "purpose": "P", "product_ids": []}]})


def test_a_repair_changes_no_part_that_was_not_refused() -> None:
    wrong = Finding("no alternative text", "warning", "alternative text", "")
    failed = idea_repair.failing(1, _idea(), [], [wrong])

    def answered(number: int, **parts: Any) -> Idea:
        new = NewParts.model_validate(
            {"number": number, "title": "New", "sections": [], "image_alt_text": None, **parts}
        )
        return idea_repair.repaired(failed, IdeaRepair(plans=[new]))

    assert answered(1, image_alt_text="new") == _idea().model_copy(update={"image_alt_text": "new"})
    assert answered(1, image_alt_text=" ") == _idea()
    assert answered(2, image_alt_text="new") == _idea()


def test_each_defect_of_an_idea_is_repaired_or_warned_of() -> None:
    """The names above are all that the stand-in writer can plant, but for those that another title mends."""
    assert {*defects.OF_IDEAS} - REPAIRED == {"idea_earlier", "idea_without_topic"}
