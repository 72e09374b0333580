"""A person of staff at a browser, who sees, clicks and presses; what goes wrong in the page itself is a fault of the test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

PHONE, DESKTOP = 390, 1_280

_TOO_WIDE = """
() => {
    const page = document.scrollingElement;
    const out = (each) => each.getBoundingClientRect().right > page.clientWidth + 1;
    const named = (each) => `${each.tagName.toLowerCase()}#${each.id}.${each.className}`;
    return page.scrollWidth > page.clientWidth ? [...document.querySelectorAll("body *")].filter(out).map(named).slice(0, 5) : [];
}
"""


class Person:
    """Counts clicks and keys. `faults` are errors in the page: of scripts, of the content policy, of requests."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.name = ""
        self.url = url
        self.steps = 0
        self.faults: list[str] = []
        self._expected: list[str] = []
        page.set_default_timeout(10_000)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    # --- What a person does -----------------------------------------------------------------------------------------

    def opens(self, path: str) -> None:
        """Go to an address, as by a bookmark; this is no step."""
        self.page.goto(f"{self.url}{path}")

    def clicks(self, name: str | re.Pattern[str], role: str = "link", *, within: str = "", exact: bool = True) -> None:
        """Click what has this role and name; the first of several."""
        self.steps += 1
        self._within(within).get_by_role(role, name=name, exact=exact).first.click()

    def clicks_on(self, selector: str) -> None:
        """Click what no name tells apart."""
        self.steps += 1
        self.page.locator(selector).first.click()

    def types(self, text: str) -> None:
        """Type where the focus is; the text counts as one step."""
        self.steps += 1
        self.page.keyboard.type(text)

    def fills(self, label: str | re.Pattern[str], text: str, *, within: str = "") -> None:
        """Fill in the field with this label; the click into it and the text are one step."""
        self.steps += 1
        self._within(within).get_by_label(label).first.fill(text)

    def presses(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.steps += 1
            self.page.keyboard.press(key)

    def tabs_to(self, name: str, most: int = 60) -> bool:
        """Press Tab until the focus is on what has this name."""
        for _ in range(most):
            self.presses("Tab")
            if self.focus().strip() == name:
                return True
        return False

    def ticks(self, *ids: int) -> None:
        """Tick these rows of a list."""
        for each in ids:
            self.steps += 1
            self.page.locator(f"input.action-select[value='{each}']").check()

    def chooses(self, label: str, option: str) -> None:
        self.steps += 1
        self.page.get_by_label(label).first.select_option(label=option)

    # --- What a person sees -----------------------------------------------------------------------------------------

    def sees(self, *texts: str | re.Pattern[str], within: str = "body", seconds: float = 10) -> None:
        """Wait until each text is there, and shown."""
        for text in texts:
            found = self.page.locator(within).get_by_text(text).locator("visible=true").first
            found.wait_for(timeout=seconds * 1_000)

    def sees_no(self, text: str | re.Pattern[str], within: str = "body") -> None:
        """Look that the text is not shown now: see something else of the same page first."""
        assert self.page.locator(within).get_by_text(text).locator("visible=true").count() == 0, text

    def sees_no_button(self, *names: str) -> None:
        for name in names:
            assert self.page.get_by_role("button", name=name).count() == 0, name

    def focus(self) -> str:
        """Return what the element that has the focus is called: its label, or its own words."""
        return str(self.page.evaluate("() => (document.activeElement.labels?.[0] ?? document.activeElement).innerText"))

    def text(self, within: str = "main") -> str:
        return " ".join(str(self.page.locator(within).first.inner_text()).split())

    def too_wide(self) -> list[str]:
        """List what stands out at the right, where the page scrolls sideways."""
        return list(self.page.evaluate(_TOO_WIDE))

    # --- What must not happen ---------------------------------------------------------------------------------------

    def expects(self, *faults: str) -> None:
        """Say which faults belong to the story: an answer 403, a server that is away."""
        self._expected.extend(faults)

    def unexpected(self) -> Sequence[str]:
        return [fault for fault in self.faults if not any(part in fault for part in self._expected)]

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text} at {message.location.get('url', '')}")

    def _failed(self, request: Any) -> None:
        # A page that is left, or a download, ends its requests.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"request: {request.url}: {request.failure}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"answer: {response.status} {response.url}")

    def _within(self, selector: str) -> Any:
        return self.page.locator(selector) if selector else self.page
