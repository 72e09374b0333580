"""The twelve tickets of docs/desk.md: each has its answer, or the question before its action, within four clicks or keys.

A person begins at some page of the desk. A click is a step, a key is a step, and a text that is typed is one. Where an action asks
for a reason, the reason comes after the fourth step.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from blogs import audit
from blogs.audit import Actor
from blogs.models import BlogGeneration
from blogs.queue import lifecycle
from tests.browser.browsing import Person
from tests.support import factories
from workers.models import Breaker, Price, ProviderCall

STEPS = 4
BLOGS = "/admin/blogs/bloggeneration/"
# Where each begins: as far from blogs as the desk goes.
START = "/admin/wix/webhookdelivery/"

Ask = Callable[..., Person]
TICKETS: dict[str, Callable[[Ask], Person]] = {}


def ticket(name: str) -> Callable[[Any], Any]:
    def keep(play: Callable[[Ask], Person]) -> Callable[[Ask], Person]:
        TICKETS[name] = play
        return play

    return keep


@pytest.fixture
def ask(hire: Callable[..., Person]) -> Ask:
    def with_role(role: str = "Support") -> Person:
        person = hire(role)
        person.opens(START)
        assert person.steps == 0
        return person

    return with_role


@pytest.mark.parametrize("name", [
    "where is it", "why did it fail", "money back", "who cancelled", "mass retry", "pause", "what does it cost", "stuck",
    "export", "is the provider down", "wrong language", "double charge",
])  # fmt: skip
def test_a_ticket_takes_four_steps_at_most(ask: Ask, name: str) -> None:
    person = TICKETS[name](ask)

    assert 0 < person.steps <= STEPS, f"{name}: {person.steps} steps"


def test_the_docs_say_how_each_of_the_twelve_is_answered() -> None:
    page = (settings.BASE_DIR / "docs/desk.md").read_text()
    part = page.split("## Twelve tickets")[1].split("\n## ")[0]

    assert [row.lower() for row in re.findall(r"^\| \*\*(.+?)\*\*", part, re.MULTILINE)] == list(TICKETS)


def finds(person: Person, text: str) -> None:
    """Three steps, from any page."""
    person.presses("/")
    person.types(text)
    person.presses("Enter")


@ticket("where is it")
def _where(ask: Ask) -> Person:
    blog = factories.pending_generation()
    factories.WorkerFactory.create()
    vera = ask()
    finds(vera, f"#{blog.pk}")
    vera.sees("It is in line, at place 1 of all")
    return vera


@ticket("why did it fail")
def _why(ask: Ask) -> Person:
    blog = factories.failed_generation()
    vera = ask()
    finds(vera, f"#{blog.pk}")
    vera.sees("OpenAI declined the topic. Credits are back. The shop can ask for another topic.")
    return vera


@ticket("money back")
def _refund(ask: Ask) -> Person:
    blog = factories.done_generation()
    bill = ask("Billing")
    finds(bill, f"#{blog.pk}")
    bill.clicks("Refund", "button")
    bill.sees("1 blog", within="dialog")
    return bill


@ticket("who cancelled")
def _who(ask: Ask) -> Person:
    blog = factories.pending_generation()
    otto = Actor("otto")
    lifecycle.cancel(blog.pk, by=otto.by, reason="the shop has closed")
    audit.record(otto, "cancel", blog, reason="the shop has closed")
    vera = ask()
    finds(vera, f"#{blog.pk}")
    vera.clicks("History")
    vera.sees("otto", "the shop has closed", within="main")
    return vera


@ticket("mass retry")
def _retry(ask: Ask) -> Person:
    for _ in range(2):
        factories.failed_generation(code="timeout")
    vera = ask()
    vera.clicks("Front page", within="#pages")
    vera.clicks("Retry all that failed with timeout", "button")
    vera.sees("2 blogs of 2 shops", within="dialog")
    return vera


@ticket("pause")
def _pause(ask: Ask) -> Person:
    factories.pending_generation(factories.site(name="Harbour Coffee"))
    otto = ask("Operator")
    otto.clicks("Front page", within="#pages")
    otto.clicks("Pause the line of Harbour Coffee", "button")
    otto.sees("1 shop", within="dialog")
    return otto


@ticket("what does it cost")
def _cost(ask: Ask) -> Person:
    blog = factories.done_generation()
    Price.objects.create(
        provider="openai", model="gpt", valid_from="2026-01-01", input_per_million=2, output_per_million=8, by="ada"
    )
    ProviderCall.objects.create(
        provider="openai", model="gpt", operation="article", work=blog.pk, site=blog.site_id, seconds=20, outcome="ok",
        prompt_tokens=500_000, output_tokens=250_000, tokens_reserved=1, prompt_bytes=1, output_max=1, images=0,
        truncated=False,
    )  # fmt: skip
    vera = ask()
    finds(vera, f"#{blog.pk}")
    vera.sees("It has cost 25 credits.")
    vera.sees("$3.00", within="#calls")
    return vera


@ticket("stuck")
def _stuck(ask: Ask) -> Person:
    blog = factories.processing_generation()
    BlogGeneration.objects.filter(pk=blog.pk).update(started_at="2026-01-01T00:00:00Z")
    vera = ask()
    vera.clicks("Blogs", within="#pages")
    vera.clicks(re.compile("^Stuck"), within="main", exact=False)
    vera.sees("1 result", str(blog.pk))
    return vera


@ticket("export")
def _export(ask: Ask) -> Person:
    factories.failed_generation()
    vera = ask()
    vera.clicks("Blogs", within="#pages")
    vera.clicks("Failed", within="#changelist-filter")
    with vera.page.expect_download():
        vera.clicks("CSV")
    return vera


@ticket("is the provider down")
def _down(ask: Ask) -> Person:
    Breaker.objects.update_or_create(
        provider="openai", defaults={"opened_at": "2026-11-28T09:00:00Z", "reason": "5 failures of 3 sites"}
    )
    vera = ask()
    vera.clicks("Front page", within="#pages")
    vera.sees("down", "5 failures of 3 sites", within="[data-part=providers]")
    return vera


@ticket("wrong language")
def _language(ask: Ask) -> Person:
    blog = factories.failed_generation(language="fr")
    vera = ask()
    finds(vera, f"#{blog.pk}")
    vera.sees("in fr", within="main")
    vera.clicks(str(blog.site), within="main")
    vera.sees("Language", within="main")
    assert vera.page.get_by_label("Language").is_editable()
    return vera


@ticket("double charge")
def _twice(ask: Ask) -> Person:
    blog = factories.done_generation()
    vera = ask("Billing")
    finds(vera, f"#{blog.pk}")
    vera.sees("capture", within="#credits")
    assert vera.text("#credits").count("capture") == 1
    return vera
