"""`make walk-docs`: starts the demo, and pastes the commands of README and docs that need it or change nothing.

A command passes if it exits with 0, and answers with the status line and the names of fields that the page shows. Each page has a
shell of its own. What can't be pasted (it has an ellipsis), would not end, or changes this checkout is named and left out.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.processes import stop_on_signals
from tests.docs.pages import PAGES, ROOT, Command, commands

_DEMO_SECONDS, _PAGE_SECONDS = 150, 120
_ADDRESS, _EVENTS_ADDRESS = "http://localhost:3000", "http://localhost:3001"
_LEFT_OUT = {
    r"…": "has an ellipsis",
    r"^(make|pip|gunicorn|export|docker|git|kubectl) ": "is no matter of the demo",
    r"run_blog_worker|createsuperuser": "would not end",
    r"^(deploy/|cp |systemctl )|after_restore": "is of a production machine",
    r">> \.env$|^sed -i": "changes this checkout",
    r"^grep|--archive": "needs a file of production",
}
# Pasted into a bare Debian, by `make walk-deployment`.
_ELSEWHERE = {"deployment.md"}
# Where a page shows the whole answer, its status is compared; else a refusal must be an error.
_PRELUDE = """
. ./.local/demo.env
curl() { case " $* " in *" -i "*) command curl -s "$@";; *) command curl --fail-with-body -sS "$@";; esac; }
"""


def main() -> int:
    stop_on_signals()
    if not shutil.which("curl"):
        print("curl is missing: the commands are not walked.")
        return 0
    pages = [page for page in PAGES if page.name not in _ELSEWHERE]
    with _demo() as (url, events_url):
        walked = ((page, problem) for page in pages for problem in _walked(page, url, events_url))
        failed = [f"{page.relative_to(ROOT)}: {problem}" for page, problem in walked]
    for problem in failed:
        print(f"✗ {problem}")
    print("failed" if failed else "All of them work.")
    return 1 if failed else 0


@contextmanager
def _demo() -> Iterator[tuple[str, str]]:
    """The demo as `make demo` starts it, when it serves; its address, and that of its live events."""
    log = ROOT / ".local" / "walk-docs.txt"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        demo = subprocess.Popen([sys.executable, "-m", "tests.demo"], cwd=ROOT, stdout=output, stderr=output)
    try:
        give_up_at = time.monotonic() + _DEMO_SECONDS
        while "Ctrl-C" not in log.read_text():
            if demo.poll() is not None or time.monotonic() > give_up_at:
                sys.exit(f"The demo did not come up:\n{log.read_text()}")
            time.sleep(0.5)
        yield _told(log, "Admin"), _told(log, "Events")
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def _told(log: Path, what: str) -> str:
    """Find an address that the demo has printed; another program may have its usual port."""
    found = re.search(rf"{what} +(http://localhost:\d+)/", log.read_text())
    assert found
    return found[1]


def _walked(page: Path, url: str, events_url: str) -> Iterator[str]:
    """What did not work, command by command."""
    pasted = [command for command in commands(page) if _can_be_pasted(page, command)]
    script = _PRELUDE + "".join(f'\n{command.text}\necho; echo "=== $?"\n' for command in pasted)
    script = re.sub(f"{_ADDRESS}|{_EVENTS_ADDRESS}", lambda found: url if found[0] == _ADDRESS else events_url, script)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-c", script.replace("./.local/demo.env", f"./{_variables(url)}")],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_PAGE_SECONDS,
    )  # fmt: skip
    parts = re.split(r"^=== (\d+)\n", run.stdout, flags=re.MULTILINE)
    for command, output, code in zip(pasted, parts[::2], parts[1::2], strict=False):
        print(f"{page.relative_to(ROOT)}: $ {_short(command)}  → {code}", flush=True)
        if problem := _problem(command, output, int(code)):
            yield f"{_short(command)}: {problem}\n{output.strip()[-800:]}"
    if len(parts) // 2 < len(pasted):
        yield f"ended after {len(parts) // 2} of {len(pasted)} commands"


def _variables(url: str) -> str:
    """The demo's file of variables, which has its port in its name where another program has the usual one."""
    port = url.rpartition(":")[2]
    return ".local/demo.env" if _ADDRESS.endswith(f":{port}") else f".local/demo-{port}.env"


def _can_be_pasted(page: Path, command: Command) -> bool:
    why = next((why for pattern, why in _LEFT_OUT.items() if re.search(pattern, command.text)), None)
    if why:
        print(f"{page.relative_to(ROOT)}: left out, {why}: {_short(command)}")
    return why is None


def _problem(command: Command, output: str, code: int) -> str | None:
    if code:
        return f"exit {code}"
    shown = command.output.splitlines()[:1]
    if shown and shown[0].startswith("HTTP/") and output.strip().splitlines()[:1] != shown:
        return f"the page shows {shown[0]}"
    missing = [field for field in re.findall(r'"\w+":', command.output) if field not in output]
    return f"the page shows {', '.join(missing)}" if missing else None


def _short(command: Command) -> str:
    return " ".join(command.text.split())[:100]


if __name__ == "__main__":
    sys.exit(main())
