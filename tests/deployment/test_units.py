"""The units of deploy/systemd, as systemd itself reads them. `make walk-deployment` starts them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from config import gunicorn

UNITS = Path(settings.BASE_DIR) / "deploy" / "systemd"
_ANALYZE = shutil.which("systemd-analyze")
# Of 10, where 10 is no protection at all.
_EXPOSURE_MAX = 2.0


def _text(name: str) -> str:
    return (UNITS / name).read_text()


def _seconds(unit: str, key: str) -> float:
    found = re.search(rf"^{key}=(\d+)$", _text(unit), re.MULTILINE)
    assert found, f"{unit} has no {key}"
    return float(found[1])


def test_a_worker_has_time_to_finish_what_runs() -> None:
    assert _seconds("blogs-worker@.service", "TimeoutStopSec") >= settings.BLOG_WORKER_DRAIN_SECONDS + 10


def test_under_pm2_each_has_that_time_too() -> None:
    text = (UNITS.parent / "ecosystem.config.js").read_text()
    web, worker = (int(found) / 1000 for found in re.findall(r"kill_timeout: (\d+)", text))

    assert worker >= settings.BLOG_WORKER_DRAIN_SECONDS + 10
    assert web >= gunicorn.graceful_timeout + 10


def test_the_web_processes_have_time_to_answer_what_they_took() -> None:
    assert _seconds("blogs-web.service", "TimeoutStopSec") >= gunicorn.graceful_timeout + 10


def test_each_timer_has_its_unit_and_each_unit_a_command_that_is_there() -> None:
    commands = {
        name: re.findall(r"manage\.py (\w+)", _text(name)) for name in os.listdir(UNITS) if name.endswith(".service")
    }
    run = {command for found in commands.values() for command in found}

    assert run == {"run_blog_worker", "prune_generations", "clearsessions"}
    assert run <= set(get_commands())
    assert {path.with_suffix(".service").name for path in UNITS.glob("*.timer")} <= set(commands)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are installed, of programs that can be started."""
    if not _ANALYZE:
        pytest.skip("systemd-analyze is not installed; on Debian: apt-get install --no-install-recommends systemd")
    programs = tmp_path / "current" / ".venv" / "bin"
    programs.mkdir(parents=True)
    shutil.copy("/bin/true", programs / "python")
    shutil.copytree(UNITS.parent, tmp_path / "current" / "deploy")
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for unit in folder.rglob("*.*"):
        if unit.is_file():
            unit.write_text(unit.read_text().replace("/opt/blogs/current", str(tmp_path / "current")))
    return folder


def _analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_COLORS": "0"}
    return subprocess.run([str(_ANALYZE), *arguments], capture_output=True, text=True, env=environment, timeout=60)


def test_systemd_finds_nothing_wrong_with_them(installed: Path) -> None:
    units = sorted(str(path).replace("@.", "@1.") for path in installed.iterdir() if path.is_file())
    for template in installed.glob("*@.service"):
        shutil.copy(template, str(template).replace("@.", "@1."))

    done = _analyze(installed, "verify", *units)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", [path.name for path in sorted(UNITS.glob("*.service"))])
def test_each_service_may_do_little_besides_its_work(installed: Path, unit: str) -> None:
    if _analyze(installed, "security", "--offline=true", "--help").returncode:
        pytest.skip("this systemd can't judge units that are not loaded; version 250 can")
    said = _analyze(installed, "security", "--offline=true", str(installed / unit)).stdout

    found = re.search(r"exposure level for \S+: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= _EXPOSURE_MAX
