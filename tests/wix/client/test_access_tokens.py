"""Wix's tokens for a site: asked for once by all threads, processes and restarts, and of no use to a reader of the database."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.sandbox.wix import NOT_YET_A_SECRET
from tests.support.threads import at_once, in_background, wait_until
from wix.client import access_tokens, http, token_fetch
from wix.models import AccessToken, Site
from workers.context.deadline import within
from workers.context.process_memory import forget_everything
from workers.errors import AccountRefused, RateLimited


def _ask(site: Site) -> Any:
    return http.request(
        str(site.instance_id), "GET", "/stores/v3/provision/version", operation="catalog_version", seconds=5
    )


def _asked_for(sandbox: Any) -> int:
    return len(sandbox.requests("wix", "token"))


def _never() -> tuple[str, float]:
    raise AssertionError("Wix was asked")


def test_it_is_asked_for_once_and_a_restart_finds_it(sandbox: Any, shop: Site) -> None:
    for _ in range(3):
        _ask(shop)
    forget_everything()

    _ask(shop)

    assert _asked_for(sandbox) == 1


def test_while_a_secret_is_rotated_the_one_before_is_tried_before_anyone_is_blamed(
    sandbox: Any, shop: Site, settings: Any
) -> None:
    settings.WIX_APP_SECRET, settings.WIX_APP_SECRET_PREVIOUS = NOT_YET_A_SECRET, "before"
    _ask(shop)
    access_tokens.forget(shop.instance_id)
    settings.WIX_APP_SECRET_PREVIOUS = ""

    with pytest.raises(AccountRefused):
        _ask(shop)


def test_threads_that_need_it_at_the_same_time_wait_for_one(sandbox: Any, shop: Site) -> None:
    assert len(at_once(*[lambda: _ask(shop)] * 20)) == 20

    assert _asked_for(sandbox) == 1


def test_threads_with_a_token_that_wix_refuses_make_one_fetch(sandbox: Any, shop: Site) -> None:
    access_tokens.current(str(shop.instance_id), lambda: ("stale", 14_400))

    answers = at_once(*[lambda: _ask(shop)] * 20)

    assert answers == [{"catalogVersion": "V3_CATALOG"}] * 20
    assert _asked_for(sandbox) == 1


def test_a_refused_token_is_fetched_again_and_the_call_made_again_with_the_same_body(sandbox: Any, shop: Site) -> None:
    body = {"query": {"cursorPaging": {"limit": 3}}}
    sandbox.fault("wix", "401", "products_query")

    answer = http.request(
        str(shop.instance_id),
        "POST",
        "/stores/v3/products/query",
        operation="products_query",
        seconds=5,
        body=body,
    )

    assert len(answer["products"]) == 3
    assert [asked["body"] for asked in sandbox.requests("wix", "products_query")] == [body, body]
    assert _asked_for(sandbox) == 2


def test_a_second_refusal_is_the_answer(sandbox: Any, shop: Site) -> None:
    sandbox.fault("wix", "401", "catalog_version", times=None)

    with pytest.raises(http.WixRefused) as refused:
        _ask(shop)

    assert refused.value.status == 401
    assert len(sandbox.requests("wix", "catalog_version")) == 2


def test_a_thread_that_comes_late_with_a_stale_token_takes_the_one_that_is_there(sandbox: Any, shop: Site) -> None:
    instance_id = str(shop.instance_id)
    assert access_tokens.current(instance_id, lambda: ("stale", 14_400)) == "stale"
    assert access_tokens.renewed(instance_id, "stale", lambda: ("fresh", 14_400)) == "fresh"
    assert access_tokens.renewed(instance_id, "stale", _never) == "fresh"
    access_tokens._known[instance_id] = ("stale", float("inf"))  # another process, which has not heard of it

    assert access_tokens.renewed(instance_id, "stale", _never) == "fresh"


# --- Other processes --------------------------------------------------------------------------------------------------


def test_while_another_process_asks_this_one_waits_for_its_answer(sandbox: Any, shop: Site) -> None:
    instance_id, found = str(shop.instance_id), []
    assert access_tokens._execute(access_tokens._CLAIM, id=instance_id, seen="", seconds=30)
    waiting = in_background(lambda: found.append(access_tokens.current(instance_id, _never)))
    wait_until(lambda: instance_id in access_tokens._fetches)

    sealed = access_tokens._sealed(instance_id, "theirs")
    access_tokens._execute(access_tokens._KEEP, id=instance_id, sealed=sealed, seconds=14_400)
    waiting.join(10)

    assert found == ["theirs"]


def test_a_process_that_died_while_it_asked_is_not_waited_for_for_ever(sandbox: Any, shop: Site) -> None:
    assert access_tokens._execute(access_tokens._CLAIM, id=shop.instance_id, seen="", seconds=30)
    AccessToken.objects.update(fetching_until=timezone.now() - timedelta(seconds=1))

    _ask(shop)

    assert _asked_for(sandbox) == 1


def test_a_process_that_has_seen_an_old_row_does_not_ask_over_a_new_one(sandbox: Any, shop: Site) -> None:
    _ask(shop)

    assert not access_tokens._execute(access_tokens._CLAIM, id=shop.instance_id, seen="", seconds=30)


def test_no_connection_is_held_while_wix_is_asked(sandbox: Any, shop: Site) -> None:
    open_connections = []

    def fetch() -> tuple[str, float]:
        open_connections.append(connection.connection)
        return "fresh", 14_400

    access_tokens.current(str(shop.instance_id), fetch)

    assert open_connections == [None]


# --- When it does not come --------------------------------------------------------------------------------------------


def test_who_waits_for_a_fetch_that_fails_is_put_off_and_tries_by_itself_then(sandbox: Any, shop: Site) -> None:
    instance_id, ask, waited = str(shop.instance_id), threading.Event(), []

    def fails() -> tuple[str, float]:
        ask.wait(10)
        raise AccountRefused("wix_auth_lost", "Wix gives no access.")

    def lead() -> None:
        with pytest.raises(AccountRefused):
            access_tokens.current(instance_id, fails)

    def follow() -> None:
        try:
            access_tokens.current(instance_id, _never)
        except RateLimited as error:
            waited.append(error.code)

    leader = in_background(lead)
    wait_until(lambda: instance_id in access_tokens._fetches)
    follower = in_background(follow)
    wait_until(lambda: bool(access_tokens._fetches[instance_id]._condition._waiters))  # type: ignore[attr-defined]
    ask.set()
    leader.join(10)
    follower.join(10)

    assert waited == ["wix_auth_lost"]
    assert access_tokens.current(instance_id, lambda: ("now", 14_400)) == "now"


def test_a_fetch_that_failed_is_no_obstacle_to_the_next(sandbox: Any, shop: Site) -> None:
    def fails() -> tuple[str, float]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        access_tokens.current(str(shop.instance_id), fails)

    with within(5):
        assert access_tokens.current(str(shop.instance_id), lambda: ("now", 14_400)) == "now"


def test_a_token_that_ends_soon_is_used_once(sandbox: Any, shop: Site) -> None:
    lasting = iter([299, 0, -5, 14_400])
    tokens = [
        access_tokens.current(str(shop.instance_id), lambda: (str(left := next(lasting)), left)) for _ in range(5)
    ]

    assert tokens == ["299", "0", "-5", "14400", "14400"]


def test_a_row_is_used_until_five_minutes_before_its_end(sandbox: Any, shop: Site) -> None:
    instance_id = str(shop.instance_id)
    access_tokens.current(instance_id, lambda: ("first", 14_400))

    for minutes, found in ((14_400 / 60 - 6, "first"), (14_400 / 60 - 4, "second")):
        AccessToken.objects.update(expires_at=timezone.now() + timedelta(minutes=240 - minutes))
        forget_everything()
        assert access_tokens.current(instance_id, lambda: ("second", 14_400)) == found


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_the_database_holds_no_token_and_another_sites_row_is_of_no_use(sandbox: Any, shop: Site) -> None:
    access_tokens.current(str(shop.instance_id), lambda: ("OauthNG.JWS.secret", 14_400))
    row = AccessToken.objects.get()

    assert "secret" not in row.sealed
    other = "00000000-0000-4000-8000-0000000000ff"
    AccessToken.objects.create(pk=other, sealed=row.sealed, expires_at=row.expires_at)
    assert access_tokens.current(other, lambda: ("its own", 14_400)) == "its own"


def test_a_new_secret_key_reads_what_the_one_before_has_sealed(sandbox: Any, shop: Site, settings: Any) -> None:
    instance_id, old = str(shop.instance_id), settings.SECRET_KEY
    access_tokens.current(instance_id, lambda: ("first", 14_400))

    for fallbacks, found in (([old], "first"), ([], "second")):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", fallbacks
        forget_everything()
        assert access_tokens.current(instance_id, lambda: ("second", 14_400)) == found


def test_a_row_that_cannot_be_read_is_fetched_again(sandbox: Any, shop: Site) -> None:
    _ask(shop)
    for sealed in ("", "x", "gAAAAA", "é"):
        AccessToken.objects.update(sealed=sealed)
        forget_everything()
        _ask(shop)

    assert _asked_for(sandbox) == 5


def test_of_a_site_that_removed_the_app_nothing_is_kept_though_a_fetch_ends_after_it(sandbox: Any, shop: Site) -> None:
    _ask(shop)
    access_tokens.forget(shop.instance_id)
    assert not AccessToken.objects.exists()

    def fetch() -> tuple[str, float]:
        access_tokens.forget(shop.instance_id)
        return "late", 14_400

    access_tokens.current(str(shop.instance_id), fetch)

    assert not AccessToken.objects.exists()


def test_rows_that_are_over_are_removed(sandbox: Any, shop: Site) -> None:
    _ask(shop)
    for number in range(2):
        AccessToken.objects.create(
            pk=f"00000000-0000-4000-8000-00000000000{number}",
            sealed="",
            expires_at=timezone.now() - timedelta(seconds=1),
            fetching_until=timezone.now() + timedelta(seconds=30 if number else -1),
        )

    access_tokens.prune()

    assert AccessToken.objects.filter(expires_at__gt=timezone.now()).count() == 1
    assert AccessToken.objects.exclude(fetching_until=None).get().pk.hex[-1] == "1"


def test_only_the_latest_are_remembered(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens._known, "most", 2)

    for number in range(4):
        access_tokens.current(f"00000000-0000-4000-8000-00000000000{number}", lambda: ("one", 14_400))

    assert len(access_tokens._known) == 2
    assert AccessToken.objects.count() == 4


def test_no_log_line_holds_a_token_or_the_secret(
    sandbox: Any, shop: Site, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.fault("wix", "401", "catalog_version")
    _ask(shop)
    sandbox.fault("wix", "token_removed", "token")
    access_tokens.forget(shop.instance_id)
    with pytest.raises(AccountRefused) as refused:
        _ask(shop)

    written = caplog.text + "".join(str(vars(record)) for record in caplog.records) + str(refused.value)
    assert "outside call" in written
    assert "OauthNG" not in written
    assert settings.WIX_APP_SECRET not in written


@pytest.mark.parametrize(
    ("told", "good_for"),
    [(14_400, 14_400), (60.5, 60.5), (10**400, 14_400), (1e300, 14_400), (0, 0), (-1, 0), ("14400", 0), (None, 0)],
)
def test_a_token_is_good_for_no_longer_than_four_hours(told: object, good_for: float) -> None:
    assert token_fetch._lasts(told) == good_for
