"""Wix's own packages as judges: one node process, asked over pipes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

_FOLDER = Path(__file__).parent
_NODE = shutil.which("node")


def missing() -> str:
    """Why there is no judge here; empty if there is one."""
    if not _NODE:
        return "Wix's packages need node, and there is none."
    if not (_FOLDER / "node_modules" / "installed").exists():
        return "Wix's packages are not installed: make test-outside"
    return ""


class Judge:
    def __init__(self) -> None:
        assert _NODE
        self._process = subprocess.Popen(
            [_NODE, str(_FOLDER / "judge.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=10)

    def document_errors(self, documents: list[Any]) -> list[list[str]]:
        """For each document, what ricos-schema has against it."""
        errors: list[list[str]] = self._ask("ricos", documents=documents)
        return errors

    def deliveries(self, bodies: list[str], public_key: str) -> list[dict[str, Any]]:
        """What @wix/sdk makes of webhooks: `valid`, and the event or the `reason`."""
        delivered: list[dict[str, Any]] = self._ask("webhook", bodies=bodies, publicKey=public_key)
        return delivered

    def operations(self, requests: list[dict[str, Any]]) -> list[str | None]:
        """For each {method, target} the operation that it is in Wix's packages."""
        named: list[str | None] = self._ask("operations", requests=requests)
        return named

    def requests(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """For each {method, target, body} the `operation` that it is in Wix's packages, and the `problems` with its types."""
        judged: list[dict[str, Any]] = self._ask("wire", requests=requests)
        return judged

    def token_requests(self, app_id: str, secret: str, instance_id: str) -> list[dict[str, Any]]:
        """What @wix/sdk sends for a site's token and to ask what a token is."""
        sent: list[dict[str, Any]] = self._ask("tokens", appId=app_id, secret=secret, instanceId=instance_id)
        return sent

    def _ask(self, question: str, **about: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"ask": question, **about}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "The judge has ended; its last words are in stderr."
        said = json.loads(line)
        if "error" in said:
            raise AssertionError(said["error"])
        return said["answer"]
