from __future__ import annotations

import uuid
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.support import factories
from tests.support.problems import problem
from wix.identity.signed_instance import InvalidInstance, read_instance
from wix.models import Site

pytestmark = pytest.mark.django_db


def _issued(*arguments: str) -> str:
    printed = StringIO()
    call_command("issue_instance_token", *arguments, stdout=printed)
    return printed.getvalue().strip()


@pytest.mark.parametrize(
    "name_of", [lambda s: s.name, lambda s: s.name.upper(), lambda s: str(s.pk), lambda s: str(s.instance_id)]
)
def test_a_site_is_found_by_name_number_and_instance_id(name_of: Any, client: Any) -> None:
    site = factories.site(credits=50, name="Wool & Co")

    token = _issued(name_of(site))

    response = client.get("/api/credits", headers={"authorization": f"Bearer {token}"})
    assert response.json()["available"] == 50


def test_an_unknown_instance_id_is_signed_and_stored_nowhere() -> None:
    unknown = uuid.uuid4()

    assert read_instance(_issued(str(unknown)))["instanceId"] == str(unknown)
    assert not Site.objects.exists()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    factories.site(name="Wool & Co")

    with pytest.raises(CommandError, match=r"0 sites have the name or number 'Silk'\. Known: Wool & Co\."):
        _issued("Silk")


@pytest.mark.parametrize("number", ["0", "123456789012345678", "9" * 30, "²"])
def test_an_unknown_number_is_refused(number: str) -> None:
    with pytest.raises(CommandError, match="0 sites have the name or number"):
        _issued(number)


def test_a_name_that_two_sites_have_is_not_guessed() -> None:
    for _ in range(2):
        factories.site(name="Wool")

    with pytest.raises(CommandError, match="2 sites have the name or number 'wool'"):
        _issued("wool")


def test_it_lasts_as_long_as_asked() -> None:
    token = _issued(str(uuid.uuid4()), "--hours", "2")

    for hours, good in ((1.9, True), (2.1, False)):
        with time_machine.travel(timezone.now().timestamp() + hours * 3600):
            if good:
                assert read_instance(token)
            else:
                with pytest.raises(InvalidInstance, match="expired"):
                    read_instance(token)


def test_without_the_apps_secret_nothing_is_signed(settings: Any) -> None:
    settings.WIX_APP_SECRET = ""

    with pytest.raises(CommandError, match="WIX_APP_SECRET"):
        _issued(str(uuid.uuid4()))


def test_a_token_of_an_installation_with_another_secret_is_refused(settings: Any, api: Any) -> None:
    token = _issued(str(uuid.uuid4()))
    settings.WIX_APP_SECRET = "rotated"

    problem(api(factories.site()).post(authorization=f"Bearer {token}"), 401, "invalid_token")
