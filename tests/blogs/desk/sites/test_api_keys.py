"""Keys that staff make on a site's page: shown once, and kept nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from blogs.models import AuditEntry
from tests.support import factories
from tests.support.blogs.desk_pages import site_page, visible
from wix.identity import api_keys
from wix.models import ApiKey

pytestmark = pytest.mark.django_db


def _get(key: str) -> Any:
    return Client().get("/api/credits", headers={"authorization": f"Bearer {key}"})


def _shown(answer: Any) -> str:
    return str(re.findall(r"<code>(blog_[A-Za-z0-9_-]{43})</code>", answer.content.decode())[0])


def test_staff_make_a_key_that_is_shown_once_and_revoke_it(
    desk: Client,
    admin_user: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    shop = factories.site(name="Nordlicht")

    answer = desk.post(f"/admin/wix/site/{shop.pk}/api-keys/", {"label": "ERP"})

    key, row = _shown(answer), ApiKey.objects.get()
    assert (row.created_by, row.label) == (admin_user, "ERP")
    assert "no-store" in answer["Cache-Control"]
    assert _get(key).status_code == 200

    page = site_page(desk, shop.pk)
    assert f"{key[:12]}… ERP" in visible(page)
    desk.post(f"/admin/wix/site/{shop.pk}/api-keys/{row.pk}/revoke/")
    assert _get(key).status_code == 401
    assert "revoked" in visible(site_page(desk, shop.pk))

    made, revoked = AuditEntry.objects.exclude(action="login").order_by("id")
    assert (made.action, made.after) == ("make_api_key", f"{key[:12]}… (ERP)")
    assert (revoked.action, revoked.before) == ("revoke_api_key", f"{key[:12]}… (ERP)")
    kept = "".join(str(session.get_decoded()) for session in Session.objects.all()) + str(desk.cookies) + caplog.text
    kept += "".join(str(vars(record)) for record in caplog.records)
    assert key[13:] not in page + kept + str([*AuditEntry.objects.values()])


def test_a_key_may_be_given_days(desk: Client) -> None:
    shop = factories.site()

    answer = desk.post(f"/admin/wix/site/{shop.pk}/api-keys/", {"label": "ERP", "days": "30"})
    refused = desk.post(f"/admin/wix/site/{shop.pk}/api-keys/", {"label": "ERP", "days": "4000"})

    assert _shown(answer)
    assert "errorlist" in refused.content.decode()
    row = ApiKey.objects.get()
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == pytest.approx(timedelta(days=30), abs=timedelta(seconds=5))


@pytest.mark.parametrize("label", ["", "   ", "x" * 101])
def test_a_key_needs_a_label(desk: Client, label: str) -> None:
    answer = desk.post(f"/admin/wix/site/{factories.site().pk}/api-keys/", {"label": label})

    assert "errorlist" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_page_that_is_only_opened_makes_no_key(desk: Client) -> None:
    assert desk.get(f"/admin/wix/site/{factories.site().pk}/api-keys/").status_code == 405


@pytest.mark.parametrize(
    ("permissions", "sees", "makes", "revokes"),
    [
        (["wix.view_site"], False, 403, 403),
        (["wix.view_site", "wix.view_apikey"], True, 403, 403),
        (["wix.view_site", "wix.view_apikey", "wix.add_apikey"], True, 200, 403),
        (["wix.view_site", "wix.view_apikey", "wix.change_apikey"], True, 403, 302),
        (["wix.add_apikey", "wix.change_apikey"], None, 403, 403),
    ],
)
def test_each_step_asks_for_its_permission(
    desk_with: Callable[..., Client],
    permissions: list[str],
    sees: bool | None,
    makes: int,
    revokes: int,
) -> None:
    shop, staff = factories.site(), desk_with(*permissions)
    api_keys.issue(shop, "shop system")
    row = ApiKey.objects.get()

    if sees is not None:
        assert ("shop system" in site_page(staff, shop.pk)) is sees
    assert staff.post(f"/admin/wix/site/{shop.pk}/api-keys/", {"label": "ERP"}).status_code == makes
    assert staff.post(f"/admin/wix/site/{shop.pk}/api-keys/{row.pk}/revoke/").status_code == revokes
    assert (ApiKey.objects.get(pk=row.pk).revoked_at is not None) is (revokes == 302)


def test_a_key_is_revoked_on_its_own_sites_page_only(desk: Client) -> None:
    api_keys.issue(factories.site(), "ERP")
    key = ApiKey.objects.get()

    assert desk.post(f"/admin/wix/site/{factories.site().pk}/api-keys/{key.pk}/revoke/").status_code == 404
