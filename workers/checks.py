"""System checks: settings that don't fit together are said at the start, with what to do."""

from __future__ import annotations

import importlib.util
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

# PostgreSQL's own default is 100 connections for everybody.
_POOL_MAX = 100


@register(Tags.compatibility)
def settings_fit_together(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    lease, renew = settings.BLOG_WORKER_LEASE_SECONDS, settings.BLOG_WORKER_LEASE_RENEW_SECONDS
    if lease < 3 * renew:
        found.append(
            Error(
                f"BLOG_WORKER_LEASE_SECONDS ({lease}) is less than three times BLOG_WORKER_LEASE_RENEW_SECONDS ({renew}).",
                hint="One missed renewal would lose running blogs to a rescue: make the lease longer.",
                id="workers.E001",
            )
        )
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ:
        found.append(Error("TIME_ZONE must be UTC and USE_TZ true.", hint="Set TIME_ZONE = 'UTC'.", id="workers.E002"))
    if importlib.util.find_spec("psycopg"):
        found.append(
            Error(
                "psycopg 3 is installed; Django would prefer it, and the connection pool and wake-ups are made for psycopg2.",
                hint="pip uninstall psycopg; a tool that needs it belongs into an environment of its own.",
                id="workers.E003",
            )
        )
    pool = settings.DATABASE_POOL_SIZE + settings.DATABASE_POOL_OVERFLOW
    if not 2 <= pool <= _POOL_MAX:
        found.append(
            Error(
                f"DATABASE_POOL_SIZE + DATABASE_POOL_OVERFLOW is {pool}; it must be 2 to {_POOL_MAX}.",
                hint="Ten for 50 threads are plenty: threads hold a connection only while they use it.",
                id="workers.E004",
            )
        )
    elif 10 * pool < settings.BLOG_WORKER_THREADS:
        found.append(
            checks.Warning(
                f"{settings.BLOG_WORKER_THREADS} threads share {pool} database connections.",
                hint="Raise DATABASE_POOL_SIZE, or run more worker processes with fewer threads.",
                id="workers.W001",
            )
        )
    return found + _limits()


def _limits() -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(
            f"{provider}: the {name} a minute must be a positive number, not {number}.",
            hint=f"Correct {provider.upper()}_{name.upper()}_PER_MINUTE.",
            id="workers.E005",
        )
        for provider, numbers in settings.RATE_LIMITS.items()
        for name, number in numbers.items()
        if number <= 0
    ]
    if not 0 <= settings.RATE_LIMIT_TOKEN_REFUND <= 1:
        hint = "0 gives nothing back (safe), 1 all of it."
        found.append(Error("RATE_LIMIT_TOKEN_REFUND must be between 0 and 1.", hint=hint, id="workers.E006"))
    return found
