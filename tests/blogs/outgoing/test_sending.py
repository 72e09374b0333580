"""What workers send and what becomes of it: to a receiver on this machine, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from blogs.models import RequestDetails, WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints, outbox, payload, sending, turns
from tests.support import factories
from tests.support.receiver import Got, Receiver, endless, receiving, slowly
from tests.support.threads import at_once
from tests.support.webhook_rows import all_due, endpoint, the
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Site:
    return factories.site(credits=0)


def tell(shop: Site, times: int = 1, event_type: str = outbox.SITE_DISCONNECTED) -> None:
    for _ in range(times):
        outbox.tell(shop.pk, event_type)


def verified(got: Got, secret: str) -> Any:
    return Webhook(secret).verify(got.body, got.headers)


def test_a_message_is_signed_and_says_what_happened(receiver: Receiver) -> None:
    shop = factories.site()
    secret = endpoint(shop, receiver.address(), ["blog.completed"]).secret
    blog = factories.done_generation(shop)

    assert sending.work_off() is not None

    (got,) = receiver.got
    said = verified(got, secret)
    assert said["type"] == "blog.completed"
    assert said["data"] == {
        "instanceId": str(shop.instance_id),
        "id": blog.pk,
        "status": "DONE",
        "draftPostId": str(blog.draft_post_id),
        "draftPostUrl": "https://shop.example/post/x",
        "postUrl": None,
        "metadata": {},
    }
    message = the(WebhookMessage)
    assert got.headers["webhook-id"] == message.webhook_id
    assert (message.state, message.attempts, message.answer_status) == ("delivered", 1, 204)
    with pytest.raises(WebhookVerificationError):
        verified(Got(got.path, got.headers, got.body + b" "), secret)


def test_after_a_rotation_both_secrets_sign_for_a_day(receiver: Receiver, shop: Site) -> None:
    made = endpoint(shop, receiver.address())
    new = endpoints.rotate(made.endpoint)
    tell(shop)
    sending.work_off()
    assert verified(receiver.got[0], made.secret) == verified(receiver.got[0], new)

    WebhookEndpoint.objects.update(old_secret_until=timezone.now())
    tell(shop)
    sending.work_off()
    verified(receiver.got[1], new)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.got[1], made.secret)


def test_a_secret_lies_sealed_and_survives_a_change_of_the_key(receiver: Receiver, shop: Site, settings: Any) -> None:
    made = endpoint(shop, receiver.address())
    assert made.secret.removeprefix("whsec_") not in str(WebhookEndpoint.objects.values().get())

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]
    tell(shop)
    sending.work_off()
    verified(receiver.got[0], made.secret)


@pytest.mark.parametrize("status", [500, 404, 307, 199])
def test_a_refusal_is_tried_again_with_the_same_id_and_body(receiver: Receiver, shop: Site, status: int) -> None:
    secret = endpoint(shop, receiver.address()).secret
    tell(shop)
    receiver.status = status
    sending.work_off()
    message = the(WebhookMessage)
    assert message.state == "waiting"
    assert 3 < (message.due_at - timezone.now()).total_seconds() < 7

    receiver.status = 200
    sending.work_off()
    assert len(receiver.got) == 1  # not before its time
    all_due()
    sending.work_off()
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    verified(second, secret)
    assert the(WebhookMessage).attempts == 2


def test_pauses_grow_and_fill_three_days_with_chance_in_them() -> None:
    pauses = [sending.pause_after(attempt) for attempt in range(1, 25)]
    assert 4 <= pauses[0] <= 6
    assert 23_000 <= pauses[-1] <= 34_600
    assert sum(pauses) > 72 * 3_600
    assert len({sending.pause_after(3) for _ in range(5)}) == 5


def test_after_three_days_it_is_given_up(receiver: Receiver, shop: Site) -> None:
    endpoint(shop, receiver.address())
    tell(shop)
    WebhookMessage.objects.update(created_at=timezone.now() - timedelta(days=3, minutes=1))
    receiver.status = 500
    sending.work_off()
    assert the(WebhookMessage).state == "failed"


def test_a_receiver_asks_for_its_pause(receiver: Receiver, shop: Site) -> None:
    endpoint(shop, receiver.address())
    tell(shop)
    receiver.behave = lambda handler: handler.reply(429, Retry_After="900")
    sending.work_off()
    # As all of them, no more than RETRY_AFTER_MAX_SECONDS.
    assert (the(WebhookMessage).due_at - timezone.now()).total_seconds() > 100


def test_410_switches_it_off_drops_what_waits_and_tells_the_other_endpoint(receiver: Receiver, shop: Site) -> None:
    gone = endpoint(shop, receiver.address(), ["site.disconnected"]).endpoint
    with receiving() as other:
        endpoint(shop, other.address(), ["webhook.disabled"])
        tell(shop, 3)
        receiver.status = 410
        sending.work_off()

        assert len(receiver.got) == 1
        gone.refresh_from_db()
        assert gone.off_why == "gone"
        assert set(WebhookMessage.objects.filter(endpoint=gone).values_list("state", flat=True)) == {"dropped"}
        said = json.loads(other.got[0].body)
        assert (said["type"], said["data"]["code"]) == ("webhook.disabled", "gone")
    tell(shop)
    assert WebhookMessage.objects.filter(endpoint=gone).count() == 3


def test_days_of_failure_switch_it_off(receiver: Receiver, shop: Site, settings: Any) -> None:
    made = endpoint(shop, receiver.address()).endpoint
    receiver.status = 503
    tell(shop)
    sending.work_off()
    made.refresh_from_db()
    assert (made.failures, made.off_why) == (1, "")

    days = timedelta(days=settings.OUTGOING_WEBHOOK_OFF_AFTER_DAYS, minutes=1)
    WebhookEndpoint.objects.update(failing_since=timezone.now() - days)
    all_due()
    sending.work_off()
    made.refresh_from_db()
    assert made.off_why == "failing"


def test_after_five_failures_in_a_row_it_rests_and_one_success_ends_that(receiver: Receiver, shop: Site) -> None:
    made = endpoint(shop, receiver.address()).endpoint
    tell(shop, 8)
    receiver.status = 500
    sending.work_off()
    assert len(receiver.got) == 5
    receiver.status = 200
    sending.work_off()
    assert len(receiver.got) == 5

    all_due()
    sending.work_off()
    made.refresh_from_db()
    assert len(receiver.got) == 13
    assert (made.failures, made.rests_until, made.failing_since) == (0, None, None)


def test_a_slow_receiver_has_one_thread_once_and_then_keeps_only_other_slow_ones_waiting(
    receiver: Receiver, shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_SLOW_SECONDS", 0.2)
    slow = endpoint(shop, receiver.address()).endpoint
    receiver.behave = slowly(0.4)
    tell(shop, 5)
    sending.work_off()
    assert len(receiver.got) == 1
    sending.work_off()
    assert len(receiver.got) == 1

    sending.work_off_slow()
    slow.refresh_from_db()
    assert len(receiver.got) == 5
    assert slow.slow_until is not None


def test_a_receiver_that_answers_without_an_end_has_taken_it(receiver: Receiver, shop: Site) -> None:
    endpoint(shop, receiver.address())
    receiver.behave = endless
    tell(shop)
    began = time.monotonic()
    sending.work_off()
    assert time.monotonic() - began < 5
    assert the(WebhookMessage).state == "delivered"


def test_an_address_that_has_come_to_be_within_is_not_sent_to(receiver: Receiver, shop: Site, settings: Any) -> None:
    endpoint(shop, receiver.address())
    settings.OUTGOING_WEBHOOK_LOOPBACK = False
    tell(shop)
    sending.work_off()
    assert receiver.got == []
    assert the(WebhookMessage).state == "waiting"
    assert "https" in the(WebhookMessage).answer


def test_a_turn_belongs_to_one_worker_and_one_that_lost_it_notes_nothing(receiver: Receiver, shop: Site) -> None:
    endpoint(shop, receiver.address())
    tell(shop)
    sent, go_on = threading.Event(), threading.Event()

    def stuck(handler: Any) -> None:
        sent.set()
        go_on.wait(10)
        handler.reply(200)

    receiver.behave = stuck
    first = threading.Thread(target=sending.work_off)
    first.start()
    assert sent.wait(10)
    assert turns.take(slow=False) is None

    # Its time is over, as after a kill; another worker sends.
    receiver.behave = None
    WebhookEndpoint.objects.update(taken_until=timezone.now() - timedelta(seconds=1))
    sending.work_off()
    assert (the(WebhookMessage).state, the(WebhookMessage).attempts) == ("delivered", 1)
    go_on.set()
    first.join(10)
    assert the(WebhookMessage).attempts == 1
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len(receiver.got) == 2


def test_each_message_is_sent_by_one_of_many_threads(receiver: Receiver) -> None:
    shops = [factories.site(credits=0) for _ in range(4)]
    for each in shops:
        endpoint(each, receiver.address())
        tell(each, 5)

    at_once(*[sending.work_off] * 4)

    assert len(receiver.got) == 20
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 20


def test_shops_take_turns(receiver: Receiver, shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_TURN_MESSAGES", 2)
    small = factories.site(credits=0)
    endpoint(shop, receiver.address("/whale"))
    endpoint(small, receiver.address("/small"))
    tell(shop, 6)
    tell(small)
    sending.work_off()
    assert [got.path for got in receiver.got].index("/small") <= 2


def test_a_test_message_comes_whatever_was_asked_for(receiver: Receiver, shop: Site) -> None:
    made = endpoint(shop, receiver.address(), ["credits.low"])
    endpoints.send_test(made.endpoint)
    sending.work_off()
    assert verified(receiver.got[0], made.secret)["type"] == "webhook.test"


def test_a_message_that_is_sent_again_is_the_same(receiver: Receiver, shop: Site) -> None:
    made = endpoint(shop, receiver.address())
    tell(shop)
    sending.work_off()
    assert endpoints.send_again(made.endpoint, WebhookMessage.objects.all()) == 1
    sending.work_off()
    first, second = receiver.got
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


def test_a_body_stays_small_whatever_a_shop_has_sent_us() -> None:
    shop = factories.site()
    endpoint(shop, events=["blog.queued"])
    pairs = {f"{number:040}": "é" * 500 for number in range(16)}
    factories.pending_generation(shop, metadata=pairs)
    body = payload.body_of(the(WebhookMessage), shop)
    assert 16 * 1_000 < len(body.encode()) < payload.BYTES_MAX
    assert json.loads(body)["data"]["metadata"] == pairs

    RequestDetails.objects.update(metadata=dict.fromkeys(pairs, "😀" * 500))
    body = payload.body_of(the(WebhookMessage), shop)
    assert len(body) < 1_000
    assert json.loads(body)["data"]["metadata"] is None


def test_without_any_endpoint_it_looks_rarely() -> None:
    assert sending.work_off() is None
