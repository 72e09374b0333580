"""`manage.py add_second_factor NAME`: a secret for one of staff's authenticator app, in place of the one before."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction


class Command(BaseCommand):
    help = "Print the address that an authenticator app takes, as text or as a QR code. The factor before it ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name that one of staff logs in with")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        if not settings.ADMIN_SECOND_FACTOR:
            raise CommandError("Set ADMIN_SECOND_FACTOR=true first, and migrate.")
        from django_otp.plugins.otp_totp.models import TOTPDevice

        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no {name!r} among staff.")
        with transaction.atomic():
            TOTPDevice.objects.filter(user=user).delete()
            device = TOTPDevice.objects.create(user=user, name="authenticator app")
        self.stdout.write(device.config_url)
