"""2,000 webhook messages to a real receiver, of which a tenth of the sendings fail: `make bench NAME=deliveries`.

Twenty shops with an endpoint each, and the threads of two workers. In turn without and with a twenty-first shop whose receiver
answers only after five seconds, and which has 200 messages of its own. The pauses of failed messages are made shorter by letting
their time pass; everything else is the product's own.

- `delivered`, `unsigned`: of the 2,000; what the receiver could not verify.
- `p50_s`, `p99_s`: from an event until its receiver has it, for first sendings, without and with the slow shop.
"""

from __future__ import annotations

import logging
import random
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from standardwebhooks import Webhook, WebhookVerificationError

from blogs.models import WebhookMessage
from blogs.outgoing import endpoints, outbox, sending
from tests.bench import filling
from tests.support.receiver import Handler, receiving, slowly
from wix.models import Site
from workers.database.clock import ClockTimestamp
from workers.database.connections import release_connection

_SHOPS, _MESSAGES, _SLOW_MESSAGES, _SLOW_SECONDS = 20, 1_000, 200, 5.0
_PACE_SECONDS, _FAILING = 0.02, 0.1


def measure() -> dict[str, Any]:
    logging.disable(logging.WARNING)
    settings.OUTGOING_WEBHOOK_LOOPBACK = True
    *shops, slow = Site.objects.filter(pk__in=filling.add_sites(_SHOPS + 1)).order_by("pk")
    with receiving() as receiver, receiving() as sluggish:
        sluggish.behave = slowly(_SLOW_SECONDS)
        secrets = {
            f"/{shop.pk}": endpoints.make(shop, url=receiver.address(f"/{shop.pk}"), events=list(outbox.TYPES)).secret
            for shop in shops
        }
        endpoints.make(slow, url=sluggish.address(), events=list(outbox.TYPES))
        came: dict[str, float] = {}
        receiver.behave = _one_in_ten_fails(came)
        stop = threading.Event()
        threads = [threading.Thread(target=_work, args=(stop, False)) for _ in range(4)]
        threads += [threading.Thread(target=_work, args=(stop, True)) for _ in range(2)]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        alone = _told(shops, came)
        for _ in range(_SLOW_MESSAGES):
            outbox.tell(slow.pk, outbox.SITE_DISCONNECTED)
        beside = _told(shops, came)
        took = time.monotonic() - began
        stop.set()
        for thread in threads:
            thread.join()
        unsigned = sum(not _is_signed(got, secrets) for got in receiver.got)
    return {
        "delivered": WebhookMessage.objects.filter(endpoint__site__in=shops, state="delivered").count(),
        "of": 2 * _MESSAGES,
        "sendings": len(receiver.got),
        "unsigned": unsigned,
        "p50_s": {"without": _p(alone, 50), "with": _p(beside, 50)},
        "p99_s": {"without": _p(alone, 99), "with": _p(beside, 99)},
        "slow_shop_sent": len(sluggish.got),
        "took_s": round(took, 1),
    }


def _one_in_ten_fails(came: dict[str, float]) -> Callable[[Handler], None]:
    """Fail by chance: every tenth in turn would always be the same shops'."""
    chance = random.Random(7)

    def behave(handler: Handler) -> None:
        came.setdefault(handler.headers["webhook-id"], time.time())
        handler.reply(500 if chance.random() < _FAILING else 204)

    return behave


def _work(stop: threading.Event, slow: bool) -> None:
    """Do as a worker's chore does, but look again sooner for what had to wait."""
    while not stop.is_set():
        sending.work_off(lambda: not stop.is_set(), slow=slow)
        release_connection()
        stop.wait(0.2)


def _told(shops: list[Site], came: dict[str, float]) -> list[float]:
    """Tell a thousand events at an even pace, wait until all have been delivered, and return how long each was on its way."""
    last = WebhookMessage.objects.order_by("-id").values_list("id", flat=True).first() or 0
    for number in range(_MESSAGES):
        outbox.tell(shops[number % len(shops)].pk, outbox.SITE_DISCONNECTED)
        time.sleep(_PACE_SECONDS)
    mine = WebhookMessage.objects.filter(pk__gt=last, endpoint__site__in=shops)
    while mine.filter(due_at__isnull=False).exists():
        # Its conditions stand on the row itself, so that they are looked at again behind its lock.
        WebhookMessage.objects.filter(attempts__gt=0, due_at__isnull=False).update(due_at=ClockTimestamp())
        time.sleep(0.5)
    waits = [came[message.webhook_id] - message.created_at.timestamp() for message in mine]
    connection.close()
    print(f"{len(waits)} told: p50 {_p(waits, 50)} s, p99 {_p(waits, 99)} s", flush=True)
    return waits


def _is_signed(got: Any, secrets: dict[str, str]) -> bool:
    try:
        Webhook(secrets[got.path]).verify(got.body, got.headers)
    except WebhookVerificationError:
        return False
    return True


def _p(waits: list[float], percent: int) -> float:
    return round(statistics.quantiles(waits, n=100)[percent - 1], 3)
