"""What staff are told to do about each alert, in a sentence; the runbook has the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from blogs.operations.alerts import Alert

FIRST_STEP = {
    "queue_long": "Start more workers if limits have room and all seats are taken; otherwise wait.",
    "nobody_works": "Start a worker. Nothing is lost: blogs go on where they were.",
    "release_broken": "Start workers of the release before it, then stop these.",
    "provider_down": "Read below why. A key, a quota or a pause of ours is mended by us; for all else wait, no blog pays for it.",
    "slow": "Look below: are seats taken, is a limit full, is a provider down?",
    "errors": "Open the failures below by their code. Retry them when the cause is mended.",
    "limit_full": "The provider decides the pace now. Ask it for a higher limit, or wait.",
    "webhooks_failed": "Open the failed webhooks, then replay them or leave them.",
    "plan_unknown": "Add the plan that the shops pay for under Plans.",
    "spend": "Open Spend: which day, which model, more than before? Then raise the budget, or pause what spends.",
    "estimates_off": "Look below: has an outage just ended, was a line or all lines resumed? Otherwise tell an engineer.",
    "shop_fails": "Open the failed blogs of these shops, and tell them what is wrong.",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """An alert with what to do about it, and where the runbook says more."""

    alert: Alert
    first_step: str
    runbook: str


def advice(alerts: Sequence[Alert]) -> list[Advice]:
    return [
        Advice(alert, FIRST_STEP.get(alert.name, ""), reverse("desk-runbook", args=[alert.name])) for alert in alerts
    ]
