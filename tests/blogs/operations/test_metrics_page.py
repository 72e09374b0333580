"""`GET /metrics`, and the alert rules in `deploy/alerts.yml`, which must name only what is there."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from blogs.models import SiteLine
from blogs.operations import metrics
from blogs.operations.alerts import KINDS
from tests.support import factories
from tests.support.workers.counts import count_one_of_each
from workers import limits
from workers.context.process_memory import forget_everything
from workers.limits import Limit
from workers.models import WorkerProcess

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
RULES = (ROOT / "deploy" / "alerts.yml").read_text()
METRICS = {
    "blogs_build_info": ("gauge", {"release", "python", "django"}),
    "blogs_ready": ("gauge", set()),
    "blogs_ready_limit": ("gauge", set()),
    "blogs_delayed": ("gauge", set()),
    "blogs_processing": ("gauge", set()),
    "blogs_oldest_waiting_seconds": ("gauge", set()),
    "blogs_done_last_minute": ("gauge", set()),
    "blogs_failed_last_minute": ("gauge", set()),
    "workers_alive": ("gauge", set()),
    "workers_seats": ("gauge", set()),
    "workers_in_flight": ("gauge", set()),
    "workers_wanted": ("gauge", set()),
    "workers_broken": ("gauge", set()),
    "workers_threads_waiting": ("gauge", {"provider"}),
    "rate_limit_requests_per_minute": ("gauge", {"provider", "model"}),
    "rate_limit_requests_last_minute": ("gauge", {"provider", "model"}),
    "rate_limit_tokens_per_minute": ("gauge", {"provider", "model"}),
    "rate_limit_tokens_last_minute": ("gauge", {"provider", "model"}),
    "rate_limit_tokens_used_last_minute": ("gauge", {"provider", "model"}),
    "rate_limit_next_free_seconds": ("gauge", {"provider", "model"}),
    "rate_limit_rejections_total": ("counter", {"provider", "model"}),
    "rate_limit_blocked": ("gauge", {"provider", "model"}),
    "shops_connected": ("gauge", set()),
    "shops_waiting": ("gauge", set()),
    "shops_paused": ("gauge", set()),
    "shops_largest_share": ("gauge", set()),
    "credits_held": ("gauge", set()),
    "credits_free": ("gauge", set()),
    "blogs_events_total": ("counter", {"event", "code"}),
    "provider_calls_total": ("counter", {"provider", "operation", "outcome"}),
    "provider_tokens_total": ("counter", {"call", "tokens"}),
    "article_findings_total": ("counter", {"check", "level"}),
    "http_requests_total": ("counter", {"route", "method", "status"}),
    "webhooks_received_total": ("counter", {"outcome"}),
    "webhooks_handled_total": ("counter", {"outcome"}),
    "webhooks_sent_total": ("counter", {"outcome"}),
    "blogs_estimates_total": ("counter", {"what", "outcome"}),
    "blogs_stage_seconds": ("histogram", {"stage", "outcome"}),
    "provider_call_seconds": ("histogram", {"provider", "operation"}),
    "blogs_estimate_error_ratio": ("histogram", {"what"}),
    "http_request_seconds": ("histogram", {"route"}),
    "live_events_listeners": ("gauge", set()),
    "webhooks_waiting": ("gauge", set()),
    "webhooks_late_seconds": ("gauge", set()),
    "alert_firing": ("gauge", {"alert", "severity"}),
}
SAMPLE = re.compile(r"^([a-z_][a-z0-9_]*)((?:\{[^{}]*\})?) (-?[0-9.e+-]+)$")


def scrape(client: Client) -> dict[str, float]:
    """Read each sample by its name with labels; every line must be one, or a comment."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for line in response.content.decode().splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            found = SAMPLE.match(line)
            assert found, line
            assert found[1] + found[2] not in samples
            samples[found[1] + found[2]] = float(found[3])
    return samples


def test_prometheus_reads_each_metric_with_its_type_and_labels(client: Client) -> None:
    factories.WorkerFactory.create(waiting={"openai:gpt": 3})
    count_one_of_each()

    text = client.get("/metrics").content.decode()

    families = list(text_string_to_metric_families(text))
    found = {
        sample.name.removesuffix("_bucket"): (family.type, set(sample.labels) - {"le"})
        for family in families
        for sample in family.samples
        if family.type != "histogram" or sample.name.endswith("_bucket")
    }
    assert found == METRICS
    assert all(family.documentation for family in families)
    # What is declared is what is there, under the same name; a `_created` beside the counter would be one more.
    assert re.findall(r"^# TYPE (\w+) (\w+)", text, flags=re.MULTILINE) == [
        (name, kind) for name, (kind, _) in METRICS.items()
    ]


def test_queue_and_workers_are_numbers(client: Client) -> None:
    shop = factories.site()
    factories.done_generation(shop)
    factories.failed_generation(shop)
    factories.processing_generation(shop)
    factories.pending_generation(shop)
    factories.WorkerFactory.create(threads=20, in_flight=7, waiting={"openai:gpt": 3, "wix:a-site": 1})
    forget_everything()

    samples = scrape(client)

    names = ["ready", "processing", "delayed", "done_last_minute", "failed_last_minute", "ready_limit"]
    assert [samples[f"blogs_{name}"] for name in names] == [1, 1, 0, 1, 1, 10_000]
    assert samples["workers_in_flight"] == 7
    assert samples['workers_threads_waiting{provider="openai"}'] == 3
    assert samples['workers_threads_waiting{provider="wix"}'] == 1


def test_workers_are_wanted_for_what_can_start_and_not_for_what_a_leaving_worker_has(client: Client) -> None:
    shop, paused = factories.site(credits=10_000), factories.site(credits=10_000)
    leaving = factories.WorkerFactory.create(threads=1, in_flight=2, stopping=True, fed=50.0)
    factories.processing_generation(shop, leaving)
    factories.processing_generation(shop, leaving)
    for _ in range(7):
        factories.pending_generation(shop)
        factories.pending_generation(paused)
    SiteLine.objects.filter(site=paused).update(paused=True)

    def wanted() -> float:
        forget_everything()
        return scrape(client)["workers_wanted"]

    assert wanted() == 1  # seven blogs, by the setting's 50 threads
    factories.WorkerFactory.create(threads=2, fed=6.5)
    factories.WorkerFactory.create(threads=2, fed=1.0)
    assert wanted() == 4  # limits for 6.5 blogs, by what the oldest that stays has measured
    WorkerProcess.objects.filter(fed=6.5).update(fed=None)
    assert wanted() == 4  # no limit measured: the seven blogs


def test_shops_are_numbers_of_all_together(client: Client) -> None:
    small, large, paused = (factories.site(credits=100) for _ in range(3))
    for site in (small, large, large, large, paused):
        factories.pending_generation(site)
    SiteLine.objects.filter(site=paused).update(paused=True)

    samples = scrape(client)

    assert [samples[f"shops_{name}"] for name in ("connected", "waiting", "paused", "largest_share")] == [3, 2, 1, 0.75]
    assert (samples["credits_held"], samples["credits_free"]) == (125, 175)


def test_each_shared_limit_is_described(client: Client) -> None:
    openai, replicate = Limit("openai", model="gpt-4.1-mini"), Limit("replicate")
    limits.settle(limits.acquire(openai, tokens=3_000), 2_200)
    limits.block(replicate, 30)

    samples = scrape(client)

    of_openai, of_replicate = '{model="gpt-4.1-mini",provider="openai"}', '{model="",provider="replicate"}'
    for name, value in {
        "requests_per_minute": 450,
        "requests_last_minute": 1,
        "tokens_per_minute": 450_000,
        "tokens_last_minute": 3_000,
        "tokens_used_last_minute": 2_200,
        "rejections_total": 0,
        "blocked": 0,
    }.items():
        assert samples[f"rate_limit_{name}{of_openai}"] == value, name
    assert samples[f"rate_limit_rejections_total{of_replicate}"] == 1
    assert samples[f"rate_limit_blocked{of_replicate}"] == 1
    assert 25 < samples[f"rate_limit_next_free_seconds{of_replicate}"] <= 30
    assert f"rate_limit_tokens_per_minute{of_replicate}" not in samples


def test_an_alert_is_there_whether_it_fires_or_not(client: Client) -> None:
    factories.pending_generation()
    forget_everything()

    samples = scrape(client)

    alerts = {name: value for name, value in samples.items() if name.startswith("alert_firing")}
    assert len(alerts) == len(KINDS)
    assert [name for name, value in alerts.items() if value] == [
        'alert_firing{alert="nobody_works",severity="critical"}'
    ]


def test_no_sites_data_is_shown_to_strangers(client: Client) -> None:
    site = factories.site(name="Secret Scarves", instance_id=uuid.uuid4())
    factories.pending_generation(site, source_id="secret silk")
    factories.WorkerFactory.create(waiting={f"wix:{site.instance_id}": 3})
    limits.acquire(Limit("wix", key=str(site.instance_id)))

    shown = client.get("/metrics").content.decode()

    assert not [secret for secret in ("Scarves", "silk", str(site.instance_id)) if secret in shown]


def test_it_is_never_cached_only_read_and_needs_no_token(client: Client) -> None:
    assert "no-store" in client.get("/metrics/", headers={"authorization": "Bearer nonsense"})["Cache-Control"]
    assert client.post("/metrics").status_code == 405


def test_labels_are_escaped_and_large_numbers_whole() -> None:
    limit = {"provider": 'a"b\\c\nd', "model": "", "rejections": 123_456_789_012, "nextFreeInSeconds": 0.25}
    described = {**limit, "requests": {"limit": 1, "usedLast60Seconds": 0}, "blockedUntil": None}
    text = generate_latest(SimpleNamespace(collect=lambda: metrics.of_limits([described]))).decode()

    assert 'provider="a\\"b\\\\c\\nd"' in text
    samples = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert samples["rate_limit_rejections_total"].value == 123_456_789_012
    assert samples["rate_limit_next_free_seconds"].value == 0.25
    assert samples["rate_limit_rejections_total"].labels == {"provider": limit["provider"], "model": ""}


def test_every_metric_that_a_rule_names_is_there(client: Client) -> None:
    expressions = re.findall(r"^ +expr: (.+)$", RULES, flags=re.MULTILINE)
    assert len(expressions) == RULES.count("- alert:")
    series = {it for text in expressions for it in re.findall(r"alert_firing\{[^}]*\}", text)}
    names = {it for text in expressions for it in re.findall(r"\b([a-z]+_[a-z_]+|up)\b(?=\{| [=><]|\))", text)}

    assert series
    assert series <= scrape(client).keys()
    # A series of Prometheus' own: whether the last scrape succeeded.
    assert names - {"up"} <= METRICS.keys()
    assert names >= {"up", "alert_firing", "workers_alive", "http_requests_total"}


def test_every_alert_has_a_rule_of_its_severity() -> None:
    rules = re.findall(
        r'expr: alert_firing\{alert="(\w+)",severity="(\w+)"\} == 1\n(?: +for: \w+\n)? +labels: \{severity: (\w+)\}',
        RULES,
    )

    assert [(name, severity) for name, severity, _ in rules] == list(KINDS)
    assert all(severity == labelled for _, severity, labelled in rules)


def test_the_operators_page_names_every_metric(client: Client) -> None:
    documented = set(re.findall(r"`([a-z_]+)[`{]", (ROOT / "docs" / "monitoring.md").read_text()))

    kinds = re.findall(r"^# TYPE (\w+)", client.get("/metrics").content.decode(), flags=re.MULTILINE)

    assert set(kinds) <= documented
