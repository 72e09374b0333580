"""The audit log: what staff did, written in the transaction that does it. Nothing changes or removes an entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blogs.models import REASON_MAX, AuditEntry, Batch, BlogGeneration
from wix.models import Site
from workers.texts import cut

_ABOUT_MAX = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: the login name, its user's number, and the address that the request came from."""

    name: str
    user_id: int | None = None
    address: str = ""

    @property
    def by(self) -> str:
        """The name as events, breakers and ledger entries store it."""
        return f"staff:{self.name}"[:100]


def record(
    actor: Actor,
    action: str,
    about: BlogGeneration | Site | Batch | str,
    *,
    site_id: int | None = None,
    before: Any = None,
    after: Any = None,
    reason: str = "",
) -> AuditEntry:
    """Write an entry. `before` and `after` are what JSON can hold, and never a secret."""
    return AuditEntry.objects.create(
        action=action,
        by=actor.name[:150],
        user_id=actor.user_id,
        address=actor.address[:45],
        about=cut(str(about), _ABOUT_MAX),
        site_id=_site_id(about) or site_id,
        blog_id=about.pk if isinstance(about, BlogGeneration) else None,
        batch_id=about.pk if isinstance(about, Batch) else None,
        before=before,
        after=after,
        reason=reason[:REASON_MAX],
    )


def _site_id(about: object) -> int | None:
    if isinstance(about, BlogGeneration):
        return about.site_id
    return about.pk if isinstance(about, Site) else None
