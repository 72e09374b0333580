"""The values that are passed around about limits."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget by its names; its numbers are `settings.RATE_LIMITS[provider]`. `key`: the site, where each site has its own."""

    provider: str
    model: str = ""
    key: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.provider, self.model, self.key) if part)

    @property
    def requests_per_minute(self) -> int:
        return settings.RATE_LIMITS[self.provider]["requests"]

    @property
    def tokens_per_minute(self) -> int | None:
        return settings.RATE_LIMITS[self.provider].get("tokens")


@dataclass(frozen=True, slots=True)
class Named:
    """Holds what a provider's answer says of our limit; None where it says nothing."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_remaining: int | None = None
    tokens_remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """The limit's row after an answer: the provider's numbers, whether this answer changed them, and the numbers in force."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    changed: bool
    requests_in_force: int
    tokens_in_force: int | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place in time that a call has waited for."""

    limit: Limit
    tokens: int
    waited: float
    leave_by: float
    """When its request must have left, in this process's monotonic time."""
