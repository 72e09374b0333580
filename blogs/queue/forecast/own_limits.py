"""What keeps a site's own line back, besides its place: its share of the seats, and its own limit at Wix."""

from __future__ import annotations

from django.conf import settings

from blogs.models import Stage
from blogs.providers import ordinary_blog
from blogs.queue.forecast.outlook import Outlook
from blogs.queue.forecast.places import Places


def start(nth: int, in_line: int, joining: float, found: Places, seen: Outlook) -> float:
    """Return when it starts by its place, or later: where its site has more than its share of the seats, blogs of others go first
    until enough of the site's own have ended. `joining`: how many blogs others go on to ask for."""
    by_place = seen.course.start(nth)
    too_many = found.mine + in_line - _share(seen)
    if too_many <= 0 or not by_place:
        return by_place
    after_all_others = seen.course.start(in_line + found.lines.of_others + round(joining))
    # If all seats were the site's, they would be free as its limit lets blogs end. All threads are, since what waits for Wix counts
    # as at work (`workers.pool.pace`), so that others are fed besides.
    any_seat = (found.mine + in_line - seen.threads) * _seconds()
    return max(by_place, min(_have_ended(too_many, found, seen), after_all_others), any_seat)


def end(in_line: int, first: int, joining: float, found: Places, seen: Outlook) -> float:
    """Return the earliest end that the site's limit allows: behind all that run, and behind the first in line, which has the place
    `first` among all."""
    behind_all = (in_line + found.mine) * _seconds()
    if in_line == 1:
        return behind_all
    takes = seen.course.end(first) - seen.course.start(first)
    return max(behind_all, start(first, 1, joining, found, seen) + takes + (in_line - 1) * _seconds())


def _have_ended(blogs: int, found: Places, seen: Outlook) -> float:
    """Return in how many seconds that many of the site's own have ended, on its share of the seats.

    Where the site holds more than that, it has filled free seats lately. All these began with calls to Wix; then each of them is as
    likely to end next as any other blog.
    """
    _, work, _ = seen.learned.work(Stage.PRODUCTS)
    each = max(_seconds(), work / _share(seen))
    if found.mine <= _share(seen):
        return work / 2 + blogs * each
    running = min(blogs, found.mine)
    began = found.mine * _seconds() * ordinary_blog.WIX_CALLS_FIRST / ordinary_blog.WIX_CALLS
    run = began + seen.course.start(seen.course.free + round(running * found.processing / found.mine))
    return max(run, running * _seconds()) + (blogs - running) * each


def _share(seen: Outlook) -> int:
    seats: int = settings.BLOG_WORKER_SITE_SEATS
    return seats * max(seen.workers, 1)


def _seconds() -> float:
    """Return in how many seconds the site's limit at Wix lets one of its blogs through."""
    per_minute = float(settings.RATE_LIMITS["wix"]["requests"])
    return ordinary_blog.WIX_CALLS * 60 / per_minute
