from __future__ import annotations

import json
import re
import ssl
import time
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from blogs.load_test import outcome, posting, providers, shops
from blogs.load_test.asking import Service, Unanswered, try_out
from blogs.load_test.outcome import Outcome
from blogs.load_test.posting import Answers
from blogs.models import BlogGeneration, Status
from blogs.operations import health, proof
from wix.models import Site

_THREADS_MAX, _REQUESTS_MAX = 200, 100_000


class Command(BaseCommand):
    help = (
        "Have sample shops ask for blogs over HTTP, all at once, and wait until they are done. Prints latencies, blogs a minute,"
        " use of the limits and whether the ledger is exact; the last line is one JSON object. Exits 0 if every request was"
        " accepted, every blog is DONE and the ledger exact. Run it with the environment of the workers and the web processes."
        " Real providers are refused without --really. It removes nothing: its shops stay for the next time, its blogs until"
        " prune_generations."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--requests", type=int, default=100, help="how many blogs are asked for (default 100)")
        parser.add_argument("--sites", type=int, default=10, help="of how many sample shops (default 10)")
        parser.add_argument("--url", default="http://localhost:3000", help="where the service answers")
        parser.add_argument(
            "--host", default="", help="the host name to ask for, where --url has another: one of ALLOWED_HOSTS"
        )
        parser.add_argument(
            "--cacert", default="", metavar="FILE", help="believe this certificate, for a service with one of its own"
        )
        parser.add_argument(
            "--threads", type=int, default=16, help="how many requests are under way at once (default 16)"
        )
        parser.add_argument(
            "--wait", type=float, default=7_200, help="longest to wait for the blogs, in seconds; 0: not at all"
        )
        parser.add_argument(
            "--really", action="store_true", help="call real providers, which costs money; needs --site"
        )
        parser.add_argument(
            "--site", action="append", default=[], metavar="NAME",
            help="a shop of yours that asks in place of the sample ones, which no real Wix knows; may be repeated",
        )  # fmt: skip

    def handle(self, *, requests: int, threads: int, wait: float, **options: Any) -> None:
        service = Service(str(options["url"]).rstrip("/"), options["host"], options["cacert"])
        _check(requests, options["sites"], threads, wait)
        _check_address(service)
        self._check_providers(requests, really=options["really"], named=options["site"])
        try:
            self._check_service(service, wait)
            sites = self._sites(requests, options["sites"], options["site"])
        except Unanswered as error:
            raise CommandError(f"No useful answer. {error}") from error
        began = time.monotonic()
        answers = posting.post(service, sites, requests, threads=threads)
        self._show(answers)
        if BlogGeneration.objects.filter(pk__in=answers.blogs).count() < len(answers.blogs):
            raise CommandError(
                f"{service.url} uses another database than DATABASE_URL names: blogs that it accepted are not here."
            )
        became = outcome.wait(answers.blogs, began, wait, self.stdout.write)
        self._conclude(answers, became, len(sites), waited=wait > 0)

    def _check_providers(self, requests: int, *, really: bool, named: list[str]) -> None:
        real = providers.real()
        if real and not really:
            raise CommandError(
                f"Real providers: {', '.join(real)}. {providers.cost(requests)}."
                " To do it anyway, add --really and --site with a shop of yours."
            )
        if real and not named:
            raise CommandError(
                "--really needs --site NAME: real Wix knows no sample shop. Name a test shop of yours; it gets the drafts."
            )
        if real:
            self.stdout.write(f"Real providers: {providers.cost(requests)}.")

    def _check_service(self, service: Service, wait: float) -> None:
        """Before any credits are granted."""
        try_out(service)
        if wait and not health.workers():
            raise CommandError(
                "No worker has a heartbeat. Start run_blog_worker, or do not wait for the blogs: --wait 0."
            )

    def _sites(self, requests: int, number: int, named: list[str]) -> list[Site]:
        try:
            return shops.existing(named) if named else shops.sample(number, -(-requests // number))
        except shops.UnknownShop as error:
            raise CommandError(f"--site {error}: there must be exactly one installed shop of this name.") from error

    def _show(self, answers: Answers) -> None:
        for line in answers.table():
            self.stdout.write(line)
        self.stdout.write(f"{sum(answers.statuses.values()) / answers.seconds:,.0f} requests a second")
        for refusal, times in answers.refusals.most_common(10):
            self.stdout.write(f"refused {times:,} times with {refusal}")

    def _conclude(self, answers: Answers, became: Outcome, sites: int, *, waited: bool) -> None:
        exact = not proof.discrepancies()
        done, requests = became.statuses[Status.DONE], sum(answers.statuses.values())
        if waited:
            self.stdout.write(f"{done:,} DONE in {became.seconds:,.0f} s: {became.blogs_per_minute:g} a minute")
        for name, share in became.highest_use.items():
            self.stdout.write(f"{name}: at most {share:.0%} of the limit used in a minute")
        self.stdout.write(
            f"{became.rejections:,} answers 429 of providers. The ledger is {'exact' if exact else 'NOT exact'}."
        )
        figures = {
            "requests": requests, "sites": sites, "accepted": len(answers.blogs), "statuses": answers.statuses,
            "ms": answers.milliseconds(), "requests_per_second": round(requests / answers.seconds, 1),
            "done": done, "failed": became.statuses[Status.FAILED], "cancelled": became.statuses[Status.CANCELLED],
            "unfinished": became.unfinished, "seconds": round(became.seconds, 1), "blogs_per_minute": became.blogs_per_minute,
            "highest_use": became.highest_use, "rejections": became.rejections, "ledger_exact": exact,
        }  # fmt: skip
        self.stdout.write(json.dumps(figures))
        problems = [
            f"{requests - len(answers.blogs):,} requests were refused" * (len(answers.blogs) < requests),
            f"{len(answers.blogs) - done:,} blogs are not DONE" * (waited and done < len(answers.blogs)),
            "the ledger is not exact: see check_ledger" * (not exact),
        ]
        if any(problems):
            raise CommandError(f"{'; '.join(filter(None, problems))}.")


def _check(requests: int, sites: int, threads: int, wait: float) -> None:
    if not 1 <= requests <= _REQUESTS_MAX:
        raise CommandError(f"--requests must be 1 to {_REQUESTS_MAX:,}.")
    if not 1 <= sites <= requests:
        raise CommandError("--sites must be at least 1, and not more than --requests.")
    if not 1 <= threads <= _THREADS_MAX:
        raise CommandError(f"--threads must be 1 to {_THREADS_MAX}.")
    if not 0 <= wait < float("inf"):
        raise CommandError("--wait is a number of seconds: 0 or more.")


def _check_address(service: Service) -> None:
    url = service.url
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise CommandError("--url must be an address such as http://localhost:3000.")
    if service.host and not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?", service.host):
        raise CommandError("--host must be a host name such as blogs.example.com.")
    if service.cacert:
        try:
            ssl.create_default_context(cafile=service.cacert)
        except OSError as error:
            raise CommandError(f"--cacert {service.cacert}: no certificate can be read ({error.strerror}).") from error
