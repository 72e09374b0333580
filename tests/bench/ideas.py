"""300 blogs of one site get their ideas from the stand-in writer, by four threads: `make bench NAME=ideas`.

The threads claim four blogs at a time, as workers do, and the others stand in line. `most_alike` is the highest trigram similarity
of two titles, by `pg_trgm`: it fails above 0.6. `calls` are those for ideas, `calls_of_20` those until 20 blogs had theirs.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.test import override_settings

from blogs import pipeline, queue
from blogs.models import BlogGeneration, Stage, Topic
from blogs.stages import planning, products
from tests.bench.topics import KINDS, THINGS
from tests.sandbox import Sandbox
from tests.support import factories
from workers.database.connections import release_connection

_MOST_ALIKE = """
SELECT coalesce(max(similarity(a.text, b.text)), 0) FROM blogs_topic a JOIN blogs_topic b ON b.id > a.id
 WHERE a.kind = 'title' AND b.kind = 'title'
"""
_THREADS = 4
_LIMIT = {"requests": 450_000, "tokens": 450_000_000}


def measure() -> dict[str, Any]:
    with Sandbox(speed=1000, limit_scale=1000) as sandbox, override_settings(**_at(sandbox)):
        site = factories.site(credits=10_000, name="Many Things")
        sandbox.add_shop(str(site.instance_id), "Many Things")
        for number in range(300):
            topic = f"{KINDS[number % 20]} {THINGS[number // 20]}"
            factories.pending_generation(site, source_id=topic)
        worker = factories.WorkerFactory.create()
        first = 0
        while claimed := queue.claim(worker, _THREADS):
            _plan_all(claimed)
            if not first and Topic.objects.filter(kind=Topic.Kind.TITLE).count() >= 20:
                first = len(sandbox.requests("openai", "idea"))
        with connection.cursor() as cursor:
            cursor.execute(_MOST_ALIKE)
            most_alike = round(float(cursor.fetchone()[0]), 2)
        titles = Topic.objects.filter(kind=Topic.Kind.TITLE).count()
        assert titles == 300, f"{titles} titles"
        assert most_alike <= 0.6, f"two titles are alike by {most_alike}"
        return {
            "titles": titles,
            "most_alike": most_alike,
            "calls": len(sandbox.requests("openai", "idea")),
            "calls_of_20": first,
        }


def _at(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "OPENAI_BASE_URL": sandbox.openai_url,
        # An idea that a learned maximum cuts is another attempt's affair, and there is none here.
        "OPENAI_MAX_TOKENS_LEARN_FROM": 0,
        "WIX_BASE_URL": sandbox.wix_url,
        "WIX_UPLOAD_HOSTS": [urlsplit(sandbox.url).netloc],
        "RATE_LIMITS": {
            "openai": _LIMIT,
            **dict.fromkeys(("replicate", "replicate_reads", "wix", "wix_token_info"), _LIMIT),
        },
    }


def _plan_all(claimed: list[BlogGeneration]) -> None:
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(_plan, claimed))


def _plan(blog: BlogGeneration) -> None:
    """Run the first two stages; the rest has nothing to do with titles."""
    try:
        inputs = replace(pipeline.inputs_of(blog), seconds=60, warn=lambda _: None)
        planning.run(inputs.with_output(Stage.PRODUCTS, products.run(inputs)))
    finally:
        release_connection()
