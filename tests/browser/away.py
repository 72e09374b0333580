"""A database that is away for a while: for the web process and the workers, and not for the test itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg2

from tests.support.database import database_url

# What the web process of these tests calls itself there.
WEB = "blogs-browser-web"
_END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = ANY(%s)"


@contextmanager
def database_away(*processes: str) -> Iterator[None]:
    """End the connections of these processes, and let nobody connect until the block ends."""
    url = urlsplit(database_url())
    name = url.path[1:]
    server = psycopg2.connect(url._replace(path="/postgres").geturl())
    server.autocommit = True
    with server.cursor() as cursor:
        try:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            cursor.execute(_END_ALL, [name, list(processes)])
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            server.close()
