"""`make licences`: writes docs/licences.md, the licence of each package that the product is installed with.

pip-licenses lists whatever is in an environment, with what only tests need; this reads what is locked. It fails on a licence that
it does not know, and on one with conditions for what is built on it (copyleft), unless `ACCEPTED` says why it may be there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
PAGE = _ROOT / "docs" / "licences.md"
# It has all that requirements.txt has, and Sentry's.
_LOCKED = _ROOT / "requirements-sentry.txt"

# SPDX's names of those that ask for no more than that their text goes along.
FREE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "Unlicense"}
ACCEPTED = {
    "certifi": "MPL-2.0 covers its own files, and we change none of them.",
    "psycopg2-binary": "LGPL-3.0-or-later, with exceptions: Python imports it as it comes, and anybody can replace it.",
}
# Where the metadata names no licence, or one that fits several: from the text that is installed with it.
_READ_BY_US = {
    "django-ratelimit": "Apache-2.0",
    "drf-spectacular-sidecar": "BSD-3-Clause",
    "psycopg2-binary": "LGPL-3.0-or-later",
    "replicate": "Apache-2.0",
    "sqlparse": "BSD-3-Clause",
    "uritemplate": "BSD-3-Clause OR Apache-2.0",
}
# Locked for systems or Pythons that may not be this one: from their pages.
_FOR_OTHER_SYSTEMS = {"async-timeout": "Apache-2.0", "httpx2-jsfetch": "BSD-3-Clause", "tzdata": "Apache-2.0"}
_CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
}


def main() -> int:
    licences = dict(locked())
    PAGE.write_text(page(licences))
    print(PAGE.read_text())
    for problem in (found := list(problems(licences))):
        print(f"✗ {problem}", file=sys.stderr)
    return 1 if found else 0


def locked() -> Iterator[tuple[str, str]]:
    """Each package that is locked for the product, and its licence by SPDX; empty where it is not known."""
    for name in re.findall(r"^([a-z0-9-]+)==", _LOCKED.read_text(), re.MULTILINE):
        yield name, _READ_BY_US.get(name) or _FOR_OTHER_SYSTEMS.get(name) or _named_by(name)


def problems(licences: dict[str, str]) -> Iterator[str]:
    for name, licence in licences.items():
        if not licence:
            yield f"{name}: its metadata names no licence; read its text, and name it in {Path(__file__).name}"
        elif not _is_free(licence) and name not in ACCEPTED:
            yield f"{name}: {licence} has conditions; replace it, or say in ACCEPTED why it may be there"
    for name in ACCEPTED.keys() - {name for name, licence in licences.items() if not _is_free(licence)}:
        yield f"{name}: accepted, and not needed any more"


def page(licences: dict[str, str]) -> str:
    rows = [f"| {name} | {licence or '?'} | {ACCEPTED.get(name, '')} |" for name, licence in licences.items()]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """\
# Licences

For those who ship the product: what it is installed with (`requirements.txt`, and Sentry's client), by the packages' own metadata.
Written by `make licences`, which fails on a licence that it does not know and on one whose conditions are not accepted here. The
product itself is under the [MIT licence](../LICENSE).

| package | licence | accepted because |
|---|---|---|"""


def _named_by(name: str) -> str:
    try:
        found = metadata.metadata(name).json
    except metadata.PackageNotFoundError:
        return ""
    classifiers = [_CLASSIFIERS[each] for each in found.get("classifier", []) if each in _CLASSIFIERS]
    field = str(found.get("license", ""))
    short = field if re.fullmatch(r"[A-Za-z0-9.-]+( (OR|AND) [A-Za-z0-9.-]+)*", field) else ""
    return str(found.get("license_expression", "")) or short or " OR ".join(classifiers)


def _is_free(licence: str) -> bool:
    """Tell it of an expression such as `MIT OR GPL-3.0-only` too: of those, one is enough."""
    return any(
        all(part.strip("() ") in FREE for part in choice.split(" AND ")) for choice in licence.split(" OR ")
    ) and bool(licence)


if __name__ == "__main__":
    sys.exit(main())
