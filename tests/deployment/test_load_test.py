"""`manage.py load_test` against what docs/deployment.md sets up: nginx with a certificate of its own, and one host name."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from credits.models import Credit
from tests.sandbox import Sandbox
from tests.support.nginx import NAME, Nginx
from wix.models import Site

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]


def run(*arguments: str) -> dict[str, object]:
    printed = StringIO()
    call_command("load_test", "--requests", "4", "--sites", "2", "--wait", "0", *arguments, stdout=printed)
    figures: dict[str, object] = json.loads(printed.getvalue().splitlines()[-1])
    return figures


def test_it_asks_by_the_name_and_believes_the_certificate(nginx: Nginx, sandbox: Sandbox) -> None:
    at = f"https://127.0.0.1:{nginx.https}"

    figures = run("--url", at, "--host", NAME, "--cacert", f"{nginx.folder}/blogs.pem")

    assert figures["statuses"] == {"201": 4}


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("http://127.0.0.1:{gunicorn}", [], r"400 in place of 401\. Name a host of ALLOWED_HOSTS with --host$"),
        ("http://127.0.0.1:{gunicorn}", ["--host", NAME], f"which leads to https://{NAME}/api/credits. Give --url "),
        ("https://127.0.0.1:{https}", ["--host", NAME], "SSLError. Its certificate is believed with --cacert FILE"),
        ("https://127.0.0.1:{https}", ["--cacert", "{pem}"], "SSLError. .* for the name that --host says$"),
        ("https://127.0.0.1:{https}", ["--host", "x.example.com", "--cacert", "{pem}"], "SSLError"),
    ],
)
def test_no_shop_gets_credits_where_it_would_be_refused(
    nginx: Nginx, sandbox: Sandbox, url: str, options: list[str], says: str
) -> None:
    names = {"gunicorn": nginx.behind, "https": nginx.https, "pem": f"{nginx.folder}/blogs.pem"}

    with pytest.raises(CommandError, match=says):
        run(*(each.format(**names) for each in ("--url", url, *options)))

    assert not Site.objects.exists()
    assert not Credit.objects.exists()
