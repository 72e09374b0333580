"""The first page while it is open: it follows what happens, takes nothing from its reader's hands, and says when it can't."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from blogs.queue import lifecycle
from tests.browser.browsing import DESKTOP, PHONE, Person
from tests.support import factories

# A little more than lies between two questions of the page.
_LOOK_MS = 5_100


@pytest.fixture
def opens(hire: Callable[..., Person]) -> Callable[..., Person]:
    """Open the first page with a clock that stands still until the test moves it."""

    def at_the_first_page(**options: Any) -> Person:
        ada = hire("Operator", **options)
        ada.page.clock.install()
        ada.opens("/admin/")
        ada.sees("live")
        # Once installed the clock follows the real one, and the page may ask of its own accord before a test's blogs are there.
        ada.page.clock.pause_at(ada.page.evaluate("Date.now() / 1000 + 1"))
        return ada

    return at_the_first_page


def looks_again(person: Person) -> None:
    """Let the page ask until it is told of what is there by now: the web process tells the same for three seconds."""
    by_now = f"{datetime.now(UTC):%H:%M:%S}"
    give_up_at = time.monotonic() + 15
    # The page sets its clock for the next question when it has read an answer, so time that passes before that is lost.
    while not _is_told_of(person, by_now):
        assert time.monotonic() < give_up_at, "the page was told nothing"
        person.page.clock.run_for(_LOOK_MS)


def _is_told_of(person: Person, moment: str) -> bool:
    said = person.page.locator("#live-says").inner_text()
    at = re.search(r"As of ([0-9:]{8}) UTC, live", said)
    return "session has ended" in said or (at is not None and at[1] > moment)


def test_it_shows_what_has_happened_and_takes_nothing_from_its_reader(opens: Callable[..., Person]) -> None:
    failed, _ = factories.failed_generation(), factories.failed_generation()
    factories.pending_generation(factories.site(name="Harbour"))
    ada = opens()
    ada.clicks_on("#chart-hour-numbers summary")
    button = ada.page.get_by_role("button", name="Pause the line of Harbour")
    button.focus()
    ada.page.evaluate("getSelection().selectAllChildren(document.querySelector('#front-pace'))")
    top = ada.page.evaluate("document.querySelector('#front-failures').getBoundingClientRect().top")
    ada.page.evaluate("window.before = document.activeElement")

    lifecycle.requeue(failed.pk, by="staff:eve")
    factories.pending_generation(factories.site(name="Mill"))
    looks_again(ada)

    ada.sees("Mill", within=".part-shops")
    assert ada.page.evaluate("document.querySelector('#chart-hour-numbers').open")
    assert ada.page.evaluate("window.before === document.activeElement && window.before.isConnected")
    assert ada.page.evaluate("String(getSelection())") == "Pace"
    # The browser moves the page back to what its reader reads with the next picture that it draws.
    give_up_at = time.monotonic() + 5
    while ada.page.evaluate("document.querySelector('#front-failures').getBoundingClientRect().top") != top:
        assert time.monotonic() < give_up_at, "the page has moved under its reader"


def test_a_shop_that_moves_up_keeps_its_own_button(opens: Callable[..., Person]) -> None:
    small, large = factories.site(name="Small"), factories.site(name="Large")
    factories.pending_generation(small)
    for _ in range(2):
        factories.pending_generation(large)
    ada = opens()
    ada.page.get_by_role("button", name="Pause the line of Small").focus()

    for _ in range(3):
        factories.pending_generation(small)
    looks_again(ada)

    expect(ada.page.locator(".part-shops tbody tr").first).to_contain_text("Small")
    expect(ada.page.get_by_role("button", name="Pause the line of Small")).to_be_focused()
    assert ada.page.evaluate("document.activeElement.value") == str(small.pk)


def test_it_is_paused_by_a_button_and_stays_so(opens: Callable[..., Person]) -> None:
    ada = opens()
    ada.clicks("Pause updates", "button")
    ada.sees("Paused. As of")
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url))
    ada.page.clock.run_for(4 * _LOOK_MS)
    assert not [url for url in asked if "/admin/now/" in url]

    ada.page.reload()
    ada.sees("Paused. As of")
    factories.pending_generation(factories.site(name="Mill"))
    with ada.page.expect_response("**/admin/now/**"):
        ada.clicks("Go on", "button")
        ada.page.clock.run_for(10)
    looks_again(ada)

    ada.sees("Mill", "live")


def test_it_rests_while_its_reader_is_elsewhere(opens: Callable[..., Person]) -> None:
    ada = opens()

    ada.page.evaluate("document.hasFocus = () => false; window.dispatchEvent(new Event('blur'))")
    ada.sees("Paused while you are elsewhere. As of")
    factories.pending_generation(factories.site(name="Mill"))
    with ada.page.expect_response("**/admin/now/**"):
        ada.page.evaluate("document.hasFocus = () => true; window.dispatchEvent(new Event('focus'))")
        ada.page.clock.run_for(10)
    looks_again(ada)

    ada.sees("Mill", "live")


def test_without_an_answer_it_says_since_when_and_tries_again(opens: Callable[..., Person]) -> None:
    ada = opens()
    ada.expects("ERR_INTERNET_DISCONNECTED")
    ada.page.context.set_offline(True)
    ada.page.clock.run_for(_LOOK_MS)
    ada.sees("No answer since", "trying again")

    ada.page.context.set_offline(False)
    factories.pending_generation(factories.site(name="Mill"))
    looks_again(ada)

    ada.sees("Mill", "live")


def test_when_the_session_has_ended_it_leads_to_the_login(opens: Callable[..., Person]) -> None:
    ada = opens()
    ada.expects("401")
    ada.page.context.clear_cookies()
    looks_again(ada)

    ada.sees("Your session has ended.")
    ada.clicks("Log in")
    ada.page.wait_for_url("**/admin/login/?next=%2Fadmin%2F")


def test_without_script_the_page_says_all_of_that_moment(hire: Callable[..., Person]) -> None:
    factories.pending_generation(factories.site(name="Harbour"))
    ada = hire("Operator", java_script_enabled=False)
    ada.opens("/admin/")

    ada.sees("Harbour", "As of")
    ada.sees_no_button("Pause updates")
    ada.page.get_by_role("button", name="Pause the line of Harbour").click()
    ada.sees("1 shop with 1 blog in line")


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_busy_page_fits(opens: Callable[..., Person], width: int) -> None:
    for number in range(3):
        factories.failed_generation(factories.site(name=f"A shop with a rather long name, and number {number}"))
        factories.WorkerFactory.create(name=f"worker-{number}.a-long-host-name.example.com:4711", release="2026.11.28")
    for number in range(6):
        factories.pending_generation(factories.site(name=f"Another shop with a rather long name, number {number}"))

    ada = opens(width=width)

    assert ada.too_wide() == []
