"""Settings as files, and values that would be misread: each error names the setting, the path and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.environment import Env
from tests.support.processes import run


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "secret"
    monkeypatch.delenv("A_SECRET", raising=False)
    monkeypatch.setenv("A_SECRET_FILE", str(path))
    Env.ENVIRON.files_cache.clear()
    return path


def test_what_a_file_holds_counts_as_the_setting(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf $3cret\\$\r\n")

    assert Env().str("A_SECRET", default="") == "$3cret\\$"
    assert environment.get("A_SECRET") == "$3cret\\$"
    assert "$3cret" not in str(os.environ)


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (None, "can't be read: No such file or directory"),
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"a" * 70_000, "is longer than 65536 characters"),
    ],
)
def test_a_file_that_is_of_no_use_is_named(file: Path, content: bytes | None, because: str) -> None:
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ImproperlyConfigured) as caught:
        Env().str("A_SECRET", default="")

    assert str(caught.value) == f"A_SECRET_FILE: {file} {because}."


def test_a_folder_is_what_docker_mounts_where_there_is_no_file(file: Path) -> None:
    file.mkdir()

    with pytest.raises(ImproperlyConfigured, match=r"A_SECRET_FILE: .* is a directory; Docker"):
        Env().str("A_SECRET", default="")


def test_a_file_and_a_value_must_say_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("tulip\n")
    for value in ("", "tulip"):
        monkeypatch.setenv("A_SECRET", value)
        assert Env().str("A_SECRET", default="") == "tulip"

    monkeypatch.setenv("A_SECRET", "daisy")
    with pytest.raises(ImproperlyConfigured, match=r"A_SECRET and A_SECRET_FILE .* are both set, and differ") as caught:
        Env().str("A_SECRET", default="")

    assert not [value for value in ("tulip", "daisy") if value in str(caught.value)]


@pytest.mark.parametrize("value", ["$a", "$", "$$a$b", r"\$a\\$", "a$HOME"])
def test_a_value_names_no_other_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("A_SECRET", value)

    assert Env().str("A_SECRET", default="") == value
    assert Env().list("A_SECRET", default=[]) == [value]


@pytest.mark.parametrize("value", ["1e3", "1000", " 1000.0 "])
def test_a_number_is_read_as_python_reads_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("A_NUMBER", value)

    assert Env().float("A_NUMBER", default=1) == 1_000


def test_what_is_no_number_and_no_truth_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    env = Env()
    for read, value in [(env.int, "25x"), (env.int, ""), (env.float, "10s"), (env.float, "nan"), (env.bool, "ture")]:
        monkeypatch.setenv("A_NUMBER", value)
        with pytest.raises(ImproperlyConfigured, match=f"^A_NUMBER: '{value}' is"):
            read("A_NUMBER", default=1)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:secret@host:5432/name",
        "postgresql://u:secret@host/name?sslmode=require",
        "postgres:///name",
        "postgres://u:s#cr@t@host/name",
    ],
)
def test_an_address_of_a_database_is_taken(url: str) -> None:
    assert environment.checked_address("DATABASE_URL", url) == url


@pytest.mark.parametrize(
    "url",
    [
        "u:secret@host/name",
        "mysql://u:secret@host/name",
        "sqlite:///secret.db",
        '"postgres://u:secret@host/name"',
        "postgres://u:secret@host",
        "postgres://u:secret@host/",
        "postgres://u:secret@host/?sslmode=require",
        "postgres://u:p@secret/word@host/name",
        "postgres://u:p?secret@host/name",
    ],
)
def test_an_address_that_would_be_misread_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL is no address of the form") as caught:
        environment.checked_address("DATABASE_URL", url)

    assert "secret" not in str(caught.value)


@pytest.mark.slow_process
def test_processes_read_the_files_and_say_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    key, missing = tmp_path / "key", tmp_path / "missing"
    key.write_text("a key of forty letters, as good as any other\n")
    production = {"DEBUG": "false", "SECRET_KEY_FILE": str(key)}

    assert run("manage.py", "check", **production).returncode == 0
    for command in (("manage.py", "check"), ("-m", "config.run")):
        failed = run(*command, **production, OPENAI_API_KEY="", OPENAI_API_KEY_FILE=str(missing), READ_DOTENV="0")
        said = (failed.stdout + failed.stderr).strip()
        assert failed.returncode != 0
        assert said.endswith(f"OPENAI_API_KEY_FILE: {missing} can't be read: No such file or directory.")
        assert "\n" not in said
