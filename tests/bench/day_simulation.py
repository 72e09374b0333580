"""Replicas of 50 seats working through a day of requests: the product's own queue, ledger and limiter, at a simulated time.

Real: every submit, claim, promotion, deferral, retry, failure, cancel, capture and question to the limiter. Saved: a stage's
checkpoint is written after the article, and wherever it ends a time of being put off (the next one's count starts from zero); the
others are remembered here, since six more transactions a blog would take the time of the whole day. Leases aren't
renewed, since no worker dies on this day and none rescues.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from blogs import queue
from blogs.models import BlogGeneration, Stage, Status
from blogs.queue import lifecycle, submitting
from blogs.queue.request import BlogRequest
from tests.bench.day_clock import Clock
from tests.bench.day_limits import LocalLines, SharedLimits
from tests.bench.day_loop import Loop
from tests.bench.day_stages import STEPS, Blog, Place, Step, Waits
from tests.bench.day_traffic import Request
from wix.models import Site
from workers.context.process_memory import forget_everything
from workers.database.clock import ClockTimestamp
from workers.errors import PermanentError, RateLimited, TransientError
from workers.limits import Limit
from workers.models import WorkerProcess
from workers.pool.pace import Crew, Pace

SEATS = 50
# Each replica looks for what is due at that moment or every few seconds; together about this often.
_PROMOTE_SECONDS = 1.0
_SAMPLE_SECONDS = 60.0
_LONGEST_SECONDS = 30 * 3_600.0

Life = Generator[Place | float, None, None]


@dataclass(slots=True)
class Replica:
    worker: WorkerProcess
    lines: LocalLines
    running: dict[int, BlogGeneration] = field(default_factory=dict)
    beats: bool = False

    @property
    def free(self) -> int:
        return SEATS - len(self.running)


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of every minute; `shops` have blogs that wait, in the queue or on a seat for a limit."""

    at: float
    shops: int
    blogs: int
    seats_free: float
    seats_waiting: float


class Simulation:
    saves_every_stage = False

    def __init__(
        self,
        clock: Clock,
        day: Sequence[Request],
        sites: Sequence[Site],
        replicas: int,
        seed: int,
        pace: Pace,
    ) -> None:
        """`pace` says for all replicas together how many blogs are worth having on seats."""
        self.loop = Loop(clock)
        self.shared = SharedLimits(self.loop)
        self.blogs: dict[int, Blog] = {}
        self.samples: list[Sample] = []
        self._dice = random.Random(f"{seed} replicas")
        self._replicas = [self._start_replica(number) for number in range(replicas)]
        self._ready = self._outside = 0
        self._at_a_limit: Counter[str] = Counter()
        self._waiting: Counter[int] = Counter()
        self._promoting = False
        self.pace = pace
        self._crew = Crew(before=0, mine=SEATS * replicas, after=0, left_in_flight=0)
        self._left = len(day)
        for request in day:
            site = sites[request.site]
            blog = Blog(request, Limit("wix", key=str(site.instance_id)), lambda: self.loop.now)
            self.loop.at(request.at, lambda blog=blog, site=site: self._submit(blog, site))  # type: ignore[misc]
        self.loop.at(day[0].at, self._sample)
        self.loop.at(day[0].at, self._measure)

    def run(self) -> None:
        self.loop.run()

    def _start_replica(self, number: int) -> Replica:
        worker = WorkerProcess.objects.create(name=f"replica-{number + 1}", threads=SEATS)
        return Replica(worker, LocalLines(self.loop, self.shared, self._dice))

    # --- From outside -------------------------------------------------------------------------------------------------

    def _submit(self, blog: Blog, site: Site) -> None:
        self._forget()
        request = BlogRequest(
            "keyword", f"topic {blog.request.number}", "en", "friendly", blog.request.length, publish=False
        )
        generation = submitting.submit(site=site, request=request)
        self.blogs[generation.pk] = blog
        self._ready += 1
        self._waiting[blog.request.site] += 1
        if blog.request.cancelled_at:
            self.loop.at(blog.request.cancelled_at, lambda: self._cancel(blog, generation.pk))
        self._fill_seats()

    def _forget(self) -> None:
        forget_everything()  # the queue's count is kept for a second of Python's clock, which is minutes here

    def _cancel(self, blog: Blog, pk: int) -> None:
        was_ready = BlogGeneration.objects.values_list("ready", flat=True).get(pk=pk)
        try:
            now = lifecycle.cancel(pk, by="shop")
        except lifecycle.WrongState:
            return  # finished already
        if now.status == Status.CANCELLED and not blog.is_final:
            self._ready -= was_ready
            self._outside -= not was_ready
            self._waiting[blog.request.site] -= 1
            self._end(blog)
        blog.wants_cancel = True

    # --- Seats --------------------------------------------------------------------------------------------------------

    def _fill_seats(self) -> None:
        free = [replica for replica in self._replicas if replica.free]
        self._dice.shuffle(free)
        for replica in free:
            limit = min(replica.free, settings.BLOG_WORKER_BATCH_SIZE, self.pace.seats(self._crew) - self._in_flight())
            if not self._ready or limit <= 0:  # what was started a line ago may have taken them
                continue
            claimed = queue.claim(replica.worker, limit, replica.running.values())
            replica.running |= {generation.pk: generation for generation in claimed}
            self._ready -= len(claimed)
            for generation in claimed:
                blog = self.blogs[generation.pk]
                blog.generation = generation
                self._waiting[blog.request.site] -= 1
                self._go_on(replica, blog, self._life(blog, generation), None)

    def _in_flight(self) -> int:
        return sum(SEATS - replica.free for replica in self._replicas)

    def _go_on(self, replica: Replica, blog: Blog, life: Life, refused: RateLimited | None) -> None:
        """Until it waits for something again, or its seat is free."""
        try:
            wanted = life.throw(refused) if refused else next(life)
        except StopIteration:
            assert blog.generation
            del replica.running[blog.generation.pk]
            if self._ready:
                self._fill_seats()
            return
        if isinstance(wanted, Place):
            self._take_a_place(replica, blog, life, wanted)
        else:
            self.loop.at(self.loop.now + wanted, lambda: self._go_on(replica, blog, life, None))

    def _take_a_place(self, replica: Replica, blog: Blog, life: Life, wanted: Place) -> None:
        def go_on(refused: RateLimited | None = None) -> None:
            self._at_a_limit[wanted.limit.provider] -= 1
            self._waiting[blog.request.site] -= 1
            self._go_on(replica, blog, life, refused)

        self._at_a_limit[wanted.limit.provider] += 1
        self._waiting[blog.request.site] += 1
        replica.lines.join(wanted.limit, wanted.tokens, go_on, go_on)
        if not replica.beats and replica.lines.waiting("wix"):
            replica.beats = True
            self.loop.at(self.loop.now + settings.BLOG_WORKER_LEASE_RENEW_SECONDS, lambda: self._beat(replica))

    # --- A blog on its seat, as in `blogs.pipeline` -------------------------------------------------------------------

    def _life(self, blog: Blog, generation: BlogGeneration) -> Life:
        try:
            yield from self._stages(blog, generation)
        except RateLimited as limited:
            blog.deferrals += 1
            blog.deferred_since_checkpoint = True
            lifecycle.defer(generation, limited)
            self._back_or_ended(blog, generation)
        except TransientError as error:
            lifecycle.retry_later(generation, error)
            self._back_or_ended(blog, generation)
        except PermanentError as error:
            lifecycle.fail(generation, error)
            self._end(blog)

    def _stages(self, blog: Blog, generation: BlogGeneration) -> Life:
        for step in STEPS[blog.through :]:
            yield from self._take(step, blog)
            blog.through += 1
            blog.saved_at = self.loop.now
            if step.stage == Stage.DRAFT:
                url = "https://shop.example/draft"
                lifecycle.succeed(
                    generation, step.stage, {}, draft_post_id=str(UUID(int=generation.pk)), draft_post_url=url
                )
                self._end(blog)
            elif (self._is_saved(step) or blog.deferred_since_checkpoint) and not self._saved(blog, generation):
                return

    def _is_saved(self, step: Step) -> bool:
        return self.saves_every_stage or step.stage == Stage.ARTICLE

    def _take(self, step: Step, blog: Blog) -> Waits:
        if step.optional and blog.lost_picture:
            return
        try:
            yield from step.run(blog)
        except RateLimited:
            if not step.optional or self.loop.now - blog.saved_at <= settings.BLOG_IMAGE_PATIENCE_SECONDS:
                raise
            blog.lost_picture = True

    def _saved(self, blog: Blog, generation: BlogGeneration) -> bool:
        blog.deferred_since_checkpoint = False
        following = STEPS[blog.through].stage
        if lifecycle.checkpoint(generation, STEPS[blog.through - 1].stage, {}, next_stage=following):
            return True
        self._end(blog)  # the shop has asked to cancel it
        return False

    def _back_or_ended(self, blog: Blog, generation: BlogGeneration) -> None:
        if blog.wants_cancel:
            generation.refresh_from_db(fields=["status"])
            if generation.status != Status.PENDING:
                self._end(blog)
                return
        self._outside += 1
        self._waiting[blog.request.site] += 1
        if not self._promoting:
            self._promoting = True
            self.loop.at(self.loop.now + _PROMOTE_SECONDS, self._promote)

    def _end(self, blog: Blog) -> None:
        blog.is_final = True
        self._left -= 1

    # --- Beside it ----------------------------------------------------------------------------------------------------

    def _promote(self) -> None:
        promoted = queue.promote()
        self._ready += promoted
        self._outside -= promoted
        self._promoting = self._outside > 0
        if self._promoting:
            self.loop.at(self.loop.now + _PROMOTE_SECONDS, self._promote)
        if promoted:
            self._fill_seats()

    def _beat(self, replica: Replica) -> None:
        """Claims look at who waits for a shop's own limit. While none does here, the last heartbeat is as good as a new one."""
        waiting = replica.lines.waiting("wix")
        row = WorkerProcess.objects.filter(pk=replica.worker.pk)
        row.update(heartbeat_at=ClockTimestamp(), waiting=waiting, in_flight=SEATS - replica.free)
        replica.beats = bool(waiting)
        if waiting:
            self.loop.at(self.loop.now + settings.BLOG_WORKER_LEASE_RENEW_SECONDS, lambda: self._beat(replica))

    def _measure(self) -> None:
        at_work = self._in_flight() - self._at_a_limit.total() + self._at_a_limit["wix"]
        self.pace.beat(at_work, settings.BLOG_WORKER_LEASE_RENEW_SECONDS)
        if self._left:
            self.loop.at(self.loop.now + settings.BLOG_WORKER_LEASE_RENEW_SECONDS, self._measure)

    def _sample(self) -> None:
        seats = SEATS * len(self._replicas)
        blogs = self._waiting.total()
        free = sum(replica.free for replica in self._replicas)
        shops = sum(1 for waiting in self._waiting.values() if waiting > 0)
        self.samples.append(Sample(self.loop.now, shops, blogs, free / seats, self._at_a_limit.total() / seats))
        assert self.loop.now < _LONGEST_SECONDS, f"{self._left} blogs will never end"
        if self._left:
            self.loop.at(self.loop.now + _SAMPLE_SECONDS, self._sample)
