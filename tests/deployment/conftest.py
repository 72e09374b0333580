"""nginx with the shipped configuration, in front of a gunicorn with production's settings and the tests' own database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.sandbox import wix_webhooks
from tests.support.database import database_url
from tests.support.live_events import serving
from tests.support.nginx import PROGRAM, SETTINGS, Nginx
from tests.support.web_server import served


@pytest.fixture(scope="module")
def gunicorn(django_db_setup: None) -> Iterator[int]:
    keys = {"WIX_WEBHOOK_PUBLIC_KEYS": wix_webhooks.public_key().replace("\n", "\\n")}
    with served(DATABASE_URL=database_url(), **SETTINGS, **keys) as port:
        yield port


@pytest.fixture(scope="module")
def nginx(gunicorn: int) -> Iterator[Nginx]:
    with _running(gunicorn) as nginx:
        yield nginx


@pytest.fixture
def nginx_before_events(gunicorn: int) -> Iterator[Nginx]:
    """One that leads live events to a process of theirs."""
    with serving(**SETTINGS) as live, _running(gunicorn, events=live.port) as nginx:
        yield nginx


@pytest.fixture
def nginx_before() -> Iterator[Callable[..., Nginx]]:
    """Start one in front of another port, with directives that differ."""
    with ExitStack() as stack:
        yield lambda behind, **directives: stack.enter_context(_running(behind, **directives))


@contextmanager
def _running(behind: int, *, events: int = 1, **directives: str) -> Iterator[Nginx]:
    if not PROGRAM:
        pytest.skip("nginx is not installed; on Debian: apt-get install --no-install-recommends nginx-light")
    # Not in pytest's own folder, which lets no other user in, and nginx's workers run as one.
    with TemporaryDirectory(prefix="nginx-") as folder:
        Path(folder).chmod(0o755)
        nginx = Nginx(Path(folder), behind, directives, events=events)
        nginx.start()
        try:
            yield nginx
        finally:
            nginx.stop()
