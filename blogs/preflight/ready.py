"""Whether a web process that runs can do its work now. It may be asked each second, by several at once."""

from __future__ import annotations

import threading
import time

from django.conf import settings
from django.db import Error, connection

from blogs.preflight import addresses, database, keys
from blogs.preflight.deadline import Asked
from blogs.preflight.faults import Fault
from workers.context.process_memory import remembered
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY

# For this long an answer is as good as a new one …
_FRESH_SECONDS = 1.0
# … for which a caller waits no longer than this. Then the last one counts, since a thread may just wait for a connection of
# the pool, until it is too old.
_WAIT_SECONDS = 2.0
_OLD_SECONDS = 10.0

_lock = threading.Lock()
_latest: dict[str, tuple[float, list[Fault]]] = remembered({})
_asked: dict[str, Asked[None]] = remembered({})


def faults() -> list[Fault]:
    """List what is wrong for this web process, as it was found a moment ago."""
    with _lock:
        if (known := _known(_FRESH_SECONDS)) is not None:
            return known
        asked = _asked.get("last")
        if asked is None or asked.is_over:
            asked = _asked["last"] = Asked(_look, "ready")
    asked.answer(_WAIT_SECONDS)
    known = _known(_OLD_SECONDS)
    return _no_answer() if known is None else known


def _known(seconds: float) -> list[Fault] | None:
    at, found = _latest.get("all", (-seconds, []))
    return found if time.monotonic() - at < seconds else None


def _look() -> None:
    found = [*keys.faults("web"), *addresses.faults(), *_of_database()]
    _latest["all"] = (time.monotonic(), found)


def _of_database() -> list[Fault]:
    try:
        with released_afterwards(), connection.cursor() as cursor:
            return list(database.faults(database.look(cursor))) or list(database.copied())
    except (Error, *DATABASE_AWAY) as error:
        message = f"The database: {type(error).__name__}."
        return [Fault("database_unreachable", message, "Look at the log, and at the server in DATABASE_URL.")]


def _no_answer() -> list[Fault]:
    message = f"The database gave no answer within {_WAIT_SECONDS:.0f} seconds."
    to_do = f"Look whether the server runs, and whether DATABASE_POOL_SIZE ({settings.DATABASE_POOL_SIZE}) is enough."
    return [Fault("database_unreachable", message, to_do)]
