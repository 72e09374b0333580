from __future__ import annotations

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from wix.identity import api_keys
from wix.models import ApiKey, Site


class Command(BaseCommand):
    help = "Make an API key for a site's own server, and print it this once. The site's page in the admin revokes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("instance_id", type=uuid.UUID, help="of a site that is known already")
        parser.add_argument("--label", required=True, help="what it is for")

    def handle(self, *, instance_id: uuid.UUID, label: str, **options: Any) -> None:
        longest = ApiKey._meta.get_field("label").max_length or 0
        if not 0 < len(label := label.strip()) <= longest:
            raise CommandError(f"--label must have 1 to {longest} characters.")
        site = Site.objects.filter(instance_id=instance_id).first()
        if site is None:
            raise CommandError(f"No site has the instance id {instance_id}: its owner must open our page there first.")
        if site.removed_at:
            raise CommandError(f"{site} has removed the app.")
        _, key = api_keys.issue(site, label)
        self.stdout.write(key)
