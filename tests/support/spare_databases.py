"""Further databases on the tests' own server, for what a whole database must be like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from django.db import connection

from tests.support.database import database_url

_MADE = "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"


@contextmanager
def spare_database(*, encoding: str = "UTF8") -> Iterator[str]:
    """Make an empty one, give its URL, and remove it with all its sessions."""
    server = database_url().rpartition("/")[0]
    # Several runs of pytest share the server.
    name = f"{connection.settings_dict['NAME']}_spare"
    with closing(psycopg2.connect(f"{server}/postgres")) as session, session.cursor() as cursor:
        session.autocommit = True
        cursor.execute(_MADE.format(name=name, encoding=encoding))
        try:
            yield f"{server}/{name}"
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
