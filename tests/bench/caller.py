"""Threads that ask OpenAI's stand-in one call after the other, through the product's own client, door and limiter:
`python -m tests.bench.caller --threads 30 --binding tokens`.

With `--binding tokens` ideas and articles in turn, as large as a blog's (workload *short*); with `requests` calls so small that the
tokens never bind.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time

import django


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--binding", choices=("requests", "tokens"), required=True)
    options = parser.parse_args()
    django.setup()
    threads = [
        threading.Thread(target=_call_for_ever, args=(options.binding, number), daemon=True)
        for number in range(options.threads)
    ]
    for thread in threads:
        thread.start()
    threads[0].join()
    return 1  # none of them ends


def _call_for_ever(binding: str, number: int) -> None:
    from blogs.prompts import Prompt
    from blogs.providers import openai
    from workers.errors import WorkError

    for turn in itertools.count(number):
        operation, prompt_tokens, most = _SIZES[binding][turn % 2]
        prompt = Prompt("x" * (4 * prompt_tokens), '<data>{"language": "en"}</data>')
        try:
            openai.complete(prompt, schema_name=operation, schema={"type": "object"}, max_tokens=most, seconds=60)
        except WorkError as error:
            print(f"{error.code}: {error.message}", file=sys.stderr)
            time.sleep(getattr(error, "retry_in", 0.1))


_SIZES = {
    "requests": (("blog_idea", 20, 50), ("blog_idea", 20, 50)),
    "tokens": (("blog_idea", 500, 900), ("blog_article", 1_200, 2_400)),
}

if __name__ == "__main__":
    sys.exit(main())
