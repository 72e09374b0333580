from __future__ import annotations

import gc
import logging
import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from blogs import pipeline, queue, sweep
from blogs.providers import openai, replicate
from blogs.queue import waiting
from blogs.site_events import handlers, subscriptions
from wix import catalog
from wix.client import access_tokens
from wix.webhooks import deliveries
from workers import limits
from workers.limits import provider_calls
from workers.outbound import breaker_rows
from workers.pool.pace import Pace
from workers.pool.pool import Chore, Pool

_BLOG_SECONDS, _PROMPT_TOKENS = 65.0, 1_700
_SWEEP_EVERY_SECONDS = 15.0
_RECOUNT_EVERY_SECONDS = 60.0
_PRUNE_EVERY_SECONDS = 3600.0
# Only for what is tried again, or was stored while nobody listened.
_DELIVERIES_EVERY_SECONDS = 70.0
_GRANT_EVERY_SECONDS = 3600.0
# Workers that live for less than an hour grant too.
_GRANT_FIRST_AFTER_SECONDS = 45.0


class Command(BaseCommand):
    help = (
        "Take blogs from the queue and write them, until SIGTERM (finishes what runs) or a second one (leaves at once)."
    )
    # Those of URLs and pages would load everything that serves them into a process that serves none.
    requires_system_checks = [Tags.compatibility, Tags.database]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=settings.BLOG_WORKER_THREADS, help="blogs at the same time")
        parser.add_argument(
            "--batch-size", type=int, default=settings.BLOG_WORKER_BATCH_SIZE, help="claim at most so many at once"
        )
        parser.add_argument(
            "--poll-interval",
            type=float,
            default=settings.BLOG_WORKER_POLL_SECONDS,
            help="seconds, where no wake-up comes",
        )

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """The database's own checks too: it is about to be used."""
        asked: Any = super().get_check_kwargs(options)
        return {**asked, "databases": [DEFAULT_DB_ALIAS]}

    def handle(self, *, threads: int, batch_size: int, poll_interval: float, **options: Any) -> None:
        if min(threads, batch_size) < 1 or poll_interval <= 0:
            raise CommandError("--threads and --batch-size must be at least 1, --poll-interval more than 0.")
        _require_keys()
        limits.register(openai.limit())
        limits.register(replicate.limit())
        pool = Pool(
            queue,
            pipeline.execute,
            threads=threads,
            batch_size=batch_size,
            poll_seconds=poll_interval,
            chores=[
                (_SWEEP_EVERY_SECONDS, sweep.sweep_one),
                (_RECOUNT_EVERY_SECONDS, queue.recount),
                (_RECOUNT_EVERY_SECONDS, waiting.recall_forgotten),
                (_PRUNE_EVERY_SECONDS, limits.prune),
                (_PRUNE_EVERY_SECONDS, provider_calls.prune),
                (_PRUNE_EVERY_SECONDS, breaker_rows.prune),
                (_PRUNE_EVERY_SECONDS, access_tokens.prune),
                Chore(_DELIVERIES_EVERY_SECONDS, handlers.work_off, woken_by=deliveries.CHANNEL, asks=True),
                (_PRUNE_EVERY_SECONDS, deliveries.prune),
                Chore(_GRANT_EVERY_SECONDS, subscriptions.grant_due, first_after_seconds=_GRANT_FIRST_AFTER_SECONDS),
                (_PRUNE_EVERY_SECONDS, catalog.prune),
            ],
            pace=expected_pace() if settings.WORKS_IN_FLIGHT_HEADROOM else None,
        )
        # What has been imported stays: looking for garbage in it again and again would take a tenth of the time.
        gc.collect()
        gc.freeze()
        pool.run()
        # Threads that still hang in a call have nothing left to write, and would keep the process for minutes.
        logging.shutdown()
        os._exit(0)


def expected_pace() -> Pace:
    """Until it has seen some: a blog of medium length, with the times and prompts of an ordinary one."""
    tokens = settings.OPENAI_IDEA_MAX_TOKENS + settings.OPENAI_ARTICLE_MAX_TOKENS["medium"] + _PROMPT_TOKENS
    use = {
        ("openai", "requests"): 2,
        ("openai", "tokens"): tokens,
        ("replicate", "requests"): 1,
        ("replicate_reads", "requests"): 5,
    }
    return Pace(_BLOG_SECONDS, {unit: float(used) for unit, used in use.items()})


def _require_keys() -> None:
    if missing := [name for name in settings.REQUIRED_SETTINGS if not getattr(settings, name)]:
        raise CommandError(f"{', '.join(missing)} not set: put what is missing into .env (.env.example explains each).")
