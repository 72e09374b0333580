from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from blogs.site_events import subscriptions


class Command(BaseCommand):
    help = (
        "Grant the credits of each paid month that has begun, once; Wix is asked first whether the site still pays. "
        "Workers do the same each hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only say which sites are due; asks and changes nothing"
        )

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        if dry_run:
            for due in subscriptions.due_now():
                self.stdout.write(f"site {due.site_id} ({due.instance_id}): due, {due.product_id}")
            return
        granted = subscriptions.grant_due(self.stdout.write)
        self.stdout.write(f"Granted to {granted} site{'' if granted == 1 else 's'}.")
