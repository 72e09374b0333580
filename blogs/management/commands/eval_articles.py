from __future__ import annotations

from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from blogs.article import prompts
from blogs.evals import asking, page
from blogs.evals.asking import Variant
from blogs.evals.store import Answers

_VARIANTS_MAX, _THREADS_MAX = 4, 16


class Command(BaseCommand):
    help = (
        "Write a fixed set of articles with each model and each folder of prompts that is named, and put what the gate says of them"
        " side by side into one HTML file. Makes no blogs and takes no credits; its calls to OpenAI cost money and share the"
        " service's limit. Run again after a break, it asks only for what is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        most = len(asking.requests())
        parser.add_argument("--n", type=int, default=20, help=f"how many of the {most} requests (default 20)")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the report, such as report.html")
        parser.add_argument("--model", action="append", default=[], help="default: OPENAI_MODEL; may be repeated")
        parser.add_argument(
            "--prompts", action="append", default=[], type=Path, metavar="FOLDER",
            help="prompts to write with, such as those of an older release; default: this release's; may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--threads", type=int, default=4, help="how many articles are asked for at once (default 4)"
        )

    def handle(self, *, n: int, out: Path, threads: int, **options: Any) -> None:
        folders = options["prompts"] or [prompts.FOLDER]
        variants = [
            Variant(model, folder) for model in options["model"] or [settings.OPENAI_MODEL] for folder in folders
        ]
        _check(n, out, threads, variants)
        answers = Answers(out)
        missing = [(v, number) for number in range(n) for v in variants if not answers.has(v.name, number)]
        self.stdout.write(f"{len(missing)} of {n * len(variants)} articles to write.")
        with ThreadPoolExecutor(threads) as pool:
            for found in pool.map(_answer, missing):
                answers.add(found)
                told = "passed" if not found["errors"] else f"{len(found['errors'])} errors"
                self.stdout.write(f"{found['number'] + 1}: {found['variant']}: {told}")
                self._write(answers, variants, n, out)
        self._write(answers, variants, n, out)
        for variant in variants:
            self.stdout.write(f"{variant.name}: {page.summed(answers, variant.name, n)}")
        self.stdout.write(self.style.SUCCESS(f"The report is in {out}."))

    def _write(self, answers: Answers, variants: list[Variant], n: int, out: Path) -> None:
        out.write_text(page.written(answers, [variant.name for variant in variants], n), encoding="utf-8")


def _answer(what: tuple[Variant, int]) -> dict[str, Any]:
    try:
        return asking.answer(*what)
    finally:
        close_old_connections()


def _check(n: int, out: Path, threads: int, variants: list[Variant]) -> None:
    most = len(asking.requests())
    if not 1 <= n <= most:
        raise CommandError(f"--n is from 1 to {most}.")
    if not 1 <= threads <= _THREADS_MAX:
        raise CommandError(f"--threads is from 1 to {_THREADS_MAX}.")
    if len(variants) > _VARIANTS_MAX:
        raise CommandError(f"{len(variants)} variants are too many: compare at most {_VARIANTS_MAX} at once.")
    for variant in variants:
        names = [f"{name}_{part}.txt" for name in ("idea", "article") for part in ("system", "user")]
        if lacking := [name for name in names if not (variant.folder / name).is_file()]:
            raise CommandError(f"--prompts {variant.folder} lacks {', '.join(lacking)}.")
    if not out.parent.is_dir():
        raise CommandError(f"--out: there is no folder {out.parent}.")
    if out.suffix != ".html":
        raise CommandError("--out ends in .html: the answers are kept beside it in a file that ends in .jsonl.")
