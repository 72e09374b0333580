"""quick-reference.md has today's numbers, addresses that are served, each command of ours, and statements that run."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands
from django.db import connection
from django.urls import resolve

from tests.docs.pages import code, named, part, rows

_PAGE = "docs/quick-reference.md"
_STATEMENTS = [
    text for block in re.findall(r"^```sql\n(.*?)^```", named(_PAGE), re.M | re.S) for text in block.split("\n\n")
]


@pytest.mark.parametrize("section", ["Numbers", "Thresholds"])
def test_each_number_is_its_settings_default(section: str) -> None:
    defaults = {code(row[0])[0]: code(row[1]) for row in rows("docs/settings.md") if code(row[0])}

    shown = [
        (name, [value])
        for _, values, names in rows(_PAGE, section)
        for name, value in zip(code(names), code(values), strict=True)
    ]

    assert len(shown) > 5
    assert [each for each in shown if defaults[each[0]] != each[1]] == []


def test_each_address_is_served() -> None:
    addresses = [address for row in rows(_PAGE, "Addresses") for address in code(row[0])]

    assert len(addresses) > 5
    for address in addresses:
        resolve(address)


def test_each_command_of_ours_is_named() -> None:
    ours = {name for name, room in get_commands().items() if room in ("blogs", "wix")}

    assert set(re.findall(r"manage\.py (\w+)", part(_PAGE, "Commands"))) == ours


@pytest.mark.django_db
@pytest.mark.parametrize("statement", _STATEMENTS)
def test_each_statement_runs(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.fetchall()
