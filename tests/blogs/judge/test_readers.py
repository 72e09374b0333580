"""openapi.json as others read it: Redocly's rules, and the types that TypeScript makes of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.blogs.judge.serving import ROOT, NotInstalled, of_npm

_DOCUMENT = ROOT / "openapi.json"
# What a TypeScript program would write, and where it must be told that it errs.
_GOOD = """
import type { paths, components, webhooks } from "./api";
const wish: components["schemas"]["BlogRequest"] = { sourceType: "keyword", sourceId: "espresso", metadata: { order: "17" } };
type Taken = paths["/api/blog-generation"]["post"]["responses"]["201"]["content"]["application/json"];
export const idOf = (blog: Taken): number => blog.id;
export const mayCancel = (blog: Taken): boolean => blog.possible.includes("cancel");
type Page = paths["/api/blog-generation"]["get"]["responses"]["200"]["content"]["application/json"];
export const next = (page: Page): string | null => page.next;
type Message = webhooks["blog.completed"]["post"]["requestBody"]["content"]["application/json"];
export const told = (message: Message): [number, string | null] => [message.data.id, message.data.draftPostId];
type Refused = paths["/api/blog-generation"]["post"]["responses"]["402"]["content"]["application/problem+json"];
export const code = (problem: Refused): string => problem.code;
export { wish };
"""
_BAD = """
import type { components } from "./api";
export const wish: components["schemas"]["BlogRequest"] = { sourceType: "keyword", sourceId: "espresso", scheduleAt: null };
"""


def _program(name: str) -> str:
    try:
        return of_npm(name)
    except NotInstalled as reason:
        pytest.skip(str(reason))


def _problems(document: Path) -> list[str]:
    command = [_program("redocly"), "lint", "--format=json", "--extends=recommended", str(document)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found: list[dict[str, Any]] = json.loads(said.stdout)["problems"]
    return [
        f"{each['severity']} {each['ruleId']} {each['location'][0].get('pointer')}: {each['message']}" for each in found
    ]


def test_redocly_has_nothing_against_it() -> None:
    assert _problems(_DOCUMENT) == []


def test_redocly_would_say_if_it_had(tmp_path: Path) -> None:
    document = json.loads(_DOCUMENT.read_text())
    document["paths"]["/api/credits"]["get"]["security"] = [{"unknown": []}]
    (tmp_path / "openapi.json").write_text(json.dumps(document))

    assert any("security-defined" in problem for problem in _problems(tmp_path / "openapi.json"))


@pytest.mark.parametrize(("program", "errors"), [(_GOOD, 0), (_BAD, 1)], ids=["good", "misspelt"])
def test_typescript_compiles_with_the_types_made_from_it(tmp_path: Path, program: str, errors: int) -> None:
    made = [_program("openapi-typescript"), str(_DOCUMENT), "-o", str(tmp_path / "api.d.ts")]
    subprocess.run(made, check=True, capture_output=True, timeout=120)
    (tmp_path / "program.ts").write_text(program)

    command = [_program("tsc"), "--noEmit", "--strict", "--target", "es2020", "--skipLibCheck", "false", "program.ts"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert said.stdout.count("error TS") == errors, said.stdout
