"""One call for the ideas of several blogs of a site that wait.

The first blog that needs an idea leads: it takes up to nine others along that run or stand in line, and asks at once for all of
them. No blog waits for others to come. Each idea is kept as its blog's planned title, and the blog takes it when its turn comes.
One that is bad or missing is not kept, so its blog asks by itself.

A batch is live only while its leader holds its lease (`IdeaAsked`). What a killed worker led is led again; what it kept stays.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from blogs.ideas import bank
from blogs.ideas.bank import New
from blogs.models import IdeaAsked, Topic
from workers.database.connections import briefly

Kind = Topic.Kind

AT_MOST = 10
# No call may take more than this share of a minute's tokens, lest all others wait for it.
_SHARE_OF_A_MINUTE = 0.1
# How many of the nearest topics are looked at for one that tells the same.
_NEAREST = 5


@dataclass(frozen=True, slots=True)
class Leader:
    """A running blog that needs an idea, and the lease by which it may lead."""

    generation_id: int
    site_id: int
    lease_token: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a blog is to do: take its `plan`, wait for another's call (`waits`), or ask, for `others` too."""

    plan: dict[str, Any] | None = None
    waits: bool = False
    others: tuple[int, ...] = ()


_LIVE = """
EXISTS (SELECT 1 FROM blogs_ideaasked a JOIN blog_generations l ON l.id = a.leader_id
         WHERE a.generation_id = {blog} AND NOT a.alone AND l.status = 'PROCESSING' AND l.lease_token = a.leader_token
           AND l.lease_expires_at > clock_timestamp())
"""
_PLANNED = "EXISTS (SELECT 1 FROM blogs_topic t WHERE t.generation_id = {blog} AND t.kind = 'title')"
_ALONE = "EXISTS (SELECT 1 FROM blogs_ideaasked a WHERE a.generation_id = {blog} AND a.alone)"
# Others are of the same language, length and profile, so that the answers' lengths are alike, and have not been tried yet. They
# are either about words, for which products can be chosen without asking Wix, or have their products.
_OTHER = f"""
    g.id <> leader.id AND g.stage IN ('products', 'idea') AND g.language = leader.language AND g.length = leader.length
    AND g.profile_id IS NOT DISTINCT FROM leader.profile_id
    AND g.attempts <= 1 AND g.error_code = '' AND g.deferred_since IS NULL AND g.cancel_requested_at IS NULL
    AND (EXISTS (SELECT 1 FROM blogs_stageoutput o WHERE o.generation_id = g.id AND o.stage = 'products')
         OR g.source_type IN ('keyword', 'title', 'prompt')
            AND NOT EXISTS (SELECT 1 FROM blogs_requestdetails d WHERE d.generation_id = g.id AND cardinality(d.product_ids) > 0))
    AND NOT EXISTS (SELECT 1 FROM blogs_stageoutput o WHERE o.generation_id = g.id AND o.stage = 'idea')
    AND NOT {_PLANNED.format(blog="g.id")} AND NOT {_LIVE.format(blog="g.id")} AND NOT {_ALONE.format(blog="g.id")}
"""
_TURN = f"""
SELECT pg_advisory_xact_lock({bank._LOCK}, %(lock)s);
WITH leader AS MATERIALIZED (
    SELECT id, site_id, language, length, profile_id FROM blog_generations WHERE id = %(blog)s
), planned AS MATERIALIZED (
    SELECT t.plan FROM blogs_topic t WHERE t.generation_id = %(blog)s AND t.kind = 'title' AND NOT %(alone)s
), held AS MATERIALIZED (
    SELECT 1 WHERE NOT %(alone)s AND NOT EXISTS (SELECT FROM planned) AND {_LIVE.format(blog="%(blog)s")}
       AND NOT EXISTS (SELECT 1 FROM blogs_ideaasked WHERE generation_id = %(blog)s AND leader_id = %(blog)s)
), runs AS MATERIALIZED (
    SELECT g.id, 0 AS place FROM leader JOIN blog_generations g ON g.site_id = leader.site_id AND g.status = 'PROCESSING'
     WHERE {_OTHER} ORDER BY g.id LIMIT %(others)s
), stands AS MATERIALIZED (
    SELECT g.id, 1 AS place FROM leader JOIN blog_generations g ON g.site_id = leader.site_id AND g.ready
     WHERE {_OTHER} ORDER BY g.priority, (g.started_at IS NULL), g.id LIMIT %(others)s
), others AS MATERIALIZED (
    SELECT id FROM (SELECT * FROM runs UNION ALL SELECT * FROM stands) AS found
     WHERE NOT EXISTS (SELECT FROM planned) AND NOT EXISTS (SELECT FROM held) AND NOT {_ALONE.format(blog="%(blog)s")}
     ORDER BY place, id LIMIT %(others)s
), asked AS (
    INSERT INTO blogs_ideaasked (generation_id, leader_id, leader_token)
    SELECT id, %(blog)s, %(token)s::uuid
      FROM (SELECT id FROM leader WHERE NOT EXISTS (SELECT FROM planned) AND NOT EXISTS (SELECT FROM held)
            UNION ALL SELECT id FROM others) AS chosen
    ON CONFLICT (generation_id) DO UPDATE
       SET leader_id = excluded.leader_id, leader_token = excluded.leader_token, alone = false
)
SELECT (SELECT plan FROM planned), EXISTS (SELECT FROM held), ARRAY(SELECT id FROM others)
"""


def _at_most() -> int:
    """Return for how many blogs one call asks: fewer where ten would take much of what a minute has."""
    affordable = settings.RATE_LIMITS["openai"]["tokens"] * _SHARE_OF_A_MINUTE // settings.OPENAI_IDEA_MAX_TOKENS
    return int(max(1, min(AT_MOST, settings.OPENAI_IDEAS_PER_CALL, affordable)))


@briefly
def turn(leader: Leader, *, alone: bool = False) -> Turn:
    """Say what a blog is to do for its idea. `alone`: what was planned for it is of no use, so it asks by itself.

    The lock and the look are one string, so one transaction, and two statements: the second sees what the last holder has kept.
    """
    asked = {
        "lock": leader.site_id % 2**31,
        "blog": leader.generation_id,
        "token": str(leader.lease_token) if leader.lease_token else None,
        "others": 0 if alone else _at_most() - 1,
        "alone": alone,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TURN, asked)
        plan, waits, others = cursor.fetchone()
    return Turn(json.loads(plan) if isinstance(plan, str) else plan, waits, tuple(others))


@dataclass(frozen=True, slots=True)
class Planned:
    """An idea that is good enough to keep: its blog, what that was asked for, and the outline."""

    generation_id: int
    asked: str
    title: str
    language: str
    plan: Mapping[str, Any]


@briefly
def keep(leader: Leader, plans: Sequence[Planned], *, holding: bool = True, close: bool = False) -> set[int]:
    """Keep ideas as the planned titles of their blogs; return of which blogs. The leader asks for these no more.

    Left out are those that the leader does not ask for any more, and, where titles are to hold their keys, those that tell what
    another topic of the site does, or come `close` to one unless that is allowed. That is looked up under the site's lock: of two
    like titles at once, one is kept.
    """
    with transaction.atomic():
        bank.lock(leader.site_id)
        ours = _asked_by(leader)
        kept = {
            planned.generation_id
            for planned in plans
            if planned.generation_id in ours and _keep(leader.site_id, planned, holding=holding, close=close)
        }
        IdeaAsked.objects.filter(generation_id__in=kept).delete()
        return kept


def _keep(site_id: int, planned: Planned, *, holding: bool, close: bool) -> bool:
    blog, language = planned.generation_id, planned.language
    if holding:
        nearest = bank.near_now(site_id, planned.title, language, beside=blog, at_most=_NEAREST)
        if any(near.is_same if close else near.is_close for near in nearest):
            return False
    # An idea of the shop's that was of no use for its blog counts as used, and no longer as the blog's.
    Topic.objects.filter(generation_id=blog, offered_at__isnull=False).update(generation_id=None)
    bank.remove("generation_id = %s AND kind IN ('title', 'asked')", [blog])
    if bank.add(site_id, New(Kind.TITLE, planned.title, language, blog, dict(planned.plan), holds=holding)) is None:
        return False
    bank.add(site_id, New(Kind.ASKED, planned.asked, language, blog))
    return True


def _asked_by(leader: Leader) -> set[int]:
    if leader.lease_token is None:
        return set()
    asked = IdeaAsked.objects.filter(leader_id=leader.generation_id, leader_token=leader.lease_token)
    return set(asked.values_list("generation_id", flat=True))


@briefly
def release(leader: Leader) -> None:
    """Let all the blogs go that the leader still asks for: its call brought nothing for them, and each asks by itself.

    What one blog's words bring down, such as a prompt that the writer refuses, would bring down the next batch too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blogs_ideaasked SET alone = true WHERE leader_id = %s AND leader_token = %s::uuid",
            [leader.generation_id, str(leader.lease_token)],
        )
