"""`make chaos SIZE=restore`: a backup is made under load, work goes on, all is killed, and the backup takes the database's place.

With the scripts and commands that docs/backup.md names. In the lost time most blogs of the backup are finished, and others are
asked for. What is promised: no worker starts and no request is taken before `after_restore`; then no blog of the backup has a
second draft, each is DONE and charged once, and no number is given out again. CHAOS_LOOK_UP=off forgets what `after_restore` has
marked, to see what would happen without it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config.embedded_postgres import PROGRAMS
from tests.chaos import outcome
from tests.chaos.crew import done
from tests.chaos.result import drafts_of_blogs
from tests.support.shops import SHOPS
from tests.support.world import World, running

_ROOT = Path(__file__).resolve().parents[2]
_BLOGS, _LATER, _AFTER = 140, 20, 10
_WORKERS, _THREADS = 2, 15
# Of the backup's blogs: how many are done when it is made, and when everything is killed.
_AT_BACKUP, _AT_KILL = 30, 100
# The newcomer asks in the lost time alone. Its turn comes at once, so its drafts are those that no row will know.
*_FIRST, _NEWCOMER = SHOPS
_CREDITS = 25 * (_BLOGS + _LATER + _AFTER)
_GIVE_UP_SECONDS = 150.0


def run(patience: float) -> dict[str, Any]:
    with (
        TemporaryDirectory() as folder,
        running("chaos-restore", SHOPS, speed=outcome.SPEED, credits=_CREDITS, settings=outcome.SETTINGS) as world,
    ):
        outcome.submit(world, _BLOGS, _FIRST)
        _start_workers(world, "before")
        _wait(lambda: done() >= _AT_BACKUP, patience, "blogs to be done before the backup")
        backup = _script(world, "backup.sh", folder)
        file = sorted(Path(folder).glob("*.dump"))[-1]
        outcome.submit(world, _LATER, [_NEWCOMER])
        _wait(lambda: done() >= _AT_KILL, patience, "blogs to be done after the backup")
        before = _kill_everything(world)
        restored = _script(world, "restore.sh", "--replace", str(file))
        known = _statuses()
        unfinished = {blog for blog, status in known.items() if status != "DONE"}
        told = {
            "blogs_in_backup": len(known),
            "unfinished_in_backup": len(unfinished),
            "finished_in_lost_time": sum(before[blog] == "DONE" for blog in unfinished),
            "asked_for_in_lost_time": len(before.keys() - known.keys()),
            "scripts_ok": backup == restored == 0,
            **_refused(world),
        }
        settled = _manage("after_restore", "--original-is-stopped")
        if os.environ.get("CHAOS_LOOK_UP") == "off":
            _forget_the_marks()
        _start_workers(world, "after")
        outcome.submit(world, _AFTER)
        outcome.wait_for(outcome.all_ended, seconds=_GIVE_UP_SECONDS * patience)
        return {**_counts(world, known, before), **told, "settled": settled == 0}


def broken(counted: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    kept = {
        **outcome.promises(counted),
        "no blog of the backup has a second draft": counted["second_drafts"] == 0,
        "no number is given out again": counted["numbers_reused"] == 0,
        "no worker starts on it, and no request is taken, before it is settled": counted["refused_worker"]
        and counted["refused_request"],
        "it isn't settled unless the original is stopped": counted["refused_command"] and counted["settled"],
        "both scripts work": counted["scripts_ok"],
        "much was done in the lost time, or nothing is proved": counted["finished_in_lost_time"] >= 20
        and counted["asked_for_in_lost_time"] > 0,
        "drafts that no row knows are there, or nothing is proved": counted["drafts_without_a_row"] > 0,
        "what was found was taken over": counted["found"] >= counted["finished_in_lost_time"]
        or counted["second_drafts"] > 0,
    }
    return [promise for promise, is_kept in kept.items() if not is_kept]


def _start_workers(world: World, name: str) -> None:
    for number in range(_WORKERS):
        world.fork_worker(f"{name}-{number}", f"--threads={_THREADS}")


def _wait(ready: Callable[[], bool], patience: float, what: str) -> None:
    if not outcome.wait_for(ready, seconds=_GIVE_UP_SECONDS * patience):
        raise SystemExit(f"It took too long for {what}.")


def _kill_everything(world: World) -> dict[int, str]:
    """Kill workers and the web process, in the middle of what they are at. Return what the backup can't know."""
    from django.db import connection

    from config.pooled_postgresql.base import dispose

    # The web process has children, and each of ours is a group of its own.
    os.killpg(world.processes.pids()["web"], signal.SIGKILL)
    for name in [*(f"before-{number}" for number in range(_WORKERS)), "web"]:
        world.processes.kill(name)
    blogs = _statuses()
    # Sessions of our own would keep the database in use.
    connection.close()
    dispose()
    return blogs


def _statuses() -> dict[int, str]:
    from blogs.models import BlogGeneration

    return dict(BlogGeneration.objects.values_list("pk", "status"))


def _script(world: World, name: str, *arguments: str) -> int:
    """Run it as an operator does, with nothing but the address of the database."""
    path = f"{PROGRAMS}:{os.environ['PATH']}"
    environment = {"PATH": path, "DATABASE_URL": world.database.url, "READ_DOTENV": "false"}
    return subprocess.run([str(_ROOT / "deploy" / name), *arguments], env=environment, check=False).returncode


def _manage(*arguments: str) -> int:
    """Run a command, in the environment that the world has left in ours."""
    return subprocess.run([sys.executable, "manage.py", *arguments], cwd=_ROOT, check=False).returncode


def _refused(world: World) -> dict[str, bool]:
    """Try all that must be refused before the database is settled. The web process goes on afterwards."""
    worker = world.fork_worker("refused", "--threads=1")
    left = worker.wait(30)
    world.processes.end("refused")
    world.start_web()
    answer = world.submit(SHOPS[0], {"sourceType": "keyword", "sourceId": "too early"})
    return {
        "refused_worker": left == 1,
        "refused_request": answer.status_code == 503 and "Retry-After" in answer.headers,
        "refused_command": _manage("after_restore") == 1,
    }


def _forget_the_marks() -> None:
    from blogs.models import BlogGeneration, DraftSearch

    BlogGeneration.objects.update(draft_search_since=None)
    DraftSearch.objects.all().delete()


def _counts(world: World, known: dict[int, str], before: dict[int, str]) -> dict[str, Any]:
    from blogs.models import BlogGeneration, Stage, StageOutput
    from credits.models import Credit

    drafts = world.sandbox.drafts()
    of_known = drafts_of_blogs(drafts, list(known))
    given_out = set(BlogGeneration.objects.values_list("pk", flat=True)) - known.keys()
    captures = Credit.objects.filter(kind=Credit.Kind.CAPTURE)
    return {
        **outcome.counts(world, len(known) + _AFTER),
        "second_drafts": of_known.total() - len(of_known),
        "found": StageOutput.objects.filter(stage=Stage.DRAFT, output__found=True).count(),
        "drafts_without_a_row": drafts_of_blogs(drafts, [*(before.keys() - known.keys())]).total(),
        "numbers_reused": len(given_out & before.keys()),
        "captures": captures.count(),
        "articles_paid": world.sandbox.stats()["openai"]["byOperation"]["article"],
    }
