"""What a blog's calls took is known afterwards, and the next blog reserves by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.forms.models import model_to_dict

from blogs.models import Status
from blogs.providers import token_reserve
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt
from wix.models import Site
from workers.models import ProviderCall


def calls(**which: Any) -> list[ProviderCall]:
    return list(ProviderCall.objects.filter(**which).order_by("id"))


def test_a_blogs_calls_are_kept_with_what_they_took(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blog = factories.pending_generation(shop, length="short", language="de-AT")

    attempt()

    idea, order, article, made = calls(work=blog.pk, site=shop.pk)
    assert (idea.kind, article.kind, idea.language, article.language) == ("idea:short", "article:short", "de", "de")
    for call in (idea, article):
        assert call.request_id.startswith("req_")
        # The stand-in counts four bytes a token, and rounds up.
        assert call.prompt_tokens
        assert call.output_tokens
        assert call.output_max
        assert call.prompt_tokens == -(-call.prompt_bytes // 4)
        assert 0 < call.output_tokens <= call.output_max
        assert call.tokens_reserved > call.prompt_tokens + call.output_max
        assert (call.model, call.cached_tokens) == (settings.OPENAI_MODEL, 0)
    # A read of Replicate costs nothing, so it names no model.
    assert (order.model, made.model) == (settings.REPLICATE_MODEL, "")
    assert (order.operation, order.images, made.operation, made.images) == ("create", 1, "get", 0)
    assert order.request_id == made.request_id
    assert {call.outcome for call in (idea, order, article, made)} == {"ok"}
    assert made.seconds > 0


@pytest.mark.parametrize(
    ("kind", "code", "answered"),
    [
        ("refusal", "content_refused", True),
        ("content_filter", "content_refused", True),
        ("length", "content_truncated", True),
        ("500", "provider_unavailable", False),
        ("429", "rate_limited", False),
        ("reset", "provider_unavailable", False),
    ],
)
def test_a_call_that_ends_otherwise_is_kept_too(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str, code: str, answered: bool
) -> None:
    sandbox.fault("openai", kind, "article")
    blog = factories.pending_generation(shop)

    attempt()

    (article,) = calls(work=blog.pk, operation="blog_article")
    assert (article.outcome, article.truncated) == (code, kind == "length")
    assert (article.prompt_tokens is not None, article.output_tokens is not None) == (answered, answered)
    assert article.request_id.startswith("req_") == (kind != "reset")


def learn_from(answers: list[ProviderCall], **changes: Any) -> None:
    """Let as many other blogs have got these answers as it takes to learn from them."""
    for answer in answers:
        fields = model_to_dict(answer, exclude=["id", "work", "site", "request_id"]) | changes
        ProviderCall.objects.bulk_create(ProviderCall(**fields) for _ in range(token_reserve.FEW))
    token_reserve._known.clear()


def test_what_blogs_took_decides_what_the_next_ones_reserve(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)
    assert attempt().status == Status.DONE
    learn_from(calls(operation="blog_article"))
    factories.pending_generation(shop)
    assert attempt().status == Status.DONE

    first, second = calls(operation="blog_article", site=shop.pk)

    assert first.output_tokens
    assert first.prompt_tokens
    assert second.prompt_tokens
    assert first.output_max == 3_600
    assert second.output_max == max(first.output_tokens, 1_080)
    assert sandbox.requests("openai", "article")[1]["body"]["max_completion_tokens"] == second.output_max
    assert second.tokens_reserved - second.output_max - second.prompt_tokens < 40
    assert first.tokens_reserved - first.output_max - first.prompt_tokens > 100


def test_an_article_cut_at_much_room_gets_more_though_others_need_less(
    sandbox: Sandbox, shop: Site, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of this one no two sections are whole, so that all of it is asked for again.
    monkeypatch.setattr("blogs.article.cut.begun_in", lambda text: None)
    sandbox.fault("openai", "length", "article")
    factories.pending_generation(shop)
    attempt()
    learn_from(calls(operation="blog_article"), output_tokens=1_200, truncated=False)

    attempt()

    first, second = calls(operation="blog_article", site=shop.pk)
    assert (first.output_max, second.output_max) == (3_600, 4_500)


def test_no_secret_and_no_text_is_kept(sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any) -> None:
    factories.pending_generation(shop, source_id="how to choose a wool scarf")
    attempt()

    kept = " ".join(str(row) for row in ProviderCall.objects.values())

    assert settings.OPENAI_API_KEY not in kept
    assert settings.REPLICATE_API_TOKEN not in kept
    assert "scarf" not in kept
