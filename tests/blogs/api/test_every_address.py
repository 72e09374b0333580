"""Every address of the API × every method × every kind of number × every credential: nothing of another site, and never a 500.

The addresses come from the URL configuration, so a new one is walked by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from blogs.models import BlogGeneration, GenerationEvent
from credits.models import Credit
from tests.support import factories
from wix.identity import api_keys
from wix.identity.signed_instance import sign_instance
from wix.models import ApiKey, Site

pytestmark = pytest.mark.django_db

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
# They show no site's data, and need no credential: what docs/monitoring.md and docs/api.md say of them.
OPEN = re.compile(r"api/(docs|errors|schema|(replicate-)?rate-limiter)\b")
# A number that no test asks for, since `/api/keys/{id}` has the addresses' numbers too, and one's own key is there.
_OF_MY_KEY = 10**17
# Whatever is put for a part of an address that no number is.
_SLUG = "invalid"


def _templates(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Yield the API's addresses as regular expressions, without what surrounds them."""
    for each in patterns:
        here = before + str(each.pattern).lstrip("^")
        if isinstance(each, URLResolver):
            if not before and not here.startswith("api/"):
                continue
            yield from _templates(each.url_patterns, here)
        elif here.startswith("api/"):
            yield here


def _addresses(number: str) -> list[str]:
    """Fill a blog's number in. What has none is an address of the site itself."""
    found = set()
    for template in _templates(get_resolver().url_patterns):
        path = re.sub(r"\(\?P<slug>[^)]*\)", _SLUG, template)
        path = re.sub(r"\(\?P<format>[^)]*\)", "json", path)
        path = re.sub(r"\(\?P<\w+>[^)]*\)", lambda _: number, path)
        found.add("/" + re.sub(r"/\?|\\Z|\$|\^", "", path))
    return sorted(found)


def test_the_walk_knows_the_addresses_that_are_in_the_docs() -> None:
    walked = _addresses("{id}")

    documented = set(re.findall(r"`(?:GET|POST|PATCH) (/api/[^`?]+)`", (settings.BASE_DIR / "docs/api.md").read_text()))
    assert documented <= set(walked)
    assert len(walked) >= 12


def _credentials(mine: Site) -> dict[str, str]:
    removed = factories.site(removed_at=timezone.now())
    return {
        "none": "",
        "empty": "Bearer ",
        "nonsense": "Bearer abc.def",
        "basic": "Basic dXNlcjpwYXNz",
        "forged": f"Bearer {sign_instance(mine.instance_id)[:-4]}AAAA",
        "unknown key": "Bearer blog_0000000000000000000000000000000000000000000",
        "removed": f"Bearer {sign_instance(removed.instance_id)}",
        "mine": f"Bearer {sign_instance(mine.instance_id)}",
        "my key": f"Bearer {_key(mine, number=_OF_MY_KEY)}",
    }


def _key(site: Site, *, number: int) -> str:
    made, key = api_keys.issue(site, "test")
    ApiKey.objects.filter(pk=made.pk).update(id=number)
    return key


_NUMBERS: dict[str, Callable[[BlogGeneration], str]] = {
    "another site's": lambda other: str(other.pk),
    "of no blog": lambda other: str(other.pk + 1_000),
    "huge": lambda other: "9" * 18,
    "too long": lambda other: "9" * 40,
    "negative": lambda other: f"-{other.pk}",
    "in other digits": lambda other: str(other.pk).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "with a NUL": lambda other: f"{other.pk}%00",
    "with a dot": lambda other: f"{other.pk}.0",
    "injected": lambda other: f"{other.pk}%20OR%201=1",
}


# With these every credential is tried.
_WHOLE = ("another site's", "of no blog")


def _everything() -> tuple[Any, ...]:
    blogs = BlogGeneration.objects.order_by("pk").values_list()
    keys = ApiKey.objects.order_by("pk").values_list("pk", "label", "expires_at", "revoked_at")
    return list(blogs), GenerationEvent.objects.count(), Credit.objects.count(), list(keys)


@pytest.mark.parametrize("kind", _NUMBERS, ids=ascii)
def test_no_address_shows_or_does_anything_to_another_sites_blog(kind: str) -> None:
    other = factories.done_generation(factories.site(name="Another Shop"), source_id="their secret topic")
    credentials = _credentials(factories.site())
    _key(other.site, number=other.pk)
    client = Client(raise_request_exception=False)
    before = _everything()

    for path in _addresses(_NUMBERS[kind](other)):
        if path in _addresses("x") or OPEN.match(path[1:]):
            continue
        for method in METHODS:
            for name, credential in credentials.items():
                if kind not in _WHOLE and name not in ("none", "mine"):
                    continue
                answer = _ask(client, method, path, credential)
                allowed = {401, 403, 404, 405} if name in ("mine", "my key") else {401, 403, 404}
                assert answer.status_code in allowed, (method, path, name, answer.status_code, answer.content[:300])
                assert b"secret topic" not in answer.content
    assert _everything() == before


def test_no_address_of_the_site_itself_answers_without_its_credential() -> None:
    mine = factories.site()
    factories.done_generation(mine, source_id="their secret topic")
    credentials = {name: it for name, it in _credentials(mine).items() if name not in ("mine", "my key")}
    client = Client(raise_request_exception=False)
    before = _everything()

    for path in _addresses("x"):
        if OPEN.match(path[1:]) or path not in _addresses("y"):
            continue
        for method in METHODS:
            for name, credential in credentials.items():
                answer = _ask(client, method, path, credential)
                assert answer.status_code in {401, 403, 404}, (method, path, name, answer.status_code)
                assert b"secret topic" not in answer.content
    assert _everything() == before


def test_each_address_says_what_it_takes_to_whom_it_knows(api: Any) -> None:
    site = factories.site()
    mine = factories.pending_generation(site)
    client = Client(raise_request_exception=False)

    for path in _addresses(str(mine.pk)):
        if OPEN.match(path[1:]):
            continue
        answer = client.options(path, headers=api(site).headers)
        assert answer.status_code == 204, (path, answer.content)
        assert answer["Allow"]
        assert client.options(path).status_code == 401, path


def test_no_address_of_ones_own_breaks_whatever_the_method(api: Any) -> None:
    site = factories.site()
    client = Client(raise_request_exception=False)
    headers = api(site).headers

    for blog in [factories.failed_generation(site), factories.pending_generation(site)]:
        for path in _addresses(str(blog.pk)):
            for method in METHODS:
                for body in ("{}", "", "[]"):
                    answer = client.generic(method, path, body, content_type="application/json", headers=headers)
                    assert answer.status_code < 500, (method, path, answer.content)
                    assert answer["X-Request-ID"]


def _ask(client: Client, method: str, path: str, credential: str) -> Any:
    headers = {"authorization": credential} if credential else {}
    return client.generic(method, path, "{}", content_type="application/json", headers=headers)
