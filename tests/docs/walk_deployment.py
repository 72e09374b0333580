"""`make walk-deployment`: pastes docs/deployment.md into a bare Debian, block by block, and compares what it prints.

A block that shows a prompt is for people with keys and a name: it is left out. The last line is
one JSON object: how long it took, and what did not work.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from config.processes import stop_on_signals
from tests.docs.pages import ROOT, pasted_blocks
from tests.support import bare_debian
from tests.support.bare_debian import Machine

_PAGE = ROOT / "docs" / "deployment.md"
_END = "=== end of block"


@dataclass(frozen=True, slots=True)
class Outcome:
    block: str
    seconds: float
    problem: str


def main() -> int:
    stop_on_signals()
    if missing := bare_debian.what_is_missing():
        print(json.dumps({"skipped": missing}))
        return 0
    with bare_debian.running() as machine:
        _bring_the_code(machine)
        began = time.monotonic()
        outcomes = list(_walked(machine))
        took = time.monotonic() - began
    failed = [outcome for outcome in outcomes if outcome.problem]
    print(json.dumps({"blocks": len(outcomes), "minutes": round(took / 60, 1), "failed": len(failed)}))
    return 1 if failed else 0


def _bring_the_code(machine: Machine) -> None:
    """What `git archive` and `scp` of the page do, of this checkout as it is."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.split(b"\0")
    there = b"\0".join(name for name in files if name and (ROOT / name.decode()).exists())
    archive = machine.root / "root" / "blogs.tar.gz"
    subprocess.run(["tar", "-czf", str(archive), "--null", "--files-from=-"], cwd=ROOT, input=there, check=True)


def _walked(machine: Machine) -> Iterator[Outcome]:
    """One shell for the whole page, as a reader has."""
    with subprocess.Popen(
        machine.command("bash"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as shell:
        assert shell.stdin
        for block in pasted_blocks(_PAGE):
            name = block.text.splitlines()[0][:80]
            began = time.monotonic()
            shell.stdin.write(f"{block.text}\necho; echo '{_END}' $?\n")
            shell.stdin.flush()
            output, code = _printed(shell)
            problem = _problem(block.output, output, code)
            took = time.monotonic() - began
            print(f"{took:6.1f} s  {'✗' if problem else '✓'}  {name}", flush=True)
            yield Outcome(name, took, problem)
            if problem:
                print(problem, flush=True)
                break
        shell.stdin.close()


def _printed(shell: subprocess.Popen[str]) -> tuple[str, int]:
    assert shell.stdout
    lines: list[str] = []
    for line in shell.stdout:
        if line.startswith(_END):
            return "".join(lines), int(line.removeprefix(_END))
        lines.append(line)
    return "".join(lines), -1


def _problem(shown: str, printed: str, code: int) -> str:
    missing = [line for line in shown.splitlines() if not re.search(_pattern(line), printed, re.MULTILINE)]
    if code == 0 and not missing:
        return ""
    return f"exit {code}; not printed: {missing}; printed:\n{printed.strip()[-3000:]}"


def _pattern(line: str) -> str:
    """A line of the page, where an ellipsis stands for anything."""
    return "^" + ".*".join(map(re.escape, line.strip().split("…"))) + ("" if line.endswith("…") else r"\s*$")


if __name__ == "__main__":
    sys.exit(main())
