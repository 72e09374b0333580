"""Stage: what the article will be about (title, angle, outline), and what its picture shows.

The idea may be there already: another blog of the site has asked for it along with its own (`ideas/batches.py`), or the shop has
chosen it among its ideas. Otherwise this blog asks, and takes others along that wait. What it finds is kept as its planned title
before the stage's output is saved, so that a killed worker's blog pays for no idea twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from blogs.article import prompts
from blogs.article.quality import Finding, report
from blogs.article.quality.ideas import is_same_topic
from blogs.article.schema import Idea, InvalidArticle
from blogs.ideas import asking, bank, batches
from blogs.ideas.bank import Near
from blogs.ideas.batches import Leader, Planned, Turn
from blogs.ideas.keys import of_language
from blogs.models import OnDuplicate, SourceType, Stage
from blogs.stages import idea, products
from blogs.stages.idea_mending import AT_ONCE_SECONDS, is_fine, mended
from blogs.stages.inputs import Inputs
from workers.context.on_behalf import shared_by
from workers.errors import PermanentError, RateLimited, TransientError, WorkError

# How long a blog keeps its seat while another's call brings its idea, and how often it looks.
_PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.4
# The catalog is kept; where it must be read, that is the other blog's own affair.
_QUICK_SECONDS = 5.0
# The share of the stage's time that a call for several may take. What is left is enough for a call of its own.
_SHARE_OF_TIME = 0.7
# How often a blog asks by itself for a title unlike the site's others, and in which share of the stage's time the last one begins.
_TRIES = 3
_SHARE_OF_TIME_FOR_TRIES = 0.4
# Titles that a writer is told to differ from: for one blog, and for all of a batch.
_EARLIER, _EARLIER_OF_ALL = 12, 30


def run(inputs: Inputs) -> dict[str, Any]:
    leader = Leader(inputs.generation_id, inputs.site_id, inputs.lease_token)
    turn = _turn(leader)
    if turn.plan is not None:
        try:
            return _output(*idea.judged(Idea.model_validate(turn.plan), inputs))
        except (InvalidArticle, ValueError):
            turn = batches.turn(leader, alone=True)
    output = None
    if turn.others:
        try:
            output = _asked_along(inputs, leader, inputs.others(turn.others))
        finally:
            batches.release(leader)
    return output or _asked_alone(inputs, leader)


def _turn(leader: Leader) -> Turn:
    began = time.monotonic()
    while (turn := batches.turn(leader)).waits:
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise RateLimited("idea_being_asked", "Its idea is being asked for with those of other blogs.", guess=3.0)
        time.sleep(_POLL_SECONDS)
    return turn


# --- Alone ------------------------------------------------------------------------------------------------------------


def _asked_alone(inputs: Inputs, leader: Leader) -> dict[str, Any]:
    """Ask for this blog's idea, again where its title tells what the site has. What is alike at last is warned of, or refused."""
    began = time.monotonic()
    earlier = [near.text for near in _near(_topic(inputs), inputs, at_most=_EARLIER)]
    # A title that the shop has given stays what it is.
    tries = 1 if inputs.source_type == SourceType.TITLE else _TRIES
    found, findings = _asked_for(inputs, earlier)
    while not batches.keep(leader, [_planned(found, inputs)]):
        alike = _alike(found.title, inputs)
        tries -= 1
        is_early = time.monotonic() - began < inputs.seconds * _SHARE_OF_TIME_FOR_TRIES
        if alike and tries and is_early and (another := _another(found, alike, earlier, inputs)):
            found, findings = another
            continue
        if not batches.keep(leader, [_planned(found, inputs)], close=True):
            _tell(alike, inputs)
            batches.keep(leader, [_planned(found, inputs)], holding=False)
        break
    return _output(found, findings)


def _another(found: Idea, alike: Near, earlier: list[str], inputs: Inputs) -> tuple[Idea, list[Finding]] | None:
    """Ask for another idea, with what is near the last one added to `earlier`; None where none comes: the last one is of use."""
    told = dict.fromkeys([*earlier, found.title, *(near.text for near in _near(found.title, inputs, at_most=_EARLIER))])
    earlier[:] = told
    refused = f"its title tells what the shop has: {alike.text!r}"
    try:
        return _asked_for(replace(inputs, refused=refused), earlier)
    except WorkError:
        return None


def _asked_for(inputs: Inputs, earlier: Sequence[str]) -> tuple[Idea, list[Finding]]:
    """Ask for an idea, and for its bad parts once more. Raises TransientError `content_invalid` for what can't be used then."""
    [outcome] = mended([(inputs, idea.ask(inputs, earlier=earlier))], seconds=inputs.seconds)
    if isinstance(outcome, InvalidArticle):
        raise TransientError("content_invalid", str(outcome))
    return outcome


def _tell(alike: Near | None, inputs: Inputs) -> None:
    """Warn of a topic that the site has; refuse the idea where the shop wants another, and has not given the title itself."""
    said = f"The site has this topic already: {_name(alike)}." if alike else "The site has this topic already."
    if inputs.on_duplicate == OnDuplicate.VARY and inputs.source_type != SourceType.TITLE:
        raise TransientError("duplicate_topic", said)
    inputs.warn(PermanentError("duplicate_topic", said))


def _name(near: Near) -> str:
    of = f"blog {near.generation_id}" if near.generation_id else "an idea" if near.kind == bank.Kind.IDEA else "a post"
    return f"{of}, {near.text!r}"


# --- Along with others ------------------------------------------------------------------------------------------------


def _asked_along(inputs: Inputs, leader: Leader, others: Sequence[Inputs]) -> dict[str, Any] | None:
    """Ask for the ideas of several blogs at once and keep the good ones; return this blog's own, None where it has none.

    A failure may be another blog's, such as a prompt that is refused: it is none of this one's. The products of blogs that have not
    begun are chosen as their own stage will choose them.
    """
    blogs = [inputs, *(ready for other in others if (ready := _with_products(other)))]
    if len(blogs) == 1:
        return None
    common, asked = _data(blogs)
    seconds = inputs.seconds * _SHARE_OF_TIME
    with shared_by([blog.generation_id for blog in blogs]):
        try:
            found = asking.ask(common, asked, length=inputs.length, language=inputs.language, seconds=seconds)
        except RateLimited:
            raise
        except WorkError:
            return None
    came = [(blog, found[number]) for number, blog in enumerate(blogs, 1) if number in found]
    fine = [each for each in came if is_fine(*each)]
    # What is good is kept before the repair of what is not: nothing that comes of that takes it away.
    kept = [_kept(inputs, leader, part) for part in (fine, [each for each in came if each not in fine]) if part]
    return next(filter(None, kept), None)


def _kept(inputs: Inputs, leader: Leader, came: Sequence[tuple[Inputs, Idea]]) -> dict[str, Any] | None:
    """Keep what is good of these ideas, with bad parts written again; return this blog's own, None where it is not among them."""
    good: list[Planned] = []
    own: dict[str, Any] | None = None
    for (blog, _), outcome in zip(came, mended(came, seconds=inputs.seconds, patience=AT_ONCE_SECONDS), strict=True):
        if isinstance(outcome, InvalidArticle):
            continue
        plan, findings = outcome
        if any(is_same_topic(plan.title, other.title) for other in good):
            continue
        good.append(_planned(plan, blog))
        if blog is inputs:
            own = _output(plan, findings)
    kept = batches.keep(leader, good)
    return own if inputs.generation_id in kept else None


def _with_products(other: Inputs) -> Inputs | None:
    if Stage.PRODUCTS in other.outputs:
        return other
    try:
        chosen = products.run(replace(other, seconds=_QUICK_SECONDS, warn=lambda _: None))
    except WorkError:
        return None
    return replace(other, outputs={Stage.PRODUCTS: chosen})


def _data(blogs: Sequence[Inputs]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the data that all share, with each product once, and what is asked for each blog."""
    told = [idea.prompt_data(blog, text_max=idea.TEXT_MAX) for blog in blogs]
    shared: dict[str, Any] = {name: told[0][name] for name in ("site", "profile", "sections") if name in told[0]}
    if len({data["tone"] for data in told}) == 1:
        shared["tone"] = told[0]["tone"]
    described = {product["id"]: product for data in told for product in data["products"]}
    asked = [
        {
            "number": number,
            **{name: data[name] for name in ("source", "tone", "wishes") if name in data and name not in shared},
            "products": [product["id"] for product in data["products"]],
        }
        for number, data in enumerate(told, 1)
    ]
    each = max(2, _EARLIER_OF_ALL // len(blogs))
    near = [found.text for blog in blogs for found in _near(_topic(blog), blog, at_most=each)]
    if near:
        shared["earlier"] = list(dict.fromkeys(near))[:_EARLIER_OF_ALL]
    return {**shared, "products": list(described.values())}, asked


# --- Both -------------------------------------------------------------------------------------------------------------


def _topic(inputs: Inputs) -> str:
    return str(inputs.of(Stage.PRODUCTS)["source_text"])


def _near(text: str, inputs: Inputs, *, at_most: int) -> list[Near]:
    language = of_language(inputs.language)
    return bank.near(inputs.site_id, text, language, beside=inputs.generation_id, at_most=at_most)


def _alike(title: str, inputs: Inputs) -> Near | None:
    """Return the site's topic that a title tells again, or comes too close to."""
    close = [near for near in _near(title, inputs, at_most=5) if near.is_close]
    return next((near for near in close if near.is_same), close[0] if close else None)


def _planned(plan: Idea, inputs: Inputs) -> Planned:
    return Planned(
        generation_id=inputs.generation_id,
        asked=_topic(inputs),
        title=plan.title,
        language=of_language(inputs.language),
        plan=plan.model_dump(),
    )


def _output(plan: Idea, findings: list[Finding]) -> dict[str, Any]:
    return {**plan.model_dump(), "prompt_version": prompts.version("idea"), "quality": report(findings)}
