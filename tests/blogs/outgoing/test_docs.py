"""The code of docs/api.md by which a receiver verifies what it got."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from blogs.outgoing import signing

_API = (settings.BASE_DIR / "docs/api.md").read_text().split("\n## Webhooks\n")[1].split("\n## Errors\n")[0]
_BODY = '{"type":"blog.completed","data":{"id":1,"metadata":{"name":"Käse"}}}'


def code(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", _API, re.DOTALL)
    return str(found)


def cases() -> list[tuple[bool, str, dict[str, str], str]]:
    secret, old = signing.new_secret(), signing.new_secret()
    good = signing.headers("msg_1", _BODY, [signing.seal(secret), signing.seal(old)])
    late = signing.headers("msg_1", _BODY, [signing.seal(secret)], datetime.now(UTC) - timedelta(minutes=6))
    return [
        (True, secret, good, _BODY),
        (True, old, good, _BODY),
        (False, signing.new_secret(), good, _BODY),
        (False, secret, good, _BODY + " "),
        (False, secret, {**good, "webhook-id": "msg_2"}, _BODY),
        (False, secret, late, _BODY),
        (False, secret, {**good, "webhook-signature": "v1,AAAA v2,x"}, _BODY),
    ]


def test_the_python() -> None:
    names: dict[str, Any] = {}
    exec(code("python"), names)

    for expected, secret, headers, body in cases():
        assert names["verified"](secret, headers, body.encode()) is expected


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_javascript(tmp_path: Path) -> None:
    found = cases()
    asked = [[secret, headers, body] for _, secret, headers, body in found]
    script = code("javascript") + (
        f"\nconst cases = {json.dumps(asked)};"
        "console.log(JSON.stringify(cases.map(([secret, headers, body]) => verified(secret, headers, Buffer.from(body)))));"
    )
    path = tmp_path / "verify.mjs"
    path.write_text(script)
    answer = subprocess.run(["node", str(path)], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(answer.stdout) == [expected for expected, *_ in found]
