"""A row for each paid call, however it ends: what it took, for whom, and the provider's own id of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.support.query_plans import plan_of
from workers import limits, outbound
from workers.context.on_behalf import Caller, current, on_behalf_of
from workers.errors import PermanentError, RateLimited, TransientError, WorkError
from workers.limits import Limit, provider_calls
from workers.limits.provider_calls import NOTHING, Answer, Usage
from workers.models import ProviderCall, RateLimitUsage
from workers.outbound import Call, Provider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fast_limits")]

ANYBODY = Provider("anybody", raises=(OSError,), explain=lambda error: TransientError("broken", "It broke."))


def call(
    *, usage: Usage | None, tokens_used: int | None = None, request_id: str = "", error: Exception | None = None
) -> None:
    def request(made: Call) -> None:
        made.usage, made.tokens_used, made.request_id = usage, tokens_used, request_id
        if error:
            raise error

    outbound.call(ANYBODY, "ask", request, limit=Limit("openai"), seconds=5, tokens=900)


def test_a_call_leaves_a_row_about_what_it_took_and_for_whom() -> None:
    usage = Usage("article:short", "de", 2_100, 600, prompt_tokens=500, output_tokens=350)

    with on_behalf_of(Caller(17, 4)):
        call(usage=usage, tokens_used=850, request_id="req_1")

    kept = ProviderCall.objects.get()
    assert (kept.provider, kept.operation, kept.outcome, kept.request_id) == ("anybody", "ask", "ok", "req_1")
    assert (kept.work, kept.site, kept.kind, kept.language) == (17, 4, "article:short", "de")
    assert (kept.prompt_bytes, kept.prompt_tokens, kept.output_tokens, kept.output_max) == (2_100, 500, 350, 600)
    assert (kept.tokens_reserved, kept.truncated, kept.images) == (900, False, 0)
    assert 0 <= kept.seconds < 5
    assert sum(RateLimitUsage.objects.values_list("tokens_used", flat=True)) == 850
    assert current() is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermanentError("content_refused", "No."), "content_refused"),
        (TransientError("content_truncated", "Cut."), "content_truncated"),
        (RateLimited("rate_limited", "Wait.", retry_in=0.01), "rate_limited"),
        (OSError(), "broken"),
        (KeyError(), "aborted"),
    ],
)
def test_however_it_ends(error: Exception, code: str) -> None:
    with pytest.raises((WorkError, KeyError)):
        call(usage=Usage(truncated=code == "content_truncated"), request_id="req_1", error=error)

    kept = ProviderCall.objects.get()
    assert (kept.outcome, kept.request_id, kept.prompt_tokens, kept.output_tokens) == (code, "req_1", None, None)
    assert kept.truncated == (code == "content_truncated")
    assert not RateLimitUsage.objects.filter(tokens_used__gt=0).exists()


def test_calls_that_ask_for_none_leave_none() -> None:
    call(usage=None)

    assert not ProviderCall.objects.exists()


def test_what_comes_from_outside_always_fits() -> None:
    call(usage=Usage("k" * 99, "l" * 99), request_id="a\0" + "b" * 999)

    kept = ProviderCall.objects.get()
    assert (kept.request_id, kept.kind, kept.language) == ("a�" + "b" * 98, "k" * 40, "l" * 10)
    odd: list[Any] = [-1, 2**31, True, "7", 1.5, None, []]
    assert [provider_calls.count(number) for number in [7, 0, *odd]] == [7, 0] + [None] * 7


def test_a_settling_that_is_repeated_after_an_outage_keeps_one_row() -> None:
    reservation = limits.acquire(Limit("openai"), tokens=10)
    with on_behalf_of(Caller(17, 4)):
        row = provider_calls.row(
            "openai", "ask", "ok", 1.0, request_id="req_1", tokens_reserved=10, usage=Usage("a", "en")
        )

    for told in (row, row, row | {"works": [18]}, row | {"operation": "again"}, NOTHING):
        limits.settle(reservation, 5, told)

    assert ProviderCall.objects.count() == 3


def test_a_thread_knows_only_its_own_work() -> None:
    seen = []
    with on_behalf_of(Caller(1, 1)):
        other = threading.Thread(target=lambda: seen.append(current()))
        other.start()
        other.join()
        with on_behalf_of(Caller(2, 1)):
            assert current() == Caller(2, 1)
        assert current() == Caller(1, 1)

    assert seen == [None]


def kept_call(**fields: Any) -> ProviderCall:
    defaults = {"provider": "openai", "operation": "blog_article", "kind": "article:short", "language": "de"}
    numbers = {"tokens_reserved": 900, "prompt_bytes": 400, "prompt_tokens": 100, "output_tokens": 300}
    rest = {"output_max": 600, "truncated": False, "images": 0, "seconds": 1, "outcome": "ok"}
    return ProviderCall.objects.create(**{**defaults, **numbers, **rest, **fields})


def test_the_newest_answers_of_a_kind_are_found_but_no_refusals() -> None:
    answers: list[dict[str, Any]] = [
        {},
        {"output_tokens": 600, "truncated": True, "outcome": "content_truncated"},
        {"language": "pl"},
        {"kind": "article:long"},
        {"outcome": "content_refused", "output_tokens": 9},
        {"outcome": "timeout", "output_tokens": None},
    ]
    for work, fields in enumerate(answers):
        kept_call(work=work, **fields)

    german = [Answer(1, 400, 100, 600, 600, True), Answer(0, 400, 100, 300, 600, False)]
    assert provider_calls.recent("article:short", 10, "de") == german
    assert provider_calls.recent("article:short", 1, "de") == german[:1]
    assert [answer.work for answer in provider_calls.recent("article:short", 10)] == [2, 1, 0]


def test_old_rows_go_in_batches(settings: Any) -> None:
    settings.PROVIDER_CALL_RETENTION_DAYS = 30
    for days in (31, 31, 40, 50, 60, 29):
        kept_call(at=timezone.now() - timedelta(days=days))

    provider_calls.prune(batch=2)

    assert ProviderCall.objects.count() == 1


# Mostly one kind, as any table of calls is; each work has five.
_MANY = """
INSERT INTO workers_providercall (provider, operation, kind, language, work, site, at, seconds, outcome, request_id,
       tokens_reserved, prompt_bytes, prompt_tokens, output_tokens, output_max, truncated, images)
SELECT 'openai', 'ask', CASE WHEN n %% 100 = 0 THEN 'article:long' ELSE 'article:medium' END,
       CASE WHEN n %% 1000 = 0 THEN 'pl' ELSE 'en' END, n / 5, 1, clock_timestamp() - (%s - n) * interval '1 minute', 1,
       'ok', 'req_' || n, 900, 400, 100, CASE WHEN n %% 5 < 2 THEN 300 END, 600, false, 0
  FROM generate_series(1, %s) AS n
"""


@pytest.mark.parametrize(
    ("ask", "says", "index"),
    [
        (lambda: provider_calls.recent("article:long", 200, "pl"), "ORDER BY id DESC", "provider_call_alike"),
        (lambda: provider_calls.recent("article:long", 200), "ORDER BY id DESC", "provider_call_of_kind"),
        (lambda: provider_calls.cut_at(1_234, "article:long"), "max(output_max)", "provider_call_of_work"),
        (provider_calls.prune, "DELETE", "provider_call_age"),
        (lambda: list(ProviderCall.objects.filter(work=7).order_by("-id")[:200]), "LIMIT", "provider_call_of_work"),
    ],
)
def test_all_that_is_asked_of_many_rows_goes_by_an_index(
    ask: Callable[[], object], says: str, index: str, settings: Any
) -> None:
    settings.PROVIDER_CALL_RETENTION_DAYS = 10_000
    with connection.cursor() as cursor:
        cursor.execute(_MANY, [20_000, 20_000])
        cursor.execute("ANALYZE workers_providercall")

    nodes = plan_of(ask, says)

    assert index in [node.get("Index Name") for node in nodes]
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
