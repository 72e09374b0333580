from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.browser import chromium as system_chromium
from tests.browser.away import WEB
from tests.browser.browsing import DESKTOP, Person
from tests.support.app import APP_ID, APP_SECRET
from tests.support.blogs import roles
from tests.support.blogs.worker_process import Worker
from tests.support.database import database_url
from tests.support.web_server import served

_SECRET = "only-for-the-tests-in-a-browser-" + "x" * 32

Hire = Callable[..., Person]
"""Signs a colleague in with a role, and gives the person at the browser."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing: `make test-browser` installs it"
    )
    if (path := system_chromium.path()) is None:
        pytest.skip("Chromium is missing: `apt-get install chromium`")
    # Playwright keeps an event loop in this thread; Django would refuse its queries there.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=system_chromium.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _web(django_db_setup: None, chromium: Any, _running_sandbox: Any) -> Iterator[str]:
    """The web process as in production, on the tests' database; its address."""
    environment = {
        "DATABASE_URL": database_url(),
        "DEBUG": "false",
        "SECRET_KEY": _SECRET,
        "WIX_APP_ID": APP_ID,
        "WIX_APP_SECRET": APP_SECRET,
        "WEB_PROCESSES": "1",
        "PROCESS_NAME": WEB,
        "PREFLIGHT_REFUSES": "false",
        "WIX_BASE_URL": _running_sandbox.wix_url,
        "WIX_MEDIA_BASE_URL": _running_sandbox.url,
        "OPENAI_BASE_URL": _running_sandbox.openai_url,
        "REPLICATE_BASE_URL": _running_sandbox.replicate_url,
    }
    with served(**environment) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def web(_web: str, sandbox: Any, settings: Any) -> str:
    settings.SECRET_KEY = _SECRET
    roles.write()
    return _web


@pytest.fixture
def at_browser(web: str, chromium: Any) -> Iterator[Callable[..., Person]]:
    """Opens browsers of their own, each with nobody signed in. Each page must be without faults when the test ends."""
    people: list[Person] = []

    def open_one(width: int = DESKTOP, **options: Any) -> Person:
        height = 844 if width < 600 else 900
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        # Pictures of articles come from the sandbox. Whatever a page asked of others would fail, and be a fault.
        people.append(Person(context.new_page(), web))
        return people[-1]

    yield open_one
    faults = [fault for person in people for fault in person.unexpected()]
    for person in people:
        person.page.context.close()
    assert not faults, faults


@pytest.fixture
def hire(at_browser: Callable[..., Person]) -> Hire:
    def with_role(role: str = "Admin", name: str = "", **options: Any) -> Person:
        user = User.objects.create_user(name or role.lower(), is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        person = at_browser(**options)
        person.name = user.get_username()
        signed_in = Client()
        signed_in.force_login(user)
        session = signed_in.cookies[django_settings.SESSION_COOKIE_NAME].value
        cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": quote(session), "url": person.url}
        person.page.context.add_cookies([cookie])
        return person

    return with_role


@pytest.fixture
def worker(sandbox: Any) -> Iterator[Callable[..., Worker]]:
    """Starts real workers on the sandbox; each is killed at the end."""
    started: list[Worker] = []

    def start(*arguments: str, **settings: str) -> Worker:
        started.append(Worker(sandbox, **settings))
        started[-1].start(*arguments)
        return started[-1]

    yield start
    for each in started:
        each.kill()
