"""Settings that contradict each other are said at the start, with what to do."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks

from blogs.checks import logins_tell_addresses_apart


def found(**where: Any) -> dict[str, CheckMessage]:
    ours = [message for message in run_checks(**where) if (message.id or "").startswith(("workers.", "blogs.", "wix."))]
    messages = {str(message.id): message for message in ours}
    assert all(message.hint for message in messages.values())
    return messages


def test_the_settings_as_they_are_fit_together() -> None:
    assert found() == {}


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("workers.E001", {"BLOG_WORKER_LEASE_SECONDS": 14.9, "BLOG_WORKER_LEASE_RENEW_SECONDS": 5}),
    ("workers.E002", {"USE_TZ": False}),
    ("workers.E004", {"DATABASE_POOL_SIZE": 1, "DATABASE_POOL_OVERFLOW": 0}),
    ("workers.E004", {"DATABASE_POOL_SIZE": 90, "DATABASE_POOL_OVERFLOW": 11}),
    ("workers.W001", {"BLOG_WORKER_THREADS": 200, "DATABASE_POOL_SIZE": 10, "DATABASE_POOL_OVERFLOW": 3}),
    ("workers.E005", {"RATE_LIMITS": {"openai": {"requests": 0, "tokens": 1}}}),
    ("workers.E005", {"RATE_LIMITS": {"openai": {"requests": 1, "tokens": -1}}}),
    ("workers.E006", {"RATE_LIMIT_TOKEN_REFUND": 1.1}),
    ("workers.E006", {"RATE_LIMIT_TOKEN_REFUND": -0.1}),
    ("workers.E009", {"RATE_LIMIT_FOLLOW_PROVIDER": "up"}),
    ("workers.E010", {"RATE_LIMIT_LOWER_FLOOR": 0.0}),
    ("workers.E010", {"RATE_LIMIT_LOWER_FACTOR": 0.2}),
    ("workers.E010", {"RATE_LIMIT_LOWER_FACTOR": 1.1}),
    ("workers.E013", {"RATE_LIMIT_RECOVERY_SECONDS": 0}),
    ("workers.E013", {"RATE_LIMIT_RAMP_GROWTH": 0}),
    ("workers.E020", {"RETRY_AFTER_MAX_SECONDS": 0}),
    ("blogs.E020", {"OPENAI_ANSWER_FORMAT": "xml"}),
    ("blogs.E020", {"OPENAI_MAX_TOKENS_FIELD": "tokens"}),
    ("workers.E011", {"BREAKER_PROBE_SECONDS": 0}),
    ("workers.E012", {"BREAKER_FAILURES": 2, "BREAKER_SITES": 3}),
    ("workers.E030", {"RELEASE_PROBE_SECONDS": 0}),
    ("workers.E031", {"RELEASE_BROKEN_ERRORS": 2, "RELEASE_BROKEN_SITES": 3}),
    ("workers.E032", {"RELEASE": "x" * 101}),
    ("workers.E033", {"RELEASE_BROKEN_SHARE": 0}),
    ("workers.E033", {"RELEASE_BROKEN_SHARE": 30}),
    ("blogs.E001", {"BLOG_CREDITS": 0}),
    ("blogs.E001", {"BLOG_QUEUE_LIMIT": 0}),
    ("blogs.E001", {"BLOG_MAX_ATTEMPTS": 0}),
    ("blogs.E001", {"BLOG_WORKER_SITE_SEATS": 0}),
    ("blogs.E001", {"PROVIDER_CALL_RETENTION_DAYS": 0, "BLOG_RETENTION_DAYS": 0}),
    ("blogs.E004", {"OPENAI_MAX_TOKENS_LEARN_FROM": 49}),
    ("blogs.E004", {"OPENAI_MAX_TOKENS_LEARN_FROM": -1}),
    ("blogs.E005", {"OPENAI_MAX_TOKENS_FLOOR": 0}),
    ("blogs.E005", {"OPENAI_MAX_TOKENS_FLOOR": 1.1}),
    ("blogs.E005", {"OPENAI_MAX_TOKENS_CEILING": 1.2}),
    ("blogs.E002", {"BLOG_DRAFT_LOOKUP_SECONDS": 30}),
    ("workers.E008", {"WORKS_IN_FLIGHT_HEADROOM": 0.5}),
    ("blogs.E022", {"IDEA_ORDERS_PER_DAY": -1}),
    ("blogs.E023", {"BLOG_EXPECTED_SECONDS": 0.0}),
    ("blogs.E023", {"BLOG_EXPECTED_SECONDS": -1.0}),
    ("blogs.E023", {"BLOG_EXPECTED_SECONDS": float("nan")}),
    ("workers.E014", {"RATE_LIMIT_FOLLOW_SECONDS": 0}),
    ("workers.E014", {"RATE_LIMIT_LOWER_AGAIN_SECONDS": 0}),
    ("blogs.E006", {"PROVIDER_CALL_RETENTION_DAYS": 100}),
    ("blogs.E012", {"ALERT_BLOGS_PER_MINUTE": -1}),
    ("blogs.E018", {"ALERT_DOLLARS_PER_DAY": -1}),
    ("blogs.E010", {"ALERT_ERROR_SHARE": 5}),
    ("blogs.E010", {"ALERT_LIMIT_USE": 0}),
    ("blogs.E011", {"ALERT_QUEUE_WARNING": 5_000}),
    ("blogs.E013", {"ALERT_WINDOW_SECONDS": 59}),
    ("wix.E001", {"WIX_APP_SECRET": "", "WIX_APP_SECRET_PREVIOUS": "old"}),
    ("wix.E001", {"WIX_APP_SECRET": "same", "WIX_APP_SECRET_PREVIOUS": "same"}),
    ("wix.E002", {"WIX_TOKEN_INFO_CACHE_SECONDS": -1}),
    ("wix.E002", {"WIX_TOKEN_INFO_CACHE_SECONDS": 14_401}),
    ("wix.E004", {"WIX_TOKEN_INFO_REFUSED_SECONDS": -1}),
    ("wix.E004", {"WIX_TOKEN_INFO_REFUSED_SECONDS": 601}),
    ("wix.E005", {"WIX_TOKEN_INFO_THREADS": 0}),
    ("wix.E021", {"WIX_MEDIA_BASE_URL": "https://static.wixstatic.com/media"}),
    ("wix.E021", {"WIX_MEDIA_BASE_URL": "https://a.example; script-src *"}),
    ("wix.E003", {"SECRET_KEY": "one", "SECRET_KEY_FALLBACKS": ["two", "one"]}),
    ("blogs.E031", {"TRUSTED_PROXIES": ["10.0.0.5/8"]}),
    ("blogs.E032", {"OPERATIONS_NETWORKS": ["inside"]}),
    ("blogs.E033", {"OPERATIONS_TOKEN": "short"}),
    ("blogs.E033", {"OPERATIONS_TOKEN": "with a space in it"}),
    ("blogs.E034", {"SECURE_HSTS_PRELOAD": True, "SECURE_HSTS_SECONDS": 31_536_000}),
    ("blogs.E034", {"SECURE_HSTS_PRELOAD": True, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True, "SECURE_HSTS_SECONDS": 1}),
    ("blogs.W001", {"BLOG_IMAGE_MAX_AGE_SECONDS": 3_100}),
]


@pytest.mark.parametrize(("check", "values"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_setting_is_named_with_a_hint(check: str, values: dict[str, Any], settings: Any) -> None:
    for name, value in values.items():
        setattr(settings, name, value)

    messages = found()

    assert list(messages) == [check]


def test_the_hint_of_a_limit_names_the_variable_to_correct(settings: Any) -> None:
    settings.RATE_LIMITS = {"replicate": {"requests": 0}}

    assert found()["workers.E005"].hint == "Correct REPLICATE_REQUESTS_PER_MINUTE."


@pytest.mark.django_db
def test_a_direct_address_that_does_not_answer_is_a_warning_since_polling_goes_on(settings: Any) -> None:
    settings.DATABASE_DIRECT_URL = "postgres://none@127.0.0.1:1/none"

    assert "workers.W003" in found(databases=["default"])


@pytest.mark.parametrize(
    ("header", "proxies", "warned"),
    [
        (("HTTP_X_FORWARDED_PROTO", "https"), [], True),
        (("HTTP_X_FORWARDED_PROTO", "https"), ["10.0.0.1"], False),
        (None, [], False),
    ],
)
def test_a_proxy_that_is_not_named_is_a_warning(settings: Any, header: Any, proxies: list[str], warned: bool) -> None:
    settings.SECURE_PROXY_SSL_HEADER, settings.TRUSTED_PROXIES = header, proxies

    assert bool(logins_tell_addresses_apart(None)) is warned


def test_psycopg_3_beside_psycopg2_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "psycopg").mkdir()
    (tmp_path / "psycopg" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    assert "workers.E003" in found()


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "REPLICATE_API_TOKEN", "WIX_APP_ID", "WIX_APP_SECRET"])
def test_a_missing_key_stops_a_deployment(name: str, settings: Any) -> None:
    for key in ("OPENAI_API_KEY", "REPLICATE_API_TOKEN", "WIX_APP_ID", "WIX_APP_SECRET"):
        setattr(settings, key, "there")
    setattr(settings, name, "")

    assert name in found(include_deployment_checks=True)["blogs.E003"].msg
    assert found() == {}


def test_networks_of_operators_need_to_know_the_proxy(settings: Any) -> None:
    settings.OPERATIONS_NETWORKS = ["10.0.0.0/8"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert "blogs.W004" in found(include_deployment_checks=True)
    settings.TRUSTED_PROXIES = ["10.0.0.5"]
    assert "blogs.W004" not in found(include_deployment_checks=True)


def test_no_id_is_given_to_two_messages() -> None:
    sources = (Path(room, "checks.py").read_text() for room in ("blogs", "wix", "workers"))
    ids = Counter(re.findall(r'id="(\w+\.[EW]\d+)"', "".join(sources)))

    assert len(ids) > 30
    assert [repeated for repeated, times in ids.items() if times > 1] == []
