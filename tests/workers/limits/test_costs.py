"""What calls cost: by the price of their day, whenever it was entered; what has no price is unknown, and never 0."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from workers.limits import costs, spending
from workers.limits.costs import Cost, in_dollars
from workers.models import Price, ProviderCall, Spend, SpendMark

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()


def call(**fields: Any) -> ProviderCall:
    """Store an answered call of a thousand tokens in and a thousand out, four days ago."""
    at = datetime.combine(TODAY - timedelta(days=4), datetime.min.time(), UTC) + timedelta(hours=12)
    numbers = {"seconds": 1.0, "tokens_reserved": 2_000, "prompt_bytes": 9, "output_max": 9, "truncated": False}
    tokens = {"prompt_tokens": 1_000, "output_tokens": 1_000, "images": 0}
    named = {"provider": "openai", "operation": "ask", "model": "gpt", "outcome": "ok", "work": 7, "site": 3, "at": at}
    return ProviderCall.objects.create(**{**numbers, **tokens, **named, **fields})


def picture(**fields: Any) -> ProviderCall:
    about = {"provider": "replicate", "model": "flux", "prompt_tokens": None, "output_tokens": None, "images": 1}
    return call(**{**about, **fields})


def price(from_days_ago: int = 100, **fields: Any) -> Price:
    """Enter a price of the model `gpt`: a dollar for a million tokens in, ten for a million out."""
    amounts = {} if "per_picture" in fields else {"input_per_million": 1, "output_per_million": 10}
    about = {"provider": "openai", "model": "gpt", "reason": "a test", "by": "ada"}
    valid_from = TODAY - timedelta(days=from_days_ago)
    return Price.objects.create(**{"valid_from": valid_from, **about, **amounts, **fields})


def price_of_pictures(**fields: Any) -> Price:
    return price(provider="replicate", model="flux", per_picture=Decimal("0.04"), **fields)


def spent(sites: list[int] | None = None) -> Cost:
    """Return what is told of the last month, and make sure that the sums by day say the same as the calls themselves."""
    since, args = TODAY - timedelta(days=40), [sites] if sites else []
    unfolded = costs.total(costs.by_day(since, *args))
    spending.fold()
    assert costs.total(costs.by_day(since, *args)) == costs.total(costs.by_month(since, *args)) == unfolded
    return unfolded


def test_a_call_costs_its_tokens_and_a_picture_its_price() -> None:
    price(cached_per_million=Decimal("0.5"))
    price_of_pictures()
    asked, made = call(cached_tokens=400), picture()

    # 600 at 1 $, 400 at 0.50 $ and 1,000 at 10 $ a million
    assert costs.of_work(7) == {
        asked.pk: Cost(Decimal("0.0108"), 0, 1),
        made.pk: Cost(Decimal("0.04"), 0, 1),
    }
    assert costs.of_all([7]) == spent() == Cost(Decimal("0.0508"), 0, 2)


def test_without_a_price_of_their_own_cached_tokens_cost_as_all_others() -> None:
    price()
    call(cached_tokens=400)

    assert spent() == Cost(Decimal("0.011"), 0, 1)


def test_without_a_price_the_cost_is_unknown_and_not_0() -> None:
    kept = call()

    assert costs.of_work(7) == {kept.pk: Cost(Decimal(0), 1, 1)}
    assert str(spent()) == "unknown, 1 call without a price"


def test_a_sum_with_an_unknown_part_says_at_least() -> None:
    price(input_per_million=500, output_per_million=730)
    call()
    for _ in range(4):
        picture()

    assert str(spent()) == "at least $1.23, 4 calls without a price"
    assert str(costs.of_all([7])) == "at least $1.23, 4 calls without a price"


def test_a_price_that_is_entered_late_counts_from_its_first_day_on() -> None:
    call()
    spending.fold()
    assert not spent().is_exact

    price(from_days_ago=4)

    assert spent() == Cost(Decimal("0.011"), 0, 1)


@pytest.mark.parametrize(("days_ago", "dollars"), [(3, None), (4, "0.011"), (5, "0.011")])
def test_a_price_counts_for_no_day_before_its_first(days_ago: int, dollars: str | None) -> None:
    call()
    price(from_days_ago=days_ago)

    assert (str(spent().dollars.normalize()) if spent().is_exact else None) == dollars


def test_a_price_holds_until_the_next_begins() -> None:
    price(from_days_ago=9)
    price(from_days_ago=4, input_per_million=2, output_per_million=20)
    call()
    call(at=timezone.now() - timedelta(days=6))

    assert spent().dollars == Decimal("0.022") + Decimal("0.011")


def test_of_two_for_the_same_day_the_one_entered_last_counts() -> None:
    price(from_days_ago=4, input_per_million=700)
    price(from_days_ago=4)
    call()

    assert spent() == Cost(Decimal("0.011"), 0, 1)


def test_a_price_without_numbers_makes_the_cost_unknown_again() -> None:
    price(from_days_ago=9)
    price(from_days_ago=4, input_per_million=None, output_per_million=None)
    call()

    assert str(spent()) == "unknown, 1 call without a price"


@pytest.mark.parametrize(
    ("fields", "unpriced"),
    [
        ({"outcome": "timeout"}, 1),
        ({"outcome": "aborted"}, 1),
        ({"outcome": "ok"}, 1),
        ({"outcome": "rate_limited"}, 0),
        ({"outcome": "provider_unavailable"}, 0),
        ({"outcome": "ok", "model": "", "provider": "replicate"}, 0),
    ],
    ids=["timed out", "aborted", "told nothing", "refused", "failed", "a read"],
)
def test_a_call_that_told_nothing(fields: dict[str, Any], unpriced: int) -> None:
    price()
    call(**{"prompt_tokens": None, "output_tokens": None, **fields})

    assert spent().unpriced == costs.of_all([7]).unpriced == unpriced


def test_a_call_that_told_a_part_costs_at_least_that() -> None:
    price()
    call(prompt_tokens=None)

    assert str(spent()) == str(costs.of_all([7])) == "at least $0.0100, 1 call without a price"


def test_failed_calls_that_told_their_tokens_are_paid() -> None:
    price()
    call(outcome="content_truncated", truncated=True)

    assert spent() == Cost(Decimal("0.011"), 0, 1)


def test_a_site_is_asked_for_its_own_and_calls_of_no_site_are_in_the_whole() -> None:
    price()
    call(site=3)
    call(site=4)
    call(site=None)

    assert spent([3]).calls == 1
    assert spent([3, 4]).calls == 2
    assert spent().calls == 3
    assert costs.by_day(TODAY, []) == []


def test_by_day_and_model() -> None:
    price()
    price_of_pictures()
    call()
    call()
    picture()
    call(at=timezone.now())

    lines = [(line.key, line.model, line.prompt_tokens, line.images) for line in costs.by_day(TODAY - timedelta(5))]

    day = TODAY - timedelta(days=4)
    assert lines == [(day, "gpt", 2_000, 0), (day, "flux", 0, 1), (TODAY, "gpt", 1_000, 0)]
    assert costs.total(costs.by_day(TODAY)).calls == 1


def test_calls_are_summed_up_once_and_the_newest_are_left_for_later() -> None:
    old, new = call(), call(at=timezone.now() - timedelta(seconds=spending._SETTLED_SECONDS - 30))
    picture(work=None, site=None)

    spending.fold()
    spending.fold()

    assert old.at < SpendMark.objects.get().folded_to <= new.at
    of_all = {(row.site, row.model): row.billed for row in Spend.objects.all()}
    assert of_all == {(0, "gpt"): 1, (3, "gpt"): 1, (0, "flux"): 1}
    assert costs.total(costs.by_day(TODAY - timedelta(days=40))).calls == 3


def test_a_call_that_ended_after_the_last_time_is_added() -> None:
    call()
    spending.fold()
    SpendMark.objects.update(folded_to=datetime.combine(TODAY - timedelta(days=2), datetime.min.time(), UTC))
    call(at=timezone.now() - timedelta(days=1))
    call(at=timezone.now() - timedelta(days=1), prompt_tokens=5)

    spending.fold()

    assert sorted(Spend.objects.filter(site=0).values_list("billed", "prompt_tokens")) == [(1, 1_000), (2, 1_005)]


def test_it_stops_when_it_is_told_to_and_goes_on_there() -> None:
    price()
    for days in (30, 20, 10):
        call(at=timezone.now() - timedelta(days=days))
    asked = iter([True, True, True, False])

    spending.fold(lambda: next(asked))

    assert Spend.objects.filter(site=0).count() == 1
    assert spent() == Cost(Decimal("0.033"), 0, 3)
    assert Spend.objects.filter(site=0).count() == 3


def test_sums_of_single_sites_end_after_a_year_and_those_of_all_stay() -> None:
    call(at=timezone.now() - timedelta(days=401))
    call()
    spending.fold()

    spending.prune()

    assert Spend.objects.filter(site=0).count() == 2
    assert Spend.objects.filter(site=3).count() == 1


@pytest.mark.parametrize("change", ["UPDATE workers_price SET input_per_million = 9", "DELETE FROM workers_price"])
def test_a_price_is_never_changed(change: str) -> None:
    price()

    with pytest.raises(DatabaseError, match="prices are never changed"), transaction.atomic():
        connection.cursor().execute(change)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "$0.00"),
        ("0.00004", "under $0.0001"),
        ("0.0421", "$0.0421"),
        ("1.005", "$1.00"),
        ("12345.6", "$12,345.60"),
    ],
)
def test_dollars_in_words(amount: str, words: str) -> None:
    assert in_dollars(Decimal(amount)) == words


def test_a_day_is_one_of_utc() -> None:
    assert {line.key for line in costs.by_day(date(2026, 3, 1))} == set()
    call(at=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    call(at=datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC))

    assert [line.key for line in costs.by_day(date(2026, 3, 2))] == [date(2026, 3, 2)]
