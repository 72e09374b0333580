"""Says before anything is started whether it could work: settings, keys, this machine's clock, the database."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from blogs.preflight import start


class Command(BaseCommand):
    help = (
        "Name what is wrong with the settings, the keys, this machine's clock and the database, each with what to do. "
        "Ends with 1 where anything is. Takes five seconds at most."
    )
    # Preflight says the same in fewer words, also where the database can't be reached.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--process", choices=["web", "worker"], help="look only at what a process of this kind needs"
        )
        parser.add_argument("--web-processes", type=int, default=0, help="all that there are, to add up connections")

    def handle(self, *, process: Any, web_processes: int, **options: Any) -> None:
        found = start.faults(process, web_processes=web_processes)
        for fault in found:
            self.stdout.write(str(fault))
        if found:
            raise CommandError(f"{len(found)} faults found." if len(found) > 1 else "One fault found.")
        self.stdout.write("Nothing is wrong.")
