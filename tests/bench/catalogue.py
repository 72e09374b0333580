"""A shop of 12,000 products in each of Wix's catalogues: a hundred blogs need it at once, and read it once.

The blogs are products stages on the 50 threads of a process of its own (`catalogue_reader`), at Wix's real 200 calls a minute; one
that is put off comes back when the pipeline would let it. Then choosing is timed among a million products of 84 shops.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from statistics import median
from typing import Any

import requests
from django.db import connection

from config.processes import Processes
from tests.bench import crowd
from tests.sandbox import SandboxClient
from tests.support.world import free_port

PRODUCTS, BLOGS, THREADS = 12_000, 100, 50
_SHOPS = 84
_TOPICS = (
    "Which wool scarf for whom",
    "caring for oak stools",
    "a gift that is made to last",
    "glass",
    "nothing like that",
)
_WHAT_IS_READ = (
    "SELECT products, pg_total_relation_size('wix_catalogueproduct') / 2^20 FROM wix_catalogue WHERE instance_id = %s"
)


def measure() -> dict[str, Any]:
    runs, shop = [], ""
    with crowd.processes() as running:
        sandbox = _start_sandbox(running)
        for version in ("V1_CATALOG", "V3_CATALOG"):
            shop = str(uuid.uuid4())
            sandbox.reset()
            sandbox.add_shop(shop, catalog_version=version, generate=PRODUCTS)
            runs.append({"version": version, **_read(running, sandbox, shop)})
    choosing = {str(PRODUCTS): _choosing_ms(shop)}
    _fill(shop)
    choosing["1000000"] = _choosing_ms(shop)
    return {"runs": runs, "choosing_ms": choosing, "index_used": "catalogue_product_once" in _plan(shop)}


def _start_sandbox(running: Processes) -> SandboxClient:
    port = free_port()
    running.start("sandbox", "-m", "tests.sandbox", f"--port={port}")
    sandbox = SandboxClient(f"http://127.0.0.1:{port}")
    crowd.wait_until(lambda: _answers(sandbox), running)
    return sandbox


def _answers(sandbox: SandboxClient) -> bool:
    try:
        return bool(sandbox.stats())
    except requests.RequestException:
        return False


def _read(running: Processes, sandbox: SandboxClient, shop: str) -> dict[str, Any]:
    output = crowd.LOG.parent / f"catalogue-{shop}.json"
    reader = running.start(
        f"reader-{shop}",
        *("-m", "tests.bench.catalogue_reader", shop, str(output)),
        WIX_BASE_URL=sandbox.wix_url,
        WIX_APP_ID="bench",
        WIX_APP_SECRET="bench",
    )
    status = reader.wait(timeout=280)
    assert status == 0, f"the reader ended with {status}; see {crowd.LOG}"
    figures: dict[str, Any] = json.loads(output.read_text())
    output.unlink()
    stats = sandbox.stats()["wix"]
    products, size = crowd.query(_WHAT_IS_READ, shop)
    assert products == PRODUCTS
    return figures | {
        "calls": {name: count for name, count in stats["byOperation"].items() if count},
        "rejected": stats["rejected"],
        "table_mb": round(size),
    }


def _choosing_ms(shop: str) -> float:
    from wix.catalog import choosing

    taken = []
    for topic in _TOPICS * 5:
        began = time.monotonic()
        assert len(choosing.choose(shop, topic, at_most=6)) == 6
        taken.append(time.monotonic() - began)
    return round(median(taken) * 1000, 1)


def _fill(shop: str) -> None:
    """The same products in other shops."""
    print(f"filling {_SHOPS} shops", file=sys.stderr)
    with connection.cursor() as cursor:
        for _ in range(_SHOPS - 2):
            copy = str(uuid.uuid4())
            cursor.execute(
                "INSERT INTO wix_catalogue (instance_id, shown, reading) SELECT %s, shown, reading FROM wix_catalogue"
                " WHERE instance_id = %s",
                [copy, shop],
            )
            cursor.execute(
                "INSERT INTO wix_catalogueproduct (catalogue_id, reading, product_id, in_stock, collection_ids, words, data)"
                " SELECT %s, reading, product_id, in_stock, collection_ids, words, data FROM wix_catalogueproduct"
                " WHERE catalogue_id = %s",
                [copy, shop],
            )
        cursor.execute("VACUUM ANALYZE wix_catalogueproduct")


def _plan(shop: str) -> str:
    from wix.catalog import choosing, words

    asked: dict[str, Any] = {"instance_id": shop, "topic": words.queries(_TOPICS[0]), "collection": "", "at_most": 6}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE) {choosing._CHOOSE}", asked)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    print(plan, file=sys.stderr)
    return plan
