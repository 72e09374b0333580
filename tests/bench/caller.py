"""Threads that ask OpenAI's stand-in one call after the other, through the product's own client, door and limiter:
`python -m tests.bench.caller --threads 8 --binding tokens`.

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

# Prompt tokens, and the output maximum.
_SIZES = {
    "requests": (("blog_idea", 20, 50), ("blog_idea", 20, 50)),
    "tokens": (("blog_idea", 500, 900), ("blog_article", 1_200, 2_400)),
}
# The sandbox writes an article for any request that names a subject.
_ORDER = '<data>{"source": {"type": "keyword", "text": "tea"}, "language": "en", "sections": 3}</data>'
_LONGEST_PAUSE_SECONDS = 1.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--binding", choices=sorted(_SIZES), required=True)
    parser.add_argument("--begin-at", type=float, default=0.0, help="the monotonic time of the first call")
    options = parser.parse_args()
    django.setup()
    import blogs.providers.openai  # noqa: F401  before the first call's time

    time.sleep(max(0.0, options.begin_at - time.monotonic()))
    threads = [
        threading.Thread(target=_call_for_ever, args=(options.binding, number), daemon=True)
        for number in range(options.threads)
    ]
    for thread in threads:
        thread.start()
    threads[0].join()
    return 1  # none of them ends


def _call_for_ever(binding: str, number: int) -> None:
    from blogs.article.prompts import Prompt
    from blogs.providers import openai
    from blogs.providers.openai_answers import Truncated
    from blogs.providers.token_reserve import Kind
    from workers.errors import WorkError

    for turn in itertools.count(number):
        operation, prompt_tokens, most = _SIZES[binding][turn % 2]
        prompt = Prompt("x" * max(0, 4 * prompt_tokens - len(_ORDER)), _ORDER)
        try:
            openai.complete(
                prompt,
                kind=Kind(operation, "en"),
                schema_name=operation,
                schema={"type": "object"},
                max_tokens=most,
                seconds=60,
            )
        except Truncated:
            continue  # as good as any: it was charged, and it is not read
        except WorkError as error:
            print(f"{error.code}: {error.message}", file=sys.stderr, flush=True)
            # The limiter knows when; here is only seen to it that no thread turns idly.
            time.sleep(min(getattr(error, "retry_in", 0.1), _LONGEST_PAUSE_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
