"""`/api/keys`: a shop's dashboard makes, rotates and revokes the keys of its own servers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from blogs.models import AuditEntry
from tests.support import factories
from tests.support.problems import problem, refused_fields
from wix.identity import api_keys
from wix.models import ApiKey, Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Site:
    return factories.site(credits=75)


@pytest.fixture
def dashboard(api: Any, shop: Site) -> Any:
    return api(shop)


def _status_with(key: str) -> int:
    return (
        Client(raise_request_exception=False)
        .get("/api/credits", headers={"authorization": f"Bearer {key}"})
        .status_code
    )


def test_the_dashboard_makes_a_key_that_is_shown_once(dashboard: Any) -> None:
    answer = dashboard.send("post", "/api/keys", {"label": "shop system", "expiresInDays": 30})

    assert answer.status_code == 201
    made = answer.json()
    assert answer["Location"].endswith(f"/api/keys/{made['id']}")
    assert answer["Cache-Control"] == "no-store"
    assert _status_with(made["key"]) == 200
    row = ApiKey.objects.get()
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == pytest.approx(timedelta(days=30), abs=timedelta(seconds=5))

    shown = dashboard.get("/api/keys").json()["results"]
    assert [(each["label"], each["begins"]) for each in shown] == [("shop system", made["key"][:12])]
    assert shown[0]["lastUsedAt"] is not None
    assert dashboard.get(f"/api/keys/{made['id']}").json() == shown[0]
    assert made["key"][12:] not in str(shown) + str([*AuditEntry.objects.values()])


def test_a_rotated_key_goes_on_for_its_overlap(dashboard: Any, shop: Site) -> None:
    old, old_key = api_keys.issue(shop, "shop system", days=90)

    answer = dashboard.send("post", f"/api/keys/{old.pk}/rotate", {"overlapHours": 2})

    assert answer.status_code == 201
    new = ApiKey.objects.get(pk=answer.json()["id"])
    assert new.label == "shop system"
    assert new.expires_at is not None
    assert new.expires_at - new.created_at == pytest.approx(timedelta(days=90), abs=timedelta(seconds=5))
    assert [_status_with(old_key), _status_with(answer.json()["key"])] == [200, 200]
    old.refresh_from_db()
    assert old.expires_at is not None
    assert old.expires_at - timezone.now() == pytest.approx(timedelta(hours=2), abs=timedelta(seconds=10))


def test_a_rotation_never_makes_the_old_key_last_longer(dashboard: Any, shop: Site) -> None:
    old, _ = api_keys.issue(shop, "shop system")
    soon = timezone.now() + timedelta(minutes=5)
    ApiKey.objects.update(expires_at=soon)

    assert dashboard.send("post", f"/api/keys/{old.pk}/rotate", {}).status_code == 201

    old.refresh_from_db()
    assert old.expires_at == soon


def test_a_key_is_rotated_once_and_the_new_one_lasts_as_long_as_it_did(dashboard: Any, shop: Site) -> None:
    old, _ = api_keys.issue(shop, "shop system", days=90)
    new = dashboard.send("post", f"/api/keys/{old.pk}/rotate").json()["id"]

    problem(dashboard.send("post", f"/api/keys/{old.pk}/rotate"), 409, "key_rotated")
    shown = {key["id"]: key["rotatedAt"] for key in dashboard.get("/api/keys").json()["results"]}
    assert shown[new] is None
    assert datetime.fromisoformat(shown[old.pk]) == ApiKey.objects.get(pk=old.pk).rotated_at
    newest = ApiKey.objects.get(pk=dashboard.send("post", f"/api/keys/{new}/rotate").json()["id"])

    assert newest.expires_at is not None
    assert newest.expires_at - newest.created_at == pytest.approx(timedelta(days=90), abs=timedelta(seconds=5))


def test_without_overlap_the_old_key_ends_at_once(dashboard: Any, shop: Site) -> None:
    old, old_key = api_keys.issue(shop, "shop system")

    made = dashboard.send("post", f"/api/keys/{old.pk}/rotate", {"overlapHours": 0}).json()

    assert [_status_with(old_key), _status_with(made["key"])] == [401, 200]
    assert problem(dashboard.send("post", f"/api/keys/{old.pk}/rotate", {}), 404, "not_found")


def test_a_key_is_renamed_and_revoked(dashboard: Any, shop: Site) -> None:
    row, key = api_keys.issue(shop, "shop system")

    assert (
        dashboard.send("patch", f"/api/keys/{row.pk}", {"label": "old shop system"}).json()["label"]
        == "old shop system"
    )
    assert dashboard.send("delete", f"/api/keys/{row.pk}").status_code == 204

    assert _status_with(key) == 401
    assert problem(dashboard.get(f"/api/keys/{row.pk}"), 404, "not_found")
    assert problem(dashboard.send("delete", f"/api/keys/{row.pk}"), 404, "not_found")
    assert dashboard.get("/api/keys").json() == {"results": []}
    renamed, revoked = AuditEntry.objects.filter(site_id=shop.pk).order_by("id")
    assert (renamed.action, revoked.action) == ("rename_api_key", "revoke_api_key")
    assert {renamed.by, revoked.by} == {"the shop's dashboard"}


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_a_key_manages_no_keys(shop: Site, method: str) -> None:
    row, key = api_keys.issue(shop, "shop system")
    client = Client(raise_request_exception=False)

    for path in ("/api/keys", f"/api/keys/{row.pk}", f"/api/keys/{row.pk}/rotate"):
        answer = getattr(client, method)(path, headers={"authorization": f"Bearer {key}"})
        if answer.status_code != 405:
            problem(answer, 403, "dashboard_only")
    assert ApiKey.objects.get().revoked_at is None


def test_another_sites_key_is_not_found(dashboard: Any) -> None:
    row, key = api_keys.issue(factories.site(), "theirs")

    for method, path in (("get", ""), ("patch", ""), ("delete", ""), ("post", "/rotate")):
        body = {"label": "mine"} if method == "patch" else {}
        problem(dashboard.send(method, f"/api/keys/{row.pk}{path}", body), 404, "not_found")
    assert _status_with(key) == 200
    assert ApiKey.objects.get().label == "theirs"


def test_a_site_has_twenty_keys_and_one_more_while_it_changes_over(dashboard: Any, shop: Site) -> None:
    rows = [api_keys.issue(shop, str(number))[0] for number in range(api_keys.KEYS_MAX)]

    problem(dashboard.send("post", "/api/keys", {"label": "one more"}), 409, "too_many_keys")
    assert dashboard.send("post", f"/api/keys/{rows[0].pk}/rotate", {}).status_code == 201
    problem(dashboard.send("post", f"/api/keys/{rows[1].pk}/rotate", {}), 409, "too_many_keys")
    for row in rows[:2]:
        dashboard.send("delete", f"/api/keys/{row.pk}")
    assert dashboard.send("post", "/api/keys", {"label": "one more"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "label"),
        ({"label": " "}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"label": 7}, "label"),
        ({"label": "ERP", "expiresInDays": 0}, "expiresInDays"),
        ({"label": "ERP", "expiresInDays": 3651}, "expiresInDays"),
        ({"label": "ERP", "expiresInDays": "30"}, "expiresInDays"),
        ({"label": "ERP", "expiresInDays": 1.5}, "expiresInDays"),
        ({"label": "ERP", "expiresInDays": True}, "expiresInDays"),
        ({"label": "ERP", "expiresInDays": 10**400}, "expiresInDays"),
        ({"label": "ERP", "expiresinDays": 3}, "expiresinDays"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(dashboard: Any, body: dict[str, Any], field: str) -> None:
    assert field in refused_fields(dashboard.send("post", "/api/keys", body))
    assert not ApiKey.objects.exists()
