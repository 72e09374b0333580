"""What is stored of an article's quality, and how metrics name what was found."""

from __future__ import annotations

import pytest

from blogs.article.quality import Finding, reporting
from blogs.article.quality.data import ERROR, WARNING


@pytest.mark.parametrize(
    ("check", "label"),
    [
        ("price", "price"),
        ("doesn't end with a sentence", "lacks_end_with_a_sentence"),
        ("price '$49.90' in 'It is yours for $49.90.'", "price_in"),
        ('''placeholder "It's your mug"''', "placeholder"),
        ('''address 'https://x.example' in "Ada's mug costs less"''', "address_in"),
        (r"""placeholder 'Ada\'s "mug" is here'""", "placeholder"),
        (
            "block 3: a row of the table is not as wide as its header",
            "block_a_row_of_the_table_is_not_as_wide_as_its_header",
        ),
        ("critic: unsafe advice", "critic_unsafe_advice"),
    ],
)
def test_a_metric_names_a_check_without_the_words_of_an_article(check: str, label: str) -> None:
    assert reporting.label(check) == label


def test_a_report_keeps_the_worst_thirty() -> None:
    found = [*(Finding(f"style {n}", WARNING, "body", "") for n in range(40)), Finding("price", ERROR, "title", "$4")]

    report = reporting.written(found, threshold=50)

    assert (len(report["findings"]), report["findings"][0]["check"]) == (30, "price")
    assert (report["score"], report["held"]) == (0, True)


@pytest.mark.parametrize(("done", "held"), [("", True), (reporting.REPAIRED, False)])
def test_only_an_error_that_stands_holds_an_article(done: str, held: bool) -> None:
    assert reporting.written([Finding("price", ERROR, "title", "$4", done)], threshold=50)["held"] is held


@pytest.mark.parametrize(("threshold", "held"), [(97, False), (98, True)])
def test_a_score_below_the_threshold_holds_it(threshold: int, held: bool) -> None:
    report = reporting.written([Finding("style", WARNING, "body", "")], threshold=threshold)

    assert (report["score"], report["held"]) == (97, held)
