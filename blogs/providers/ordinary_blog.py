"""What an ordinary blog takes: forecasts and a worker's pace begin with it, until they have seen some.

It is a blog of medium length by the short workload of the benchmarks (`docs/benchmarks.md`) that waits alone, so no other's idea is
asked for with its own. Its two prompts to OpenAI have 600 and 1,300 tokens. The schemas that are sent with them, and what is around
them, take about 700 more.
"""

from __future__ import annotations

from django.conf import settings

# Of a shop's own limit at Wix, where many of its blogs wait for it: by then a picture is there when Wix is first asked for it.
# Measured in the benchmarks `eta` (one site of 150 blogs) and `day` (one of 500).
WIX_CALLS = 5.2
# With these it begins: for its products.
WIX_CALLS_FIRST = 2.0
_PROMPT_TOKENS = 2_600


def seconds() -> float:
    """Return its seconds on a seat, without waiting for a shared limit."""
    expected: float = settings.BLOG_EXPECTED_SECONDS
    return expected


def use() -> dict[tuple[str, str], float]:
    """Return what it takes of each shared limit, by provider and "requests" or "tokens"."""
    tokens: int = settings.OPENAI_IDEA_MAX_TOKENS + settings.OPENAI_ARTICLE_MAX_TOKENS["medium"] + _PROMPT_TOKENS
    return {
        ("openai", "requests"): 2.0,
        ("openai", "tokens"): float(tokens),
        ("replicate", "requests"): 1.0,
        ("replicate_reads", "requests"): 5.0,
    }
