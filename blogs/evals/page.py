"""The report: one HTML file that needs nothing else, with a column for each variant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from blogs.evals.asking import requests
from blogs.evals.store import Answers

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem }
body { color: #1a1a1a; background: #fff }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { border: 1px solid #ccc; padding: .4rem .6rem; text-align: left;
vertical-align: top } th { background: #f3f3f3 } .error { color: #a00000 } .warning { color: #6b4a00 } .scroll { overflow-x: auto }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #eee } th { background: #2a2a2a } .error { color: #ff9d9d }
.warning { color: #f0c674 } }
"""


def written(answers: Answers, variants: Sequence[str], count: int) -> str:
    parts = [_summary(answers, variants, count), _checks(answers, variants, count)]
    parts += [_request(answers, variants, number) for number in range(count)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Articles compared</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>Articles compared</h1>\n{''.join(parts)}</body></html>\n"
    )


def summed(answers: Answers, variant: str, count: int) -> dict[str, Any]:
    """Return a variant's figures: how many articles passed, what was found, and what they took."""
    found = [answer for number in range(count) if (answer := answers.of(variant, number))]
    costs = [answer["dollars"] for answer in found]
    return {
        "answered": len(found),
        "passed": sum(not answer["errors"] for answer in found),
        "errors": sum(len(answer["errors"]) for answer in found),
        "warnings": sum(len(answer["warnings"]) for answer in found),
        "prompt tokens": sum(answer["prompt_tokens"] for answer in found),
        "output tokens": sum(answer["output_tokens"] for answer in found),
        "seconds an article": round(sum(answer["seconds"] for answer in found) / max(1, len(found)), 1),
        "dollars": "not known" if None in costs else round(sum(costs), 4),
    }


def _summary(answers: Answers, variants: Sequence[str], count: int) -> str:
    sums = [summed(answers, variant, count) for variant in variants]
    rows = [[name, *(str(each[name]) for each in sums)] for name in sums[0]]
    return "<h2>Summary</h2>" + _table(["", *variants], rows)


def _checks(answers: Answers, variants: Sequence[str], count: int) -> str:
    found: dict[str, Counter[str]] = {}
    for variant in variants:
        for number in range(count):
            answer = answers.of(variant, number) or {"errors": [], "warnings": []}
            for level in ("errors", "warnings"):
                for finding in answer[level]:
                    found.setdefault(f"{level}: {finding['check']}", Counter())[variant] += 1
    rows = [[name, *(str(counts[variant]) for variant in variants)] for name, counts in sorted(found.items())]
    return "<h2>What the gate found</h2>" + (_table(["", *variants], rows) if rows else "<p>Nothing.</p>")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in others)}</tr>'
        for first, *others in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'


def _request(answers: Answers, variants: Sequence[str], number: int) -> str:
    asked = requests()[number]
    head = "".join(f'<th scope="col">{escape(variant)}</th>' for variant in variants)
    cells = "".join(f"<td>{_answer(answers.of(variant, number), asked['language'])}</td>" for variant in variants)
    title = escape(f"{number + 1}. {asked['topic']} ({asked['language']}, {asked['length']})")
    table = f"<table><thead><tr>{head}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    return f'<h2>{title}</h2><div class="scroll">{table}</div>\n'


def _answer(answer: dict[str, Any] | None, language: str) -> str:
    if answer is None:
        return "not asked yet"
    findings = "".join(
        f'<li class="{level}">{level}: {escape(finding["check"])} {escape(finding["place"])} {escape(finding["quote"])}</li>'
        for level in ("error", "warning")
        for finding in answer[f"{level}s"]
    )
    text = "".join(f"<p>{escape(part)}</p>" for part in answer["text"])
    said = f"{answer['prompt_tokens']} + {answer['output_tokens']} tokens, {answer['seconds']} s"
    body = f'<details><summary>text</summary><div lang="{escape(language)}" dir="auto">{text}</div></details>'
    return f"<strong>{escape(answer.get('title', ''))}</strong><p>{said}</p><ul>{findings}</ul>{body}"
