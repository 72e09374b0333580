"""How many tokens a call to OpenAI reserves: what its prompt will take, and the output maximum that is sent with it.

Both are learned from the last answers to calls of the same kind: the same prompt, length and language. Without answers, a prompt is
taken for bytes/3.5 tokens, and the maximum is the configured one.

A maximum near the mean cuts many answers, and a cut answer wastes all that was reserved for it. A maximum that never cuts reserves
far more than is used. The best one lies between and has the most useful tokens per reserved token, E[X; X <= M] / (M + prompt). The
prompt belongs to what is reserved, since the limit counts it and a cut answer has paid for it too. Of a cut answer only the least
length is known. If the same blog's next answer was longer, that one stands for both; otherwise it counts as a quarter longer, so
that the maximum climbs when answers grow.

Of a cut article all whole sections are of use, and a second call writes those that it lacks. So a cut costs this call alone, and
the best maximum is lower: the one with the least M + P(X > M) (prompt + room for the rest). No later answer tells then how long a
cut one would have been. What is beyond the maximum is taken for the tail of a bell: as steep as the answers below say.

The functions at the top only calculate. `output_max` and `prompt_tokens` read the calls of all processes, now and then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from django.conf import settings

from workers.context import on_behalf
from workers.context.process_memory import remembered
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY
from workers.limits import provider_calls
from workers.limits.provider_calls import Answer

# UTF-8 bytes a token as long as nothing is known; on the safe side for most languages.
_BYTES_PER_TOKEN = 3.5
# Tokens around every prompt, however short it is. What is learned of a prompt's bytes has them in it too; there they are a small
# part of what lets calls come a little late and still keep within the limit.
_FRAME_TOKENS = 16
# Prompts of one kind differ in tokens a byte; nine of ten need no more than what is reserved.
_SAFE_SHARE = 0.9
# Nothing is learned from fewer answers.
FEW = 50
# How much longer a cut answer counts than it was, and how much more the next attempt may take.
LONGER = 1.25
# How far cut answers reach beyond their maximum, on average: this share of its distance from the middle, as in the tail of a bell
# curve from one deviation on, and at least this share of itself, so that it climbs when answers grow.
_TAIL, _LEAST_TAIL = 0.3, 0.03
# How often the last answers are read: once something is known, and until then.
_READ_EVERY_SECONDS, _READ_AT_FIRST_EVERY_SECONDS = 60.0, 5.0


class Kind(NamedTuple):
    """A kind of calls, which take about as many tokens: `article:medium` in German."""

    name: str
    language: str
    rest: int = 0
    """The room of the call that goes on where an answer is cut; 0 where all of it is asked for again."""

    @classmethod
    def of(cls, subject: str, length: str, language: str, *, rest: int = 0) -> Kind:
        # A language's regions learn together: their tokens are alike, and each would know little alone.
        return cls(f"{subject}:{length}", language.split("-")[0].lower(), rest)


def best_max(answers: Sequence[Answer]) -> int:
    """Return the output maximum with the most useful tokens per reserved token, had it held for these answers, newest first."""
    prompt = sum(map(_tokens_of_prompt, answers)) / len(answers)
    useful, best, best_worth = 0.0, 0.0, 0.0
    for length in sorted(_lengths(answers)):
        useful += length
        if (worth := useful / (length + prompt)) > best_worth:
            best, best_worth = length, worth
    return int(best)


def cheapest_max(answers: Sequence[Answer], rest: int) -> int:
    """Return the output maximum that reserves least for a whole text, where a second call writes what a cut one lacks.

    That call reserves `rest` for the part in which the first was cut, and what is beyond the maximum. Its prompt is taken to be as
    long as the first one's.
    """
    again = rest + sum(map(_tokens_of_prompt, answers)) / len(answers)
    beyond, least, best = 0.0, math.inf, 0.0
    lengths = sorted(_lengths_with_tail(answers), reverse=True)
    # How many lengths there are above this one, and their sum.
    for longer, length in enumerate(lengths):
        reserved = length + (longer * (again - length) + beyond) / len(lengths)
        if reserved < least:
            least, best = reserved, length
        beyond += length
    return int(best)


def tokens_per_byte(answers: Sequence[Answer]) -> float | None:
    """Return what nine of ten of these prompts took at most for a byte; None where the server doesn't say."""
    ratios = sorted(a.prompt_tokens / a.prompt_bytes for a in answers if a.prompt_tokens and a.prompt_bytes)
    return ratios[int(_SAFE_SHARE * (len(ratios) - 1))] if len(ratios) >= FEW else None


def with_room(maximum: float, attempt: int, cut_at: int | None, ceiling: float) -> int:
    """Give each further attempt a quarter of the first more, and more than the last was cut at: it would be cut again."""
    grown = maximum * (1 + (LONGER - 1) * (attempt - 1))
    return int(min(max(grown, (cut_at or 0) * LONGER), ceiling))


def bounded(learned: int, configured: int) -> float:
    """Bound what was learned. The highest is below the ceiling by what the next attempt adds, so that it does get more."""
    lowest: float = configured * settings.OPENAI_MAX_TOKENS_FLOOR
    highest: float = configured * settings.OPENAI_MAX_TOKENS_CEILING / LONGER
    return max(lowest, min(learned, highest))


def _lengths(newest_first: Sequence[Answer]) -> Iterator[float]:
    reached: dict[int, int] = {}
    for answer in newest_first:
        at_least = answer.output_max if answer.truncated else answer.output_tokens
        if answer.work is not None:
            if answer.truncated and reached.get(answer.work, 0) > at_least:
                continue
            reached[answer.work] = max(at_least, reached.get(answer.work, 0))
        yield at_least * LONGER if answer.truncated else at_least


def _lengths_with_tail(answers: Sequence[Answer]) -> Iterator[float]:
    """Yield the lengths of whole answers, and for the cut ones lengths beyond their maxima."""
    middle = median(answer.output_tokens for answer in answers)
    cut = [answer.output_max for answer in answers if answer.truncated]
    yield from (answer.output_tokens for answer in answers if not answer.truncated)
    for place, at_least in enumerate(cut):
        beyond = max(_TAIL * (at_least - middle), _LEAST_TAIL * at_least)
        yield at_least - beyond * math.log(1 - (place + 0.5) / len(cut))


def _tokens_of_prompt(answer: Answer) -> float:
    return answer.prompt_bytes / _BYTES_PER_TOKEN if answer.prompt_tokens is None else answer.prompt_tokens


# --- From the calls of all processes ----------------------------------------------------------------------------------


def output_max(kind: Kind, configured: int, attempt: int, *, no_older_than: float = _READ_EVERY_SECONDS) -> int:
    """Return the maximum to send with a call: on the first attempt what is best for all, then more.

    Reads the last answers if what is known is older than `no_older_than` seconds.
    """
    learned = _learned(kind, no_older_than).output_max
    maximum = configured if learned is None else bounded(learned, configured)
    cut_at = _cut_at(kind) if attempt > 1 else None
    return with_room(maximum, attempt, cut_at, configured * settings.OPENAI_MAX_TOKENS_CEILING)


def prompt_tokens(kind: Kind, prompt_bytes: int) -> int:
    """Estimate a prompt's tokens by its bytes, on the safe side."""
    return int(prompt_bytes * (_learned(kind).tokens_per_byte or 1 / _BYTES_PER_TOKEN)) + _FRAME_TOKENS


@dataclass(frozen=True, slots=True)
class _Learned:
    read_at: float
    output_max: int | None = None
    tokens_per_byte: float | None = None


_known: dict[Kind, _Learned] = remembered({})


def _learned(kind: Kind, no_older_than: float = _READ_EVERY_SECONDS) -> _Learned:
    """Return what is known of a kind; read it if that is too old. While one thread reads, the others go by what was known."""
    now = time.monotonic()
    known = _known.get(kind, _Learned(read_at=float("-inf")))
    if known.tokens_per_byte is None:
        no_older_than = min(no_older_than, _READ_AT_FIRST_EVERY_SECONDS)
    if now - known.read_at < no_older_than or not settings.OPENAI_MAX_TOKENS_LEARN_FROM:
        return known
    _known[kind] = _Learned(now, known.output_max, known.tokens_per_byte)
    # No waiting for a database that is away: the reservation that follows waits for it.
    with released_afterwards(), suppress(*DATABASE_AWAY):
        _known[kind] = _read(kind, now)
    return _known[kind]


def _read(kind: Kind, now: float) -> _Learned:
    count = settings.OPENAI_MAX_TOKENS_LEARN_FROM
    answers = provider_calls.recent(kind.name, count, kind.language)
    ratio = tokens_per_byte(answers)
    # A language that is seldom written has answers as long as the others, though not as many bytes a token.
    if len(answers) < FEW:
        answers = provider_calls.recent(kind.name, count)
    if len(answers) < FEW:
        return _Learned(now, None, ratio)
    return _Learned(now, cheapest_max(answers, kind.rest) if kind.rest else best_max(answers), ratio)


def _cut_at(kind: Kind) -> int | None:
    caller = on_behalf.current()
    with released_afterwards(), suppress(*DATABASE_AWAY):
        return provider_calls.cut_at(caller.work, kind.name) if caller else None
    return None
