from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import outbox
from tests.support.blogs.worker_process import MakeWorker
from tests.support.receiver import receiving
from tests.support.threads import wait_until
from tests.support.webhook_rows import endpoint
from wix.models import Site

pytestmark = pytest.mark.slow_process


def test_a_worker_killed_while_a_receiver_has_its_message_sends_it_again_with_the_same_id(
    shop: Site, worker: MakeWorker, settings: Any
) -> None:
    settings.OUTGOING_WEBHOOK_LOOPBACK = True
    here = {"OUTGOING_WEBHOOK_LOOPBACK": "true", "DEBUG": "true"}
    with receiving() as receiver:
        let_go = threading.Event()
        receiver.behave = lambda handler: let_go.wait(20)
        made = endpoint(shop, receiver.address())
        outbox.tell(shop.pk, outbox.SITE_DISCONNECTED)
        first = worker(**here)
        first.start()
        wait_until(lambda: len(receiver.got) == 1, seconds=20)

        first.kill()
        let_go.set()
        receiver.behave = None
        # Its turn ends by itself after some seconds.
        WebhookEndpoint.objects.update(taken_until=timezone.now() - timedelta(seconds=1))
        worker(**here).start()
        wait_until(lambda: WebhookMessage.objects.filter(state="delivered").exists(), seconds=20)

        one, two = receiver.got
        assert one.headers["webhook-id"] == two.headers["webhook-id"]
        assert one.body == two.body
        for got in (one, two):
            Webhook(made.secret).verify(got.body, got.headers)
