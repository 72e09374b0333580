"""Reads the environment. Every setting may also be given as a file: `NAME_FILE` names it, and what it holds counts as `NAME`.

So Docker and Kubernetes hand secrets over, which then stand in no process's environment.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

# No setting is longer; a path such as /dev/zero has no end.
_LONGEST = 64 * 1024
_WORDS = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "no", "n", "0", ""}


class SecretFiles(FileAwareMapping):
    """django-environ's mapping, with clear errors, and without the newline at a file's end."""

    def __getitem__(self, name: str) -> str:
        path, value = self.env.get(f"{name}_FILE"), self.env.get(name)
        if path:
            if name not in self.files_cache:
                self.files_cache[name] = _content(name, path)
            if value and value.strip() != self.files_cache[name]:
                raise ImproperlyConfigured(f"{name} and {name}_FILE ({path}) are both set, and differ: take one out.")
            value = self.files_cache[name]
        if value is None:
            raise KeyError(name)
        return str(value)


class _Escaped(SecretFiles):
    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name).replace("$", r"\$")


class Env(environ.Env):
    """django-environ's `Env`, but for what it would misread without a word.

    A value that begins with `$`, as many a generated key does, names no other variable. `1e3` is no 13, and `ture` is not false.
    """

    ENVIRON = _Escaped()

    def __init__(self) -> None:
        super().__init__()
        # Takes back what `_Escaped` does.
        self.escape_proxy = True

    def get_value(self, var: str, *arguments: Any, **how: Any) -> Any:
        try:
            return super().get_value(var, *arguments, **how)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var}: {error}") from None

    @classmethod
    def parse_value(cls, value: Any, cast: Any) -> Any:
        if cast is bool and value.strip().lower() not in _WORDS:
            raise ValueError(f"{value!r} is neither true nor false")
        if cast in (int, float):
            return _number(value, cast)
        return super().parse_value(value, cast)


def read_dotenv(file: Path) -> None:
    """Put what a file such as `.env` sets into the environment, which wins."""
    environ.Env.read_env(file)


def get(name: str) -> str:
    """Return a setting as it stands in the environment or its file, "" where it is not set. Raises ImproperlyConfigured."""
    return str(SecretFiles().get(name, ""))


def checked_address(name: str, url: str) -> str:
    """Return a database's address. Raises ImproperlyConfigured for one that would be read as another than was meant."""
    scheme, _, rest = url.partition("://")
    place, _, database = rest.partition("/")
    # In a password, / and ? end the host's part too early. What follows would be taken for a host's name, and logged.
    if scheme not in ("postgres", "postgresql") or not database.partition("?")[0] or "@" in database or "?" in place:
        raise ImproperlyConfigured(
            f"{name} is no address of the form postgres://user:password@host:5432/name. "
            "A password's / ? # @ and % are written as %2F %3F %23 %40 and %25."
        )
    return url


def _number(value: str, cast: type[int] | type[float]) -> float:
    try:
        number = cast(value)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    raise ValueError(f"{value!r} is not {'a whole number' if cast is int else 'a number'}")


def _content(name: str, path: str) -> str:
    """Read a file, without the newline that editors and `echo` leave at its end. Raises ImproperlyConfigured."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(_LONGEST + 1)
    except IsADirectoryError:
        because = "is a directory; Docker makes one where the file that should be mounted is missing"
    except OSError as error:
        because = f"can't be read: {error.strerror}"
    except UnicodeDecodeError:
        because = "is no text in UTF-8"
    else:
        if len(text) > _LONGEST:
            because = f"is longer than {_LONGEST} characters"
        elif text := text.strip():
            return text
        else:
            because = "is empty"
    raise ImproperlyConfigured(f"{name}_FILE: {path} {because}.")
