"""System checks: at the start they name settings that don't fit together, with what to do."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import psycopg2
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection

from workers.database import wakeup

# PostgreSQL's own default for all of its clients together.
_POOL_MAX = 100
# As long as its column.
_RELEASE_MAX = 100


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
    if not (settings.WORKS_IN_FLIGHT_HEADROOM == 0 or settings.WORKS_IN_FLIGHT_HEADROOM >= 1):
        hint = "1.2 is ordinary; 0 fills every seat; between 0 and 1 the limits could not be used up."
        found.append(Error("WORKS_IN_FLIGHT_HEADROOM must be 0, or 1 and more.", hint=hint, id="workers.E008"))
    if not settings.RETRY_AFTER_MAX_SECONDS > 0:
        hint = "7200: two hours at most are waited, whatever an answer names."
        found.append(Error("RETRY_AFTER_MAX_SECONDS must be positive.", hint=hint, id="workers.E020"))
    return found + _learning() + _breakers() + _release()


def _release() -> list[CheckMessage]:
    names = ("RELEASE_BROKEN_ERRORS", "RELEASE_BROKEN_SITES", "RELEASE_BROKEN_WINDOW_SECONDS", "RELEASE_PROBE_SECONDS")
    found: list[CheckMessage] = [
        Error(
            f"{name} must be positive, not {getattr(settings, name)}.",
            hint=f"Leave {name} out of .env to get its default.",
            id="workers.E030",
        )
        for name in names
        if getattr(settings, name) <= 0
    ]
    if settings.RELEASE_BROKEN_SITES > settings.RELEASE_BROKEN_ERRORS:
        message = (
            f"RELEASE_BROKEN_SITES ({settings.RELEASE_BROKEN_SITES}) is more than RELEASE_BROKEN_ERRORS "
            f"({settings.RELEASE_BROKEN_ERRORS})."
        )
        hint = "Fewer errors can't be of that many sites: no release would be found broken at its number of errors."
        found.append(Error(message, hint=hint, id="workers.E031"))
    if not 0 < settings.RELEASE_BROKEN_SHARE <= 1:
        message = f"RELEASE_BROKEN_SHARE must be above 0 and at most 1, not {settings.RELEASE_BROKEN_SHARE}."
        hint = "0.3: a stage that fails for three of ten blogs is broken; 1: only one that fails for all."
        found.append(Error(message, hint=hint, id="workers.E033"))
    if not 0 < len(settings.RELEASE) <= _RELEASE_MAX:
        hint = "An image's tag or a commit is enough."
        found.append(Error(f"RELEASE must be 1 to {_RELEASE_MAX} characters.", hint=hint, id="workers.E032"))
    return found


def _learning() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.RATE_LIMIT_FOLLOW_PROVIDER not in ("off", "lower", "both"):
        hint = "off: the configured limit holds; lower: the lower of both; both: the provider's, also a higher one."
        found.append(Error("RATE_LIMIT_FOLLOW_PROVIDER must be off, lower or both.", hint=hint, id="workers.E009"))
    if not 0 < settings.RATE_LIMIT_LOWER_FLOOR <= settings.RATE_LIMIT_LOWER_FACTOR <= 1:
        hint = "For example 0.3 and 0.8: each refusal takes a fifth of the pace, and at most 70 % in all."
        message = "RATE_LIMIT_LOWER_FLOOR and RATE_LIMIT_LOWER_FACTOR must be above 0, at most 1, and in this order."
        found.append(Error(message, hint=hint, id="workers.E010"))
    if min(settings.RATE_LIMIT_FOLLOW_SECONDS, settings.RATE_LIMIT_LOWER_AGAIN_SECONDS) <= 0:
        hint = "600 and 5: a limit that no answer names for ten minutes is dropped; the refusals of five seconds lower once."
        message = "RATE_LIMIT_FOLLOW_SECONDS and RATE_LIMIT_LOWER_AGAIN_SECONDS must be positive."
        found.append(Error(message, hint=hint, id="workers.E014"))
    if min(settings.RATE_LIMIT_RECOVERY_SECONDS, settings.RATE_LIMIT_RAMP_GROWTH) <= 0:
        hint = "20 and 0.5: after a 429 in 20 seconds, after slow_down by half in 15 minutes."
        message = (
            "RATE_LIMIT_RECOVERY_SECONDS and RATE_LIMIT_RAMP_GROWTH must be positive: a lowered pace must rise again."
        )
        found.append(Error(message, hint=hint, id="workers.E013"))
    return found


def _breakers() -> list[CheckMessage]:
    names = ("BREAKER_FAILURES", "BREAKER_SITES", "BREAKER_WINDOW_SECONDS", "BREAKER_PROBE_SECONDS")
    found: list[CheckMessage] = [
        Error(
            f"{name} must be positive, not {getattr(settings, name)}.",
            hint=f"Leave {name} out of .env to get its default.",
            id="workers.E011",
        )
        for name in names
        if getattr(settings, name) <= 0
    ]
    if settings.BREAKER_SITES > settings.BREAKER_FAILURES:
        found.append(
            Error(
                f"BREAKER_SITES ({settings.BREAKER_SITES}) is more than BREAKER_FAILURES ({settings.BREAKER_FAILURES}).",
                hint="Fewer failures can't be of that many sites: no breaker would ever open at its number of failures.",
                id="workers.E012",
            )
        )
    return found


@register(Tags.database)
def sessions_are_as_asked(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check the database's sessions, where one is named (`check --database default`, `migrate`, a worker's start): it connects."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(_TIMEOUT)
            timeout = cursor.fetchone()[0]
            cursor.execute(_WHICH_DATABASE)
            ours = cursor.fetchone()
    except OperationalError as error:
        return [_can_not_be_used(error)]
    found: list[CheckMessage] = []
    if not 0 < timeout <= settings.BLOG_WORKER_LEASE_SECONDS:
        found.append(
            checks.Warning(
                f"idle_in_transaction_session_timeout is {timeout:g} s (0: never): a process that is stopped in "
                "mid-transaction could hold the claim lock, and all workers would wait for it.",
                hint="Through PgBouncer sessions don't get our own 5 s: name the server in DATABASE_DIRECT_URL, and "
                "set it in PgBouncer's connect_query (deploy/pgbouncer.ini) or with ALTER ROLE ... SET.",
                id="workers.W002",
            )
        )
    if settings.DATABASE_DIRECT_URL == settings.DATABASE_URL:
        return found
    try:
        listened_to = _listened_to()
    except psycopg2.OperationalError:
        found.append(
            checks.Warning(
                "DATABASE_DIRECT_URL can't be reached: no wake-up will come, and workers find their work by polling.",
                hint="Name in DATABASE_DIRECT_URL the server that PgBouncer connects to, as this machine reaches it.",
                id="workers.W003",
            )
        )
        return found
    if listened_to != ours:
        found.append(
            Error(
                "DATABASE_DIRECT_URL and DATABASE_URL lead to different databases: no wake-up would ever come.",
                hint="Name in DATABASE_DIRECT_URL the very server and database that PgBouncer connects to.",
                id="workers.E007",
            )
        )
    return found


def _can_not_be_used(error: OperationalError) -> CheckMessage:
    """Say what else would be a trace of eighty lines, for example at `migrate`."""
    because = str(error).strip()
    hint = "Look at the address and the password in DATABASE_URL, and whether the server runs and lets this machine in."
    if "unsupported startup parameter" in because:
        hint = "That is PgBouncer. Name the server itself in DATABASE_DIRECT_URL."
    return Error(f"DATABASE_URL: {because}", hint=hint, id="workers.E021")


_TIMEOUT = "SELECT setting::float / 1000 FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
_WHICH_DATABASE = "SELECT current_database(), pg_postmaster_start_time()"


def _listened_to() -> tuple[Any, ...] | None:
    direct = wakeup.connect_directly()
    try:
        cursor = direct.cursor()
        cursor.execute(_WHICH_DATABASE)
        return cursor.fetchone()
    finally:
        direct.close()
