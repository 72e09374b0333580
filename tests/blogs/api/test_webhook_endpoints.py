"""A shop makes, changes, tests, rotates and deletes its webhook endpoints, and reads what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints, outbox
from tests.support import factories
from tests.support.problems import problem, refused_fields
from tests.support.webhook_rows import endpoint, told
from wix.models import Site

pytestmark = pytest.mark.django_db

URL = "https://shop.example/hooks?key=abc"


@pytest.fixture
def shop() -> Site:
    return factories.site()


def made(api: Any, shop: Site, **body: Any) -> Any:
    return api(shop).send("post", "/api/webhooks", {"url": URL, **body})


def test_an_endpoint_is_made_and_its_secret_shown_once(api: Any, shop: Site) -> None:
    answer = made(api, shop, events=["blog.completed", "blog.failed"], description="our shop")

    body = answer.json()
    assert answer.status_code == 201
    assert answer["Location"].endswith(f"/api/webhooks/{body['id']}")
    assert body["secret"].startswith("whsec_")
    assert (body["url"], body["events"], body["enabled"]) == (URL, ["blog.completed", "blog.failed"], True)
    client = api(shop)
    one, listed = client.get(f"/api/webhooks/{body['id']}").json(), client.get("/api/webhooks").json()["results"]
    assert listed == [one]
    assert "secret" not in one
    assert body["secret"] not in str(WebhookEndpoint.objects.values().get())


def test_without_events_it_hears_of_all(api: Any, shop: Site) -> None:
    assert made(api, shop).json()["events"] == list(outbox.TYPES)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://shop.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:x@shop.example/"}, "url"),
        ({"url": "https://shop.example:25/"}, "url"),
        ({"url": 17}, "url"),
        ({"url": "https://shop.example/" + "x" * 500}, "url"),
        ({"events": []}, "events"),
        ({"events": ["blog.complete"]}, "events.0"),
        ({"events": "blog.completed"}, "events"),
        ({"event": ["blog.completed"]}, "event"),
        ({"enabled": True}, "enabled"),
        ({"description": "x" * 201}, "description"),
    ],
)
def test_what_is_wrong_is_refused_by_name(api: Any, shop: Site, body: dict[str, Any], field: str) -> None:
    answer = made(api, shop, **body)

    assert answer.status_code == 400
    assert field in refused_fields(answer)
    assert not WebhookEndpoint.objects.exists()


def test_a_site_has_ten_at_most(api: Any, shop: Site) -> None:
    for _ in range(endpoints.ENDPOINTS_MAX):
        endpoint(shop)
    problem(made(api, shop), 409, "endpoint_state")
    endpoints.switch_off(WebhookEndpoint.objects.first(), WebhookEndpoint.Off.DELETED)  # type: ignore[arg-type]
    assert made(api, shop).status_code == 201


def test_it_is_changed_switched_and_deleted(api: Any, shop: Site) -> None:
    client, number = api(shop), made(api, shop).json()["id"]
    path = f"/api/webhooks/{number}"

    changed = client.send("patch", path, {"events": ["blog.failed"], "enabled": False}).json()
    assert (changed["events"], changed["enabled"], changed["disabledReason"], changed["url"]) == (
        ["blog.failed"],
        False,
        "shop",
        URL,
    )
    problem(client.send("post", f"{path}/test", {}), 409, "endpoint_state")
    assert client.send("patch", path, {"enabled": True}).json()["enabled"] is True
    assert client.send("patch", path, {"url": "https://127.0.0.1/"}).status_code == 400

    factories.failed_generation(shop)
    assert client.send("delete", path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get("/api/webhooks").json()["results"] == []
    assert set(WebhookMessage.objects.values_list("state", flat=True)) == {"dropped"}


def test_what_staff_have_switched_off_only_staff_switch_on(api: Any, shop: Site) -> None:
    one = endpoint(shop).endpoint
    endpoints.switch_off(one, WebhookEndpoint.Off.STAFF)
    answer = api(shop).send("patch", f"/api/webhooks/{one.pk}", {"enabled": True, "description": "x"})
    refused = problem(answer, 409, "endpoint_state")
    assert "support" in refused["detail"]
    one.refresh_from_db()
    assert (one.off_why, one.description) == ("staff", "")


def test_a_secret_is_rotated(api: Any, shop: Site) -> None:
    first = made(api, shop).json()
    second = api(shop).send("post", f"/api/webhooks/{first['id']}/rotate", {}).json()
    assert second["secret"] not in ("", first["secret"])
    assert second["oldSecretUntil"]


def test_what_was_sent_is_listed_and_sent_again(api: Any, shop: Site) -> None:
    one = endpoint(shop, events=["blog.queued", "blog.completed"]).endpoint
    client, blog = api(shop), factories.done_generation(shop)
    path = f"/api/webhooks/{one.pk}"
    newest, oldest = client.get(f"{path}/deliveries").json()["results"]
    assert (newest["type"], newest["blogId"], newest["status"]) == ("blog.completed", blog.pk, "waiting")
    assert newest["webhookId"] == WebhookMessage.objects.latest("id").webhook_id

    WebhookMessage.objects.filter(pk=oldest["id"]).update(state="failed", due_at=None)
    failed = client.get(f"{path}/deliveries?status=failed").json()["results"]
    assert [each["id"] for each in failed] == [oldest["id"]]
    again = client.send("post", f"{path}/deliveries/{oldest['id']}/resend", {})
    assert (again.status_code, again.json()["status"]) == (202, "waiting")
    assert again.json()["webhookId"] == oldest["webhookId"]
    assert client.get(f"{path}/deliveries?status=sent").status_code == 400
    assert client.get(f"{path}/deliveries?state=failed").status_code == 400
    assert client.get(f"{path}/deliveries?limit=1").json()["next"]


def test_another_sites_endpoint_and_message_are_not_there(api: Any, shop: Site) -> None:
    other = factories.site()
    theirs, mine = endpoint(other).endpoint, endpoint(shop).endpoint
    message = endpoints.send_test(theirs)
    client = api(shop)
    for method, path in [
        ("get", f"/api/webhooks/{theirs.pk}"),
        ("patch", f"/api/webhooks/{theirs.pk}"),
        ("delete", f"/api/webhooks/{theirs.pk}"),
        ("post", f"/api/webhooks/{theirs.pk}/rotate"),
        ("post", f"/api/webhooks/{theirs.pk}/test"),
        ("get", f"/api/webhooks/{theirs.pk}/deliveries"),
        ("post", f"/api/webhooks/{theirs.pk}/deliveries/{message.pk}/resend"),
        ("post", f"/api/webhooks/{mine.pk}/deliveries/{message.pk}/resend"),
    ]:
        assert client.send(method, path, {}).status_code == 404, (method, path)
    theirs.refresh_from_db()
    assert (theirs.off_at, theirs.old_secret_until) == (None, None)


def test_a_test_message_waits_for_a_worker(api: Any, shop: Site) -> None:
    one = endpoint(shop, events=["blog.failed"]).endpoint
    answer = api(shop).send("post", f"/api/webhooks/{one.pk}/test", {})
    assert (answer.status_code, answer.json()["type"]) == (202, "webhook.test")
    assert told(shop) == [("webhook.test", "")]
    assert api(shop).send("post", f"/api/webhooks/{one.pk}/test", {"type": "x"}).status_code == 400
