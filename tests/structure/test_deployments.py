"""What is shipped to run the service agrees with the service: stop times, probes, secrets; by the files' text alone."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
from django.urls import resolve

from config import gunicorn
from tests.support.source_code import ROOT

_COMPOSE, _KUBERNETES = "compose.yaml", "deploy/kubernetes/base"
_BEFORE_SIGKILL = {
    "compose": (_COMPOSE, r"stop_grace_period: (\d+)s"),
    "Kubernetes": (f"{_KUBERNETES}/{{}}.yaml", r"terminationGracePeriodSeconds: (\d+)"),
    "systemd": ("deploy/systemd/blogs-{}.service", r"TimeoutStopSec=(\d+)"),
}


@pytest.mark.parametrize("by", _BEFORE_SIGKILL)
def test_a_worker_has_longer_to_stop_than_it_drains(by: str) -> None:
    assert _seconds_to_stop(by, "worker@" if by == "systemd" else "worker") >= _drain_seconds() + 10


@pytest.mark.parametrize("by", _BEFORE_SIGKILL)
def test_a_web_process_has_longer_to_stop_than_gunicorn_waits(by: str) -> None:
    before = _sleeps("web") if by == "Kubernetes" else 0

    assert _seconds_to_stop(by, "web") >= before + gunicorn.graceful_timeout + 5


@pytest.mark.parametrize("by", _BEFORE_SIGKILL)
def test_live_events_have_longer_to_stop_than_their_streams_take(by: str) -> None:
    before = _sleeps("events") if by == "Kubernetes" else 0

    assert _seconds_to_stop(by, "events") >= before + _seconds_for_streams() + 5


@pytest.mark.parametrize(
    ("process", "urlconf", "count"), [("web", "config.urls", 3), ("events", "config.streams.addresses", 1)]
)
def test_probes_ask_for_addresses_that_are_there(process: str, urlconf: str, count: int) -> None:
    paths = re.findall(r"path: (/health\S*?)[,}]", _text(f"{_KUBERNETES}/{process}.yaml"))

    assert len(paths) == count
    for path in paths:
        resolve(path, urlconf)


def test_each_secret_is_a_file_of_a_setting_that_is_read() -> None:
    settings = set(re.findall(r'env\.\w+\("(\w+)"', _text("config/settings.py")))
    files = {name: _secret_files(name) for name in (_COMPOSE, f"{_KUBERNETES}/pod.yaml")}

    assert files[_COMPOSE] == files[f"{_KUBERNETES}/pod.yaml"]
    assert {name.upper() for name in files[_COMPOSE]} <= settings


def test_a_new_installation_has_a_file_for_each_secret() -> None:
    declared = set(re.findall(r'^  (\w+): \{file: "deploy/compose/', _text(_COMPOSE), re.MULTILINE))
    made = set(re.findall(r"^keep (\w+)", _text("deploy/compose/new"), re.MULTILINE))
    left_empty = re.search(r"^for file in (.+); do", _text("deploy/compose/new"), re.MULTILINE)
    assert left_empty

    assert declared == made | set(left_empty[1].split())
    assert declared == {file.name for file in (ROOT / "deploy/compose/standins/secrets").iterdir()}


def test_without_stand_ins_their_settings_start_nothing() -> None:
    found = re.search(r"^  migrate:.*?- sh\n +- -ec\n +- \|\n(.*?)^    \w", _text(_COMPOSE), re.MULTILINE | re.DOTALL)
    assert found
    script = dedent(found[1]).replace("$$", "$")

    environment = {"PATH": os.environ["PATH"], "OPENAI_BASE_URL": "http://standins:8080/openai/v1"}
    ran = subprocess.run(["sh", "-ec", script], env=environment, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "--profile standins" in ran.stderr


def test_pgbouncer_in_compose_frees_the_locks_of_stopped_processes_too() -> None:
    asked = [
        re.findall(r"connect_query=.*", _text(f"deploy/{name}.ini")) for name in ("pgbouncer", "compose/pgbouncer")
    ]

    assert asked[0] == asked[1] != []


def test_the_commands_that_put_pgbouncer_in_between_can_be_pasted_twice(tmp_path: Path) -> None:
    lines = [line for line in _text("docs/deployment.md").splitlines() if "sed -i" in line and "DATABASE_URL" in line]
    settings = tmp_path / "blogs.env"
    settings.write_text("DATABASE_URL=postgres://blogs:p@127.0.0.1:5432/blogs\n")
    script = "\n".join(lines).replace("/etc/blogs/blogs.env", str(settings))

    for _ in range(2):
        subprocess.run(["sh", "-ec", script], check=True)

    assert settings.read_text().splitlines() == [
        "DATABASE_DIRECT_URL=postgres://blogs:p@127.0.0.1:5432/blogs",
        "DATABASE_URL=postgres://blogs:p@127.0.0.1:6432/blogs",
    ]


def test_both_demos_run_at_the_same_speed() -> None:
    places = ("deploy/compose", "deploy/kubernetes/overlays")

    assert len({_text(f"{place}/standins/settings.env") for place in places}) == 1


def _text(name: str) -> str:
    return (ROOT / name).read_text()


def _secret_files(name: str) -> set[str]:
    """Names of files which hold the setting of the same name."""
    pairs = re.findall(r"(\w+)_FILE(?:: |, value: )/run/secrets/(?:blogs/)?(\w+)", _text(name))
    return {file for setting, file in pairs if setting.lower() == file and setting != "POSTGRES_PASSWORD"}


def _seconds_to_stop(by: str, process: str) -> float:
    file, pattern = _BEFORE_SIGKILL[by]
    text = _text(file.format(process))
    if by == "compose":
        service = re.search(rf"^  {process}:\n(.*?)(?=^  \w|^\w)", text, re.MULTILINE | re.DOTALL)
        assert service
        text = service[1]
    found = re.search(pattern, text)
    assert found, f"{file} does not say how long {process} may take"
    return float(found[1])


def _drain_seconds() -> float:
    found = re.search(r'"BLOG_WORKER_DRAIN_SECONDS", default=(\d+)', _text("config/settings.py"))
    assert found
    return float(found[1])


def _seconds_for_streams() -> float:
    found = re.search(r"timeout_graceful_shutdown=(\d+)", _text("config/streams/__main__.py"))
    assert found
    return float(found[1])


def _sleeps(process: str) -> float:
    found = re.search(r'preStop: \{exec: \{command: \[sleep, "(\d+)"\]', _text(f"{_KUBERNETES}/{process}.yaml"))
    assert found
    return float(found[1])
