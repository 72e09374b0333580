"""`make chaos SIZE=roll`: an older release is replaced by this one as docs/upgrading.md says, under eight requests a second.

The older release is a real one: a checkout of this repository from before its last migrations, which first migrates its own tables.
It runs on the packages that it was locked with, where those are not ours.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import django
import requests

from config.processes import Process
from tests.bench import venv
from tests.chaos import outcome
from tests.support.shops import SHOPS
from tests.support.steady import Steady
from tests.support.world import World, running

_ROOT = Path(__file__).resolve().parents[2]
# From before so many commits that added migrations.
_MIGRATIONS_BACK = 6
_PER_SECOND, _ONE_IN = 8, 4  # one of four requests asks for a blog
_BEFORE_SECONDS, _BETWEEN_SECONDS = 5.0, 4.0
_START_SECONDS, _GIVE_UP_SECONDS = 60.0, 90.0
_SETTINGS = {**outcome.SETTINGS, "BLOG_WORKER_DRAIN_SECONDS": "20"}
_THREADS = "--threads=10"
_FILL = """
import django, sys
django.setup()
from django.core.management import call_command
from django.db import transaction
from credits import ledger
from wix.models import Site
call_command("migrate", verbosity=0)
for shop in sys.argv[1:]:
    instance_id, host = shop.split("@")
    site = Site.objects.create(instance_id=instance_id, name=host, url=f"https://{host}", language="en")
    with transaction.atomic():
        ledger.grant(ledger.lock(site.pk), 100_000, reason="sample data")
"""


def run(patience: float) -> dict[str, Any]:
    commit = older_release()
    if not commit:
        print("This clone has no older release to begin with (`git fetch --unshallow` gets it): nothing was run.")
        return {}
    with _checked_out(commit) as tree:
        older = Older(tree, _python_of(tree))
        where: dict[str, Any] = {"prepare": older.fill, "tree": tree, "interpreter": older.python}
        with running("chaos-roll", SHOPS, speed=outcome.SPEED, settings=_SETTINGS, **where) as world:
            return {"from": commit[:8], **_roll(world, older, patience)}


def broken(counted: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    if not counted:
        return []
    kept = {
        **outcome.promises(counted),
        "no request fails": not counted["failed_requests"],
        "none takes a second": not counted["slow_requests"],
        "the new release has further migrations": counted["migrations"] > 0,
        "no error of ours is met": not counted["bugs"],
    }
    return [promise for promise, is_kept in kept.items() if not is_kept]


def older_release() -> str:
    """Return the last tagged commit, or else one from before the last migrations; empty where the clone has neither."""
    if tag := _git("describe", "--tags", "--abbrev=0", "HEAD~1"):
        return _git("rev-parse", f"{tag}^{{commit}}")
    added = _git("log", "--diff-filter=A", "--format=%H", "--", "*/migrations/0*.py").split()
    before = (_git("rev-parse", "--verify", "--quiet", f"{commit}^") for commit in added[_MIGRATIONS_BACK - 1 :])
    return next((commit for commit in before if commit and _can_be_migrated_from(commit)), "")


def _can_be_migrated_from(commit: str) -> bool:
    """Tell whether a database of that commit can have come from a release: none of its migrations was put behind a later one."""
    then = set(filter(_MIGRATION.fullmatch, _git("ls-tree", "-r", "--name-only", commit).splitlines()))
    for migration in then:
        now = _ROOT / migration
        if not now.exists():
            return False
        needed = re.search(r"dependencies = \[(.*?)\n?\s*\]", now.read_text(), re.DOTALL)
        for room, name in re.findall(r'\("(\w+)", "(\w+)"\)', needed[1] if needed else ""):
            file = f"{room}/migrations/{name}.py"
            if (_ROOT / file).exists() and file not in then:
                return False
    return True


_MIGRATION = re.compile(r"[a-z]+/migrations/\d{4}_\w+\.py")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["git", "archive", commit], cwd=_ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
        yield Path(folder)


def _python_of(tree: Path) -> str:
    locked = tree / "requirements.txt"
    is_ours = locked.read_text() == (_ROOT / "requirements.txt").read_text()
    return sys.executable if is_ours else venv.interpreter("older-release", locked)


@dataclass(frozen=True, slots=True)
class Older:
    """The older release: its checkout, and the Python that has its packages."""

    tree: Path
    python: str

    def fill(self, environment: dict[str, str]) -> None:
        shops = [f"{shop.instance_id}@{shop.host}" for shop in SHOPS]
        subprocess.run([self.python, "-c", _FILL, *shops], cwd=self.tree, env=environment, check=True)
        django.setup()  # our own, to count by

    def worker(self, world: World) -> Callable[[dict[str, str], IO[bytes] | None], Process]:
        def start(ours: dict[str, str], log: IO[bytes] | None) -> Process:
            command = [self.python, "manage.py", "run_blog_worker", _THREADS]
            environment = {**ours, **world.environment}
            return subprocess.Popen(
                command, cwd=self.tree, env=environment, stdout=log, stderr=log, start_new_session=True
            )

        return start


def _roll(world: World, older: Older, patience: float) -> dict[str, Any]:
    for shop in SHOPS:
        world.sandbox.add_shop(
            shop.instance_id, shop.name, catalog_version=shop.catalog_version, products=shop.catalog()
        )
    for number in range(2):
        world.processes.adopt(f"old-{number}", older.worker(world))
    # Two releases at once on two cores: a slow machine needs the patience here too.
    with Steady(_asking(world), _PER_SECOND, slow_seconds=patience) as steady:
        time.sleep(_BEFORE_SECONDS)
        migrations = _migrate(world)
        time.sleep(_BETWEEN_SECONDS)
        for number in range(2):
            world.fork_worker(f"new-{number}", _THREADS, RELEASE="new")
        _wait_until_they_work(patience)
        for number in range(2):
            world.processes.end(f"old-{number}")
        time.sleep(_BETWEEN_SECONDS)
        _replace_web(world, patience)
        time.sleep(_BETWEEN_SECONDS)
    outcome.wait_for(outcome.all_ended, seconds=_GIVE_UP_SECONDS * patience)
    log = world.log.read_text(errors="replace")
    return {
        **outcome.counts(world, steady.answers["201"]),
        "requests": steady.answers.total(),
        "failed_requests": steady.failed(200, 201),
        "slow_requests": steady.slow,
        "slowest_ms": steady.slowest_ms,
        "answers": dict(steady.answers),
        "migrations": migrations,
        "bugs": len(re.findall(r"action=(?:bug|lost)\b|Internal Server Error", log)),
    }


def _asking(world: World) -> Callable[[], requests.Response]:
    """Ask as a shop's page does: mostly for what there is, now and then for another blog."""
    from wix.identity.signed_instance import sign_instance

    numbers = itertools.count()
    headers = [{"Authorization": f"Bearer {sign_instance(shop.instance_id)}"} for shop in SHOPS]

    def ask() -> requests.Response:
        number = next(numbers)
        if number % _ONE_IN == 0:
            body = {"sourceType": "keyword", "sourceId": f"roll {number}", "length": "short"}
            return world.submit(SHOPS[number % len(SHOPS)], body)
        path = ("/api/blog-generation", "/api/credits", "/health")[number % 3]
        return requests.get(world.url + path, headers=headers[number % len(SHOPS)], timeout=30)

    return ask


def _migrate(world: World) -> int:
    """Migrate by this code, in a process of its own as an operator does; return how many migrations that were."""
    command = [sys.executable, "manage.py", "migrate"]
    environment = {**os.environ, **world.environment}
    done = subprocess.run(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.count(" OK")


def _wait_until_they_work(patience: float) -> None:
    from workers.models import WorkerProcess

    working = WorkerProcess.objects.filter(release="new", in_flight__gt=0)
    outcome.wait_for(lambda: working.count() == 2, seconds=_START_SECONDS * patience)


def _replace_web(world: World, patience: float) -> None:
    """Start this release's gunicorn on the same socket, and end the older one as soon as it serves."""
    assert world.door
    web = ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")
    bind = f"fd://{world.door.fileno()}"
    new = world.processes.start_with(world.door, "web-new", *web, cwd=_ROOT, BIND=bind, **world.environment)
    children = Path(f"/proc/{new.pid}/task/{new.pid}/children")
    # It forks its processes when all is imported.
    forked = lambda: len(children.read_text().split()) == 2  # noqa: E731
    world.processes.wait_for(forked, seconds=_START_SECONDS * patience, what="the new API")
    world.processes.end("web")
