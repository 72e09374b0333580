from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from blogs.operations import proof
from credits.models import Credit, CreditAccount


class Command(BaseCommand):
    help = (
        "Add up every ledger entry and compare with the accounts and the blogs; exits 1 and names what does not agree."
    )

    def handle(self, **options: Any) -> None:
        found = proof.discrepancies()
        for discrepancy in found:
            self.stderr.write(f"site {discrepancy.site_id}: {discrepancy.problem}")
        if found:
            raise CommandError(
                f"{len(found)} discrepancies. Nothing was changed; correct them with an adjustment in the admin."
            )
        self.stdout.write(
            f"The ledger is exact: {Credit.objects.count()} entries, {CreditAccount.objects.count()} accounts."
        )
