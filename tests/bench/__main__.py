"""`make bench NAME=claim`: one benchmark on a PostgreSQL of its own, bounded in time; its last line is one JSON object.

Each module beside this one with a `measure()` is a benchmark of that name; it runs with Django set up on an empty database.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import signal
import sys
from pathlib import Path
from types import FrameType

from config import embedded_postgres
from config.processes import stop_on_signals
from tests.run import ENVIRONMENT

_LONGEST_SECONDS = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("name", choices=_names(), help="which")
    name = parser.parse_args().name
    stop_on_signals()
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(_LONGEST_SECONDS)
    with embedded_postgres.spare_server("bench", durable=True) as server:
        os.environ.update(
            {
                **ENVIRONMENT,
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "DEBUG": "false",
                "OPERATIONS_OPEN": "true",
                "SECRET_KEY": "only-for-benchmarks",
                "DATABASE_URL": server.url,
                "DATABASE_DIRECT_URL": server.url,
                "LOG_LEVEL": "WARNING",
            }
        )
        _prepare_database()
        result = importlib.import_module(f"tests.bench.{name}").measure()
    print(json.dumps(result))
    return 0


def _names() -> list[str]:
    folder = Path(__file__).parent
    return [found.name for found in pkgutil.iter_modules([str(folder)]) if _is_benchmark(folder / f"{found.name}.py")]


def _is_benchmark(file: Path) -> bool:
    return "\ndef measure(" in file.read_text()


def _prepare_database() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(f"It took longer than {_LONGEST_SECONDS // 60} minutes, which no benchmark may.")


if __name__ == "__main__":
    sys.exit(main())
