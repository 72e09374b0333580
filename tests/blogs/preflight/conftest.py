"""An installation with which nothing is wrong, and the command in this process or in one of its own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command

from config.environment import Env
from tests.support.database import database_url
from tests.support.preflight import Database, Preflight, Said
from tests.support.spare_databases import spare_database
from wix.webhooks import sender


@pytest.fixture(scope="session")
def webhook_key() -> str:
    return sender.public_pem(sender.new_key())


@pytest.fixture
def healthy(settings: Any, webhook_key: str) -> Any:
    settings.SECRET_KEY = "a key of more than thirty-two letters"
    settings.ALLOWED_HOSTS = ["blogs.example.com"]
    settings.OPENAI_API_KEY, settings.REPLICATE_API_TOKEN = "sk-test", "r8_test"
    settings.WIX_WEBHOOK_PUBLIC_KEYS, settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE = [webhook_key], ""
    return settings


@pytest.fixture
def preflight(healthy: Any, db: None) -> Preflight:
    def run(*arguments: str) -> Said:
        out = io.StringIO()
        try:
            call_command("preflight", *arguments, stdout=out)
        except CommandError as error:
            return Said(error.returncode, out.getvalue())
        return Said(0, out.getvalue())

    return run


@pytest.fixture
def use_database(healthy: Any, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Let preflight look at another database. What Django has open stays with the tests' own."""

    def use(url: str) -> None:
        now = healthy.DATABASES["default"]
        there = {**now, **Env.db_url_config(url), "OPTIONS": now["OPTIONS"]}
        monkeypatch.setitem(healthy.DATABASES, "default", there)

    return use


@pytest.fixture
def migrated_copy(db: None) -> Iterator[str]:
    """A database of its own that knows all migrations by name."""
    with spare_database() as url:
        with closing(psycopg2.connect(database_url())) as ours, ours.cursor() as reading:
            reading.execute("SELECT app, name FROM django_migrations")
            applied = reading.fetchall()
        with closing(psycopg2.connect(url)) as session, session.cursor() as cursor:
            cursor.execute("CREATE TABLE django_migrations (app text, name text)")
            cursor.executemany("INSERT INTO django_migrations VALUES (%s, %s)", applied)
            session.commit()
        yield url


@pytest.fixture
def key_file(tmp_path: Path, webhook_key: str) -> Path:
    file = tmp_path / "key.pem"
    file.write_text(webhook_key)
    return file
