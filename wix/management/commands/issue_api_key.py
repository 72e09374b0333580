from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from wix.identity import api_keys
from wix.management.named_site import HELP, named_site
from wix.models import ApiKey


class Command(BaseCommand):
    help = "Make an API key for a site's own server, and print it this once. The site's page in the admin revokes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("site", help=HELP)
        parser.add_argument("--label", required=True, help="what it is for")
        parser.add_argument("--days", type=int, help="how long it is valid; without this, until it is revoked")

    def handle(self, *, site: str, label: str, days: int | None, **options: Any) -> None:
        longest = ApiKey._meta.get_field("label").max_length or 0
        if not 0 < len(label := label.strip()) <= longest:
            raise CommandError(f"--label must have 1 to {longest} characters.")
        if days is not None and not 1 <= days <= api_keys.DAYS_MAX:
            raise CommandError(f"--days must be 1 to {api_keys.DAYS_MAX}.")
        found = named_site(site)
        if found.removed_at:
            raise CommandError(f"{found} has removed the app.")
        try:
            _, key = api_keys.issue(found, label, days=days)
        except api_keys.TooManyKeys as error:
            raise CommandError(str(error)) from None
        self.stdout.write(key)
