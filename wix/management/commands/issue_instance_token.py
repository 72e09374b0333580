from __future__ import annotations

import uuid
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from wix.identity.signed_instance import sign_instance
from wix.management.named_site import HELP, named_site


class Command(BaseCommand):
    help = (
        "Print a signed app instance for a site, as Wix would put it into our page's address: the API's Bearer token."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("site", help=f"{HELP}; an unknown instance id is signed too")
        parser.add_argument("--hours", type=float, default=4, help="how long it is valid (default 4, as Wix's)")

    def handle(self, *, site: str, hours: float, **options: Any) -> None:
        if not (settings.WIX_APP_ID and settings.WIX_APP_SECRET):
            raise CommandError("WIX_APP_ID and WIX_APP_SECRET must be set to sign an instance.")
        self.stdout.write(sign_instance(_instance_id(site), lifetime=timedelta(hours=hours)))


def _instance_id(site: str) -> uuid.UUID:
    try:
        return uuid.UUID(site)
    except ValueError:
        return named_site(site).instance_id
