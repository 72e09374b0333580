"""promtool reads deploy/alerts.yml and has each alert fire and clear."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from blogs.operations.alerts import KINDS

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "alerts.yml"
UP = 'up{job="blogs",instance="web"}'
FIRING = 'alert_firing{{alert="{}",severity="{}",job="blogs",instance="web"}}'


class Case(NamedTuple):
    """An alert's series while all is well, then for half an hour not, then well again; `_` is a scrape that brought nothing."""

    alert: str
    series: dict[str, str]
    fires_with: dict[str, str]
    """Its labels besides the alert's name."""


def _of_ours(alert: str, name: str, severity: str) -> Case:
    series = {FIRING.format(name, severity): "0x29 1x29 0x60", UP: "1x120"}
    return Case(alert, series, {"alert": name, "severity": severity, "job": "blogs", "instance": "web"})


def _rules() -> list[tuple[str, str, str]]:
    """Read alert, name and severity of each rule that names an alert of the service's own."""
    return re.findall(
        r'- alert: (\w+)\n +expr: alert_firing\{alert="(\w+)",severity="(\w+)"\} == 1\n', RULES.read_text()
    )


WELL = FIRING.format("slow", "warning")
OF_SILENCE = [
    Case(
        "BlogsDown", {UP: "1x29 0x29 1x60", WELL: "0x120"}, {"severity": "critical", "job": "blogs", "instance": "web"}
    ),
    Case("BlogsNotScraped", {UP: "1x29 _x29 1x60", WELL: "0x120"}, {"severity": "critical", "job": "blogs"}),
    Case("BlogsAlertsMissing", {UP: "1x120", WELL: "0x29 _x29 0x60"}, {"severity": "critical"}),
    Case(
        "BlogWorkersMissing",
        {'workers_alive{job="blogs",instance="web"}': "2x29 0x29 1x60", UP: "1x120", WELL: "0x120"},
        {"severity": "warning", "job": "blogs", "instance": "web"},
    ),
    Case(
        "BlogsServerErrors",
        {
            'http_requests_total{route="credits",method="GET",status="500",job="blogs",instance="web"}': "0x29 0+6x29 174x60",
            UP: "1x120",
            WELL: "0x120",
        },
        {"severity": "warning"},
    ),
]
CASES = [*(_of_ours(*rule) for rule in _rules()), *OF_SILENCE]


def _annotations(alert: str) -> dict[str, str]:
    found = re.search(
        rf'- alert: {alert}\n(?:.*\n)*? +annotations: \{{runbook_url: "(.*?)", summary: "(.*?)"\}}', RULES.read_text()
    )
    assert found, alert
    return {"runbook_url": found[1], "summary": found[2]}


def _test_of(case: Case) -> dict[str, Any]:
    fired = {"exp_labels": case.fires_with, "exp_annotations": _annotations(case.alert)}
    moments = {"25m": [], "55m": [fired], "118m": []}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": case.alert, "exp_alerts": expected} for at, expected in moments.items()
        ],
    }


def test_promtool_reads_the_rules(promtool: str) -> None:
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True)


def test_each_rule_has_a_case() -> None:
    assert sorted(re.findall(r"- alert: (\w+)", RULES.read_text())) == sorted(case.alert for case in CASES)
    assert [(name, severity) for _, name, severity in _rules()] == list(KINDS)
    assert len(CASES) >= 10


@pytest.mark.parametrize("case", CASES, ids=[case.alert for case in CASES])
def test_each_alert_fires_and_clears(promtool: str, case: Case, tmp_path: Path) -> None:
    written = tmp_path / "test.json"  # JSON is YAML too
    content = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [_test_of(case)]}
    written.write_text(json.dumps(content))

    ran = subprocess.run([promtool, "test", "rules", str(written)], capture_output=True, text=True)

    assert ran.returncode == 0, ran.stdout + ran.stderr
