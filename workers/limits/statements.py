"""The statements of the shared limits. What they do together is told in `reservations`."""

from __future__ import annotations

from workers.database.prepared import Prepared
from workers.limits import provider_calls

# The steps in which staff and the stats endpoints see usage.
_BUCKET = "interval '5 seconds'"


def _in_force(metric: str) -> str:
    """SQL of the number that calls are paced by: the configured one, or the provider's if we follow it and it is not too old."""
    configured, provider = f"{metric}_per_minute", f"provider_{metric}_per_minute"
    return f"""
           CASE WHEN %(follow)s = 'off' OR {configured} IS NULL OR {provider} IS NULL
                  OR provider_{metric}_seen_at < now - %(follow_seconds)s * interval '1 second' THEN {configured}
                WHEN %(follow)s = 'both' THEN {provider}
                ELSE least({configured}, {provider}) END"""


# The tokens of a minute, less what can come together in it because calls may leave late (`Reservation.leave_by`).
_ON_TIME = "{tokens} * (1 - %(late)s::float8 / 60)"

# The share of the full pace that is left after "too fast".
_SHARE = """
           CASE WHEN full_pace_at > now THEN lowered_to ^ least(1, extract(epoch FROM full_pace_at - now)::float8
                / nullif(extract(epoch FROM full_pace_at - lowered_at)::float8, 0)) ELSE 1 END"""

RESERVE = Prepared(
    "reserve",
    f"""
WITH locked AS MATERIALIZED (
    SELECT * FROM workers_ratelimit WHERE id = %(id)s FOR UPDATE
), at AS MATERIALIZED (
    -- The time behind the lock: by then the statement's own start may be long past.
    SELECT clock_timestamp() AS now, locked.* FROM locked
), in_force AS MATERIALIZED (
    SELECT now, id, blocked_until, requests_tat, tokens_tat, largest_tokens, {_SHARE} AS share,
           {_in_force("requests")} AS requests_per_minute,
           {_in_force("tokens")} AS tokens_per_minute FROM at
), sized AS MATERIALIZED (
    -- Pacing leaves room for one call of the largest size so far. If the limit was lowered below that size, no such call can come
    -- again, and no room is left for it.
    SELECT in_force.*, CASE WHEN largest_tokens > tokens_per_minute THEN 0 ELSE largest_tokens END AS largest,
           {_ON_TIME.format(tokens="tokens_per_minute")} AS on_time FROM in_force
), paced AS MATERIALIZED (
    SELECT 60.0 / (greatest(requests_per_minute - floor(requests_per_minute * 0.01) - 1, 1) * share) AS request_seconds,
           60.0 / (greatest(on_time - greatest(largest, %(tokens)s), tokens_per_minute * 0.05) * share) AS token_seconds,
           -- The calls before this one left room for a call of the largest size then. A larger one starts later by the difference.
           greatest(0, %(tokens)s - largest) * 60.0 / greatest(on_time - largest, tokens_per_minute * 0.05)
               * interval '1 second' AS first_of_its_size,
           sized.* FROM sized
), place AS MATERIALIZED (
    SELECT paced.*, greatest(now, blocked_until, requests_tat,
                             CASE WHEN tokens_per_minute IS NOT NULL THEN tokens_tat + first_of_its_size END) AS start FROM paced
), granted AS MATERIALIZED (
    SELECT * FROM place WHERE start <= now + %(horizon)s * interval '1 second'
                          AND (tokens_per_minute IS NULL OR %(tokens)s <= tokens_per_minute)
), moved AS (
    -- Both on from the common start: on from their own, a mix of small and large calls would exceed the limit.
    UPDATE workers_ratelimit r SET
        requests_tat = granted.start + granted.request_seconds * interval '1 second',
        tokens_tat = granted.start + coalesce(granted.token_seconds * %(tokens)s, 0) * interval '1 second',
        largest_tokens = greatest(granted.largest, %(tokens)s), used_at = granted.now
      FROM granted WHERE r.id = granted.id
), noted AS (
    INSERT INTO workers_ratelimitusage AS usage (limit_id, started_at, requests, tokens, tokens_used, rejections)
    SELECT id, date_bin({_BUCKET}, start, timestamptz '2000-01-01'), 1, %(tokens)s, 0, 0 FROM granted
    ON CONFLICT (limit_id, started_at) DO UPDATE
       SET requests = usage.requests + 1, tokens = usage.tokens + excluded.tokens
)
SELECT extract(epoch FROM start - now)::float, EXISTS (SELECT 1 FROM granted), tokens_per_minute,
       (requests_per_minute * share)::float, (tokens_per_minute * share)::float FROM place
""",
)

ENSURE = Prepared(
    "limit",
    """
INSERT INTO workers_ratelimit AS r
       (provider, key, model, requests_per_minute, tokens_per_minute, largest_tokens, rejections, requests_tat, tokens_tat)
VALUES (%(provider)s, %(key)s, %(model)s, %(requests)s, %(tokens)s, 0, 0,
        clock_timestamp() - interval '1 minute', clock_timestamp() - interval '1 minute')
ON CONFLICT (provider, key, model) DO UPDATE
   SET requests_per_minute = excluded.requests_per_minute, tokens_per_minute = excluded.tokens_per_minute,
       -- After a raise, what was far ahead by the old pace is near by the new one.
       tokens_tat = CASE WHEN excluded.tokens_per_minute > r.tokens_per_minute
                         THEN least(r.tokens_tat, clock_timestamp() + interval '2 seconds') ELSE r.tokens_tat END
RETURNING id
""",
)

SETTLE = Prepared(
    "settle_tokens",
    f"""
WITH {provider_calls.KEPT}, at AS MATERIALIZED (
    SELECT clock_timestamp() AS now, r.* FROM workers_ratelimit r WHERE id = %(id)s
), in_force AS MATERIALIZED (
    SELECT id, largest_tokens, {_in_force("tokens")} AS tokens FROM at
), given_back AS (
    UPDATE workers_ratelimit r
       SET tokens_tat = tokens_tat - %(refund)s::float8 * interval '1 second' * 60.0
                        / CASE WHEN r.largest_tokens > tokens THEN tokens
                               ELSE greatest({_ON_TIME.format(tokens="tokens")} - r.largest_tokens, tokens * 0.05) END
      FROM in_force WHERE r.id = in_force.id AND %(refund)s::float8 > 0 AND tokens IS NOT NULL
    RETURNING r.id
)
INSERT INTO workers_ratelimitusage AS usage (limit_id, started_at, requests, tokens, tokens_used, rejections)
SELECT id, date_bin({_BUCKET}, now, timestamptz '2000-01-01'), 0, 0, %(used)s::bigint, 0
  FROM at LEFT JOIN given_back USING (id) -- the join makes it lock the limit's row first, as a reservation does
 WHERE %(used)s::bigint > 0
ON CONFLICT (limit_id, started_at) DO UPDATE SET tokens_used = usage.tokens_used + excluded.tokens_used
""",
)

BLOCK = Prepared(
    "block",
    f"""
WITH locked AS MATERIALIZED (
    SELECT * FROM workers_ratelimit WHERE id = %(id)s FOR UPDATE
), at AS MATERIALIZED (
    -- The time behind the lock: by then the statement's own start may be long past.
    SELECT clock_timestamp() AS now, locked.* FROM locked
), judged AS MATERIALIZED (
    SELECT at.*, greatest(blocked_until, now + %(seconds)s * interval '1 second') AS until,
           greatest(%(floor)s::float8, {_SHARE} * %(factor)s::float8) AS share,
           -- An overload brings many refusals; they lower the pace once.
           %(lowers)s::boolean AND (lowered_at IS NULL OR now >= lowered_at + %(again)s * interval '1 second') AS lowers FROM at
), recovering AS MATERIALIZED (
    -- The pace rises again from the end of the block on. After "your traffic rose too fast" it rises in 15 minutes by no more than
    -- the growth that the provider asks for.
    SELECT judged.*, until + interval '1 second' * greatest(%(recovery)s::float8,
               CASE WHEN %(ramp)s::boolean THEN 900 * ln(1 / share) / ln(1 + %(growth)s::float8) END) AS full_at FROM judged
), blocked AS (
    UPDATE workers_ratelimit r
       SET blocked_until = until, rejections = r.rejections + 1, last_rejection_at = now,
           lowered_to = CASE WHEN lowers THEN share ELSE r.lowered_to END,
           lowered_at = CASE WHEN lowers THEN until ELSE r.lowered_at END,
           -- A pace that rises that slowly is not hurried by a refusal of another kind.
           full_pace_at = CASE WHEN lowers THEN greatest(r.full_pace_at, full_at) ELSE r.full_pace_at END
      FROM recovering WHERE r.id = recovering.id RETURNING r.id, now
)
INSERT INTO workers_ratelimitusage AS usage (limit_id, started_at, requests, tokens, tokens_used, rejections)
SELECT id, date_bin({_BUCKET}, now, timestamptz '2000-01-01'), 0, 0, 0, 1 FROM blocked
ON CONFLICT (limit_id, started_at) DO UPDATE SET rejections = usage.rejections + 1
""",
)

LEARN = Prepared(
    "learn_limit",
    f"""
WITH locked AS MATERIALIZED (
    SELECT * FROM workers_ratelimit WHERE id = %(id)s FOR UPDATE
), at AS MATERIALIZED (
    -- The time behind the lock: by then the statement's own start may be long past.
    SELECT clock_timestamp() AS now, locked.* FROM locked
), before AS MATERIALIZED (
    SELECT at.*, {_in_force("requests")} AS requests_before,
           {_in_force("tokens")} AS tokens_before,
           -- An answer to a call that began before the last change may name the limit of then: it is not newer.
           provider_changed_at IS NULL OR now - %(age)s * interval '1 second' >= provider_changed_at AS newer FROM at
), named AS MATERIALIZED (
    SELECT id, now, requests_before, tokens_before, requests_per_minute, tokens_per_minute,
           CASE WHEN newer THEN coalesce(%(requests)s::int, provider_requests_per_minute)
                ELSE provider_requests_per_minute END AS provider_requests_per_minute,
           CASE WHEN newer THEN coalesce(%(tokens)s::int, provider_tokens_per_minute)
                ELSE provider_tokens_per_minute END AS provider_tokens_per_minute,
           CASE WHEN newer AND %(requests)s::int IS NOT NULL THEN now
                ELSE provider_requests_seen_at END AS provider_requests_seen_at,
           CASE WHEN newer AND %(tokens)s::int IS NOT NULL THEN now
                ELSE provider_tokens_seen_at END AS provider_tokens_seen_at,
           (provider_requests_per_minute, provider_tokens_per_minute) AS known FROM before
), after AS MATERIALIZED (
    SELECT named.*, (provider_requests_per_minute, provider_tokens_per_minute) IS DISTINCT FROM known AS changed,
           {_in_force("requests")} AS requests_after,
           {_in_force("tokens")} AS tokens_after FROM named
), compared AS MATERIALIZED (
    SELECT after.*, coalesce(requests_after < requests_before OR tokens_after < tokens_before, false) AS lower FROM after
)
UPDATE workers_ratelimit r
   SET provider_requests_per_minute = compared.provider_requests_per_minute,
       provider_tokens_per_minute = compared.provider_tokens_per_minute,
       provider_requests_seen_at = compared.provider_requests_seen_at,
       provider_tokens_seen_at = compared.provider_tokens_seen_at,
       provider_changed_at = CASE WHEN changed THEN now ELSE r.provider_changed_at END,
       provider_requests_remaining = coalesce(%(requests_remaining)s::int, r.provider_requests_remaining),
       provider_tokens_remaining = coalesce(%(tokens_remaining)s::int, r.provider_tokens_remaining),
       -- After a raise, what was far ahead by the old pace is near by the new one.
       requests_tat = CASE WHEN requests_after > requests_before
                           THEN least(r.requests_tat, now + interval '2 seconds') ELSE r.requests_tat END,
       tokens_tat = CASE WHEN tokens_after > tokens_before
                         THEN least(r.tokens_tat, now + interval '2 seconds') ELSE r.tokens_tat END,
       -- A lower limit explains the refusals so far: from here on the pace is all of it, and not a share.
       lowered_at = CASE WHEN lower THEN greatest(now, r.blocked_until) ELSE r.lowered_at END,
       full_pace_at = CASE WHEN lower THEN NULL ELSE r.full_pace_at END
  FROM compared WHERE r.id = compared.id
RETURNING r.provider_requests_per_minute, r.provider_tokens_per_minute, changed, requests_after, tokens_after
""",
)

PRUNE = Prepared(
    "prune_limits",
    """
WITH old AS (
    DELETE FROM workers_ratelimitusage WHERE started_at < (SELECT clock_timestamp() - interval '1 day')
), unused AS (
    SELECT id FROM workers_ratelimit WHERE key <> '' AND used_at < clock_timestamp() - interval '2 days'
)
DELETE FROM workers_ratelimit WHERE id IN (SELECT id FROM unused)
   AND NOT EXISTS (SELECT 1 FROM workers_ratelimitusage u WHERE u.limit_id = workers_ratelimit.id)
""",
)

# All rows, with the numbers and the share of the pace that hold for them now.
_NOW = f"""
    SELECT at.*, {_SHARE} AS share, {_in_force("requests")} AS in_force_requests,
           {_in_force("tokens")} AS in_force_tokens
      FROM (SELECT clock_timestamp() AS now, * FROM workers_ratelimit) at"""

IN_FORCE = f"SELECT id, in_force_requests, in_force_tokens FROM ({_NOW}) r WHERE id = ANY(%(limits)s)"

# What the pace of one shared limit lets through in a second: less than its number by what RESERVE leaves room for.
PACED = f"""
SELECT (greatest(in_force_requests - floor(in_force_requests * 0.01) - 1, 1) * share / 60)::float8 AS requests,
       (greatest({_ON_TIME.format(tokens="in_force_tokens")} - largest_tokens, in_force_tokens * 0.05)
        * share / 60)::float8 AS tokens
  FROM ({_NOW}) r WHERE provider = %(provider)s AND key = '' AND model = %(model)s
"""

# How much was used of what a limit gives at most; pacing leaves room for one call of the largest size.
SHARES = f"""
SELECT r.provider, r.model,
       greatest(coalesce(used.requests, 0) / in_force_requests,
                coalesce(used.tokens / greatest(in_force_tokens - largest_tokens, in_force_tokens * 0.05), 0))
           * 60.0 / %(seconds)s,
       coalesce(used.requests_now, 0), in_force_requests, coalesce(used.tokens_now, 0), in_force_tokens,
       CASE WHEN blocked_until > now THEN blocked_until END
  FROM ({_NOW}) r
  CROSS JOIN LATERAL (
      SELECT sum(requests)::float8 AS requests, sum(tokens)::float8 AS tokens,
             sum(requests) FILTER (WHERE last_minute)::bigint AS requests_now,
             sum(tokens) FILTER (WHERE last_minute)::bigint AS tokens_now
        FROM workers_ratelimitusage u, LATERAL (SELECT u.started_at > r.now - interval '60 seconds' AS last_minute) AS when_used
       WHERE u.limit_id = r.id AND u.started_at > (SELECT clock_timestamp() - %(seconds)s * interval '1 second')
         AND u.started_at <= (SELECT clock_timestamp())) AS used
 WHERE r.provider = ANY(%(providers)s) AND r.key = ''
 ORDER BY r.provider, r.model
"""

SNAPSHOT = f"""
SELECT r.provider, r.model, r.in_force_requests AS requests_per_minute, r.in_force_tokens AS tokens_per_minute,
       r.requests_per_minute AS configured_requests_per_minute, r.tokens_per_minute AS configured_tokens_per_minute,
       r.provider_requests_per_minute, r.provider_tokens_per_minute, r.provider_requests_remaining, r.provider_tokens_remaining,
       greatest(r.provider_requests_seen_at, r.provider_tokens_seen_at) AS provider_seen_at, r.share AS pace_share,
       coalesce(used.requests, 0) AS requests_used, coalesce(used.tokens, 0) AS tokens_reserved,
       coalesce(used.tokens_used, 0) AS tokens_used,
       greatest(0, extract(epoch FROM greatest(r.requests_tat, r.blocked_until,
           CASE WHEN r.tokens_per_minute IS NOT NULL THEN r.tokens_tat END) - now))::float AS next_free_in_seconds,
       CASE WHEN r.blocked_until > now THEN r.blocked_until END AS blocked_until,
       r.rejections, r.last_rejection_at
  FROM ({_NOW}) r
  LEFT JOIN LATERAL (
      SELECT sum(requests)::bigint AS requests, sum(tokens)::bigint AS tokens, sum(tokens_used)::bigint AS tokens_used
        FROM workers_ratelimitusage u
       WHERE u.limit_id = r.id AND u.started_at > (SELECT clock_timestamp() - interval '60 seconds')
         AND u.started_at <= (SELECT clock_timestamp())) used ON true
 WHERE r.provider = ANY(%(providers)s) AND r.key = ''
 ORDER BY r.provider, r.model
"""
