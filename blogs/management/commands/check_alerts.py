from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from blogs.operations import health, notices
from blogs.operations.alerts import CRITICAL
from workers.database.outage import DATABASE_AWAY

# As Nagios and its heirs read them.
_OK, _WARNING, _CRITICAL, _UNKNOWN = 0, 1, 2, 3


class Command(BaseCommand):
    help = (
        "Print the alerts that fire, the worst first."
        " Exits 0 if none does, 1 for warnings, 2 for a critical one, 3 without the database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--tell", action="store_true", help="also send to ALERT_WEBHOOK_URL what was not sent yet, as workers do"
        )

    def handle(self, *, tell: bool, **options: Any) -> None:
        try:
            firing = health.service().alerts
            if tell:
                notices.look_and_tell()
        except DATABASE_AWAY as error:
            raise CommandError("UNKNOWN: the database does not answer.", returncode=_UNKNOWN) from error
        for alert in firing:
            self.stdout.write(f"{alert.severity.upper()} {alert.name}: {alert.message}")
        if not firing:
            self.stdout.write("OK: no alert fires.")
            return
        sys.exit(_CRITICAL if any(alert.severity == CRITICAL for alert in firing) else _WARNING)
