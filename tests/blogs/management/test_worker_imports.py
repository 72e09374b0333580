"""A worker serves no pages: it does without the memory of what would serve them."""

from __future__ import annotations

import json

import pytest

from tests.support import processes

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db]

# The command itself, with its system checks; it ends where it looks at its options.
_WORKER = """
import json, runpy, sys
sys.path.insert(0, "")
sys.argv = ["manage.py", "run_blog_worker", "--threads", "0"]
try:
    runpy.run_path("manage.py", run_name="__main__")
except SystemExit:
    print(json.dumps(sorted(sys.modules)))
"""


def test_a_worker_loads_neither_the_admin_nor_the_rest_framework() -> None:
    keys = {"OPENAI_API_KEY": "k", "REPLICATE_API_TOKEN": "t"}
    ended = processes.run("-c", _WORKER, ADMIN_SECOND_FACTOR="true", **keys)

    assert "--threads and --batch-size must be at least 1" in ended.stderr
    loaded = json.loads(ended.stdout)
    assert {"blogs.pipeline", "blogs.queue.source", "wix.catalog"} <= set(loaded)
    assert [
        name for name in loaded if name.startswith(("django.contrib.admin", "rest_framework", "axes", "django_otp"))
    ] == []
    # Of what operators see it loads alerts, which it tells the alert webhook of.
    for_the_web = ("blogs.api", "blogs.desk", "blogs.operations.views", "blogs.operations.metrics", "blogs.admin")
    assert [name for name in loaded if name.startswith((*for_the_web, "prometheus_client"))] == []
