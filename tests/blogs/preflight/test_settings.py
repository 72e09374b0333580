"""Keys, hosts and https: what is missing, malformed or doubtful is named by its setting, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.preflight import start
from blogs.preflight.faults import KINDS, Weight
from tests.docs.pages import code, rows
from tests.support.preflight import Preflight

pytestmark = pytest.mark.django_db

_MALFORMED = ["sk-a\nb", "sk-a b", "'sk-abc'", '"sk-abc', "sk-ä", "sk-...", "<your key>", "changeme", "your-api-key"]


def _starts() -> tuple[bool, bool]:
    return start.may_start("web"), start.may_start("worker")


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("OPENAI_API_KEY", (True, False)),
        ("REPLICATE_API_TOKEN", (True, False)),
        ("WIX_APP_ID", (False, False)),
        ("WIX_APP_SECRET", (False, False)),
    ],
)
def test_a_missing_key_stops_who_needs_it(
    preflight: Preflight, healthy: Any, name: str, starts: tuple[bool, bool]
) -> None:
    setattr(healthy, name, "")

    said = preflight()

    assert (said.code, said.faults) == (1, ["key_missing"])
    assert f"{name} is not set. Put it into {name} or into a file that {name}_FILE names." in said.text
    assert _starts() == starts


@pytest.mark.parametrize("value", _MALFORMED)
@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "WIX_APP_SECRET"])
def test_a_key_that_can_be_none_is_named_and_not_shown(
    preflight: Preflight, healthy: Any, name: str, value: str
) -> None:
    setattr(healthy, name, value)

    said = preflight()

    assert (said.code, said.faults) == (1, ["key_malformed"])
    assert f"{name} " in said.text
    assert value not in said.text
    assert _starts() == (name == "OPENAI_API_KEY", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "r8_swapped"),
        ("REPLICATE_API_TOKEN", "sk-swapped"),
        ("WIX_APP_ID", "my-app"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "development-only-key-not-for-production"),
    ],
)
def test_a_key_that_looks_like_none_of_its_kind_is_a_warning(
    preflight: Preflight, healthy: Any, name: str, value: str
) -> None:
    setattr(healthy, name, value)

    said = preflight()

    assert (said.code, said.faults) == (1, ["key_doubtful"])
    assert name in said.text
    assert value not in said.text
    assert _starts() == (True, True)


def test_another_server_that_speaks_openais_language_has_keys_of_its_own(preflight: Preflight, healthy: Any) -> None:
    healthy.OPENAI_API_KEY, healthy.OPENAI_BASE_URL = "anything", "http://127.0.0.1:4000/v1"

    assert preflight().code == 0


def test_without_a_webhook_key_the_web_starts_and_with_a_wrong_one_it_does_not(
    preflight: Preflight, healthy: Any
) -> None:
    healthy.WIX_WEBHOOK_PUBLIC_KEYS = []
    missing, starts_without = preflight(), _starts()
    healthy.WIX_WEBHOOK_PUBLIC_KEYS = ["-----BEGIN PUBLIC KEY-----"]
    malformed, starts_with = preflight(), _starts()

    assert (missing.code, missing.faults, starts_without) == (1, ["webhook_key_missing"], (True, True))
    assert (malformed.code, malformed.faults, starts_with) == (1, ["webhook_key_malformed"], (False, True))
    assert "it breaks off" in malformed.text


@pytest.mark.parametrize(
    ("hosts", "fault"),
    [
        ([], "hosts_local"),
        (["localhost", "127.0.0.1", "[::1]"], "hosts_local"),
        (["*"], "hosts_any"),
        (["blogs.example.com", "*"], "hosts_any"),
        (["localhost", "10.0.0.5"], ""),
    ],
)
def test_hosts_that_are_too_few_or_all(preflight: Preflight, healthy: Any, hosts: list[str], fault: str) -> None:
    healthy.ALLOWED_HOSTS = hosts

    said = preflight()

    assert (said.code, said.faults) == ((1, [fault]) if fault else (0, []))
    assert preflight("--process", "worker").code == 0
    assert _starts() == (True, True)
    healthy.DEBUG = True
    assert preflight().code == 0


def test_https_without_the_proxys_word_would_redirect_for_ever(preflight: Preflight, healthy: Any) -> None:
    healthy.SECURE_SSL_REDIRECT = True
    said, starts = preflight(), _starts()
    healthy.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert (said.code, said.faults, starts) == (1, ["https_loop"], (False, True))
    assert preflight().code == 0


def test_settings_that_contradict_each_other_are_passed_on(preflight: Preflight, healthy: Any) -> None:
    healthy.TRUSTED_PROXIES = ["nonsense"]

    said = preflight()

    assert (said.code, said.faults) == (1, ["settings_wrong"])
    assert "TRUSTED_PROXIES" in said.text
    assert _starts() == (False, False)


def test_the_operator_has_the_last_word(healthy: Any, caplog: pytest.LogCaptureFixture) -> None:
    healthy.WIX_APP_SECRET = ""
    healthy.PREFLIGHT_REFUSES = False

    assert _starts() == (True, True)
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_the_runbook_says_of_each_fault_what_it_does_to_a_start() -> None:
    said = {Weight.STOPS: "stops", Weight.NOT_READY: "starts, not ready", Weight.WARNS: "warns", Weight.NONE: "–"}

    documented = {
        name: (web, worker)
        for names, web, worker, _ in rows("docs/runbook.md", "A process does not start")
        for name in code(names)
    }

    assert documented == {name: (said[web], said[worker]) for name, (web, worker) in KINDS.items()}
