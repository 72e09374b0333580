from __future__ import annotations

import json
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from wix.webhooks import sender


class Command(BaseCommand):
    help = "Post a webhook to ourselves as Wix would, signed with a development key. Only with DEBUG=true."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event_type", help=f"for example {', '.join(sender.EVENT_TYPES[:4])}")
        parser.add_argument("--instance", required=True, type=uuid.UUID, help="the site's instance id")
        parser.add_argument(
            "--data", type=json.loads, default={}, help="JSON: fields of the event that differ from the sample's"
        )
        parser.add_argument(
            "--times",
            type=int,
            default=1,
            help="how often to send the same token; Wix, too, sends one again now and then",
        )
        parser.add_argument("--url", default="http://localhost:3000/wix/webhooks")

    def handle(
        self, *, event_type: str, instance: uuid.UUID, data: dict[str, Any], times: int, url: str, **options: Any
    ) -> None:
        if not (settings.DEBUG and settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE):
            raise CommandError(
                "Set DEBUG=true for both this command and the server; in production only Wix is believed."
            )
        key = sender.development_key(Path(settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE))
        event = sender.sample(event_type, **data)
        token = sender.sign(key, event_type, instance, event)
        for _ in range(times):
            answer = requests.post(url, data=token, headers={"Content-Type": "text/plain"}, timeout=10)
            self.stdout.write(f"{answer.status_code} {answer.text}".strip())
            if answer.status_code != 200:
                raise CommandError(f"{url} refused the webhook.")
