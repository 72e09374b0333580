"""The shared limits' statements. What they do together is told in `rate_limits`."""

from __future__ import annotations

from workers.prepared import Prepared

# Staff and the stats endpoints see usage in steps of this many seconds.
_BUCKET = "interval '5 seconds'"

# `at` reads the clock behind the lock; the statement's own start may be long past by then. A call larger than any before it
# waits a little longer: what came before was paced to leave room for smaller ones.
RESERVE = Prepared(
    "reserve",
    f"""
WITH locked AS MATERIALIZED (
    SELECT * FROM workers_ratelimit WHERE id = %(id)s FOR UPDATE
), at AS MATERIALIZED (
    SELECT clock_timestamp() AS now,
           60.0 / greatest(requests_per_minute - floor(requests_per_minute * 0.01) - 1, 1) AS request_seconds,
           60.0 / greatest(tokens_per_minute - greatest(largest_tokens, %(tokens)s), tokens_per_minute * 0.05) AS token_seconds,
           greatest(0, %(tokens)s - largest_tokens) * 60.0 / greatest(tokens_per_minute - largest_tokens, tokens_per_minute * 0.05)
               * interval '1 second' AS first_of_its_size,
           locked.* FROM locked
), place AS MATERIALIZED (
    SELECT at.*, greatest(now, blocked_until, requests_tat,
                          CASE WHEN tokens_per_minute IS NOT NULL THEN tokens_tat + first_of_its_size END) AS start FROM at
), granted AS MATERIALIZED (
    SELECT * FROM place WHERE start <= now + %(horizon)s * interval '1 second'
), moved AS (
    UPDATE workers_ratelimit r SET
        requests_tat = granted.start + granted.request_seconds * interval '1 second',
        tokens_tat = granted.start + coalesce(granted.token_seconds * %(tokens)s, 0) * interval '1 second',
        largest_tokens = greatest(r.largest_tokens, %(tokens)s), used_at = granted.now
      FROM granted WHERE r.id = granted.id
), noted AS (
    INSERT INTO workers_ratelimitusage AS usage (limit_id, started_at, requests, tokens, tokens_used, rejections)
    SELECT id, date_bin({_BUCKET}, start, timestamptz '2000-01-01'), 1, %(tokens)s, 0, 0 FROM granted
    ON CONFLICT (limit_id, started_at) DO UPDATE
       SET requests = usage.requests + 1, tokens = usage.tokens + excluded.tokens
)
SELECT extract(epoch FROM start - now)::float, EXISTS (SELECT 1 FROM granted), requests_per_minute, tokens_per_minute FROM place
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
       -- Raised: what was far ahead by the old pace is near by the new one.
       tokens_tat = CASE WHEN excluded.tokens_per_minute > r.tokens_per_minute
                         THEN least(r.tokens_tat, clock_timestamp() + interval '2 seconds') ELSE r.tokens_tat END
RETURNING id
""",
)

SETTLE = Prepared(
    "settle_tokens",
    f"""
WITH given_back AS (
    UPDATE workers_ratelimit
       SET tokens_tat = tokens_tat - %(refund)s::float8 * interval '1 second' * 60.0
                        / greatest(tokens_per_minute - largest_tokens, tokens_per_minute * 0.05)
     WHERE id = %(id)s AND %(refund)s::float8 > 0 AND tokens_per_minute IS NOT NULL
)
INSERT INTO workers_ratelimitusage AS usage (limit_id, started_at, requests, tokens, tokens_used, rejections)
SELECT id, date_bin({_BUCKET}, clock_timestamp(), timestamptz '2000-01-01'), 0, 0, %(used)s, 0
  FROM workers_ratelimit WHERE id = %(id)s
ON CONFLICT (limit_id, started_at) DO UPDATE SET tokens_used = usage.tokens_used + excluded.tokens_used
""",
)

BLOCK = Prepared(
    "block",
    f"""
WITH blocked AS (
    UPDATE workers_ratelimit
       SET blocked_until = greatest(blocked_until, clock_timestamp() + %(seconds)s * interval '1 second'),
           rejections = rejections + 1, last_rejection_at = clock_timestamp()
     WHERE id = %(id)s RETURNING id
)
INSERT INTO workers_ratelimitusage AS usage (limit_id, started_at, requests, tokens, tokens_used, rejections)
SELECT id, date_bin({_BUCKET}, clock_timestamp(), timestamptz '2000-01-01'), 0, 0, 0, 1 FROM blocked
ON CONFLICT (limit_id, started_at) DO UPDATE SET rejections = usage.rejections + 1
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

SNAPSHOT = """
SELECT r.provider, r.model, r.requests_per_minute, r.tokens_per_minute,
       coalesce(used.requests, 0) AS requests_used, coalesce(used.tokens, 0) AS tokens_reserved,
       coalesce(used.tokens_used, 0) AS tokens_used,
       greatest(0, extract(epoch FROM greatest(r.requests_tat, r.blocked_until,
           CASE WHEN r.tokens_per_minute IS NOT NULL THEN r.tokens_tat END) - clock_timestamp()))::float AS next_free_in_seconds,
       CASE WHEN r.blocked_until > clock_timestamp() THEN r.blocked_until END AS blocked_until,
       r.rejections, r.last_rejection_at
  FROM workers_ratelimit r
  LEFT JOIN LATERAL (
      SELECT sum(requests)::bigint AS requests, sum(tokens)::bigint AS tokens, sum(tokens_used)::bigint AS tokens_used
        FROM workers_ratelimitusage u
       WHERE u.limit_id = r.id AND u.started_at > (SELECT clock_timestamp() - interval '60 seconds')
         AND u.started_at <= (SELECT clock_timestamp())) used ON true
 WHERE r.provider = ANY(%(providers)s) AND r.key = ''
 ORDER BY r.provider, r.model
"""
