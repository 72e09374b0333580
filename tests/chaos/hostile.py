"""`make chaos SIZE=hostile`: one stranger attacks in all ways at once, while others ask, blogs are written and webhooks come."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from config.processes import Processes
from tests.chaos.result import drafts_of_blogs
from tests.support.shops import SHOPS
from tests.support.world import World, running

_SPEED = 6
_BLOGS = 40
# Longer than every deadline of a slow client.
_ATTACK_SECONDS = 45.0
_GIVE_UP_SECONDS = 240.0
_PATIENCE_SECONDS = 60.0
_STRANGER, _SUBMITTER, _OTHER = SHOPS[4], SHOPS[1], SHOPS[0]
# Bounds of the medians. Wix waits 1,250 ms for an answer to a webhook.
_OTHERS_MS, _WEBHOOKS_MS = 250, 1_250
_SETTINGS = {"DEBUG": "false", "BLOG_BACKOFF_SECONDS": "1"}


@dataclass(slots=True)
class Asked:
    """What one of the others was answered, and in how many milliseconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    def ask(self, question: Callable[[], requests.Response]) -> None:
        began = time.monotonic()
        try:
            self.statuses[question().status_code] += 1
        except requests.RequestException:
            self.statuses[0] += 1
        self.milliseconds.append(1000 * (time.monotonic() - began))

    def median_ms(self) -> float:
        return round(median(self.milliseconds), 1)


def run(patience: float) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    settings = {**_SETTINGS, "WIX_WEBHOOK_PUBLIC_KEYS": _public_pem(key)}
    with running("chaos-hostile", SHOPS, speed=_SPEED, settings=settings) as world:
        world.start_worker()
        said = world.log.with_suffix(".stranger.json")
        said.unlink(missing_ok=True)
        with _stranger(world, said):
            others = _meanwhile(world, key)
        _wait_for_blogs(world, patience)
        answers = {f"{name} {status}": n for name, asked in others.items() for status, n in asked.statuses.items()}
        return {
            **_counts(world, others),
            "others_median_ms": others["credits"].median_ms(),
            "webhooks_median_ms": others["webhook"].median_ms(),
            "answers": {**answers, **{f"stranger: {what}": n for what, n in json.loads(said.read_text()).items()}},
        }


def broken(counted: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    refused = {
        name
        for name in counted["answers"]
        if not name.startswith("stranger") and name not in ("credits 200", "webhook 200", "blog 201")
    }
    promises = {
        f"another shop is answered within {_OTHERS_MS} ms at the median": counted["others_median_ms"] < _OTHERS_MS,
        f"webhooks are answered within {_WEBHOOKS_MS} ms at the median": counted["webhooks_median_ms"] < _WEBHOOKS_MS,
        f"no other is refused: {', '.join(sorted(refused))}": not refused,
        "every blog is DONE, with one draft": counted["done"] == counted["blogs"] and not counted["duplicate_drafts"],
        "nothing is lost": not counted["lost"],
        "the ledger is exact": counted["ledger_ok"],
        "the stranger attacked": any(name.startswith("stranger: marks") for name in counted["answers"]),
    }
    return [promise for promise, kept in promises.items() if not kept]


def _stranger(world: World, said: Path) -> Processes:
    from wix.identity.signed_instance import sign_instance

    stranger = Processes(world.processes.environment("stranger"), grace=10)
    stranger.start("stranger", "-m", "tests.chaos.stranger", world.url, sign_instance(_STRANGER.instance_id), str(said))
    return stranger


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    """Write it as Wix's page shows it. `wix.webhooks` could, but it needs the settings that this is one of."""
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


def _meanwhile(world: World, key: rsa.RSAPrivateKey) -> dict[str, Asked]:
    """Ask as three others do, each at its own pace, for as long as the attack takes."""
    from tests.sandbox import wix_webhooks
    from wix.identity.signed_instance import sign_instance

    headers = {"Authorization": f"Bearer {sign_instance(_OTHER.instance_id)}"}
    numbers, posted = iter(range(_BLOGS)), iter(range(10_000))

    def credits_left() -> requests.Response:
        return requests.get(f"{world.url}/api/credits", headers=headers, timeout=_PATIENCE_SECONDS)

    def webhook() -> requests.Response:
        token = wix_webhooks.token(
            "AppInstalled", _OTHER.instance_id, key=key, iat=int(time.time()) - 600 - next(posted), exp=None
        )
        return requests.post(f"{world.url}/wix/webhooks", data=token, timeout=_PATIENCE_SECONDS)

    def blog() -> requests.Response:
        topic = f"a hostile night {next(numbers)}"
        return world.submit(_SUBMITTER, {"sourceType": "keyword", "sourceId": topic, "length": "short"})

    questions = {"credits": (credits_left, 0.1, 10_000), "webhook": (webhook, 0.5, 10_000), "blog": (blog, 1.0, _BLOGS)}
    asked = {name: Asked() for name in questions}
    ends_at = time.monotonic() + _ATTACK_SECONDS

    def go_on(name: str) -> None:
        question, every, times = questions[name]
        while times and time.monotonic() < ends_at:
            asked[name].ask(question)
            times -= 1
            time.sleep(every)

    with ExitStack() as stack:
        for name in questions:
            thread = threading.Thread(target=go_on, args=[name])
            thread.start()
            stack.callback(thread.join)
    print({name: dict(each.statuses) for name, each in asked.items()}, file=sys.stderr, flush=True)
    return asked


def _wait_for_blogs(world: World, patience: float) -> None:
    from blogs.models import BlogGeneration, Status

    unfinished = BlogGeneration.objects.filter(status__in=(Status.PENDING, Status.PROCESSING))
    gives_up_at = time.monotonic() + _GIVE_UP_SECONDS * patience
    while unfinished.exists() and time.monotonic() < gives_up_at:
        world.processes.check()
        time.sleep(0.5)


def _counts(world: World, others: dict[str, Asked]) -> dict[str, Any]:
    """What became of all that was accepted: blogs and webhooks."""
    from django.db.models import Sum

    from blogs.models import BlogGeneration, Status
    from blogs.operations import proof
    from wix.models import WebhookDelivery

    accepted, taken = others["blog"].statuses[201], others["webhook"].statuses[200]
    # Installs of one site are one delivery, which counts how often it came.
    stored = WebhookDelivery.objects.aggregate(times=Sum("received", default=0))["times"]
    # Of the shop alone: what the stranger asked for is the stranger's own matter.
    blogs = BlogGeneration.objects.filter(site__instance_id=_SUBMITTER.instance_id)
    drafts = drafts_of_blogs(world.sandbox.drafts(), list(blogs.values_list("pk", flat=True)))
    return {
        "blogs": accepted,
        "done": blogs.filter(status=Status.DONE).count(),
        "failed": blogs.filter(status=Status.FAILED).count(),
        "lost": max(0, accepted - len(drafts)) + max(0, taken - stored),
        "duplicate_drafts": drafts.total() - len(drafts),
        "ledger_ok": not proof.discrepancies(),
    }
