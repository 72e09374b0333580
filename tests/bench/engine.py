"""What the engine itself costs: 5,000 blogs through the whole lifecycle with stages that do nothing, beside Procrastinate.

Ours: claim, lease, every checkpoint with its event, the ledger's capture, DONE; once with all stages (seven, as no blog asks
to be published), once with the draft alone. Procrastinate: async tasks that do nothing, concurrency 50, its own schema in the
same server. A rate is the number of blogs over the time from the first start to the last end, by PostgreSQL's clock; starting the
processes is not in it. CPU and transactions are from the first start on, of all workers and PostgreSQL.
"""

from __future__ import annotations

from typing import Any

from tests.bench import crowd, filling, procrastinate
from tests.bench.crowd import Usage, query

BLOGS = 5_000
_SITES = 100


def measure() -> dict[str, Any]:
    all_stages = {workers: _ours(workers, stages=8) for workers in (1, 2)}
    one_stage = {workers: _ours(workers, stages=1) for workers in (1, 2)}
    peer = {workers: procrastinate.engine(workers, BLOGS) for workers in (1, 2)}
    return {
        "blogs": BLOGS,
        "stages": 7,
        **_figures(all_stages),
        "one_stage": _figures(one_stage),
        "procrastinate_per_s": {str(workers): run["per_s"] for workers, run in peer.items()},
        "procrastinate_cpu_ms": {str(workers): run["cpu_ms"] for workers, run in peer.items()},
        "procrastinate_transactions": {str(workers): run["transactions"] for workers, run in peer.items()},
        "one_stage_share_of_procrastinate": {
            str(workers): round(one_stage[workers]["per_s"] / peer[workers]["per_s"], 2) for workers in (1, 2)
        },
    }


def _ours(workers: int, *, stages: int) -> dict[str, float]:
    sites = filling.add_sites(_SITES)
    filling.add_blogs(BLOGS, sites)
    filling.analyze()
    with crowd.processes() as running:
        before = crowd.usage([])
        crew = crowd.start_workers(running, workers, stages=stages)
        crowd.wait_until(lambda: query(_STARTED, sites)[0] > 0, running)
        at_start = sum(sum(worker.cpu_times()[:2]) for worker in crew)
        crowd.wait_until(lambda: query(_ENDED, sites)[0] == BLOGS, running, seconds=120)
        used = crowd.usage(crew) - before
        run = rates(query(_SECONDS, sites)[0], Usage(used.worker_cpu - at_start, used.postgres_cpu, used.transactions))
    print(f"{workers} workers, {stages} stages: {run}", flush=True)
    return run


def rates(seconds: float, used: Usage) -> dict[str, float]:
    return {
        "per_s": round(BLOGS / seconds, 1),
        "worker_cpu_ms": round(1000 * used.worker_cpu / BLOGS, 2),
        "cpu_ms": round(1000 * (used.worker_cpu + used.postgres_cpu) / BLOGS, 2),
        "transactions": round(used.transactions / BLOGS, 2),
    }


def _figures(runs: dict[int, dict[str, float]]) -> dict[str, Any]:
    names = {"blogs_per_s": "per_s", "cpu_ms_per_blog": "cpu_ms", "transactions_per_blog": "transactions"}
    return {name: {str(workers): run[key] for workers, run in runs.items()} for name, key in names.items()}


_STARTED = (
    "SELECT count(*) FROM (SELECT 1 FROM blog_generations WHERE site_id = ANY(%s) AND started_at IS NOT NULL LIMIT 1) s"
)
# A blog that failed or has to be tried again would end the run with a clear message.
_ENDED = """
SELECT count(*) FILTER (WHERE status = 'DONE') / (count(*) FILTER (WHERE error_code <> '') = 0)::int
  FROM blog_generations WHERE site_id = ANY(%s)
"""
_SECONDS = """
SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM blog_generations WHERE site_id = ANY(%s)
"""
