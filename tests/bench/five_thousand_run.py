"""One run of `five_thousand`, or a smaller one:
`python -m tests.bench.five_thousand_run --blogs 400 --sites 40 --workers 2 --scale 8`."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from config.processes import stop_on_signals
from tests.support.shops import Shop
from tests.support.world import World, running

_POSTERS = 8
_TICK_SECONDS = 0.25
_LONGEST_SECONDS = 570
_TOKENS_PER_MINUTE, _REQUESTS_PER_MINUTE = 450_000, 450
_TOPICS = ("choosing {}", "caring for {}", "How {} are made", "{} for beginners", "a gift of {}")
_THINGS = ("scarves", "tea bowls", "oak frames", "mittens", "baskets", "candles", "notebooks", "aprons")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--blogs", type=int, required=True)
    parser.add_argument("--sites", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True, help="replicas of 50 threads")
    parser.add_argument("--scale", type=float, required=True, help="of latencies and limits")
    parser.add_argument("--output", type=Path, help="a file for the figures, beside the last line")
    options = parser.parse_args()
    stop_on_signals()
    shops = [_shop(number) for number in range(options.sites)]
    enough = 25 * (1 + options.blogs // options.sites)
    settings = {"DEBUG": "false", "LOG_FORMAT": "json"}
    with running(
        "bench-world", shops, speed=options.scale, credits=enough, workload="short", settings=settings
    ) as world:
        for number in range(options.workers):
            world.fork_worker(f"worker-{number}")
        world.processes.wait_for(lambda: _workers() == options.workers, seconds=60, what="the workers")
        figures = json.dumps(_run(world, shops, options.blogs, options.scale))
    print(figures, flush=True)
    if options.output:
        options.output.write_text(figures)
    return 0


def _shop(number: int) -> Shop:
    thing = _THINGS[number % len(_THINGS)]
    products = tuple(
        (f"{name} {thing} {number}", f"{thing.capitalize()} of {of}, made by hand in a small workshop.")
        for name, of in (("Plain", "linen and wool"), ("Fine", "oiled oak"), ("Large", "undyed cotton"))
    )
    return Shop(f"Shop {number}", "V3_CATALOG", products, tuple(topic.format(thing) for topic in _TOPICS), 0)


def _run(world: World, shops: list[Shop], blogs: int, scale: float) -> dict[str, Any]:
    cpu = _Cpu(world)
    psutil.cpu_percent()
    began = time.monotonic()
    posting = threading.Thread(target=_post, args=(world, shops, blogs), daemon=True)
    posting.start()
    while (done := _done()) < blogs:
        assert time.monotonic() - began < _LONGEST_SECONDS, f"only {done} of {blogs} DONE"
        world.processes.check()
        time.sleep(_TICK_SECONDS)
    seconds = time.monotonic() - began
    cpu_share, parts = psutil.cpu_percent() / 100, cpu.since()
    charged, used = world.sandbox.stats()["openai"]["charged"], _tokens_used()
    rate = scale * _TOKENS_PER_MINUTE / 60
    limits_time = max(charged["tokens"] / rate, charged["requests"] / (scale * _REQUESTS_PER_MINUTE / 60))
    return {
        "ratio_reserved": round(seconds / limits_time, 3),
        "ratio_used": round(seconds / (used / rate), 3),
        **_counts(world),
        "scale": scale,
        "blogs_per_hour_unscaled": round(blogs / (seconds * scale) * 3600),
        "seconds": round(seconds, 1),
        "limit_seconds": round(limits_time, 1),
        "tokens_reserved_per_blog": round(charged["tokens"] / blogs),
        "tokens_used_per_blog": round(used / blogs),
        "tokens_by_call": _by_call(blogs),
        "cpu_share": round(cpu_share, 3),
        "cpu_ms_per_blog": {part: round(1000 * took / blogs, 1) for part, took in parts.items()},
    }


def _post(world: World, shops: list[Shop], blogs: int) -> None:
    from wix.identity.signed_instance import sign_instance

    sessions = threading.local()

    def post(number: int) -> None:
        if not hasattr(sessions, "session"):
            sessions.session = requests.Session()
        shop = shops[number % len(shops)]
        topic = shop.topics[number // len(shops) % len(shop.topics)]
        answer = sessions.session.post(
            f"{world.url}/api/blog-generation",
            json={"sourceType": "keyword", "sourceId": f"{topic} {number}", "length": "medium"},
            headers={"Authorization": f"Bearer {sign_instance(shop.instance_id)}"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text

    began = time.monotonic()
    with ThreadPoolExecutor(_POSTERS) as posters:
        for _ in posters.map(post, range(blogs)):
            pass
    print(f"posted in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def _workers() -> int:
    from workers.models import WorkerProcess

    return WorkerProcess.objects.count()


def _done() -> int:
    from blogs.models import BlogGeneration, Status

    failed = BlogGeneration.objects.filter(status=Status.FAILED).values_list("error_code", flat=True)[:3]
    assert not failed, f"FAILED: {list(failed)}"
    return BlogGeneration.objects.filter(status=Status.DONE).count()


def _tokens_used() -> int:
    from django.db.models import Sum

    from workers.models import RateLimitUsage

    return int(RateLimitUsage.objects.filter(limit__provider="openai").aggregate(sum=Sum("tokens_used"))["sum"])


def _by_call(blogs: int) -> dict[str, dict[str, float]]:
    """Of each kind of call (idea, article, critic, repair): how many a blog made, what they took, and how many were cut."""
    from django.db.models import Count, F, Q, Sum

    from workers.models import ProviderCall

    sums = (
        ProviderCall.objects.filter(provider="openai")
        .values(call=F("operation"))
        .annotate(
            calls=Count("pk"),
            reserved=Sum("tokens_reserved"),
            used=Sum(F("prompt_tokens") + F("output_tokens")),
            cut=Count("pk", filter=Q(truncated=True)),
        )
    )
    return {
        each["call"].removeprefix("blog_"): {
            "calls": round(each["calls"] / blogs, 3),
            "reserved": round(each["reserved"] / blogs),
            "used": round((each["used"] or 0) / blogs),
            "cut": each["cut"],
        }
        for each in sums
    }


def _counts(world: World) -> dict[str, Any]:
    from blogs.models import BlogGeneration, GenerationEvent
    from blogs.operations import proof
    from credits.models import Credit

    drafts, captures = world.sandbox.drafts(), Credit.objects.filter(kind=Credit.Kind.CAPTURE)
    done = _done()
    return {
        "rejected": world.sandbox.stats()["violations"],
        "done": done,
        "drafts": len(drafts),
        "ledger_ok": not proof.discrepancies() and captures.count() == BlogGeneration.objects.count() == done,
        "not_smooth": GenerationEvent.objects.filter(kind__in=("deferred", "retrying", "rescued")).count(),
    }


@dataclass(slots=True)
class _Times:
    process: psutil.Process

    def used(self) -> float:
        """With its children, the living and those that have ended."""
        used = sum(self.process.cpu_times()[:4])
        for child in self.process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                used += sum(child.cpu_times()[:2])
        return float(used)


class _Cpu:
    """Seconds of each part of the world since this was made; `posters` are ourselves."""

    def __init__(self, world: World) -> None:
        self._parts: dict[str, list[_Times]] = {}
        for name, pid in world.processes.pids().items():
            self._parts.setdefault(name.partition("-")[0] + "s", []).append(_Times(psutil.Process(pid)))
        self._parts["postgres"] = [_Times(psutil.Process(world.database.pid))]
        self._before = self._now()

    def since(self) -> dict[str, float]:
        return {part: used - self._before[part] for part, used in self._now().items()}

    def _now(self) -> dict[str, float]:
        ours = psutil.Process().cpu_times()
        used = {part: sum(each.used() for each in times) for part, times in self._parts.items()}
        return {**used, "posters": ours.user + ours.system}


if __name__ == "__main__":
    sys.exit(main())
