"""monitoring.md, runbook.md and the alert rules name the alerts and metrics that there are, and no others."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from blogs.models import GenerationEvent
from blogs.operations.alerts import KINDS
from config.urls import urlpatterns
from tests.docs.pages import ROOT, code, headings, named, rows
from tests.support import factories
from tests.support.workers.counts import count_one_of_each


def test_monitoring_md_names_each_alert() -> None:
    documented = [(code(alert)[0], severity) for alert, severity, _ in rows("docs/monitoring.md", "Alerts")]

    assert sorted(documented) == sorted(KINDS)


def test_the_runbook_has_a_heading_for_each_alert() -> None:
    assert {name for name, _ in KINDS} <= set(headings("docs/runbook.md"))


def test_each_rule_names_an_alert_and_leads_to_its_heading() -> None:
    rules = [rule for rule in named("deploy/alerts.yml").split("- alert: ")[1:] if "alert_firing{" in rule]

    found = [
        re.findall(r'alert="(\w+)",severity="(\w+)".*?severity: (\w+).*?#(\w+)"', rule, re.DOTALL) for rule in rules
    ]

    assert sorted(found) == sorted([(name, severity, severity, name)] for name, severity in KINDS)


@pytest.mark.django_db
def test_monitoring_md_names_each_metric_with_its_labels(client: Client) -> None:
    factories.WorkerFactory.create(waiting={"openai": 1})
    count_one_of_each()
    documented = {code(metric)[0]: code(labels) for metric, labels, _ in rows("docs/monitoring.md", "Metrics")}

    page = client.get("/metrics").content.decode()

    assert set(documented) == set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", page, re.MULTILINE):
        family = name if name in documented else re.sub(r"_(bucket|sum|count)$", "", name)
        assert sorted(set(re.findall(r'(\w+)="', labels)) - {"le"}) == sorted(documented[family]), name


def test_monitoring_md_names_each_action_of_the_log() -> None:
    written = "".join(
        file.read_text() for room in ("config", "blogs", "wix", "workers") for file in (ROOT / room).rglob("*.py")
    )
    found = re.findall(
        r'"action"(?:: |\] = )"([a-z_]+)"(?: if .* else "([a-z_]+)")?|_about\(delivery, "([a-z_]+)"\)', written
    )

    documented = [name for row in rows("docs/monitoring.md", "Health") for name in code(row[0]) if "/" not in name]

    assert sorted(documented) == sorted(
        {*GenerationEvent.Kind.values, *(name for names in found for name in names if name)}
    )


def test_monitoring_md_names_addresses_that_there_are() -> None:
    served = {str(getattr(pattern, "pattern", "")).strip("^$").removesuffix("/?") for pattern in urlpatterns}

    first_cells = [code(row[0])[0] for row in rows("docs/monitoring.md", "Health")]
    documented = {address.strip("/") for address in first_cells if "/" in address}

    assert documented == {
        path for path in served if path.startswith("health") or path.endswith("stats") or path == "metrics"
    }
