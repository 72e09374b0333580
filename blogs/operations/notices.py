"""Tells the alert webhook that an alert has begun to fire, and that it is over: each once, however many workers there are.

A row of `AlertNotice` is one time in which an alert fires. Workers look every half minute, one at a time; a constraint lets an
alert be noted once. Whoever sends moves the row's `try_at` ahead first, so that no other sends it meanwhile, and a killed sender
loses nothing. (Killed between the receiver's answer and the note of it, the same is sent once more: `id` is the same.)
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import connection, transaction

from blogs.operations import alert_webhook, health
from blogs.operations.alerts import Alert
from workers.database.clock import ClockTimestamp
from workers.database.connections import release_connection
from workers.database.rows import columns, instance
from workers.errors import WorkError
from workers.models import AlertNotice

logger = logging.getLogger(__name__)

# Any number that no other lock of ours has.
_LOCK = 7_046_291
_KEPT_DAYS = 30


def look_and_tell() -> None:
    """Note what fires and what no longer does, then send what is not told yet. Without ALERT_WEBHOOK_URL, do nothing."""
    if not settings.ALERT_WEBHOOK_URL:
        return
    look()
    tell()


def look() -> None:
    """Note which alerts fire now; nothing while another process looks."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone()[0]:
            _note(health.service().alerts)
            cursor.execute(_PRUNE, [_KEPT_DAYS])


def tell() -> int:
    """Send what is due, each in its own request; return how many the receiver took."""
    told = 0
    while notice := _take():
        release_connection()
        told += _told(notice)
    return told


def _note(firing: list[Alert]) -> None:
    now = {(alert.name, alert.severity, alert.subject): alert for alert in firing}
    known = {
        (notice.name, notice.severity, notice.subject): notice
        for notice in AlertNotice.objects.filter(cleared_at__isnull=True)
    }
    over = [notice.pk for key, notice in known.items() if key not in now]
    AlertNotice.objects.filter(pk__in=over).update(cleared_at=ClockTimestamp(), tries=0, try_at=ClockTimestamp())
    new = [
        AlertNotice(name=alert.name, severity=alert.severity, subject=alert.subject, message=alert.message[:500])
        for key, alert in now.items()
        if key not in known
    ]
    AlertNotice.objects.bulk_create(new, ignore_conflicts=True)


# What the receiver has not taken a day after it was over is of no interest any more. The pause grows from two minutes to an hour.
_UNTOLD = "told_fired_at IS NULL OR cleared_at IS NOT NULL AND told_cleared_at IS NULL"
_TAKE = f"""
UPDATE workers_alertnotice taken
   SET tries = tries + 1, try_at = clock_timestamp() + least(3600, 60 * 2 ^ least(tries, 10)) * interval '1 second'
 WHERE id = (SELECT id FROM workers_alertnotice
              WHERE ({_UNTOLD}) AND try_at <= (SELECT clock_timestamp())
                AND coalesce(cleared_at, clock_timestamp()) > (SELECT clock_timestamp() - interval '1 day')
              ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {columns(AlertNotice, "taken")}
"""
_PRUNE = "DELETE FROM workers_alertnotice WHERE cleared_at < (SELECT clock_timestamp() - %s * interval '1 day')"


def _take() -> AlertNotice | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE)
        row = cursor.fetchone()
    return instance(AlertNotice, row) if row else None


def _told(notice: AlertNotice) -> bool:
    """Send the begin, or the end of one whose begin was told."""
    column = "told_cleared_at" if notice.told_fired_at else "told_fired_at"
    about = {"action": "alert_told", "alert": notice.name, "severity": notice.severity, "tries": notice.tries}
    try:
        alert_webhook.send(notice, is_over=column == "told_cleared_at")
    except WorkError as error:
        # Its message is ours: a library's would repeat the address, which is a secret.
        logger.warning("alert not told", extra={**about, "action": "alert_not_told", "code": error.code})
        return False
    AlertNotice.objects.filter(pk=notice.pk).update(
        **{column: ClockTimestamp(), "tries": 0, "try_at": ClockTimestamp()}
    )
    logger.info("alert told", extra=about)
    return True
