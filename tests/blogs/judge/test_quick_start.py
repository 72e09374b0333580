"""What docs/api.md shows to a newcomer runs as it stands there, against the real service with a worker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.blogs.judge.serving import ROOT, Service, serving
from tests.docs.pages import part
from tests.support.world import free_port

pytestmark = pytest.mark.slow_process

_NODE = shutil.which("node")
_WITHOUT_NODE = pytest.mark.skipif(not _NODE, reason="There is no node.")
_PYTHON = ("python", [sys.executable], "verify.py", "program.py")
_JAVASCRIPT = pytest.param("javascript", [_NODE], "verify.mjs", "program.mjs", marks=_WITHOUT_NODE)
_SECONDS = 240


@pytest.fixture(scope="module")
def working() -> Iterator[Service]:
    with serving("--worker") as service:
        yield service


def _blocks(section: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", part("docs/api.md", section), re.MULTILINE | re.DOTALL)


def _environment(service: Service, **more: str) -> dict[str, str]:
    return {**os.environ, "API": service.url, "TOKEN": service.credentials["apiKey"], **more}


@pytest.mark.parametrize(("language", "program", "verify", "name"), [_PYTHON, _JAVASCRIPT])
def test_a_program_asks_follows_reads_and_cancels(
    working: Service, tmp_path: Path, language: str, program: list[str], verify: str, name: str
) -> None:
    (tmp_path / name).write_text(_blocks("Quick start", language)[0])

    said = subprocess.run(
        [*program, name], cwd=tmp_path, env=_environment(working), capture_output=True, text=True, timeout=_SECONDS
    )

    assert (said.returncode, said.stderr) == (0, "")
    assert re.match(r"DONE https://\S+\n# \S", said.stdout), said.stdout
    assert said.stdout.endswith("\nCANCELLED\n")


def test_curl_does_the_same(working: Service, tmp_path: Path) -> None:
    lines = re.findall(r"^\$ (.*)$", _blocks("Quick start", "console")[0], re.MULTILINE)
    # Where the service is and who asks: the test's own.
    script = "\n".join(["set -e", *(line for line in lines if not line.startswith(("API=", "TOKEN=")))])

    said = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=_environment(working),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )

    assert (said.returncode, said.stderr) == (0, ""), said.stdout
    assert re.search(r"^https://\S+\n# \S", said.stdout, re.MULTILINE), said.stdout
    assert said.stdout.endswith("\nCANCELLED\n")


@pytest.mark.parametrize(("language", "program", "verify", "name"), [_PYTHON, _JAVASCRIPT])
def test_a_receiver_takes_our_messages_and_no_others(
    working: Service, tmp_path: Path, language: str, program: list[str], verify: str, name: str
) -> None:
    (tmp_path / name).write_text(_blocks("Quick start", language)[1])
    (tmp_path / verify).write_text(_blocks("Webhooks", language)[0])
    port, headers = free_port(), {"Authorization": f"Bearer {working.credentials['apiKey']}"}
    made = requests.post(
        f"{working.url}/api/webhooks", json={"url": f"http://127.0.0.1:{port}/"}, headers=headers, timeout=30
    ).json()

    with _receiving(tmp_path, [*program, name], SECRET=made["secret"], PORT=str(port)) as (log, url):
        forged = {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
        for other in [forged, *_broken(forged)]:
            assert requests.post(url, data=b"{}", headers=other, timeout=10).status_code == 401, other
        asked = requests.post(f"{working.url}/api/webhooks/{made['id']}/test", json={}, headers=headers, timeout=30)
        assert asked.status_code == 202, asked.text
        _until(lambda: '"type":"webhook.test"' in log.read_text(), log)
    requests.delete(f"{working.url}/api/webhooks/{made['id']}", headers=headers, timeout=30)


def _broken(forged: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield headers as a scanner sends them: each one missing, and values that no number or signature is."""
    yield from ({name: value for name, value in forged.items() if name != missing} for missing in forged)
    for said in ["abc", "", "1" * 5_000, "\u00b2"]:
        yield {**forged, "webhook-timestamp": said}
    yield {**forged, "webhook-signature": "v1,\u00e9 v1 , v2,x"}


@contextmanager
def _receiving(folder: Path, command: list[str], **environment: str) -> Iterator[tuple[Path, str]]:
    log, url = folder / "log", f"http://127.0.0.1:{environment['PORT']}/"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _until(lambda: _answers(url), log)
        yield log, url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        requests.get(url, timeout=5)
    except requests.RequestException:
        return False
    return True


def _until(holds: Callable[[], bool], log: Path) -> None:
    give_up_at = time.monotonic() + 60

    while not holds():
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.2)


def test_the_page_names_no_program_that_is_not_run() -> None:
    assert len(_blocks("Quick start", "python")) == len(_blocks("Quick start", "javascript")) == 2
    assert (ROOT / "docs/api.md").read_text().index("## Quick start") < (ROOT / "docs/api.md").read_text().index(
        "## Errors"
    )
