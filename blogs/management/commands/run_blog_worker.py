"""The worker: takes blogs from the queue and runs each through the pipeline, until it is told to stop."""

from __future__ import annotations

import functools
import gc
import logging
import os
import signal
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from blogs import pipeline, queue, sweep
from blogs.batches import starting, working
from blogs.ideas import orders as idea_orders
from blogs.ideas import posts, upkeep
from blogs.operations import notices
from blogs.outgoing import endpoints, sending
from blogs.outgoing import keeping as webhooks
from blogs.post_orders import asking
from blogs.post_orders import working as orders
from blogs.preflight import start as preflight
from blogs.profiles import reading as profiles
from blogs.providers import openai, ordinary_blog, replicate
from blogs.queue import waiting
from blogs.queue.forecast import promises
from blogs.restore import copies
from blogs.site_events import handlers, subscriptions
from blogs.words import keeping
from wix import catalog
from wix.client import access_tokens
from wix.webhooks import deliveries
from workers import limits
from workers.limits import provider_calls, spending
from workers.outbound import breaker_rows
from workers.pool import heartbeat
from workers.pool.pace import Pace
from workers.pool.pool import Chore, Pool
from workers.pool.verdict import Verdict

logger = logging.getLogger(__name__)

_HOUR = 3600.0
# Of a chore that is woken, while nothing is open: a wake-up is lost only where its sender was killed just before it.
_REST = 120.0


def _woken(do: Callable[..., object], name: str, channel: str) -> Chore:
    """Make the chore that works off what opens with a wake-up, and says when the next of it is due."""
    return Chore(30.0, do, name, woken_by=channel, asks=True, says_when=True, rests_seconds=_REST)


def _renew() -> None:
    """Stop where the database has become a copy under this worker; its next start says what to do."""
    try:
        copies.renew()
    except copies.Unsettled as unsettled:
        logger.error("%s", unsettled, extra={"action": "copied"})
        os.kill(os.getpid(), signal.SIGTERM)


# All that a worker does in the background, each on a thread of its own, besides the pool's own heartbeat and housekeeping.
CHORES = (
    Chore(15.0, sweep.sweep_one, "sweep drafts"),
    Chore(30.0, notices.look_and_tell, "tell of alerts", first_after_seconds=3.0),
    Chore(60.0, _renew, "tell a copy of the database"),
    Chore(60.0, queue.recount, "recount lines"),
    Chore(60.0, waiting.recall_forgotten, "recall blogs whose provider is back"),
    # A delivery that is stored wakes it. The pause is for those that are tried again, and for those whose wake-up was lost.
    Chore(70.0, handlers.work_off, "handle webhooks", woken_by=deliveries.CHANNEL, asks=True),
    # A batch that is started wakes it; while one is open, it says when the next portion is due.
    Chore(
        60.0,
        working.work_off,
        "work off batches",
        woken_by=starting.CHANNEL,
        asks=True,
        says_when=True,
        rests_seconds=_REST,
    ),
    Chore(120.0, spending.fold, "sum up what calls took", asks=True),
    # What staff order for posts at Wix. Looks have a thread of their own: a person waits for them.
    _woken(orders.work_off_looks, "look at posts", asking.LOOKS),
    _woken(orders.work_off_changes, "carry out orders", asking.REVISIONS),
    # A second thread publishes while the first waits for an article that is written again.
    _woken(orders.work_off_quick_changes, "publish", asking.CHANGES),
    # Two threads, and one for receivers that were slow: a shop's receiver keeps only other slow ones waiting.
    _woken(sending.work_off, "send webhooks", endpoints.CHANNEL),
    _woken(sending.work_off, "send webhooks", endpoints.CHANNEL),
    _woken(sending.work_off_slow, "send webhooks to slow receivers", endpoints.CHANNEL),
    # A shop that asks for ideas wakes it.
    Chore(30.0, posts.read_due, "read posts", first_after_seconds=5.0, asks=True),
    _woken(idea_orders.work_off, "find ideas", idea_orders.CHANNEL),
    Chore(60.0, webhooks.tell_of_low_credits, "tell of low credits"),
    Chore(_HOUR, webhooks.prune, "prune webhook messages"),
    Chore(60.0, keeping.look, "fill in words by which staff find blogs", says_when=True),
    Chore(300.0, profiles.work_off, "fill profiles from Wix", woken_by=profiles.CHANNEL, asks=True),
    # The first time soon, so that workers grant too that live for less than an hour.
    Chore(_HOUR, subscriptions.grant_due, "grant monthly credits", first_after_seconds=45.0),
    Chore(60.0, promises.judge, "compare starts and ends with what was promised"),
    Chore(_HOUR, limits.prune, "prune limits"),
    Chore(_HOUR, provider_calls.prune, "prune provider calls"),
    Chore(_HOUR, spending.prune, "prune sums of calls"),
    Chore(_HOUR, breaker_rows.prune, "prune breakers' failures"),
    Chore(_HOUR, access_tokens.prune, "prune access tokens"),
    Chore(_HOUR, deliveries.prune, "prune webhooks"),
    Chore(_HOUR, catalog.prune, "prune catalogs"),
    Chore(_HOUR, upkeep.tidy, "tidy the idea bank"),
)


class Command(BaseCommand):
    help = (
        "Take blogs from the queue and write them, until SIGTERM (finishes what runs) or a second one (leaves at once)."
    )
    # The checks of URLs and pages would load what serves them, which a worker does without (`config/settings.py`).
    # Those of the database come later, in `handle`: it may be one that can't be used.
    requires_system_checks = [Tags.compatibility]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=settings.BLOG_WORKER_THREADS, help="blogs at the same time")
        parser.add_argument(
            "--batch-size",
            type=int,
            default=settings.BLOG_WORKER_BATCH_SIZE,
            help="how many blogs one claim takes at most",
        )
        parser.add_argument(
            "--poll-interval",
            type=float,
            default=settings.BLOG_WORKER_POLL_SECONDS,
            help="seconds, where no wake-up comes",
        )

    def handle(self, *, threads: int, batch_size: int, poll_interval: float, **options: Any) -> None:
        if min(threads, batch_size) < 1 or poll_interval <= 0:
            raise CommandError("--threads and --batch-size must be at least 1, --poll-interval more than 0.")
        self._look_first()
        _show_alive()
        limits.register(openai.limit())
        limits.register(replicate.limit())
        verdict = Verdict()
        pool = Pool(
            queue,
            functools.partial(pipeline.execute, verdict=verdict),
            threads=threads,
            batch_size=batch_size,
            poll_seconds=poll_interval,
            chores=CHORES,
            verdict=verdict,
            pace=Pace(ordinary_blog.seconds(), ordinary_blog.use()) if settings.WORKS_IN_FLIGHT_HEADROOM else None,
        )
        # What has been imported stays for good. Without this, collecting garbage takes a tenth of the time.
        gc.collect()
        gc.freeze()
        pool.run()
        # Threads that still hang in a call have nothing left to write, but would keep the process alive for minutes.
        logging.shutdown()
        os._exit(0)

    def _look_first(self) -> None:
        """Raise CommandError where a worker could not work here, or must not."""
        if not preflight.may_start("worker"):
            raise CommandError("Not started. The lines above say what is wrong; `manage.py preflight` says it again.")
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
        try:
            copies.require_settled()
        except copies.Unsettled as unsettled:
            raise CommandError(str(unsettled)) from None


def _show_alive() -> None:
    try:
        heartbeat.show_alive()
    except OSError as error:
        raise CommandError(
            f"BLOG_WORKER_ALIVE_PATH can't be written: {error}. Name a file in a folder that can."
        ) from None
