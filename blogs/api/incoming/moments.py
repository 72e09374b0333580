"""Times that callers name: RFC 3339 with an offset, or a local time together with an IANA time zone (`timeZone`).

The offset's colon may be left out, as `strftime("%z")` does.

Clocks that are put forward skip an hour, and clocks that are put back repeat one. A local time in the skipped hour is read by the
offset before the change, so 02:30 becomes 03:30; one in the repeated hour is its first occurrence. RFC 5545 (calendars) reads them
the same way. Answers show both the moment in UTC and the local time that it became.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone as now_of
from rest_framework import serializers

from blogs.api.incoming.fields import Bounded

ZONE_MAX = 64
_FAR = timedelta(days=366)
_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
)


class MomentField(Bounded, serializers.Field[Any, Any, Any, Any]):
    """Takes a time within a year; null means now. One without an offset stays local until `placed` gives it its zone."""

    default_error_messages = {
        "invalid": "It must be a time such as 2026-12-24T09:00:00+01:00 or 2026-12-24T08:00:00Z.",
        "offset": "Say the offset (2026-12-24T09:00:00+01:00, or Z for UTC), or send timeZone with this local time.",
        "far": "This is more than a year away.",
    }

    def to_internal_value(self, data: Any) -> datetime:
        moment = read(data)
        if moment is None:
            self.fail("invalid")
        return self.checked(moment) if moment.tzinfo else moment

    def checked(self, moment: datetime) -> datetime:
        if moment > now_of.now() + _FAR:
            self.fail("far")
        return moment

    def placed(self, moment: datetime | None, zone: str) -> datetime | None:
        """Return the moment in UTC, once the zone of a local time is known. Raises ValidationError where there is none."""
        if moment is None or moment.tzinfo:
            return moment
        if not zone:
            self.fail("offset")
        try:
            return self.checked(local(moment, zone))
        except OverflowError:
            self.fail("invalid")


class ZoneField(Bounded, serializers.Field[Any, Any, Any, Any]):
    default_error_messages = {"invalid": "It must be a time zone of the IANA database, such as Europe/Berlin."}

    def to_internal_value(self, data: str) -> str:
        if data not in _zones():
            self.fail("invalid")
        return data


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime"}


def read(text: str) -> datetime | None:
    """Read a time as RFC 3339 writes it; one without an offset is returned as it is, naive. None: it is no time."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, utc, sign, hours, minutes = found.groups()
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second or '00'}")
        moment = moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6])) + timedelta(seconds=leap)
        if utc:
            return moment.replace(tzinfo=UTC)
        if sign:
            if int(minutes) > 59:
                return None
            offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
            return moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def local(moment: datetime, zone: str) -> datetime:
    """Return the moment of a local time. `fold` 0 is both the first of two occurrences and the offset before a gap."""
    return moment.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def shown_in(moment: datetime | None, zone: str) -> str | None:
    """Show a moment as the clocks of a zone do, with their offset; None without a moment or a zone that is known here."""
    if moment is None or zone not in _zones():
        return None
    return moment.astimezone(ZoneInfo(zone)).isoformat()
