"""What GitHub is told to do: run `.ci/run`, by actions that can't be exchanged, and look for updates where there are files."""

from __future__ import annotations

import re

from tests.support.source_code import ROOT

_WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text()
_UPDATES = (ROOT / ".github/dependabot.yml").read_text()
_FILES = {
    "pip": "requirements*.txt",
    "docker": "Dockerfile",
    "docker-compose": "compose.yaml",
    "npm": "package-lock.json",
    "github-actions": ".github/workflows/*.yml",
}


def test_each_action_is_pinned_by_its_commit() -> None:
    used = re.findall(r"uses: (.+)", _WORKFLOW)

    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)] == []


def test_the_workflow_runs_what_any_machine_runs_within_bounds_and_without_secrets() -> None:
    assert re.findall(r"- run: (.+)", _WORKFLOW) == ['sudo env "PATH=$PATH" .ci/run']
    assert re.search(r"timeout-minutes: \d+\n", _WORKFLOW)
    assert "secrets." not in _WORKFLOW
    assert re.search(r"^permissions:\n  contents: read\n\n", _WORKFLOW, re.MULTILINE)


def test_updates_are_looked_for_where_there_are_files() -> None:
    entries = _UPDATES.split("package-ecosystem: ")[1:]

    assert sorted(entry.splitlines()[0] for entry in entries) == sorted(_FILES)
    for entry in entries:
        named = re.search(r"director(?:y|ies): (.+)", entry)
        assert named
        for folder in re.findall(r"/[\w/]*", named[1]):
            assert list(ROOT.joinpath(folder.strip("/")).glob(_FILES[entry.splitlines()[0]])), folder
