"""What one claim of 100 blogs costs: with few and many rows, many sites, a full schedule, and an old snapshot left open.

Each time is the median of `queue.claim(worker, 100, held)` alone, in milliseconds, by a worker with 50 blogs on its other seats.
After every claim, untimed, the claimed blogs are finished and as many of the same sites arrive, so that a queue of 10,000 stays
one of 10,000, and rows die as in production. One site owns half of all rows. Every other figure is a ratio to the same base:
1,000 sites, 10,000 ready rows, nothing else. The base is measured again just before and just after each case, because a shared
machine has good and bad minutes; each starts from emptied tables.

Autovacuum is as it is by default. After a fill the tables are vacuumed and analysed once, as a database that has been up for more
than a minute would have been; never after that.

`ratio_old_snapshot`: the claims made while a REPEATABLE READ transaction is open and 50,000 blogs are claimed and finished, so that
nothing which dies can be removed; 500 blogs a second, several times what workers can do. `old_snapshot_end`: the last tenth of
them only. `old_snapshot_one_line`: the first again, where all 50,000 are of one site. `old_snapshot_one_seat`: claims of a single
blog at the end, against the same without the snapshot.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2
from django.conf import settings
from django.db import connection

from blogs import queue
from blogs.models import BlogGeneration, QueueClock
from blogs.queue import lines
from tests.bench.filling import add_blogs, add_sites, analyze
from workers.models import WorkerProcess

_BATCH = 100
_CLAIMS = 60
_HELD = 50
_WARM_UP = 10
_OLD_SNAPSHOT_CLAIMS = 500
_PACE = 5.0


def measure() -> dict[str, object]:
    worker = WorkerProcess.objects.create(name="bench:1", threads=_BATCH + _HELD)
    sites, scheduled = _Case(lambda: _filled(sites=10_000)), _Case(lambda: _filled(scheduled=100_000))
    old, old_one_line = _Case(_filled, old_snapshot=True), _Case(lambda: _filled(sites=1), old_snapshot=True)
    many = _Case(lambda: _filled(rows=1_000_000))
    for name, case in {
        "10,000 sites": sites,
        "100,000 scheduled": scheduled,
        "old snapshot": old,
        "old snapshot, one line": old_one_line,
        "1,000,000 rows": many,
    }.items():
        case.measure(worker)
        print(f"{name}: {case.ms:.2f} ms, base {case.base_ms:.2f} ms, ratio {case.ratio():.2f}", flush=True)
    return {
        "ms_per_100": {"10000": round(many.base_ms, 2), "1000000": round(many.ms, 2)},
        "ratio": many.ratio(),
        "ratio_10k_sites": sites.ratio(),
        "ratio_scheduled": scheduled.ratio(),
        "ratio_old_snapshot": old.ratio(),
        "old_snapshot_end": old.ratio(last=_OLD_SNAPSHOT_CLAIMS // 10),
        "old_snapshot_one_line": old_one_line.ratio(),
        "old_snapshot_one_seat": old.ratio_of_one_seat(),
    }


@dataclass
class _Case:
    fill: Callable[[], None]
    old_snapshot: bool = False
    took: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)
    one_seat: list[float] = field(default_factory=list)
    base_one_seat: list[float] = field(default_factory=list)

    def measure(self, worker: WorkerProcess) -> None:
        self._measure_base(worker)
        self.fill()
        if self.old_snapshot:
            with _old_snapshot():
                self.took = _claims(worker, _OLD_SNAPSHOT_CLAIMS, a_second=_PACE)
                self.one_seat = _claims(worker, _CLAIMS, blogs=1)
        else:
            self.took = _claims(worker, _CLAIMS)
        self._measure_base(worker)

    def _measure_base(self, worker: WorkerProcess) -> None:
        _filled()
        self.base += _claims(worker, _CLAIMS // 2)
        if self.old_snapshot:
            self.base_one_seat += _claims(worker, _CLAIMS // 2, blogs=1)

    @property
    def ms(self) -> float:
        return statistics.median(self.took)

    @property
    def base_ms(self) -> float:
        return statistics.median(self.base)

    def ratio(self, *, last: int = 0) -> float:
        return round(statistics.median(self.took[-last:]) / self.base_ms, 2)

    def ratio_of_one_seat(self) -> float:
        return round(statistics.median(self.one_seat) / statistics.median(self.base_one_seat), 2)


def _filled(*, sites: int = 1_000, rows: int = 10_000, scheduled: int = 0) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE wix_site CASCADE")
    QueueClock.objects.update(turn=0, lowest=0, next_lowest=0)
    ids = add_sites(sites)
    add_blogs(rows, ids, whale_share=0.5)
    if scheduled:
        add_blogs(scheduled, ids, whale_share=0.5, scheduled=True)
    analyze()


def _claims(worker: WorkerProcess, count: int, *, blogs: int = _BATCH, a_second: float | None = None) -> list[float]:
    """Make `count` claims, at most `a_second` of them a second; returns the milliseconds of each."""
    held = queue.claim(worker, _HELD)
    for _ in range(_WARM_UP):
        _claim_and_go_on(worker, blogs, held)
    began = time.monotonic()
    took = []
    for number in range(count):
        if a_second:
            time.sleep(max(0.0, began + number / a_second - time.monotonic()))
        took.append(_claim_and_go_on(worker, blogs, held))
    _go_on(held)
    return took


def _claim_and_go_on(worker: WorkerProcess, blogs: int, held: list[BlogGeneration]) -> float:
    """One claim's milliseconds; its blogs are finished, and as many of the same sites arrive."""
    began = time.perf_counter()
    claimed = queue.claim(worker, blogs, held)
    took = (time.perf_counter() - began) * 1000
    assert len(claimed) == blogs
    _go_on(claimed)
    return took


def _go_on(claimed: list[BlogGeneration]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_GO_ON, [[blog.pk for blog in claimed]])


@contextmanager
def _old_snapshot() -> Iterator[None]:
    """Somebody's dump or export: a snapshot from now on, on a connection without our timeouts."""
    elsewhere = psycopg2.connect(settings.DATABASE_DIRECT_URL)
    try:
        elsewhere.set_session(isolation_level="REPEATABLE READ", readonly=True)
        elsewhere.cursor().execute("SELECT count(*) FROM blogs_queueclock")
        yield
    finally:
        elsewhere.close()


_GO_ON = f"""
WITH done AS (
    UPDATE blog_generations
       SET status = 'DONE', lease_token = NULL, lease_expires_at = NULL, worker_id = NULL,
           draft_post_id = gen_random_uuid(), finished_at = clock_timestamp()
     WHERE id = ANY(%s) RETURNING site_id
), arrived AS (
    INSERT INTO blog_generations
        (site_id, status, source_type, source_id, language, tone, length, publish, priority, ready, stage, attempts,
         rescues, error_code, error_message, draft_post_url, created_at)
    SELECT site_id, 'PENDING', 'keyword', 'topic', '', 'friendly', 'medium', false, 0, true, 'products', 0, 0, '', '', '',
           clock_timestamp() FROM done
    RETURNING site_id
)
UPDATE blogs_siteline l
   SET turn = {lines.TURN_ON_JOINING}, waiting = waiting + mine.blogs
  FROM (SELECT site_id, count(*) AS blogs FROM arrived GROUP BY site_id) AS mine
 WHERE l.site_id = mine.site_id
"""
