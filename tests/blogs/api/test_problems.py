from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import problem
from wix.identity.signed_instance import sign_instance


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/", "/api/blog", "/api/blog-generation/1/nothing", "/health/nothing"]
)
def test_an_unknown_address_is_a_problem_too(client: Client, path: str) -> None:
    problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize("urlconf", ["config.urls", "config.streams.addresses"])
@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/blogs",
        "/api/blog-generation/68/canel",
        f"/api/blog-generation/{'9' * 23}/events",
        "/api/errors/x",
    ],
)
def test_in_development_too_an_unknown_address_is_a_problem(
    client: Client, settings: Any, urlconf: str, path: str
) -> None:
    settings.DEBUG, settings.ROOT_URLCONF = True, urlconf

    for answer in (client.get(path), client.post(path, {}, content_type="application/json")):
        if answer.status_code != 405:
            problem(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("path", "member"), [("wrong-state", "possible"), ("wrong_state", "blogStatus"), ("invalid", "errors")]
)
def test_a_page_about_a_code_shows_what_its_problems_have_besides(client: Client, path: str, member: str) -> None:
    answer = client.get(f"/api/errors/{path}")

    assert answer.status_code == 200
    assert f"&quot;{member}&quot;: " in answer.content.decode()


def test_a_host_that_is_not_ours_is_a_problem_too(client: Client) -> None:
    problem(client.get("/api/credits", headers={"host": "evil.example"}), 400, "malformed")


@pytest.mark.django_db
def test_an_error_of_ours_says_nothing_of_itself_and_can_be_found(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> None:
        raise ZeroDivisionError("at the heart of it: test-secret")

    site = factories.site()
    # Some bug, anywhere in what is ours: no input known to us makes one.
    monkeypatch.setattr(BlogGeneration, "is_finished", property(broken))

    body = problem(api(site).post(), 500, "internal")

    assert body["retryable"] is True
    assert "ZeroDivisionError" not in str(body)


@pytest.mark.django_db
def test_a_request_id_that_the_caller_chose_is_kept(api: Any) -> None:
    client = api(factories.site(credits=0))

    response = client.post(**{"X-Request-ID": "shop-42_request.7"})

    assert response["X-Request-ID"] == "shop-42_request.7"
    assert problem(response, 402, "insufficient_credits")["requestId"] == "shop-42_request.7"


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "two words", "line\nbreak-here", "<script>alert(1)", "é" * 10]
)
def test_a_request_id_that_could_do_harm_is_replaced(client: Client, given: str) -> None:
    response = client.get("/health/live", headers={"x-request-id": given})

    assert response["X-Request-ID"] != given
    assert len(response["X-Request-ID"]) == 32


def test_every_answer_has_a_request_id_of_its_own(client: Client) -> None:
    assert len({client.get("/health/live")["X-Request-ID"] for _ in range(3)}) == 3


@pytest.mark.django_db
def test_an_answer_in_another_format_cannot_be_had(api: Any) -> None:
    response = Client().get("/api/credits", headers={**api(factories.site()).headers, "accept": "text/html"})

    problem(response, 406, "not_acceptable")


@pytest.mark.django_db
def test_no_log_line_holds_the_secret_or_an_instance(api: Any, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    removed = factories.site(removed_at=timezone.now())
    instances = [sign_instance(s.instance_id) for s in (factories.site(), factories.site(credits=0), removed)]
    instances += [instances[0][:-1], instances[0] + ".x", "a." + "b" * 9_000]

    codes = [api(removed).post(authorization=f"Bearer {instance}").status_code for instance in instances]

    assert codes == [201, 402, 403, 401, 401, 401]
    written = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "request refused" in written
    assert settings.WIX_APP_SECRET not in written
    assert not [instance for instance in instances if instance in written or instance.split(".")[1][:60] in written]
