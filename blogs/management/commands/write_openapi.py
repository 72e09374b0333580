from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Write openapi.json, the API's description, from the code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether openapi.json is as the code has it")

    def handle(self, *args: Any, **options: Any) -> None:
        # A worker, which has no REST framework, looks through the commands too.
        from blogs.api.openapi.document import as_json

        path = settings.BASE_DIR / "openapi.json"
        made = as_json()
        if options["check"]:
            if not path.exists() or path.read_text() != made:
                raise CommandError("openapi.json is not as the code has it. Rewrite it: make openapi")
            return
        path.write_text(made)
        self.stdout.write(f"{path.name} is written.")
