"""What did not come out right in a demo, by the product's tables and by what the stand-in providers remember."""

from __future__ import annotations

from collections import Counter

from tests.sandbox.client import SandboxClient


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
