"""`python -m config.healthcheck [PORT]`: exits with 0 if the process in this container is alive, for the image's HEALTHCHECK.

- A worker is alive if it has touched its file (BLOG_WORKER_ALIVE_PATH) within the last minute.
- A web process, or that of live events, is alive if it answers 200 to `/health/live`, at PORT or at that of BIND.

The database is not asked: where it is away, no restart of this container brings it back. Django is not imported, because this
runs every few seconds.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from pathlib import Path

# A worker touches its file every five seconds (BLOG_WORKER_LEASE_RENEW_SECONDS), unless a statement of its heartbeat waits.
_FRESH_SECONDS = 60
_PATIENCE_SECONDS = 4


def main() -> int:
    path = os.environ.get("BLOG_WORKER_ALIVE_PATH", "")
    try:
        problem = _of_worker(Path(path)) if path and Path(path).exists() else _of_web()
    except OSError as error:
        problem = str(error)
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


def _of_worker(path: Path) -> str:
    age = time.time() - path.stat().st_mtime
    return f"the worker's heartbeat is {age:.0f} s old" if age > _FRESH_SECONDS else ""


def _of_web() -> str:
    port = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIND", "127.0.0.1:3000").rpartition(":")[2]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=_PATIENCE_SECONDS) as answer:
        return "" if answer.status == 200 else f"/health/live answers {answer.status}"


if __name__ == "__main__":
    sys.exit(main())
