"""Whether this database may be worked on: the original may, a copy only when an operator has settled it.

A copy (`workers/database/installation.py` says how it is told) knows nothing of what was done after it was made. Workers don't
start on one, no draft is created from one, and no request is taken into one, until `manage.py after_restore` ran.

A server that was promoted may have lost its last commits, which is the same danger. No operator is needed there: who finds it
settles it and goes on, because a failover comes at night, and looking for drafts costs some minutes at most. The same timeline
rises where a server was recovered to an earlier moment, perhaps beside an original that still works. So a process that has just
started believes in a failover only where workers were alive here a short time ago; one that has worked on this database before
always does.
"""

from __future__ import annotations

import time
from functools import partial

from blogs.restore import aftermath
from workers.context.process_memory import remembered
from workers.database import installation
from workers.database.connections import briefly
from workers.database.installation import Found, Verdict
from workers.database.outage import outlasts_an_outage
from workers.errors import RateLimited

# A failover, with all its waiting, is over by then.
_FAILOVER_SECONDS = 900.0
# A web process asks once in that time, and not with each request.
_TRUSTED_SECONDS = 1.0
_trusted_until: dict[str, float] = remembered({})

_WORKED_ON = (Verdict.SAME, Verdict.NEW)
_COMMAND = "manage.py after_restore --original-is-stopped"


class Unsettled(Exception):
    """This database is a copy that nothing may be done in yet; str() says what to do."""


def problem() -> str:
    """Say what is wrong, for people; empty if this database may be worked on. Changes nothing."""
    return _refusal(installation.look(), has_worked=False)


@briefly
def require_settled() -> None:
    """Let a worker start. Raises Unsettled."""
    _settle_or_refuse(has_worked=False)


@briefly
def renew() -> None:
    """Store that workers work here (a chore). A promoted server is settled. Raises Unsettled."""
    _settle_or_refuse(has_worked=True)


@outlasts_an_outage
def require_settled_for_a_draft() -> None:
    """Let a draft be created. Raises RateLimited where this has become a copy under a running worker."""
    found = installation.look()
    if found.verdict not in _WORKED_ON:
        try:
            _settle(found, has_worked=True)
        except Unsettled as unsettled:
            raise RateLimited("not_settled", str(unsettled), retry_in=60) from None


def require_settled_for_requests() -> None:
    """Let a request be taken in. Raises Unsettled."""
    if time.monotonic() >= _trusted_until.get("last", 0.0):
        found = installation.look()
        # Only workers write the row of a NEW database: its web processes may start first.
        if found.verdict not in _WORKED_ON:
            _settle(found, has_worked=False)
        _trusted_until["last"] = time.monotonic() + _TRUSTED_SECONDS


def _settle_or_refuse(*, has_worked: bool) -> None:
    found = installation.look()
    if found.verdict in _WORKED_ON:
        installation.renew(found)
    else:
        _settle(found, has_worked=has_worked)


def _settle(found: Found, *, has_worked: bool) -> None:
    if refusal := _refusal(found, has_worked=has_worked):
        raise Unsettled(refusal)
    aftermath.settle(may_settle=partial(_is_promoted, has_worked=has_worked))


def _is_promoted(found: Found, *, has_worked: bool) -> bool:
    return found.verdict is Verdict.PROMOTED and not _refusal(found, has_worked=has_worked)


def _refusal(found: Found, *, has_worked: bool) -> str:
    if found.verdict is Verdict.COPIED:
        return f"This database is a copy, or was restored. Stop all that works on the original, then run: {_COMMAND}"
    if found.verdict is Verdict.PROMOTED and not has_worked and found.renewed_seconds_ago > _FAILOVER_SECONDS:
        minutes = round(found.renewed_seconds_ago / 60)
        return (
            f"This server was promoted, or recovered to a moment {minutes} minutes ago. If the original still works, stop it;"
            f" then run: {_COMMAND}"
        )
    return ""
