"""A Python client that is generated from openapi.json talks to the real service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blogs.judge.serving import ROOT, Service

pytestmark = pytest.mark.slow_process

_PROGRAM = """
import sys
from blog_generation_client import AuthenticatedClient, Client
from blog_generation_client.api.acts import cancel_blog
from blog_generation_client.api.blogs import create_blog, list_blogs, read_article, read_blog
from blog_generation_client.api.credits_ import read_credits
from blog_generation_client.models import Act, BlogRequest, BlogRequestSourceType, Problem

url, token = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)
before = read_credits.sync(client=client)
wish = BlogRequest(source_type=BlogRequestSourceType.KEYWORD, source_id="espresso")
made = create_blog.sync(client=client, body=wish, idempotency_key="generated-1")
assert made.status.value == "PENDING" and made.possible == ["cancel", "reschedule", "put-off"], made
assert create_blog.sync(client=client, body=wish, idempotency_key="generated-1").id == made.id
assert read_blog.sync(made.id, client=client).credits_held == before.credits_per_blog
assert made.id in [blog.id for blog in list_blogs.sync(client=client, limit=5).results]
not_yet = read_article.sync_detailed(made.id, client=client)
assert not_yet.status_code == 409 and not_yet.parsed.code == "not_ready", not_yet
assert cancel_blog.sync(made.id, client=client, body=Act(reason="only a try")).status.value == "CANCELLED"
assert read_credits.sync(client=client).available == before.available
stranger = read_credits.sync_detailed(client=Client(base_url=url))
assert stranger.status_code == 401 and isinstance(stranger.parsed, Problem), stranger
print("all of it")
"""


@pytest.mark.parametrize("credential", ["signedInstance", "dashboardToken", "apiKey"])
def test_a_generated_client_asks_follows_and_cancels(
    service: Service, judges: Path, tmp_path: Path, credential: str
) -> None:
    _generate(judges, tmp_path)
    (tmp_path / "program.py").write_text(_PROGRAM.replace("generated-1", f"generated-{credential}"))

    command = [str(judges / "python"), "program.py", service.url, service.credentials[credential]]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert said.stdout == "all of it\n", said.stderr


def _generate(judges: Path, folder: Path) -> None:
    names = "project_name_override: blog-generation-client\npackage_name_override: blog_generation_client\n"
    (folder / "names.yaml").write_text(names + "post_hooks: []\n")
    subprocess.run(
        [str(judges / "openapi-python-client"), "generate", "--path", str(ROOT / "openapi.json"), "--meta", "none",
         "--output-path", str(folder / "blog_generation_client"), "--config", str(folder / "names.yaml")],
        check=True, capture_output=True, timeout=120, env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
