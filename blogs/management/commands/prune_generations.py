from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from blogs.queue import pruning


class Command(BaseCommand):
    help = (
        "Remove blogs that finished long ago, with their articles, outputs and events; ledger entries stay. Made for cron: "
        "runs beside workers, may be interrupted at any time, and goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than-days", type=float, default=settings.BLOG_RETENTION_DAYS)
        parser.add_argument("--batch-size", type=int, default=1_000, help="blogs in one transaction")
        parser.add_argument("--pause", type=float, default=0.1, help="seconds between batches, for others")
        parser.add_argument(
            "--archive", type=Path, help="first append each blog with all that belongs to it, a JSON line"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(
        self,
        *,
        older_than_days: float,
        batch_size: int,
        pause: float,
        archive: Path | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        if older_than_days <= 0 or batch_size < 1 or pause < 0:
            raise CommandError("--older-than-days and --batch-size must be positive, --pause not negative.")
        older_than = timedelta(days=older_than_days)
        if dry_run:
            self.stdout.write(f"{pruning.count(older_than)} blogs finished more than {older_than_days:g} days ago.")
            return
        removed: Counter[str] = Counter()
        try:
            with ExitStack() as files:
                file = files.enter_context(archive.open("a")) if archive else None
                for batch in pruning.prune(older_than, batch_size=batch_size, archive=file):
                    removed.update(batch)
                    time.sleep(pause)
        finally:
            # Also after Ctrl-C: earlier batches are committed.
            counts = ", ".join(f"{number} of {table}" for table, number in removed.items() if number)
            self.stdout.write(f"Removed {counts or 'nothing'}.")
