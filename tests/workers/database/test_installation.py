"""A copy of the database is told from the original by what it can't carry along."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.support.threads import at_once
from workers.context.process_memory import forget_everything
from workers.database import installation
from workers.database.installation import Verdict
from workers.models import Installation


def _renewed() -> Installation:
    installation.renew(installation.look())
    return Installation.objects.get()


@pytest.mark.django_db
def test_the_first_look_finds_a_new_database_and_the_next_ones_the_same() -> None:
    first = installation.look()
    row = _renewed()

    assert (first.verdict, first.before, first.renewed_at) == (Verdict.NEW, None, None)
    assert installation.look().verdict is Verdict.SAME
    assert row.system
    assert row.timeline
    assert _renewed().renewed_at > row.renewed_at


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"system": "7000000000000000001"}, Verdict.COPIED),
        ({"database": 1}, Verdict.COPIED),
        ({"table": 1}, Verdict.COPIED),
        ({"timeline": 900}, Verdict.PROMOTED),
        ({"timeline": 900, "table": 1}, Verdict.COPIED),
        # What is not known on one side says nothing.
        ({"system": "", "timeline": None}, Verdict.SAME),
    ],
)
def test_what_a_copy_carries_along_says_that_it_stood_elsewhere(changed: dict[str, Any], verdict: Verdict) -> None:
    _renewed()

    Installation.objects.update(**changed)

    assert installation.look().verdict is verdict


@pytest.mark.django_db
def test_no_renewal_takes_on_a_database_that_has_become_a_copy_meanwhile() -> None:
    _renewed()
    found = installation.look()
    Installation.objects.update(table=1)

    installation.renew(found)

    assert installation.look().verdict is Verdict.COPIED


@pytest.mark.django_db
def test_settling_takes_it_on() -> None:
    _renewed()
    Installation.objects.update(table=1, timeline=900)

    installation.settle(installation.look().here)

    assert installation.look().verdict is Verdict.SAME
    assert Installation.objects.get().settled_at


@pytest.mark.django_db
def test_a_server_that_denies_a_tell_tale_is_told_by_the_others() -> None:
    with connection.cursor() as cursor:
        # As a managed server may be. All of it is rolled back with the test.
        cursor.execute("CREATE ROLE managed; GRANT SELECT ON workers_installation TO managed;")
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_walfile_name(pg_lsn) FROM PUBLIC")
    _renewed()
    forget_everything()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE managed")

    found = installation.look()

    assert (found.here.system, found.here.timeline, found.verdict) == ("", None, Verdict.SAME)


@pytest.mark.django_db(transaction=True)
def test_of_workers_that_start_at_once_on_a_new_database_one_writes_the_row() -> None:
    found = installation.look()

    at_once(*[lambda: installation.renew(found)] * 4)

    assert installation.look().verdict is Verdict.SAME
