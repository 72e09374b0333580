"""`manage.py after_restore`: makes a restored or copied database one that workers start on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from blogs.restore import aftermath
from workers.database import installation
from workers.database.installation import Found, Verdict

# Signs of life as young as this may come from an original that still works.
_ALIVE_SECONDS = 600.0


class Command(BaseCommand):
    help = (
        "Settle a database that was restored from a backup, or copied: blogs look for their drafts at Wix before anything is made, "
        "numbers jump ahead, leases end. Changes nothing where the database is no copy. May be interrupted and repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--original-is-stopped",
            action="store_true",
            help="you have made sure that no process works on the original, nor on this database",
        )
        parser.add_argument(
            "--undetected",
            action="store_true",
            help="this is a copy that can't be told from its original, such as a snapshot of the server's storage",
        )

    def handle(self, *, original_is_stopped: bool, undetected: bool, **options: Any) -> None:
        if not _is_to_be_settled(installation.look(), undetected):
            self.stdout.write("This database is no copy, as far as can be told; nothing was changed.")
            return
        if not original_is_stopped:
            # Of an original that works on, a copy of last night knows nothing: a person must have looked.
            seconds = aftermath.signs_of_life()
            lately = f" Work was done on these data {seconds:.0f} seconds ago." if seconds < _ALIVE_SECONDS else ""
            raise CommandError(
                f"Is the original still working, or are workers running on this database?{lately} Both would write every blog. "
                "Stop them all, then run this again with --original-is-stopped. Nothing was changed."
            )
        settled = aftermath.settle(may_settle=lambda found: _is_to_be_settled(found, undetected), restored=True)
        if settled is None:
            self.stdout.write("Another process has settled this database meanwhile; nothing was changed.")
            return
        self.stdout.write(
            f"The data are complete up to {settled.since:%Y-%m-%d %H:%M:%S %Z} for sure.\n"
            f"{settled.marked} blogs look for their drafts at Wix first, on {settled.sites} sites.\n"
            f"Numbers were moved on by {settled.ids_moved_by:,}. Workers may start; then prove the money: manage.py check_ledger"
        )


def _is_to_be_settled(found: Found, undetected: bool) -> bool:
    return undetected or found.verdict in (Verdict.COPIED, Verdict.PROMOTED)
