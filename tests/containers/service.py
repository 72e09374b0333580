"""The service as compose.yaml runs it: started, asked, scaled, stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.containers.engine import Engine, run
from tests.containers.images import ROOT
from tests.support.world import free_port

_UP_SECONDS = 180
RELEASE = "1.2.3-containers"
IMAGE = "blog-generation-check"
IMAGES = {"product": f"{IMAGE}:{RELEASE}"} | {
    target: f"{IMAGE}-{target}:{RELEASE}" for target in ("standins", "pgbouncer")
}


class Service:
    """The demo's installation, under a name and at ports of its own."""

    def __init__(self, engine: Engine, compose: Path, blogs: int) -> None:
        self._engine = engine
        self._compose = [str(compose), "--project-name", "blogs-check", "--profile", "standins"]
        self.port, prometheus = free_port(), free_port()
        self._environment = {
            **engine.environment(),
            "COMPOSE_PROGRESS": "quiet",
            "IMAGE": IMAGE,
            "RELEASE": RELEASE,
            "DEMO_BLOGS": str(blogs),
            "PUBLISH": f"127.0.0.1:{self.port}",
            "PUBLISH_PROMETHEUS": f"127.0.0.1:{prometheus}",
        }

    def compose(self, *arguments: str, seconds: float = 60) -> str:
        """Run one command of Compose's. Raises Failed."""
        return run(*self._compose, *arguments, seconds=seconds, environment=self._environment)

    def up(self, workers: int) -> None:
        how = ["--detach", "--wait", "--no-build", "--pull", "never"]
        self.compose("up", *how, "--scale", f"worker={workers}", seconds=_UP_SECONDS)

    def scale(self, workers: int) -> None:
        """Start or remove workers; those that are removed have the time that compose.yaml gives them."""
        self.compose(
            "up", "--detach", "--no-recreate", "--no-deps", "--no-build", "--scale", f"worker={workers}", "worker",
            seconds=_UP_SECONDS,
        )  # fmt: skip

    def down(self) -> None:
        self.compose("down", "--volumes", "--timeout", "5", seconds=_UP_SECONDS)

    def containers(self) -> list[dict[str, Any]]:
        """What the engine says of each."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found: list[dict[str, Any]] = json.loads(self._engine.docker("inspect", *ids))
        return found

    def sql(self, query: str) -> list[list[str]]:
        """The rows of a query, each a list of texts."""
        command = ["psql", "--username=blogs", "--dbname=blogs", "--tuples-only", "--no-align", "--command", query]
        return [line.split("|") for line in self.compose("exec", "-T", "postgres", *command).splitlines() if line]

    def log(self, service: str) -> str:
        return self.compose("logs", "--no-color", "--no-log-prefix", service)

    def is_scraped(self) -> bool:
        """Whether Prometheus has read the product's metrics."""
        query = ["promtool", "query", "instant", "http://127.0.0.1:9090", 'up{job="blogs"}']
        return " => 1 @" in self.compose("exec", "-T", "prometheus", *query)

    def memory(self) -> dict[str, float]:
        """MiB in use, by the service's name; of several containers the largest."""
        ids = {each["Id"]: service_of(each) for each in self.containers() if each["State"]["Running"]}
        told = self._engine.docker("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.MemUsage}}", *ids)
        used: dict[str, float] = {}
        for line in told.splitlines():
            found = re.match(r"(\w+) ([\d.]+)(\w+)", line)
            assert found, line
            size = float(found[2]) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[found[3]]
            name = ids[found[1]]
            used[name] = max(used.get(name, 0), round(size, 1))
        return used


def service_of(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def files_are_valid(compose: Path, hadolint: Path) -> None:
    """Ask Compose and hadolint whether they find anything in our files. Raises Failed."""
    for profile in ([], ["--profile", "standins"]):
        run(compose, "--project-directory", ROOT, *profile, "config", "--quiet")
    run(hadolint, "--failure-threshold", "info", ROOT / "Dockerfile")
