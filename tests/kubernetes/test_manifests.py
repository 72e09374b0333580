"""deploy/kubernetes, built by kubectl's kustomize and judged by Kubernetes' own schemas and KEDA's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bench import venv
from tests.support.source_code import ROOT

_FOLDER = ROOT / "deploy" / "kubernetes"
_OVERLAYS = ["production", "standins"]
_LOCKED = ROOT / "tests" / "containers" / "requirements.txt"
# A model of KEDA's takes fields that it does not know, and forgets them.
_READ = """
import json, sys, yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
documents = list(yaml.safe_load_all(sys.stdin))
for each in documents:
    if each["kind"] == "ScaledObject":
        understood = ScaledObject.model_validate(each).model_dump(mode="json", by_alias=True, exclude_none=True)
        assert understood == each, (understood, each)
print(json.dumps(documents))
"""

pytestmark = [pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is missing"), pytest.mark.slow_process]


@pytest.fixture(scope="module")
def python() -> str:
    try:
        return venv.interpreter("containers", _LOCKED)
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip(f"the validators can't be installed here: {error}")


@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_all_is_as_kubernetes_and_keda_want_it(overlay: str, python: str, tmp_path: Path) -> None:
    built = tmp_path / f"{overlay}.yaml"
    built.write_text(_built(overlay))

    judged = subprocess.run(
        [Path(python).with_name("kubernetes-validate"), "--strict", built], capture_output=True, text=True, check=False
    )

    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert all("ScaledObject" in line for line in judged.stdout.splitlines() if not line.startswith("INFO"))
    assert _documents(overlay, python)


@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_no_pod_is_more_than_it_must_be(overlay: str, python: str) -> None:
    for name, pod in _pods(overlay, python).items():
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"}), name
        assert pod["automountServiceAccountToken"] is False, name
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert {"requests", "limits"} <= container["resources"].keys(), name


def test_the_job_of_migrations_has_the_name_of_its_release(python: str) -> None:
    documents = _documents("production", python)

    (job,) = [each for each in documents if each["kind"] == "Job"]
    tag = job["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]

    assert job["metadata"]["name"] == f"migrate-{tag}"


def test_new_pods_wait_for_the_migrations_of_their_own_image(python: str) -> None:
    pods = _pods("production", python)

    for name in ("web", "events", "worker"):
        (wait,) = pods[name]["initContainers"]
        assert "migrate --check" in wait["command"][-1]
        assert wait["image"] == pods[name]["containers"][0]["image"]


def test_migrations_go_past_pgbouncer(python: str) -> None:
    (migrate,) = _pods("production", python)["migrate-0.1.0"]["containers"]

    urls = [each["value"] for each in migrate["env"] if each["name"] == "DATABASE_URL_FILE"]

    assert urls == ["/run/secrets/blogs/database_direct_url"]


def test_who_scales_the_workers_is_one_alone(python: str) -> None:
    documents = _documents("production", python)

    (scaled,) = [each for each in documents if each["kind"] in ("ScaledObject", "HorizontalPodAutoscaler")]
    (worker,) = [each for each in documents if each["kind"] == "Deployment" and each["metadata"]["name"] == "worker"]

    assert scaled["spec"]["scaleTargetRef"]["name"] == "worker"
    assert "replicas" not in worker["spec"]


def test_the_variant_without_keda_is_valid_too(python: str, tmp_path: Path) -> None:
    shutil.copytree(_FOLDER, tmp_path / "kubernetes")
    overlay = tmp_path / "kubernetes" / "overlays" / "production" / "kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("components/keda ", "components/hpa "))
    built = tmp_path / "built.yaml"
    built.write_text(_kustomized(overlay.parent))

    judged = subprocess.run(
        [Path(python).with_name("kubernetes-validate"), "--strict", "--quiet", built],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "kind: HorizontalPodAutoscaler" in built.read_text()
    assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")


def test_strangers_reach_nothing_that_is_for_operators(python: str) -> None:
    documents = _documents("production", python)

    services = {each["metadata"]["name"] for each in documents if each["kind"] == "Service"}
    leads = _leads(documents)
    (settings,) = [each["data"] for each in documents if each["kind"] == "ConfigMap"]

    for path in ("/metrics", "/metrics/", "/health", "/health/", "/health/workers", "/health/workers/"):
        assert leads(path) not in services, path
    assert leads("/health/live") == "web"
    assert settings["OPERATIONS_TOKEN_FILE"].startswith("/run/secrets/blogs/")
    assert "OPERATIONS_NETWORKS" not in settings


def test_live_events_are_led_to_their_own_process_unbuffered_and_nothing_else_is(python: str) -> None:
    documents = _documents("production", python)
    leads = _leads(documents)
    ingresses = {
        each["metadata"]["name"]: each["metadata"]["annotations"] for each in documents if each["kind"] == "Ingress"
    }
    (lets_in,) = [
        each for each in documents if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "events"
    ]
    (container,) = _pods("production", python)["events"]["containers"]

    for path in ("/api/events", "/api/events/", "/api/blog-generation/61/events", "/api/blog-generation/61/events/"):
        assert leads(path) == "events", path
    for path in (
        "/",
        "/api/eventsource",
        "/api/blog-generation/61",
        "/api/blog-generation",
        "/wix/webhooks",
        "/admin/",
    ):
        assert leads(path) == "web", path
    assert ingresses["events"]["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    (port,) = [each["containerPort"] for each in container["ports"]]
    assert {each["name"]: each.get("value") for each in container["env"]}["LIVE_EVENTS_BIND"] == f"0.0.0.0:{port}"
    assert [each["port"] for rule in lets_in["spec"]["ingress"] for each in rule["ports"]] == [port]


def test_our_pods_reach_the_stand_ins_and_their_postgresql(python: str) -> None:
    policies = [each["spec"] for each in _documents("standins", python) if each["kind"] == "NetworkPolicy"]

    lets_in = {
        (policy["podSelector"]["matchLabels"]["app.kubernetes.io/name"], rule["ports"][0]["port"])
        for policy in policies
        for rule in policy.get("ingress", [])
        if rule["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "blog-generation"}}}]
    }

    assert lets_in == {("postgres", 5432), ("standins", 8080)}


def _leads(documents: list[dict[str, Any]]) -> Callable[[str], str]:
    """Return what tells to which Service a path leads: as ingress-nginx does it, by the longest expression that fits."""
    ingresses = [each for each in documents if each["kind"] == "Ingress"]
    assert {each["metadata"]["annotations"]["nginx.ingress.kubernetes.io/use-regex"] for each in ingresses} == {"true"}
    paths = [path for each in ingresses for rule in each["spec"]["rules"] for path in rule["http"]["paths"]]
    paths.sort(key=lambda each: len(each["path"]), reverse=True)

    def leads(asked: str) -> str:
        fits = next(each for each in paths if re.match(each["path"], asked, re.IGNORECASE))
        name: str = fits["backend"]["service"]["name"]
        return name

    return leads


def _pods(overlay: str, python: str) -> dict[str, dict[str, Any]]:
    """Each pod's specification by the name of what makes it."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in _documents(overlay, python)
        if "template" in each.get("spec", {})
    }


def _documents(overlay: str, python: str) -> list[dict[str, Any]]:
    command = [python, "-c", _READ]
    read = subprocess.run(command, input=_built(overlay), capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    documents: list[dict[str, Any]] = json.loads(read.stdout)
    return documents


def _built(overlay: str) -> str:
    return _kustomized(_FOLDER / "overlays" / overlay)


def _kustomized(folder: Path) -> str:
    built = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return built.stdout
