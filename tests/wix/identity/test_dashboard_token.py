"""Wix's own token from the dashboard's SDK: only Wix knows whose it is."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.support import factories
from tests.support.app import APP_ID
from tests.support.problems import problem
from wix.identity import token_info
from wix.models import Site
from workers import limits
from workers.context.process_memory import forget_everything
from workers.limits import Limit
from workers.models import Breaker, BreakerFailure
from workers.outbound import breaker_rows


def _get(token: str) -> Any:
    return Client(raise_request_exception=False).get("/api/credits", headers={"authorization": token})


def _token(sandbox: Any, site: Site | str, **claims: Any) -> str:
    instance_id = str(site.instance_id) if isinstance(site, Site) else site
    return str(sandbox.dashboard_token(instance_id, claims.pop("app_id", APP_ID), **claims))


@pytest.mark.parametrize(("form", "written"), [("{}", "typed"), ("Bearer {}", "text")])
def test_who_manages_a_site_comes_in_and_wix_is_asked_once(sandbox: Any, form: str, written: str) -> None:
    sandbox.switch(wix_token_info=written)
    site = factories.site(credits=75)
    token = _token(sandbox, site)

    answers = [_get(form.format(token)) for _ in range(3)]

    assert [answer.json()["available"] for answer in answers] == [75] * 3
    [asked] = sandbox.requests("wix", "token_info")
    assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/wix/oauth2/token-info", {"token": token})


def test_a_site_that_is_new_is_made(sandbox: Any) -> None:
    instance_id = str(uuid.uuid4())

    assert _get(_token(sandbox, instance_id)).status_code == 200
    assert str(Site.objects.get().instance_id) == instance_id


def test_a_site_that_removed_the_app_is_refused_though_its_token_is_remembered(sandbox: Any) -> None:
    site = factories.site()
    token = _token(sandbox, site)
    assert _get(token).status_code == 200
    Site.objects.update(removed_at=timezone.now())

    problem(_get(token), 403, "site_removed")


BAD_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"app_id": "another-app"}, "another app"),
    ({"clientId": None}, "another app"),
    ({"instanceId": None}, "no instanceId"),
    ({"instanceId": "x"}, "no instanceId"),
    ({"subjectType": "VISITOR"}, "nobody who manages"),
    ({"subjectType": "MEMBER"}, "nobody who manages"),
    ({"subjectType": "APP"}, "nobody who manages"),
    ({"subjectType": None}, "nobody who manages"),
    ({"exp": 1_700_000_000}, "expired"),
    ({"exp": "1700000000"}, "expired"),
    ({"exp": "tomorrow"}, "end can't be read"),
    ({"exp": True}, "end can't be read"),
    ({"active": "yes"}, "not valid"),
    ({"active": 1}, "not valid"),
    ({"active": False}, "not valid"),
]


def test_a_token_that_must_not_come_in_is_told_why_and_leaves_no_trace(sandbox: Any) -> None:
    for claims, told in BAD_CLAIMS:
        response = _get(_token(sandbox, str(uuid.uuid4()), **claims))

        assert told in problem(response, 401, "invalid_token")["detail"], claims
        assert response["WWW-Authenticate"].startswith("Bearer")
    assert len(sandbox.requests("wix", "token_info")) == len(BAD_CLAIMS)
    assert not Site.objects.exists()
    assert not token_info._let_in


def test_a_token_that_wix_does_not_know_is_refused_and_no_breaker_hears_of_it(sandbox: Any) -> None:
    for says in ("inactive", "400"):
        sandbox.switch(wix_bad_token=says)
        # A header and claims such as Wix's, and a signature that is not.
        problem(_get(f"OauthNG.JWS.eyJhbGciOiJIUzI1NiJ9.e30.{says}"), 401, "invalid_token")

    assert len(sandbox.requests("wix", "token_info")) == 2

    assert not BreakerFailure.objects.exists()


def test_what_has_not_its_form_is_refused_without_asking(sandbox: Any) -> None:
    for token in ("", "a.b", "a.b.", "a.b.c.d", "a.b.c\x00", "a.b." + "c" * 8_000):
        problem(_get(f"OauthNG.JWS.{token}"), 401, "invalid_token")

    assert not sandbox.requests("wix", "token_info")


def test_while_wix_does_not_answer_no_caller_is_called_unknown(sandbox: Any) -> None:
    site = factories.site()
    for kind, wait in (("500", 10), ("reset", 10), ("html", 10), ("wrong_json", 5), ("429", 7)):
        sandbox.fault("wix", kind, "token_info", seconds=7)

        response = _get(_token(sandbox, site))

        assert problem(response, 503, "identity_unavailable")["retryable"] is True
        assert int(response["Retry-After"]) == wait, kind
        BreakerFailure.objects.all().delete()


def test_an_answer_that_hangs_is_waited_for_as_long_as_a_request_may(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_info, "_ASKING_SECONDS", 0.2)
    token = _token(sandbox, factories.site())
    sandbox.fault("wix", "timeout", "token_info", seconds=3)

    problem(_get(token), 503, "identity_unavailable")
    assert BreakerFailure.objects.get().provider == "wix_token_info"


def test_an_outage_opens_a_breaker_of_its_own_and_the_first_answer_closes_it(sandbox: Any, settings: Any) -> None:
    site = factories.site()
    sandbox.fault("wix", "500", "token_info", times=5)
    for _ in range(5):
        assert _get(_token(sandbox, site)).status_code == 503

    response = _get(_token(sandbox, site))

    problem(response, 503, "identity_unavailable")
    assert 1 <= int(response["Retry-After"]) <= settings.BREAKER_PROBE_SECONDS
    assert len(sandbox.requests("wix", "token_info")) == 5
    assert list(Breaker.objects.filter(opened_at__isnull=False).values_list("pk", flat=True)) == ["wix_token_info"]

    breaker_rows.release_probe("wix_token_info", 0)
    forget_everything()

    assert _get(_token(sandbox, site)).status_code == 200
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_a_limit_that_is_used_up_is_no_refusal(sandbox: Any, settings: Any) -> None:
    limits.block(Limit("wix_token_info"), 60)

    response = _get(_token(sandbox, factories.site()))

    problem(response, 503, "identity_unavailable")
    assert 50 <= int(response["Retry-After"]) <= 60
    assert not sandbox.requests("wix", "token_info")


@pytest.mark.parametrize(("kept", "asked_in"), [(300, 301), (14_400, 61), (0, 0)])
def test_an_answer_is_believed_for_a_while_and_never_past_the_tokens_end(
    sandbox: Any, settings: Any, kept: float, asked_in: float
) -> None:
    settings.WIX_TOKEN_INFO_CACHE_SECONDS = kept
    now = time.time()
    lasts = now + (60 if kept == 14_400 else 3_600)
    token = _token(sandbox, factories.site(), exp=int(lasts))

    with time_machine.travel(now, tick=False):
        assert token_info.verified(token)
    with time_machine.travel(now + asked_in - 2, tick=False):
        assert token_info.verified(token)
    assert len(sandbox.requests("wix", "token_info")) == (1 if kept else 2)

    with time_machine.travel(now + asked_in, tick=False):
        if asked_in == 61:
            with pytest.raises(token_info.InvalidToken, match="expired"):
                token_info.verified(token)
        else:
            assert token_info.verified(token)
    assert len(sandbox.requests("wix", "token_info")) == (2 if kept else 3)


def test_an_answer_without_an_end_is_believed_once(sandbox: Any) -> None:
    token = _token(sandbox, factories.site(), exp=None)

    assert [_get(token).status_code for _ in range(2)] == [200, 200]
    assert len(sandbox.requests("wix", "token_info")) == 2


def test_only_the_latest_answers_are_kept(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_info._let_in, "most", 2)
    site = factories.site()
    tokens = [_token(sandbox, site) for _ in range(3)]
    for token in tokens:
        token_info.verified(token)

    for token in tokens[1:]:
        token_info.verified(token)
    assert len(sandbox.requests("wix", "token_info")) == 3
    token_info.verified(tokens[0])
    assert len(sandbox.requests("wix", "token_info")) == 4


def test_without_an_app_id_every_app_would_be_ours(sandbox: Any, settings: Any) -> None:
    settings.WIX_APP_ID = ""

    problem(_get(_token(sandbox, factories.site(), app_id="")), 401, "invalid_token")


def test_no_log_line_or_answer_holds_a_token(sandbox: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    site = factories.site()
    tokens = [_token(sandbox, site), _token(sandbox, site, subjectType="MEMBER"), _token(sandbox, site)]
    answers = [_get(token) for token in tokens[:2]]
    sandbox.fault("wix", "500", "token_info")
    answers.append(_get(tokens[2]))

    assert [answer.status_code for answer in answers] == [200, 401, 503]
    written = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    written += "".join(answer.content.decode() + json.dumps(dict(answer.headers)) for answer in answers)
    assert "request refused" in written
    assert not [token for token in tokens if token in written or token.rsplit(".", 1)[1] in written]
