"""All that is looked at before a process starts. It takes no more than five seconds, whatever does not answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
from django.apps import apps
from django.conf import settings
from django.core.checks import Tags, run_checks

from blogs.preflight import addresses, database, keys
from blogs.preflight.database import Seen
from blogs.preflight.deadline import Asked
from blogs.preflight.faults import Fault, Process, Weight, stopping

logger = logging.getLogger(__name__)

_SECONDS = 5.0
# Less, so that a server that hangs is told from one that is not there.
_STATEMENT = "SET LOCAL statement_timeout = '4s'"
_UNREACHABLE = "Look at the address and the password in {name}, and whether the server runs and lets this machine in."


def may_start(process: Process, *, web_processes: int = 0) -> bool:
    """Log what is wrong, and tell whether a process of this kind may start."""
    found = faults(process, web_processes=web_processes)
    for fault in found:
        stops = fault.weight(process) is Weight.STOPS
        about = {"action": "preflight", "fault": fault.name}
        logger.log(logging.ERROR if stops else logging.WARNING, "%s %s", fault.message, fault.to_do, extra=about)
    return not (stopping(found, process) and settings.PREFLIGHT_REFUSES)


def faults(process: Process | None, *, web_processes: int = 0) -> list[Fault]:
    """List what is wrong for a process of this kind; None: for any."""
    primary, direct = Asked(_look, "database"), Asked(_look_directly, "direct")
    found = [*_of_settings(), *keys.faults(process)]
    if process != "worker":
        found += addresses.faults()
    ends_at = time.monotonic() + _SECONDS
    seen = primary.answer(_SECONDS)
    if seen is None:
        seen = _unreachable("DATABASE_URL", f"gave no answer within {_SECONDS:.0f} seconds")
    found += [seen] if isinstance(seen, Fault) else _of_database(seen, process, web_processes)
    if directly := direct.answer(max(0.0, ends_at - time.monotonic())):
        found.append(directly)
    return [fault for fault in found if process is None or fault.weight(process) is not Weight.NONE]


def _of_settings() -> Iterator[Fault]:
    """Pass on what the system checks call an error. gunicorn runs none by itself."""
    if apps.ready:
        for message in run_checks(tags=[Tags.compatibility]):
            if message.is_serious() and not message.is_silenced():
                yield Fault("settings_wrong", message.msg, message.hint or "")


def _of_database(seen: tuple[Seen, bool], process: Process | None, web_processes: int) -> Iterator[Fault]:
    answers, is_pooled = seen
    found = list(database.faults(answers))
    yield from found
    pooler_is_unnamed = is_pooled and settings.DATABASE_KEEPS_SESSIONS
    # A pooler that we don't know of refuses the options of Django's connections.
    if process is None and not found and not pooler_is_unnamed:
        yield from database.copied()
    if not is_pooled:
        yield from _of_connections(answers, process, web_processes)
    elif pooler_is_unnamed:
        message = "DATABASE_URL leads to PgBouncer or another pooler, and DATABASE_DIRECT_URL does not name the server."
        to_do = "Name the server itself in DATABASE_DIRECT_URL: sessions are shared there, and wake-ups would be lost."
        yield Fault("pooler_unnamed", message, to_do)


def _of_connections(seen: Seen, process: Process | None, web_processes: int) -> Iterator[Fault]:
    pool = settings.DATABASE_POOL_SIZE + settings.DATABASE_POOL_OVERFLOW
    # Each worker has one more, which listens.
    workers = seen.workers_alive + (process == "worker")
    wanted = workers * (pool + 1) + web_processes * pool
    if wanted <= seen.connections_max:
        return
    web = f" and {web_processes} web processes with {pool}" if web_processes else ""
    message = (
        f"{workers} workers with {pool} + 1 connections{web} may open {wanted}, "
        f"and PostgreSQL has {seen.connections_max} for us (max_connections less those it reserves)."
    )
    to_do = "Lower DATABASE_POOL_SIZE, raise max_connections, or put PgBouncer between (deploy/pgbouncer.ini)."
    yield Fault("connections_too_many", message, to_do)


def _look() -> tuple[Seen, bool] | Fault:
    """Look at the database, and whether a pooler stands before it."""
    at = settings.DATABASES["default"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    where = {name: at[key] for key, name in names.items() if at.get(key)}
    # Without what we ask of each session, which PgBouncer refuses.
    options = {name: value for name, value in at["OPTIONS"].items() if name != "options"}
    try:
        return _seen({**where, **options})
    except psycopg2.Error as error:
        return _unreachable("DATABASE_URL", _first_line(error))


def _look_directly() -> Fault | None:
    if settings.DATABASE_KEEPS_SESSIONS:
        return None
    try:
        _, is_pooled = _seen({"dsn": settings.DATABASE_DIRECT_URL, **settings.DATABASE_CONNECT_OPTIONS})
    except psycopg2.Error:
        # `workers.W003` says so, and polling goes on.
        return None
    if not is_pooled:
        return None
    message = "DATABASE_DIRECT_URL leads to a pooler too: no wake-up will come, and workers find their work by polling."
    return Fault("direct_url_pooled", message, "Name the server that the pooler connects to.")


def _seen(where: dict[str, Any]) -> tuple[Seen, bool]:
    with closing(psycopg2.connect(**where)) as session, session.cursor() as cursor:
        cursor.execute(_STATEMENT)
        seen = database.look(cursor)
        # A pooler says another process id at the beginning than the server that it leads to.
        return seen, session.info.backend_pid != seen.backend_pid


def _unreachable(name: str, because: str) -> Fault:
    return Fault("database_unreachable", f"The server in {name}: {because}.", _UNREACHABLE.format(name=name))


def _first_line(error: psycopg2.Error) -> str:
    # What libpq could not even read as an address it quotes, with the password.
    if isinstance(error, psycopg2.ProgrammingError) and not error.pgcode:
        return "the address can't be read"
    return str(error).strip().partition("\n")[0].rstrip(".")
