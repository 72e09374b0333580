"""`make test`: pytest on a PostgreSQL that lives as long as the run. Arguments go to pytest: `make test ARGS="-k ledger"`.

`make test-outside` runs what needs more than Python's packages, or tests no code of the product: nginx, PgBouncer, LiteLLM,
Wix's own packages, the stand-ins, and the benchmarks' own parts. `make test-browser` runs the desk's stories in a real browser.
"""

from __future__ import annotations

import os
import subprocess
import sys

from config import embedded_postgres
from config.processes import stop_on_signals

# Nothing of a developer's own .env may decide how a test ends.
ENVIRONMENT = {
    "DEBUG": "true",
    "READ_DOTENV": "false",
    "WIX_APP_ID": "test-app",
    "WIX_APP_SECRET": "test-secret",
    "OPENAI_API_KEY": "test-key",
    "REPLICATE_API_TOKEN": "test-token",
}

# On two cores: many a test waits for a process.
_AT_ONCE = ["-n", "3", "--dist", "worksteal"]
_OUTSIDE = [
    "tests/deployment",
    "tests/kubernetes",
    "tests/pgbouncer",
    "tests/prometheus",
    "tests/litellm",
    "tests/wix/judge",
    "tests/blogs/judge",
    "tests/sandbox_tests",
    "tests/bench",
]
# In one process: Chromium, the web process and a worker keep two cores busy.
_BROWSER = "tests/browser"
_SELECTIONS = {
    (): [*_AT_ONCE, *(f"--ignore={folder}" for folder in [*_OUTSIDE, _BROWSER])],
    ("outside",): [*_AT_ONCE, *_OUTSIDE],
    ("browser",): [_BROWSER, "-p", "no:randomly"],
}


def main(arguments: list[str]) -> int:
    stop_on_signals()
    with embedded_postgres.spare_server("test") as server:
        environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": server.url}
        chosen = _chosen(arguments)
        return subprocess.run([sys.executable, "-m", "pytest", *chosen], env=environment).returncode


def _chosen(arguments: list[str]) -> list[str]:
    """Give pytest's arguments. What follows `outside` or `browser` narrows that selection."""
    if arguments and (arguments[0],) in _SELECTIONS:
        return [*_SELECTIONS[arguments[0],], *arguments[1:]]
    return arguments or _SELECTIONS[()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
