"""`make containers`: builds the images, runs compose.yaml with three workers on stand-ins, and takes two of them away.

Every blog must be DONE once, and every container locked down as docs/containers.md says. It prints one JSON object as its last
line, and exits with 1 if a promise was broken. Where there is no engine and none can be started, it says so and exits with 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from config.processes import stop_on_signals
from tests.bench import venv
from tests.containers import images
from tests.containers.engine import Engine, Failed, running, what_is_missing
from tests.containers.service import IMAGES, RELEASE, Service, files_are_valid, service_of

_BLOGS, _WORKERS = 20, 3
_MB = 1_000_000
_SIZE_MAX_MB = 250
_DONE_SECONDS = 120
_REVISION = "0" * 40
_OURS = {"migrate", "web", "events", "worker", "demo", "standins"}
_ONE_SHOT = {"migrate", "demo"}


def main() -> int:
    stop_on_signals()
    if missing := what_is_missing():
        print(f"No containers are run here: {missing}.")
        return 0
    began = time.monotonic()
    told: dict[str, Any] = {"blogs": _BLOGS, "workers": _WORKERS}
    try:
        tools = _tools()
        files_are_valid(tools / "docker-compose", tools / "hadolint")
        with running() as engine:
            told |= _built(engine)
            with _service(engine, tools / "docker-compose") as service:
                told |= _observed(service)
    except (Failed, subprocess.SubprocessError, OSError) as error:
        print(f"broken: {error}", file=sys.stderr)
        return 1
    print(json.dumps({**told, "seconds": round(time.monotonic() - began)}))
    broken = [promise for promise, kept in _promises(told).items() if not kept]
    for promise in broken:
        print(f"broken: {promise}", file=sys.stderr)
    return 1 if broken else 0


def _tools() -> Path:
    """Where Compose and hadolint are; installed on first use."""
    return Path(venv.interpreter("containers", Path(__file__).with_name("requirements.txt"))).parent


def _built(engine: Engine) -> dict[str, Any]:
    began = time.monotonic()
    print("Building the images …", flush=True)
    images.build(engine, IMAGES, RELEASE=RELEASE, REVISION=_REVISION)
    (product,) = json.loads(engine.docker("image", "inspect", IMAGES["product"]))
    config = product["Config"]
    return {
        "image_mb": round(product["Size"] / _MB),
        "user": config["User"],
        "labels_ok": config["Labels"].get("org.opencontainers.image.version") == RELEASE
        and config["Labels"].get("org.opencontainers.image.revision") == _REVISION,
        "health_check": "Healthcheck" in config,
        "build_s": round(time.monotonic() - began),
    }


@contextmanager
def _service(engine: Engine, compose: Path) -> Iterator[Service]:
    service = Service(engine, compose, _BLOGS)
    try:
        yield service
    finally:
        service.down()


def _observed(service: Service) -> dict[str, Any]:
    began = time.monotonic()
    print(f"Starting the service with {_WORKERS} workers …", flush=True)
    try:
        service.up(_WORKERS)
    except Failed:
        print(service.compose("ps", "--all"), service.compose("logs", "--no-color", "--tail", "20"), sep="\n")
        raise
    up_seconds = round(time.monotonic() - began)
    before = service.containers()
    told = {"up_s": up_seconds, **_locked_down(service, before), **_started(before)}
    _wait(lambda: _in_flight(service) >= _BLOGS // 2, "half of the blogs run")
    running_at, used = _running_at(service), service.memory()
    print(f"Taking {_WORKERS - 1} workers away from {sum(running_at.values())} blogs …", flush=True)
    began = time.monotonic()
    service.scale(1)
    drained = round(time.monotonic() - began)
    kept = {each["Config"]["Hostname"] for each in service.containers() if service_of(each) == "worker"}
    _wait(lambda: not _is_running(service, "demo"), "the demo ends")
    print(service.log("demo"), end="", flush=True)
    _wait(service.is_scraped, "Prometheus reads the product's metrics")
    answers = requests.get(f"http://127.0.0.1:{service.port}/health", timeout=10)
    return {
        **told,
        "memory_mb": used,
        "in_flight_at_those_that_left": sum(count for host, count in running_at.items() if host not in kept),
        "drain_s": drained,
        **_outcome(service),
        "health": answers.json().get("status"),
        "workers_alive": answers.json()["workers"]["alive"],
    }


def _locked_down(service: Service, containers: list[dict[str, Any]]) -> dict[str, Any]:
    """What holds for every container, by the engine and by trying it."""
    hosts = [each["HostConfig"] for each in containers]
    users = {each["Config"]["User"] for each in containers if service_of(each) in _OURS}
    return {
        "users": sorted(users),
        "read_only": all(host["ReadonlyRootfs"] for host in hosts) and not _can_write(service),
        "capabilities_dropped": all(host["CapDrop"] == ["ALL"] for host in hosts),
        "no_new_privileges": all("no-new-privileges:true" in host["SecurityOpt"] for host in hosts),
        "bounded": all(host["Memory"] and host["LogConfig"]["Config"].get("max-size") for host in hosts),
        "uid": service.compose("exec", "-T", "worker", "id", "-u").strip(),
    }


def _can_write(service: Service) -> bool:
    try:
        service.compose("exec", "-T", "web", "touch", "/app/config/here")
    except Failed:
        return False
    return True


def _started(containers: list[dict[str, Any]]) -> dict[str, Any]:
    states = [(service_of(each), each["State"]) for each in containers]
    migrated_at = next(state["FinishedAt"] for name, state in states if name == "migrate")
    served_at = min(state["StartedAt"] for name, state in states if name in ("web", "worker"))
    return {
        # Times of one engine, in UTC with equally many digits up to the second.
        "migrated_first": migrated_at[:19] <= served_at[:19],
        "healthy": all(
            state["Health"]["Status"] == "healthy" for name, state in states if name not in _ONE_SHOT
        ),
    }  # fmt: skip


def _outcome(service: Service) -> dict[str, Any]:
    statuses = {
        status: int(count) for status, count in service.sql("SELECT status, count(*) FROM blog_generations GROUP BY 1")
    }
    kinds = {
        kind: int(count) for kind, count in service.sql("SELECT kind, count(*) FROM blogs_generationevent GROUP BY 1")
    }
    demo = next(each for each in service.containers() if service_of(each) == "demo")
    return {
        "done": statuses.get("DONE", 0),
        "failed": statuses.get("FAILED", 0),
        "handed_back": kinds.get("handed_back", 0),
        # A worker that was killed before it had drained leaves its row and its leases.
        "rescued": kinds.get("rescued", 0),
        "lost_workers": int(service.sql("SELECT count(*) FROM workers_workerprocess")[0][0]) - 1,
        # Drafts, captures and limits, by what the stand-ins remember.
        "demo_ok": demo["State"]["ExitCode"] == 0,
        "ledger_ok": "exact" in service.compose("exec", "-T", "web", "python", "manage.py", "check_ledger"),
    }


def _promises(told: dict[str, Any]) -> dict[str, bool]:
    return {
        f"the image is smaller than {_SIZE_MAX_MB} MB": told["image_mb"] < _SIZE_MAX_MB,
        "the image has its labels and a health check": told["labels_ok"] and told["health_check"],
        "it runs as user 10001": told["user"] == "10001:10001" and told["uid"] == "10001",
        "no container is more than it must be": all(
            told[what] for what in ("read_only", "capabilities_dropped", "no_new_privileges", "bounded")
        ),
        "migrations ran before the service": told["migrated_first"],
        "all were healthy": told["healthy"] and told["health"] == "ok",
        "every blog is DONE, with one draft and one capture": told["done"] == _BLOGS and told["demo_ok"],
        "the ledger is exact": told["ledger_ok"],
        "workers with blogs were taken away": told["in_flight_at_those_that_left"] > 0,
        "the workers that were taken away drained": not told["rescued"]
        and not told["lost_workers"]
        and told["workers_alive"] == 1,
    }


def _in_flight(service: Service) -> int:
    return sum(_running_at(service).values())


def _running_at(service: Service) -> dict[str, int]:
    """Blogs in flight, by the host name of their worker's container."""
    query = "SELECT split_part(w.name, ':', 1), count(*) FROM blog_generations b JOIN workers_workerprocess w ON w.id = b.worker_id"
    return {host: int(count) for host, count in service.sql(f"{query} WHERE b.status = 'PROCESSING' GROUP BY 1")}


def _is_running(service: Service, name: str) -> bool:
    return any(each["State"]["Running"] for each in service.containers() if service_of(each) == name)


def _wait(until: Any, what: str) -> None:
    ends_at = time.monotonic() + _DONE_SECONDS
    while not until():
        if time.monotonic() > ends_at:
            raise Failed(f"It did not happen that {what}, within {_DONE_SECONDS} seconds.")
        time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
