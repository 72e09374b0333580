"""An answer with the defect of an earlier one ends the blog: the topic brings it, and each answer is paid for."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.article.quality import Finding, Verdict
from blogs.article.schema import ArticleContent
from blogs.models import Status
from blogs.queue import lifecycle
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, free_and_balance
from wix.models import Site


@pytest.fixture
def defects(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the gate finds in the next articles, one after the other."""
    found: list[list[str]] = []

    def judged(article: ArticleContent, **asked: Any) -> Verdict:
        problems = found.pop(0) if found else []
        return Verdict(article, errors=[Finding(problem, "error", "", "") for problem in problems])

    monkeypatch.setattr("blogs.stages.article.judged", judged)
    return found


def test_the_same_defect_twice_ends_the_blog_with_its_credits_back(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("openai", "invalid_article", "article", times=None)
    factories.pending_generation(shop)

    assert attempt().status == Status.PENDING
    failed = attempt()

    assert (failed.status, failed.error_code, failed.attempts) == (Status.FAILED, "content_invalid", 2)
    assert len(sandbox.requests("openai", "article")) == 2
    assert free_and_balance(shop) == (1_000, 1_000)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["placeholder 'Lorem ipsum' in 'Lorem ipsum dolor'"], ["placeholder 'lorem ipsum' in \"What's lorem ipsum\""]),
        (["98 words, at least 120 are needed"], ["110 words, at least 120 are needed"]),
        (
            ["title is empty", "block 3 (list) has an empty part"],
            ["excerpt is empty", "block 7 (list) has an empty part"],
        ),
        (["blocks.3.paragraph.runs: Field required"], ["blocks.12.paragraph.runs: Field required"]),
        (["unknown product id 'cups; mugs'"], ["unknown product id 'cups; mugs'"]),
        (["address 'evil.com' in 'Cups; more at evil.com'"], ["address 'evil.com' in 'At evil.com; it is far'"]),
    ],
)
def test_a_defect_is_the_same_wherever_it_stands(
    sandbox: Sandbox, shop: Site, attempt: Attempt, defects: list[list[str]], first: list[str], second: list[str]
) -> None:
    defects += [first, second]
    factories.pending_generation(shop)
    attempt()

    assert attempt().status == Status.FAILED


def test_another_defect_each_time_costs_an_attempt_each(
    sandbox: Sandbox, shop: Site, attempt: Attempt, defects: list[list[str]]
) -> None:
    defects += [["title is empty"], ["98 words, at least 120 are needed"], ["written in 'de', not in 'en'"]]
    factories.pending_generation(shop)

    assert [attempt().attempts for _ in range(3)] == [1, 2, 3]
    assert attempt().status == Status.DONE


def test_what_was_wrong_before_staff_had_it_begin_again_does_not_count(
    sandbox: Sandbox, shop: Site, attempt: Attempt, defects: list[list[str]]
) -> None:
    defects += [["title is empty"]] * 3
    factories.pending_generation(shop)
    attempt()
    failed = attempt()
    assert failed.status == Status.FAILED
    lifecycle.requeue(failed.pk, by="staff:ada")

    assert attempt().status == Status.PENDING
    assert attempt().status == Status.DONE


def test_a_ragged_table_costs_no_second_article(
    sandbox: Sandbox, shop: Site, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.sandbox import writer
    from tests.support.blogs.articles import table

    factories.pending_generation(shop)
    written = writer.article

    def with_a_ragged_table(order: writer.Order) -> object:
        good = written(order)
        return good.model_copy(update={"blocks": [*good.blocks, table(["a", "b"], ["x", "1"], ["y", "z", "q"])]})

    monkeypatch.setattr(writer, "article", with_a_ragged_table)

    done = attempt()

    assert (done.status, done.attempts) == (Status.DONE, 1)
    assert len(sandbox.requests("openai", "article")) == 1
