"""`make demo`: five shops ask for sixty blogs, over HTTP, and one watches them become draft posts."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.panel import Panel

from config.embedded_postgres import AlreadyRunning, write_private
from config.processes import ProcessDied, stop_on_signals
from tests.demo.outcome import PLANTED, problems_of, repair_of_the_planted, report_in_words
from tests.demo.progress import Progress
from tests.support.shops import SHOPS
from tests.support.world import FOR_INTEGRATORS, World, running

_PORT, _EVENTS_PORT = 3000, 3001
_SPEED = 6
_LOGIN = ("demo", "demo")
_GIVE_UP_SECONDS = 120
_VARIABLES = Path(".local/demo.env")
"""Of the demo at the usual port; another one's has its port in its name."""
console = Console()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--exit", action="store_true", help="end by itself; exit 0 only if everything came out right")
    options = parser.parse_args()
    stop_on_signals()
    console.print("Starting PostgreSQL, the stand-in providers, gunicorn and a worker with 50 threads …")
    try:
        with running("demo", SHOPS, speed=_SPEED, port=_PORT, settings=FOR_INTEGRATORS) as world:
            if not world.url.endswith(f":{_PORT}"):
                console.print(
                    f"Port {_PORT} is taken: this demo is at {world.url}, also in the README's commands,"
                    f" and its variables are in ./{_variables(world)}."
                )
            _create_staff()
            _enter_prices()
            events_at = world.start_events(_EVENTS_PORT) if not options.exit else ""
            world.start_worker()
            try:
                return _show(world, events_at)
            finally:
                _variables(world).unlink(missing_ok=True)
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        # To end it so is what a person does with a demo that serves; `--exit` was meant to end otherwise.
        return 130 if options.exit else 0
    except (ProcessDied, AlreadyRunning) as error:
        console.print(f"[red]The demo could not go on:[/] {error}", soft_wrap=True)
        return 1


def _show(world: World, events_at: str) -> int:
    """Show what happens. `events_at`: where live events are, in a demo that goes on serving."""
    # One article is written with an invented price, so that its repair can be seen.
    world.sandbox.fault("openai", f"defect:{PLANTED}", "article")
    requested = [(shop, request) for shop in SHOPS for request in shop.requests()]
    progress = Progress(world.url, blogs=len(requested))
    with ThreadPoolExecutor(8) as submitters:
        answers = submitters.map(lambda wanted: world.submit(*wanted), requested)
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            while not progress.finished and progress.seconds < _GIVE_UP_SECONDS:
                world.processes.check()
                progress.look()
                live.update(progress.table())
                time.sleep(0.25)
        refused = [answer.text for answer in answers if answer.status_code != 201]
    console.print(progress.table())
    console.print(f"The worker's 50 threads held at most {progress.connections} database connections.")
    _show_an_article()
    told, unmended = repair_of_the_planted()
    console.print(told, soft_wrap=True, markup=False)
    problems = [*refused, *problems_of(world.sandbox), *unmended]
    for problem in problems:
        console.print(f"[red]✗[/] {problem}")
    if not problems:
        console.print(
            "[green]✓[/] every blog is DONE, has exactly one draft post, was charged once; no limit was broken."
        )
    if events_at:
        _keep_serving(world, events_at)
    return 1 if problems else 0


def _create_staff() -> None:
    from django.contrib.auth.models import User

    User.objects.create_superuser(_LOGIN[0], password=_LOGIN[1])


def _enter_prices() -> None:
    """Give the stand-ins' models prices, so that the desk shows money. They are samples, and of no provider's list."""
    from django.conf import settings

    from workers.models import Price

    sample = {"valid_from": datetime.now(UTC).date(), "by": _LOGIN[0], "reason": "a sample for the demo"}
    tokens = {"input_per_million": "0.40", "cached_per_million": "0.10", "output_per_million": "1.60"}
    Price.objects.create(provider="openai", model=settings.OPENAI_MODEL, **tokens, **sample)
    Price.objects.create(provider="replicate", model=settings.REPLICATE_MODEL, per_picture="0.003", **sample)


def _show_an_article() -> None:
    from blogs.article.schema import ArticleContent
    from blogs.article.terminal import in_terminal
    from blogs.models import Article, Stage

    # The shortest one that speaks of products: a page, not a chapter.
    articles = Article.objects.select_related("generation__site").filter(
        content__blocks__contains=[{"type": "product"}]
    )
    row = articles.order_by("words").first()
    if row is None:
        return
    products = row.generation.outputs.get(stage=Stage.PRODUCTS).output["products"]
    text = in_terminal(
        ArticleContent.model_validate(row.content), {product["id"]: product["name"] for product in products}
    )
    title = f"{row.generation.site.name}: blog {row.pk}, from “{row.generation.source_id}”"
    console.print(Panel(text, title=title, width=min(console.width, 100)), markup=False)
    console.print(report_in_words(row.generation.outputs.get(stage=Stage.ARTICLE).output["quality"]), markup=False)


def _keep_serving(world: World, events_at: str) -> None:
    console.print(f"\nAdmin  {world.url}/admin/   (login {_LOGIN[0]}, password {_LOGIN[1]})")
    console.print(f"API    {world.url}/api/blog-generation", soft_wrap=True)
    console.print(f"Events {events_at}/api/events", soft_wrap=True)
    console.print(f"Health {world.url}/health", soft_wrap=True)
    variables = _write_variables(_variables(world))
    # In a subshell each, so that no shell keeps a demo's settings.
    console.print(
        f"Token  (. {variables}; .venv/bin/python manage.py issue_instance_token 'Harbour Coffee')", soft_wrap=True
    )
    console.print(f'SQL    (. {variables}; PATH=$PATH:{_psql_folder()}; psql "$DATABASE_URL")', soft_wrap=True)
    console.print(f"Log    {world.log.relative_to(Path.cwd())}", soft_wrap=True)
    console.print(f"Time runs {_SPEED} times faster than at the real services. Ctrl-C ends everything.")
    while True:
        world.processes.check()
        time.sleep(1)


def _psql_folder() -> Path:
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    return POSTGRES_BIN_PATH.relative_to(Path.cwd())


def _variables(world: World) -> Path:
    port = world.url.rpartition(":")[2]
    return _VARIABLES if port == str(_PORT) else _VARIABLES.with_name(f"demo-{port}.env")


def _write_variables(file: Path) -> str:
    """What manage.py and psql need to talk to this demo, to be read into a shell."""
    providers = ("OPENAI_BASE_URL", "REPLICATE_BASE_URL", "WIX_BASE_URL")
    names = ("DATABASE_URL", "WIX_APP_ID", "WIX_APP_SECRET", "SECRET_KEY", "DEBUG", "READ_DOTENV", *providers)
    write_private(file, "".join(f"export {name}='{os.environ[name]}'\n" for name in names))
    return f"./{file}"


if __name__ == "__main__":
    sys.exit(main())
