"""`python -m tests.demo.containers`: the demo of compose.yaml's profile `standins`, from within a container.

Gives the running product the sample shops, has them ask for blogs over HTTP, and waits until all of them are done. It exits with 0
only if everything came out right. A second run asks for nothing more: its requests have the same idempotency keys.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator

import requests

from tests.demo.outcome import problems_of
from tests.sandbox.client import SandboxClient
from tests.support.sample_data import make_shops
from tests.support.shops import SHOPS, Shop

_STANDINS, _PRODUCT = "http://standins:8080", "http://web:3000"
_LOGIN = "demo"
_CREDITS = 10_000
_LOOK_SECONDS, _GIVE_UP_SECONDS = 1, 300


def main() -> int:
    import django

    parser = argparse.ArgumentParser(prog="python -m tests.demo.containers")
    parser.add_argument("--blogs", type=int, default=sum(shop.blogs for shop in SHOPS))
    options = parser.parse_args()
    if not os.environ.get("OPENAI_BASE_URL", "").startswith(_STANDINS):
        print("This product calls real providers: the demo leaves it alone. Start it without the profile `standins`.")
        return 1
    django.setup()
    _create_staff()
    sandbox = SandboxClient(_STANDINS)
    make_shops(sandbox, SHOPS, _CREDITS)
    answers = Counter(_submit(*wanted) for wanted in itertools.islice(_requests(), options.blogs))
    _wait_until_done()
    if set(answers) != {201}:
        print(f"The requests were answered {dict(answers)}: these blogs are from an earlier start.")
        return 0 if set(answers) <= {200, 201} else 1
    problems = problems_of(sandbox)
    print(*(f"✗ {problem}" for problem in problems), sep="\n", end="\n" if problems else "")
    if not problems:
        print("✓ every blog is DONE, has exactly one draft post, was charged once; no limit was broken.")
    print(f"The support desk: http://localhost:3000/admin/ (login {_LOGIN}, password {_LOGIN}).")
    return 1 if problems else 0


def _create_staff() -> None:
    from django.contrib.auth.models import User

    if not User.objects.filter(username=_LOGIN).exists():
        User.objects.create_superuser(_LOGIN, password=_LOGIN)


def _requests() -> Iterator[tuple[Shop, int, dict[str, str]]]:
    """One of each shop in turn, until none has any left."""
    lists = [[(shop, number, body) for number, body in enumerate(shop.requests())] for shop in SHOPS]
    return (wanted for turn in itertools.zip_longest(*lists) for wanted in turn if wanted)


def _submit(shop: Shop, number: int, body: dict[str, str]) -> int:
    from wix.identity.signed_instance import sign_instance

    headers = {
        "Authorization": f"Bearer {sign_instance(shop.instance_id)}",
        "Idempotency-Key": f"demo-{shop.host}-{number}",
        # One that the product answers to, since a browser on the host asks for it.
        "Host": "localhost:3000",
    }
    return requests.post(f"{_PRODUCT}/api/blog-generation", json=body, headers=headers, timeout=30).status_code


def _wait_until_done() -> None:
    from django.db.models import Count

    from blogs.models import BlogGeneration, Status

    ends_at = time.monotonic() + _GIVE_UP_SECONDS
    shown: dict[str, int] = {}
    while time.monotonic() < ends_at:
        counts = dict(BlogGeneration.objects.values_list("status").annotate(Count("pk")).order_by())
        if counts != shown:
            print(" · ".join(f"{count} {status}" for status, count in sorted(counts.items())), flush=True)
        shown = counts
        if not counts.keys() & {Status.PENDING, Status.PROCESSING}:
            return
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
