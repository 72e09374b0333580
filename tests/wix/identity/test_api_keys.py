"""Keys for a shop's own server: found by their digest, revoked for good."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support import factories
from tests.support.problems import problem
from tests.support.threads import at_once
from wix.identity import api_keys
from wix.models import ApiKey, Site

pytestmark = pytest.mark.django_db


def _get(key: str) -> Any:
    return Client(raise_request_exception=False).get("/api/credits", headers={"authorization": f"Bearer {key}"})


def _issued(site: Site, label: str = "ERP") -> str:
    return api_keys.issue(site, label)[1]


def test_a_key_lets_its_site_in_and_is_stored_nowhere() -> None:
    site = factories.site(credits=75)
    key = _issued(site)

    assert _get(key).json()["available"] == 75

    row = ApiKey.objects.values().get()
    assert re.fullmatch(r"blog_[A-Za-z0-9_-]{43}", key)
    assert key not in str(row)
    assert row["hint"] == key[:12]
    assert len({_issued(site) for _ in range(15)}) == 15


def test_it_is_found_in_one_query_and_its_use_noted_once_an_hour() -> None:
    key = _issued(factories.site())

    with CaptureQueriesContext(connection) as first:
        assert api_keys.find(key)
    with CaptureQueriesContext(connection) as second:
        assert api_keys.find(key)
    used_at = ApiKey.objects.get().last_used_at
    ApiKey.objects.update(last_used_at=F("last_used_at") - timedelta(minutes=61))
    api_keys.find(key)

    assert (len(first), len(second)) == (2, 1)
    used_again_at = ApiKey.objects.get().last_used_at
    assert used_at is not None
    assert used_again_at is not None
    assert used_again_at > used_at


@pytest.mark.django_db(transaction=True)
def test_noting_its_use_waits_for_no_other() -> None:
    key = _issued(factories.site())

    with transaction.atomic():
        ApiKey.objects.select_for_update().get()
        [found] = at_once(lambda: api_keys.find(key))

    assert found is not None
    assert ApiKey.objects.get().last_used_at is None


def test_a_revoked_key_is_refused_and_the_others_are_not() -> None:
    site = factories.site()
    key, other = _issued(site), _issued(site)
    row = ApiKey.objects.get(hint=key[:12])

    assert [api_keys.revoke(row), api_keys.revoke(row)] == [True, False]

    assert "revoked" in problem(_get(key), 401, "invalid_token")["detail"]
    assert _get(other).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda key: "blog_" + "A" * 43,
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key[:-1] + "\u0000",
        lambda key: "BLOG_" + key[5:],
        lambda key: "blog_",
        lambda key: "blog_' OR 1=1",
        lambda key: "blog_" + "x" * 5_000_000,
        lambda key: api_keys._digest(key),
    ],
)
def test_what_is_no_key_of_ours_is_refused(change: Callable[[str], str]) -> None:
    response = _get(change(_issued(factories.site())))

    problem(response, 401, "invalid_token")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_key_of_a_site_that_removed_the_app_is_refused() -> None:
    problem(_get(_issued(factories.site(removed_at=timezone.now()))), 403, "site_removed")


def test_a_key_that_has_expired_is_refused() -> None:
    site = factories.site()
    _, key = api_keys.issue(site, "ERP", days=1)
    assert _get(key).status_code == 200

    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert "expired" in problem(_get(key), 401, "invalid_token")["detail"]
    assert not api_keys.usable(site)


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_dont_both_make_the_last_key() -> None:
    site = factories.site()
    for _ in range(api_keys.KEYS_MAX - 1):
        _issued(site)

    def one_more() -> bool:
        try:
            return bool(_issued(site))
        except api_keys.TooManyKeys:
            return False

    assert sorted(at_once(*[one_more] * 4)) == [False, False, False, True]
    assert api_keys.usable(site).count() == api_keys.KEYS_MAX


# --- The command ------------------------------------------------------------------------------------------------------


def _command(*arguments: str) -> str:
    printed = StringIO()
    call_command("issue_api_key", *arguments, stdout=printed)
    return printed.getvalue()


def test_the_command_prints_a_key_that_works() -> None:
    site = factories.site(credits=75)

    printed = _command(str(site.instance_id), "--label", "ERP")

    assert _get(printed.strip()).json()["available"] == 75
    assert ApiKey.objects.get().label == "ERP"


@pytest.mark.parametrize("named", [lambda site: "harbour coffee", lambda site: str(site.pk)])
def test_the_command_takes_a_sites_name_and_number(named: Callable[[Site], str]) -> None:
    site = factories.site(name="Harbour Coffee")

    _command(named(site), "--label", "ERP", "--days", "30")

    row = ApiKey.objects.get()
    assert row.site == site
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == pytest.approx(timedelta(days=30), abs=timedelta(seconds=5))


def test_the_command_makes_none_for_a_site_that_is_unknown_or_gone() -> None:
    gone = factories.site(removed_at=timezone.now())

    for instance_id, told in ((uuid.uuid4(), "0 sites have"), (gone.instance_id, "has removed the app")):
        with pytest.raises(CommandError, match=told):
            _command(str(instance_id), "--label", "ERP")
    with pytest.raises(CommandError, match="1 to 100"):
        _command(str(factories.site().instance_id), "--label", " ")
    with pytest.raises(CommandError, match="1 to 3650"):
        _command(str(factories.site().instance_id), "--label", "ERP", "--days", "0")
    assert not ApiKey.objects.exists()
