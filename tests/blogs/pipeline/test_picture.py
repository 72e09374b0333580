"""The cover picture: Replicate keeps it for an hour, and what it calls an output may be none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from blogs.models import BlogGeneration, GenerationEvent, Stage, StageOutput, Status
from blogs.providers import replicate_files
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, warnings
from wix.models import Site
from workers.errors import PermanentError

Kind = GenerationEvent.Kind


def let_an_hour_pass(sandbox: Sandbox) -> None:
    sandbox.pass_time(3600)
    StageOutput.objects.update(created_at=F("created_at") - timedelta(hours=1))


def covers(sandbox: Sandbox) -> list[str | None]:
    return [draft["media"].get("wixMedia", {}).get("image", {}).get("id") for draft in sandbox.drafts()]


@pytest.mark.parametrize(
    ("fault", "stage"),
    [
        (("openai", "500", "article"), Stage.ARTICLE),
        (("replicate", "500", "get"), Stage.IMAGE),
        (("wix", "500", "media_import"), Stage.MEDIA),
    ],
)
def test_a_blog_that_waited_for_an_hour_orders_a_new_picture(
    sandbox: Sandbox, shop: Site, attempt: Attempt, fault: tuple[str, ...], stage: Stage
) -> None:
    sandbox.fault(*fault)
    factories.pending_generation(shop)
    assert attempt().stage == stage
    let_an_hour_pass(sandbox)

    done = attempt()

    assert (done.status, done.attempts) == (Status.DONE, 1)
    assert warnings(done) == []
    assert covers(sandbox) != [None]
    assert len(sandbox.requests("replicate", "create")) == 2
    assert done.events.filter(kind=Kind.RETRYING, code="image_too_old").count() == 1


def test_a_picture_is_paid_for_twice_at_most(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "500", "media_import", times=2)
    factories.pending_generation(shop)
    for _ in range(2):
        assert attempt().stage == Stage.MEDIA
        let_an_hour_pass(sandbox)

    done = attempt()

    assert len(sandbox.requests("replicate", "create")) == 2
    assert (done.status, warnings(done)) == (Status.DONE, ["image_failed"])


def test_no_picture_is_ordered_while_the_article_cannot_be_had(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "500", "article", times=2)
    factories.pending_generation(shop)
    attempt()
    let_an_hour_pass(sandbox)

    assert attempt().stage == Stage.ARTICLE
    assert len(sandbox.requests("replicate", "create")) == 1


def test_a_blog_that_waited_for_less_keeps_its_picture(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "500", "media_import")
    factories.pending_generation(shop)
    attempt()

    attempt()

    assert len(sandbox.requests("replicate", "create")) == 1
    assert covers(sandbox) != [None]


def test_a_picture_that_wix_has_is_not_ordered_again(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "500", "draft_create")
    factories.pending_generation(shop)
    assert attempt().stage == Stage.DRAFT
    BlogGeneration.objects.update(draft_create_started_at=F("draft_create_started_at") - timedelta(hours=1))
    let_an_hour_pass(sandbox)

    assert attempt().status == Status.DONE
    assert len(sandbox.requests("replicate", "create")) == 1
    assert covers(sandbox) != [None]


def test_a_picture_that_was_given_up_is_not_ordered_after_all(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BLOG_IMAGE_PATIENCE_SECONDS = -1
    sandbox.fault("replicate", "401", "create")
    sandbox.fault("openai", "500", "article")
    factories.pending_generation(shop)
    attempt()
    let_an_hour_pass(sandbox)

    assert attempt().status == Status.DONE
    assert len(sandbox.requests("replicate", "create")) == 1


def test_a_stage_of_the_picture_that_has_no_time_left_is_one_that_failed(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    sandbox.fault("wix", "500", "media_import")
    factories.pending_generation(shop)
    assert attempt().stage == Stage.MEDIA
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "media": -60.0}
    late = attempt()
    assert (late.status, late.stage, late.error_code) == (Status.PENDING, Stage.MEDIA, "timeout")
    settings.BLOG_IMAGE_PATIENCE_SECONDS = -1

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["timeout"])


def test_a_half_made_output_is_not_taken_for_the_picture(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("replicate", "half_made", seconds=0.5)
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert covers(sandbox) != [None]


@pytest.mark.parametrize("kind", ["no_output", "foreign_output", "not_a_picture"])
def test_an_output_that_is_no_picture_of_replicates_is_left_out(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str
) -> None:
    sandbox.fault("replicate", kind)
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["image_failed"])
    assert sandbox.requests("wix", "media_import") == []


@pytest.mark.parametrize("kind", ["interrupted", "high_demand"])
def test_a_picture_that_was_only_interrupted_is_ordered_once_more(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str
) -> None:
    sandbox.fault("replicate", kind, "create")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, done.attempts, warnings(done)) == (Status.DONE, 1, [])
    assert len(sandbox.requests("replicate", "create")) == 2
    assert len(sandbox.requests("openai", "article")) == 1
    assert covers(sandbox) != [None]
    assert done.events.filter(kind=Kind.RETRYING, code="image_interrupted").count() == 1


@pytest.mark.parametrize(
    ("kind", "orders", "why"),
    [("interrupted", 2, "please retry"), ("prediction_failed", 1, "CUDA"), ("sensitive", 1, "flagged as sensitive")],
)
def test_a_picture_that_fails_for_good_leaves_its_reason(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str, orders: int, why: str
) -> None:
    sandbox.fault("replicate", kind, "create", times=None)
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE
    assert len(sandbox.requests("replicate", "create")) == orders
    warning = done.events.get(kind=Kind.WARNING)
    assert warning.code == "image_failed"
    assert why in warning.message


def riff(kind: bytes) -> bytes:
    return b"RIFF" + (len(kind) + 64).to_bytes(4, "little") + kind + bytes(64)


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [(b"\xff\xd8\xff\xe0", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (riff(b"WEBPVP8 "), "image/webp")],
)
def test_a_files_first_bytes_say_what_it_is(content: bytes, mime_type: str) -> None:
    assert replicate_files.mime_type_of(content) == mime_type


@pytest.mark.parametrize(
    "content",
    [
        riff(b"WAVEfmt "),
        riff(b"AVI LIST"),
        riff(b""),
        b"RIFF",
        b"RIFFWEBP",
        b"\x89PNG",
        b"\xff\xd8",
        b"",
        b"GIF89a",
        b"<svg>",
    ],
)
def test_a_sound_a_film_or_a_part_of_a_picture_is_none(content: bytes) -> None:
    with pytest.raises(PermanentError):
        replicate_files.mime_type_of(content)


def test_none_of_ours_asks_a_files_host_for_anything(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    factories.pending_generation(shop)

    attempt()

    [imported] = sandbox.requests("wix", "media_import")
    assert "/replicate/files/" in imported["body"]["url"]
    assert settings.REPLICATE_API_TOKEN not in str(imported)
    assert sandbox.requests("replicate", "file") == []


@pytest.mark.parametrize(
    ("output", "mime_type"),
    [
        ("https://replicate.delivery/yhqm/out-0.webp", "image/webp"),
        (["https://pbxt.replicate.delivery/out-0.JPG?x=1"], "image/jpeg"),
        ("https://replicate.delivery/out.png", "image/png"),
    ],
)
def test_the_kind_of_picture_is_read_from_its_address(settings: Any, output: Any, mime_type: str) -> None:
    settings.REPLICATE_BASE_URL = "https://api.replicate.com"

    assert replicate_files.picture_named(output).mime_type == mime_type


@pytest.mark.parametrize(
    "output",
    [
        None,
        [],
        [None],
        {},
        "http://replicate.delivery/out.png",
        "https://replicate.delivery@pictures.example/out.png",
        "https://replicate.delivery.example/out.png",
        "https://replicate.delivery:port/out.png",
        "https://replicate.delivery:8443/out.png",
        "https://someone@replicate.delivery/out.png",
        "https://someone:secret@pbxt.replicate.delivery/out.png",
        "https://evil.example\\.replicate.delivery/out.png",
        "https://replicate.delivery/out",
        "data:image/png;base64,AAAA",
    ],
)
def test_anything_else_is_no_picture(settings: Any, output: Any) -> None:
    settings.REPLICATE_BASE_URL = "https://api.replicate.com"

    with pytest.raises(PermanentError):
        replicate_files.picture_named(output)
