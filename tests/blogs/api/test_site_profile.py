"""What a shop says of itself for all its blogs, and what its requests leave to that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blogs import queue
from blogs.models import BlogGeneration, SiteProfile
from blogs.profiles import saving
from blogs.profiles.settings import NAMES
from tests.support import factories
from tests.support.problems import problem, refused_fields
from tests.support.query_plans import plan_of
from tests.support.threads import at_once
from wix.identity import api_keys

pytestmark = pytest.mark.django_db

_PATH = "/api/site-profile"
_ALL = {
    "brand": "Harbour Coffee",
    "sells": "Coffee beans.\nGrinders.",
    "audience": "people who brew at home",
    "voice": "We roast on Tuesdays. You drink by Friday.",
    "bannedWords": ["cheap"],
    "bannedClaims": ["best in town"],
    "competitors": ["Bean Palace"],
    "language": "de",
    "tone": "expert",
    "length": "short",
    "categories": ["Coffee", "Brewing"],
    "timeZone": "Europe/Berlin",
    "disclosure": "Written with the help of AI.",
    "qualityThreshold": 70,
}


def test_a_site_without_a_profile_has_every_setting_open(api: Any) -> None:
    body = api(factories.site(language="fr")).get(_PATH).json()

    assert (body["version"], body["updatedAt"], body["updatedBy"]) == (0, None, None)
    assert {name for name in _ALL if body[name] is not None} == {"language"}
    assert body["fromWix"] == ["language"]


def test_everything_that_is_put_can_be_read(api: Any) -> None:
    client = api(factories.site())

    put = client.send("put", _PATH, _ALL)

    assert put.status_code == 200
    body = client.get(_PATH).json()
    assert body == put.json()
    assert {name: body[name] for name in _ALL} == _ALL
    assert (body["version"], body["updatedBy"], body["fromWix"]) == (1, "the shop", [])
    assert len(_ALL) == len(NAMES)


def test_patch_changes_what_it_names_and_put_leaves_all_else_open(api: Any) -> None:
    client = api(factories.site())
    client.send("put", _PATH, _ALL)

    patched = client.send("patch", _PATH, {"brand": "Quay", "tone": None}).json()
    replaced = client.send("put", _PATH, {"brand": "Quay"}).json()

    assert (patched["brand"], patched["tone"], patched["length"], patched["version"]) == ("Quay", None, "short", 2)
    assert (replaced["brand"], replaced["length"], replaced["version"]) == ("Quay", None, 3)


def test_each_save_is_a_version_and_one_that_changes_nothing_is_none(api: Any) -> None:
    site = factories.site()
    client = api(site)
    for brand in ("A", "A", "B"):
        client.send("patch", _PATH, {"brand": brand})

    versions = SiteProfile.objects.filter(site=site).order_by("version")
    assert [(each.version, each.told) for each in versions] == [(1, {"brand": "A"}), (2, {"brand": "B"})]


def test_a_key_of_the_shop_may_save_and_is_named(api: Any) -> None:
    site = factories.site()
    made, key = api_keys.issue(site, "ERP")
    client = api(site)
    client.headers = {"authorization": f"Bearer {key}"}

    assert client.send("patch", _PATH, {"brand": "A"}).json()["updatedBy"] == f"API key {made.hint}"


def test_who_of_staff_saved_it_is_not_told(api: Any) -> None:
    site = factories.site()
    saving.tell(site, lambda known: {"brand": "A"}, by="staff:ada", reason="ticket 7")

    assert api(site).get(_PATH).json()["updatedBy"] == "support"


def test_a_profile_that_was_saved_meanwhile_is_not_overwritten(api: Any) -> None:
    client = api(factories.site())
    read = client.get(_PATH)["ETag"]
    saved = client.send("patch", _PATH, {"brand": "A"}, **{"If-Match": read})

    problem(client.send("patch", _PATH, {"brand": "B"}, **{"If-Match": read}), 412, "precondition_failed")
    assert saved["ETag"] == client.get(_PATH)["ETag"] != read
    assert client.send("patch", _PATH, {"brand": "C"}, **{"If-Match": saved["ETag"]}).status_code == 200
    assert client.get(_PATH, **{"If-None-Match": client.get(_PATH)["ETag"]}).status_code == 304


@pytest.mark.parametrize("said", ["abc", "", '"a", b', '"a" "b"', "W/", '*, "a"'])
def test_a_condition_that_cannot_be_read_does_not_count_as_none(api: Any, said: str) -> None:
    client = api(factories.site())

    refused = client.send("patch", _PATH, {"brand": "B"}, **{"If-Match": said})

    assert refused_fields(refused) == {"If-Match": "invalid"}
    assert client.get(_PATH).json()["version"] == 0


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"brnad": "A"}, {"brnad"}),
        ({"brand": "x" * 101, "voice": "x" * 1_201}, {"brand", "voice"}),
        ({"bannedWords": ["x"] * 51}, {"bannedWords"}),
        ({"bannedWords": [""]}, {"bannedWords.0"}),
        ({"competitors": "Bean Palace"}, {"competitors"}),
        ({"language": "German"}, {"language"}),
        ({"tone": "angry", "length": "tiny"}, {"tone", "length"}),
        ({"timeZone": "Berlin"}, {"timeZone"}),
        ({"qualityThreshold": 101}, {"qualityThreshold"}),
        ({"qualityThreshold": "70"}, {"qualityThreshold"}),
        ({"qualityThreshold": True}, {"qualityThreshold"}),
        ({"disclosure": "a\u0000b"}, {"disclosure"}),
    ],
)
def test_what_is_not_allowed_is_named(api: Any, body: Any, fields: set[str]) -> None:
    site = factories.site()

    assert set(refused_fields(api(site).send("patch", _PATH, body))) == fields
    assert not SiteProfile.objects.exists()


def test_a_program_that_saves_in_a_loop_is_stopped(api: Any) -> None:
    site = factories.site()
    SiteProfile.objects.bulk_create(
        SiteProfile(site=site, version=number, told={"brand": f"{number}"}, by="the shop") for number in range(1, 101)
    )

    refused = api(site).send("patch", _PATH, {"brand": "A"})

    problem(refused, 429, "too_many_saves")
    assert refused["Retry-After"] == "3600"
    SiteProfile.objects.filter(version=1).update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    assert api(site).send("patch", _PATH, {"brand": "A"}).json()["version"] == 101


@pytest.mark.django_db(transaction=True)
def test_saves_at_the_same_moment_are_versions_one_after_the_other() -> None:
    site = factories.site()

    at_once(*(lambda name=name: saving.tell(site, lambda known: {"brand": name}, by="x") for name in "abcdef"))

    assert sorted(SiteProfile.objects.values_list("version", flat=True)) == [1, 2, 3, 4, 5, 6]


# --- What requests leave to it ----------------------------------------------------------------------------------------


def test_what_a_request_leaves_open_is_the_profiles(api: Any) -> None:
    client = api(factories.site())
    client.send("put", _PATH, _ALL)

    plain = client.post().json()
    said = client.post(
        {
            "sourceType": "keyword",
            "sourceId": "x",
            "language": "en",
            "tone": "playful",
            "length": "long",
            "categories": [],
        }
    ).json()

    assert [plain[name] for name in ("language", "tone", "length", "categories")] == [
        "de",
        "expert",
        "short",
        ["Coffee", "Brewing"],
    ]
    assert [said[name] for name in ("language", "tone", "length", "categories")] == ["en", "playful", "long", []]


def test_without_a_profile_the_plain_call_is_as_it_was(api: Any) -> None:
    plain = api(factories.site()).post().json()

    assert [plain[name] for name in ("language", "tone", "length", "categories")] == ["", "friendly", "medium", []]
    assert BlogGeneration.objects.get().profile_id is None


def test_a_profile_costs_a_request_no_statement(api: Any) -> None:
    bare, full = api(factories.site()), api(factories.site())
    full.send("put", _PATH, _ALL)
    counted = []
    for client in (bare, full):
        client.post()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.post()
        counted.append(len(queries))

    assert counted[0] == counted[1]


def test_the_newest_version_is_found_by_its_index(api: Any) -> None:
    site = factories.site()
    plan = plan_of(lambda: api(site).get(_PATH), "blogs_siteprofile")

    assert "site_profile_version" in {node.get("Index Name") for node in plan}


def test_a_blog_keeps_the_version_that_it_was_asked_for_with(api: Any) -> None:
    site = factories.site()
    client = api(site)
    client.send("put", _PATH, {"brand": "A", "tone": "expert"})
    client.post()
    client.send("put", _PATH, {"brand": "B", "tone": "playful"})
    assert client.post().json()["tone"] == "playful"

    (claimed,) = queue.claim(factories.WorkerFactory.create(), 1)

    assert claimed.profile is not None
    assert (claimed.tone, claimed.profile.settings) == ("expert", {"brand": "A", "tone": "expert"})


def test_a_key_is_answered_again_after_the_profile_changed(api: Any) -> None:
    client = api(factories.site())
    client.send("put", _PATH, {"tone": "expert"})
    plain = {"sourceType": "keyword", "sourceId": "x"}
    first = client.post(plain, **{"Idempotency-Key": "k"})
    client.send("put", _PATH, {"tone": "playful"})

    again = client.post(plain, **{"Idempotency-Key": "k"})
    same = client.post({**plain, "tone": "expert"}, **{"Idempotency-Key": "k"})

    assert again.json() == same.json() == first.json()
    problem(client.post({**plain, "tone": "playful"}, **{"Idempotency-Key": "k"}), 422, "idempotency_key_reused")


def test_a_local_time_is_one_of_the_shops_zone(api: Any) -> None:
    client = api(factories.site())
    wish = {"sourceType": "keyword", "sourceId": "x", "scheduledAt": f"{datetime.now(UTC).year + 1}-01-01T09:00:00"}
    assert set(refused_fields(client.post(wish))) == {"scheduledAt"}
    client.send("put", _PATH, {"timeZone": "America/New_York"})

    blog = client.post(wish).json()

    assert blog["timeZone"] == "America/New_York"
    assert blog["scheduledAtLocal"].endswith("T09:00:00-05:00")
    assert client.post({**wish, "timeZone": "Europe/Berlin"}).json()["scheduledAtLocal"].endswith("+01:00")
