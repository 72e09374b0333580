"""Twenty blogs through LiteLLM: what a gateway refuses ends as it does where OpenAI itself is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blogs.models import BlogGeneration, GenerationEvent, Status
from tests.sandbox import Sandbox
from tests.support.blogs.worker_process import MakeWorker, statuses
from tests.support.threads import wait_until
from workers.models import Breaker

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]

_BLOGS = 20
_SECONDS = 90

Submit = Callable[[int], None]


def is_open() -> bool:
    return Breaker.objects.filter(provider="openai", opened_at__isnull=False).exists()


def all_wait() -> bool:
    """Tell whether OpenAI is held for down, and each blog has met that."""
    deferred = GenerationEvent.objects.filter(kind=GenerationEvent.Kind.DEFERRED).values("generation").distinct()
    return is_open() and deferred.count() == _BLOGS and set(statuses()) == {Status.PENDING}


def assert_it_is_no_blogs_fault(code: str, said: str) -> None:
    assert set(BlogGeneration.objects.values_list("attempts", flat=True)) == {0}
    breaker = Breaker.objects.get(provider="openai")
    assert breaker.code == code
    assert said in breaker.reason


def test_blogs_are_written(submit: Submit, worker: MakeWorker) -> None:
    submit(_BLOGS)
    worker().start()

    wait_until(lambda: statuses() == [Status.DONE] * _BLOGS, seconds=_SECONDS)


@pytest.mark.parametrize("kind", ["refusal", "content_filter", "content_filter_400", "invalid_prompt"])
def test_refused_topics_fail_as_such(sandbox: Sandbox, submit: Submit, worker: MakeWorker, kind: str) -> None:
    sandbox.fault("openai", kind, times=None)
    submit(_BLOGS)
    worker().start()

    wait_until(lambda: statuses() == [Status.FAILED] * _BLOGS, seconds=_SECONDS)

    assert set(BlogGeneration.objects.values_list("error_code", flat=True)) == {"content_refused"}
    assert not is_open()


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        ({"OPENAI_MODEL": "absent"}, "provider_misconfigured", "absent"),
        # Without a database LiteLLM says of a key that it doesn't know no more than this, with a 400.
        ({"OPENAI_API_KEY": "sk-not-the-gateways"}, "provider_misconfigured", "No connected db"),
    ],
    ids=["wrong model", "wrong key"],
)
def test_a_wrong_setting_fails_no_blog(
    submit: Submit, worker: MakeWorker, setting: dict[str, str], code: str, said: str
) -> None:
    submit(_BLOGS)
    worker(**setting).start()

    wait_until(all_wait, seconds=_SECONDS)

    assert_it_is_no_blogs_fault(code, said)


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("insufficient_quota", "provider_quota", "quota"),
        ("no_json_schema", "provider_misconfigured", "json_schema"),
        ("401", "provider_refused_key", "Incorrect API key"),
        ("odd_400", "provider_misconfigured", "The upstream said no"),
    ],
)
def test_what_the_provider_behind_it_refuses_fails_no_blog(
    sandbox: Sandbox, submit: Submit, worker: MakeWorker, kind: str, code: str, said: str
) -> None:
    sandbox.fault("openai", kind, times=None)
    submit(_BLOGS)
    worker().start()

    wait_until(all_wait, seconds=_SECONDS)

    assert_it_is_no_blogs_fault(code, said)


def test_without_strict_schemas_blogs_are_written_by_a_schema_in_words(
    sandbox: Sandbox, submit: Submit, worker: MakeWorker
) -> None:
    sandbox.fault("openai", "no_json_schema", match='"json_schema"', times=None)
    submit(_BLOGS)
    worker(OPENAI_ANSWER_FORMAT="json_object").start()

    wait_until(lambda: statuses() == [Status.DONE] * _BLOGS, seconds=_SECONDS)
