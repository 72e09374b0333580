"""A machine that is gone without a word: neither side of a connection believes in it for more than seconds."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from workers.database import wakeup

pytestmark = pytest.mark.django_db

_ASKED = """
SELECT name, reset_val::int FROM pg_settings
 WHERE name IN ('idle_in_transaction_session_timeout', 'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count',
                'tcp_user_timeout')
"""
# In milliseconds or seconds, as PostgreSQL counts each.
_GIVEN = {
    "idle_in_transaction_session_timeout": 5_000,
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def test_the_server_gives_up_a_client_that_has_gone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ASKED)
        assert dict(cursor.fetchall()) == _GIVEN


def test_the_listener_s_session_is_asked_for_the_same(settings: Any, database_url: str) -> None:
    settings.DATABASE_DIRECT_URL = database_url
    listener = wakeup.connect_directly()

    with listener.cursor() as cursor:
        cursor.execute(_ASKED)
        assert dict(cursor.fetchall()) == _GIVEN
    assert listener.get_dsn_parameters()["tcp_user_timeout"] == "10000"
    listener.close()


def test_a_client_gives_up_a_server_that_has_gone() -> None:
    with connection.cursor() as cursor:
        asked: dict[str, Any] = cursor.connection.get_dsn_parameters()

    # Sent and never acknowledged; silent from the start.
    assert 0 < int(asked["tcp_user_timeout"]) <= 10_000
    assert int(asked["keepalives_idle"]) + int(asked["keepalives_interval"]) * int(asked["keepalives_count"]) <= 11
