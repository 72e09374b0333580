"""Whether an answer has a defect that an earlier answer for the same blog had. Then the topic brings it, and the next has it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from blogs.article.schema import REFUSED, InvalidArticle
from blogs.models import BlogGeneration
from blogs.queue import history
from workers.database.outage import outlasts_an_outage
from workers.errors import TransientError

# Behind it stands where the defect was found. That is other words each time.
_PLACE = re.compile(r" in ['\"]")
_NUMBER = re.compile(r"\d+")


def are_repeated(generation: BlogGeneration, error: TransientError) -> bool:
    """Tell whether a failed answer has a defect of an earlier one, since the blog was asked for or staff had it begin again."""
    invalid = error.__cause__
    return isinstance(invalid, InvalidArticle) and _are_known(generation, error.code, invalid.problems)


@outlasts_an_outage
def _are_known(generation: BlogGeneration, code: str, problems: Iterable[str]) -> bool:
    told = history.retries(generation).filter(code=code, stage=generation.stage).values_list("message", flat=True)
    earlier = {
        _general(problem) for message in told for problem in message.removeprefix(REFUSED).removesuffix(".").split("; ")
    }
    # What a problem quotes may have the separator in it.
    return any(earlier.issuperset(_general(problem).split("; ")) for problem in problems)


def _general(problem: str) -> str:
    """Leave out what differs between two answers with the same defect: numbers of blocks and words, upper and lower case."""
    return _NUMBER.sub("#", _PLACE.split(problem)[0]).casefold()
