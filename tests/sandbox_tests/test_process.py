from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import requests

from tests.sandbox import SandboxClient


@contextmanager
def sandbox_process(*options: str) -> Iterator[tuple[subprocess.Popen[str], SandboxClient]]:
    command = [sys.executable, "-m", "tests.sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, SandboxClient(json.loads(process.stdout.readline())["url"])
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_when_told(number: signal.Signals) -> None:
    with sandbox_process("--limit-scale", "2") as (process, client):
        assert client.limits()["openai_requests"] == 900

        process.send_signal(number)

        assert process.wait(timeout=5) == 0


def test_a_held_connection_does_not_keep_it_alive() -> None:
    with sandbox_process() as (process, client):
        client.fault("replicate", "timeout", seconds=600)
        outcome: list[type[Exception]] = []

        def hold() -> None:
            try:
                requests.get(
                    f"{client.replicate_url}/v1/predictions/x", headers={"Authorization": "Bearer k"}, timeout=30
                )
            except requests.ConnectionError as error:
                outcome.append(type(error))

        held = Thread(target=hold)
        held.start()
        while not client.requests("replicate", "get"):
            assert process.poll() is None
        process.terminate()

        assert process.wait(timeout=5) == 0
        held.join(5)
        assert outcome == [requests.ConnectionError]
