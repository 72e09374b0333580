"""What did not come out right in a demo, by the product's tables and by what the stand-in providers remember."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.sandbox.client import SandboxClient

# What the stand-in writer is told to do wrong, once (`tests/sandbox/defects.py`).
PLANTED = "invented_price"


def report_in_words(report: dict[str, Any]) -> str:
    """An article's report in lines for a terminal."""
    told = [f"Its quality: {report['score']} of 100{', held for a person' if report['held'] else ''}."]
    for found in report["findings"]:
        told.append(f"  {found['level']}: {found['check']} in {found['place']}: {found['done'] or 'it stands'}")
    return "\n".join(told)


def repair_of_the_planted() -> tuple[str, list[str]]:
    """What became of the planted defect, and what is wrong where it was not repaired."""
    from blogs.models import Stage, StageOutput

    kept = StageOutput.objects.filter(stage="repair").values("generation_id")
    for output in StageOutput.objects.filter(stage=Stage.ARTICLE, generation__in=kept):
        report = output.output["quality"]
        found = next((each for each in report["findings"] if each["level"] == "error" and each["done"]), None)
        if found and not report["held"]:
            words = f"{found['check']} in {found['place']}, “{found['quote']}”"
            return (
                f"Blog {output.generation_id} was written with an error on purpose: {words}. It was {found['done']}.",
                [],
            )
    return "", ["the article with a planted error was not repaired"]


def problems_of(sandbox: SandboxClient) -> list[str]:
    from blogs.models import BlogGeneration, Status
    from blogs.operations import proof

    blogs = BlogGeneration.objects.all()
    found = [
        f"blog {blog.pk} is {blog.status}: {blog.error_code} {blog.error_message}"
        for blog in blogs.exclude(status=Status.DONE)[:10]
    ]
    stored = Counter(str(draft) for draft in blogs.values_list("draft_post_id", flat=True) if draft)
    made = Counter(draft["id"] for draft in sandbox.drafts())
    if stored != made or max(made.values(), default=0) > 1:
        found.append(f"{blogs.count()} blogs, {len(stored)} stored drafts, but Wix has {made.total()}")
    found += [f"ledger: {discrepancy.problem}" for discrepancy in proof.discrepancies()]
    if violations := sandbox.stats()["violations"]:
        found.append(f"{violations} calls went over a provider's limit")
    return found
