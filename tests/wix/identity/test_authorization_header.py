"""The signed instance as it arrives over HTTP: who gets in, and what the others are told."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.support import factories
from tests.support.problems import problem
from tests.support.threads import at_once
from tests.support.wix.instances import payload, signed
from wix.identity.signed_instance import sign_instance
from wix.models import Site

pytestmark = pytest.mark.django_db


def _get(authorization: str) -> Any:
    client = Client(raise_request_exception=False)
    return client.get("/api/credits", headers={"authorization": authorization})


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "{}", "  Bearer   {}  "])
def test_the_instance_is_taken_with_and_without_bearer(form: str) -> None:
    site = factories.site(credits=75)

    response = _get(form.format(sign_instance(site.instance_id)))

    assert response.status_code == 200
    assert response.json()["available"] == 75


def test_writing_the_instance_id_differently_makes_no_second_site() -> None:
    site = factories.site(credits=75)

    for written in (str(site.instance_id).upper(), site.instance_id.hex, f"{{{site.instance_id}}}"):
        assert _get(signed(payload(instanceId=written))).json()["available"] == 75

    assert Site.objects.count() == 1


def test_a_copy_of_a_site_remembers_which_one_it_is_of() -> None:
    original = str(uuid.uuid4())

    for origin in (original, "none", 7, None):
        assert _get(signed(payload(originInstanceId=origin))).status_code == 200

    found = Site.objects.order_by("id").values_list("origin_instance_id", flat=True)
    assert [origin and str(origin) for origin in found] == [original, None, None, None]


@pytest.mark.django_db(transaction=True)
def test_a_new_site_is_made_once_however_many_of_its_requests_come_together() -> None:
    instance = signed(payload())

    answers = at_once(*[lambda: _get(instance).status_code] * 8)

    assert answers == [200] * 8
    assert Site.objects.count() == 1


@pytest.mark.parametrize("authorization", ["", "   "])
def test_without_an_instance_no_caller_is_known(authorization: str) -> None:
    response = _get(authorization)

    problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="wix app instance"'


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer a.b c.d",
        "Basic dXNlcjpwYXNzd29yZA==",
        "Bearer null",
        "Bearer undefined",
        "Bearer é.ÿ",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0.eyJpbnN0YW5jZUlkIjoieCJ9.",
        "Bearer a." + "b" * 5_000_000,
        "Bearer \x00.\x01",
        "Bearer Bearer a.b",
    ],
    ids=["none", "two", "basic", "null", "undefined", "not ASCII", "three parts", "JWT", "5 MB", "controls", "twice"],
)
def test_what_is_no_instance_is_refused(authorization: str) -> None:
    response = _get(authorization)

    problem(response, 401, "invalid_token")
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert not Site.objects.exists()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"appDefId": "another"}, "another app"),
        ({"aid": "visitor"}, "anonymous"),
        ({"uid": None}, "uid"),
        ({"instanceId": "x"}, "instanceId"),
        ({"signDate": 0, "expirationDate": None}, "expired"),
    ],
)
def test_a_signed_instance_that_must_not_come_in_is_told_why_and_leaves_no_trace(
    fields: dict[str, Any], told: str
) -> None:
    body = problem(_get(f"Bearer {signed(payload(**fields))}"), 401, "invalid_token")

    assert told in body["detail"]
    assert not Site.objects.exists()


def test_an_expired_instance_is_told_to_load_the_page_again() -> None:
    old = sign_instance(factories.site().instance_id, lifetime=timedelta(seconds=-1))

    assert "load the page again" in problem(_get(f"Bearer {old}"), 401, "invalid_token")["detail"]


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
@pytest.mark.parametrize("path", ["/api/credits", "/api/blog-generation", "/api/blog-generation/1"])
def test_no_way_into_the_api_is_open(method: str, path: str) -> None:
    response = getattr(Client(), method)(path)

    problem(response, 401, "not_authenticated")
