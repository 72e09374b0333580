"""LiteLLM's own proxy in a process and a virtual environment of its own, in front of OpenAI's stand-in."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from pathlib import Path

import requests

from tests.bench import venv
from tests.support.world import free_port

_ROOT = Path(__file__).resolve().parents[2]
_LOCKED = _ROOT / "tests" / "litellm" / "requirements.txt"
_START_SECONDS = 120

MODEL = "writer"
KEY = "sk-gateway-1234"


class NotInstalled(Exception):
    """LiteLLM can't be had here; str() says why."""


def program() -> Path:
    """Return LiteLLM's program; installs it on first use, once for all processes of a run. Raises NotInstalled."""
    lock = _ROOT / ".local" / "venv-litellm.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            python = venv.interpreter("litellm", _LOCKED)
        except (subprocess.CalledProcessError, OSError) as error:
            raise NotInstalled(f"LiteLLM can't be installed here: {error}") from error
    return Path(python).parent / "litellm"


class Gateway:
    def __init__(self, folder: Path, behind: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        deployment = {"model": "openai/gpt-sandbox", "api_base": behind, "api_key": "sk-behind-the-gateway"}
        self._config = {
            "model_list": [{"model_name": MODEL, "litellm_params": deployment}],
            "litellm_settings": {"num_retries": 0, "telemetry": False},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            "general_settings": {"master_key": KEY},
        }

    def start(self) -> None:
        config, log = self._folder / "config.yaml", self._folder / "log"
        config.write_text(json.dumps(self._config))  # which is YAML too
        port = self.url.rpartition(":")[2]
        command = [str(program()), "--config", str(config), "--host", "127.0.0.1", "--port", port]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=_environment(), cwd=self._folder, stdout=output, stderr=output
            )
        self._wait(log)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _wait(self, log: Path) -> None:
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, log.read_text()[-2_000:]
            assert time.monotonic() < until, log.read_text()[-2_000:]
            time.sleep(0.5)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health/liveliness", timeout=2).ok
        except requests.RequestException:
            return False


def _environment() -> dict[str, str]:
    """Nothing of ours, and nothing that would make it ask the network."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_PROXY": "*"}
