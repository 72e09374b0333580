"""`python -m tests.blogs.judge.service`: a real gunicorn on a real database, with the stand-in for Wix; says where, on one line.

It serves until its standard input ends. Without a worker it runs as in production, where 404 is a problem, not Django's page. With
one (`--worker`) it runs as in development, where webhooks may go to this machine.
"""

from __future__ import annotations

import json
import os
import sys

from config.processes import stop_on_signals
from tests.support.shops import SHOPS
from tests.support.world import APP_ID, FOR_INTEGRATORS, running

_SETTINGS = {
    "ALLOWED_HOSTS": "localhost",
    # Thousands of requests are tried as one site.
    "SITE_REQUESTS_PER_MINUTE": "1000000",
    "BLOG_QUEUE_LIMIT": "1000000",
    "BLOG_SCHEDULED_LIMIT_PER_SITE": "1000000",
}

_AS_PRODUCTION = {
    "DEBUG": "false",
    # There is no key of Wix's for webhooks.
    "PREFLIGHT_REFUSES": "false",
}


def main() -> None:
    stop_on_signals()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    has_worker = "--worker" in sys.argv
    settings = {**_SETTINGS, **(FOR_INTEGRATORS if has_worker else _AS_PRODUCTION)}
    with running(
        "judge-worker" if has_worker else "judge",
        SHOPS[:1],
        speed=60,
        credits=100_000_000,
        settings=settings,
    ) as world:
        from wix.identity import api_keys
        from wix.identity.signed_instance import sign_instance
        from wix.models import Site

        if has_worker:
            world.start_worker()
        shop = SHOPS[0]
        site = Site.objects.get(instance_id=shop.instance_id)
        credentials = {
            "signedInstance": sign_instance(shop.instance_id),
            "dashboardToken": world.sandbox.dashboard_token(shop.instance_id, APP_ID),
            "apiKey": api_keys.issue(site, "judge")[1],
        }
        print(json.dumps({"url": world.url, "credentials": credentials}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
