"""`make test`: pytest on a PostgreSQL that lives as long as the run. Arguments go to pytest: `make test ARGS="-k ledger"`."""

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
_ALL = ["-n", "3", "--dist", "worksteal"]


def main(arguments: list[str]) -> int:
    stop_on_signals()
    with embedded_postgres.spare_server("test") as server:
        environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": server.url}
        return subprocess.run([sys.executable, "-m", "pytest", *(arguments or _ALL)], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
