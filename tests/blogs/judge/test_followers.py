"""The followers of live events that docs/api.md shows, run as they stand there, over a connection that falls silent."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blogs.models import GenerationEvent
from blogs.queue import lifecycle
from tests.docs.pages import part
from tests.support import factories
from tests.support.live_events import Served, serving
from tests.support.relay import Relay
from tests.support.threads import wait_until
from wix.identity.signed_instance import sign_instance

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]

_NODE = shutil.which("node")
_WITHOUT_NODE = pytest.mark.skipif(not _NODE, reason="There is no node.")
# What follows the code of the page, and the one number in it that is changed: how long silence may be.
_PYTHON = (
    "python",
    [sys.executable, "follower.py"],
    ("timeout=(5, 45)", "timeout=(5, 2)"),
    "import sys\nfor event, data in follow(*sys.argv[1:]):\n    print(event, flush=True)\n",
)
_JAVASCRIPT = (
    "javascript",
    [_NODE, "follower.mjs"],
    ("SILENCE = 45_000", "SILENCE = 2_000"),
    "for await (const { event } of follow(...process.argv.slice(2))) console.log(event);\n",
)


@pytest.fixture
def live(transactional_db: None) -> Iterator[Served]:
    with serving(LIVE_EVENTS_HEARTBEAT_SECONDS="0.5") as process:
        yield process


@pytest.mark.parametrize(
    ("language", "program", "silence", "use"),
    [pytest.param(*_PYTHON, id="python"), pytest.param(*_JAVASCRIPT, id="javascript", marks=_WITHOUT_NODE)],
)
def test_a_follower_hears_each_event_once_though_its_connection_falls_silent(
    live: Served, tmp_path: Path, language: str, program: list[str], silence: tuple[str, str], use: str
) -> None:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", part("docs/api.md", "Live events"), re.MULTILINE | re.DOTALL)
    assert code.count(silence[0]) == 1
    (tmp_path / program[1]).write_text(f"{code.replace(*silence)}\n{use}")
    site = factories.site()
    blog = factories.processing_generation(site)
    relay = Relay(live.port, silent_after=b"blog.started")
    address = f"http://127.0.0.1:{relay.port}/api/blog-generation/{blog.pk}/events"
    command = [*program, address, sign_instance(site.instance_id)]
    with (tmp_path / "heard").open("w") as output:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT)
    heard = tmp_path / "heard"
    try:
        wait_until(lambda: "blog.started" in heard.read_text())
        lifecycle.cancel(blog.pk, by="test")
        assert lifecycle.honour_cancel(blog)

        assert process.wait(30) == 0, heard.read_text()
    finally:
        process.kill()
        process.wait()
        relay.close()

    # The second connection is told what the first one was not; the third hears that there is no more.
    told = ["blog.queued", "blog.started", "blog.changed", "blog.cancelled"]
    assert [line for line in heard.read_text().split() if line != "stream.opened"] == told
    assert len(told) == GenerationEvent.objects.filter(generation=blog).count()
    assert relay.connections == 3
