"""A blog that is locked with its account and its line, for moves that no lease allows: from outside, and of a worker that is gone.

Its row is written here without the fence, which only the locks make safe. So `lifecycle` and `waiting` alone may import this module
(an import contract says so).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blogs.models import BlogGeneration, SiteLine
from blogs.queue import lines
from credits import ledger
from credits.models import CreditAccount


@dataclass(frozen=True, slots=True)
class LockedBlog:
    """All rows that such a move may touch."""

    account: CreditAccount
    line: SiteLine
    generation: BlogGeneration

    def write(self, **columns: Any) -> None:
        """Update the blog's row, and read it again. It is locked, so it needs no condition."""
        BlogGeneration.objects.filter(pk=self.generation.pk).update(**columns)
        self.generation.refresh_from_db()


def lock(generation_id: int) -> LockedBlog:
    """Lock account, line and blog, in the one order (`lines.py`), for the rest of the transaction."""
    site_id = BlogGeneration.objects.values_list("site_id", flat=True).get(pk=generation_id)
    account, line = ledger.lock(site_id), lines.lock(site_id)
    return LockedBlog(account, line, BlogGeneration.objects.select_for_update().get(pk=generation_id))
