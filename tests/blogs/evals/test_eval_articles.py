"""`manage.py eval_articles` against the stand-in."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from blogs.article import prompts
from blogs.evals import asking
from blogs.models import BlogGeneration
from credits.models import Credit
from tests.sandbox import Sandbox
from workers.models import ProviderCall

pytestmark = pytest.mark.django_db(transaction=True)


def evaluated(out: Path, *more: str) -> str:
    printed = StringIO()
    call_command("eval_articles", "--n", "4", "--out", str(out), "--threads", "1", *more, stdout=printed)
    return printed.getvalue()


def older_prompts(folder: Path) -> Path:
    shutil.copytree(prompts.FOLDER, folder)
    system = folder / "article_system.txt"
    system.write_text(system.read_text().replace("Version ", "Version 9"))
    return folder


def test_two_versions_of_the_prompts_stand_side_by_side(sandbox: Sandbox, tmp_path: Path) -> None:
    older = older_prompts(tmp_path / "older")

    told = evaluated(tmp_path / "report.html", "--prompts", str(prompts.FOLDER), "--prompts", str(older))

    page = (tmp_path / "report.html").read_text()
    names = [asking.Variant("test-model", folder).name for folder in (prompts.FOLDER, older)]
    assert [name.split(", ", 1)[1] in page for name in names] == [True, True]
    assert told.count("passed") >= 8
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert len(sandbox.requests("openai", "article")) == 8
    assert not BlogGeneration.objects.exists()
    assert not Credit.objects.exists()


def test_two_models_are_asked_by_their_names(sandbox: Sandbox, tmp_path: Path) -> None:
    evaluated(tmp_path / "report.html", "--model", "one", "--model", "two")

    asked = [request["body"]["model"] for request in sandbox.requests("openai", "article")]
    assert sorted(asked) == ["one"] * 4 + ["two"] * 4
    assert set(ProviderCall.objects.values_list("model", flat=True)) == {"one", "two"}


def test_a_run_that_was_cut_goes_on_where_it_was(sandbox: Sandbox, tmp_path: Path) -> None:
    evaluated(tmp_path / "report.html")
    lines = (tmp_path / "report.jsonl").read_text().splitlines()
    (tmp_path / "report.jsonl").write_text("\n".join([*lines[:2], lines[2][:40]]))

    told = evaluated(tmp_path / "report.html")

    assert "2 of 4 articles to write" in told
    assert len(sandbox.requests("openai", "article")) == 6


def test_what_the_gate_and_the_provider_say_is_in_the_report(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.fault("openai", "defect:cut", "article")
    sandbox.fault("openai", "refusal", "idea", times=1)

    evaluated(tmp_path / "report.html")

    page = (tmp_path / "report.html").read_text()
    assert "cut text" in page
    assert "content_refused" in page
    kept = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert len(kept) == 3  # what the provider failed is asked for again


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 41}, "--n is from 1 to 40"),
        ({"n": 0}, "--n is from 1 to 40"),
        ({"threads": 99}, "--threads is from 1 to 16"),
        ({"prompts": [Path("/nowhere")]}, "lacks idea_system.txt"),
        ({"model": list("abcde")}, "at most 4"),
        ({"out": Path("/nowhere/report.html")}, "no folder /nowhere"),
        ({"out": Path("report.txt")}, "ends in .html"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_asked(tmp_path: Path, changes: Any, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("eval_articles", **{"n": 4, "out": tmp_path / "report.html", **changes})


def test_there_are_forty_requests_in_twelve_languages_and_the_first_twelve_have_each() -> None:
    languages = [request["language"] for request in asking.requests()]

    assert len(languages) == 40
    assert len(set(languages)) == len(set(languages[:12])) == 12
