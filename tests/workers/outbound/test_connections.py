"""Fifty threads live on a dozen connections because none is held while a thread waits or talks to a provider."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from workers import outbound
from workers.limits import Limit, reservations
from workers.models import WorkerProcess
from workers.outbound import Call, Provider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fast_limits")]

ANYBODY = Provider("anybody", raises=(OSError,), explain=lambda error: pytest.fail(str(error)))


def holds_a_connection() -> bool:
    return connection.connection is not None


def after_a_query() -> None:
    WorkerProcess.objects.exists()
    assert holds_a_connection()


def test_none_is_held_while_a_provider_answers() -> None:
    after_a_query()

    def answer(call: Call) -> bool:
        return holds_a_connection()

    assert outbound.call(ANYBODY, "ask", answer, limit=Limit("openai"), seconds=5) is False


def test_none_is_held_while_a_call_waits_for_its_turn_in_the_local_line(monkeypatch: Any) -> None:
    after_a_query()
    held = []
    line = reservations.local_line

    def at_the_end_of_the_line(limit: Limit) -> Any:
        held.append(holds_a_connection())
        return line(limit)

    monkeypatch.setattr(reservations, "local_line", at_the_end_of_the_line)
    outbound.call(ANYBODY, "ask", lambda call: None, limit=Limit("openai"), seconds=5)

    assert held == [False]


def test_none_is_held_between_a_reservation_and_its_start() -> None:
    reservations.acquire(Limit("openai"))

    assert not holds_a_connection()
