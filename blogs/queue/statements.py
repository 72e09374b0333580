"""The queue's long statements, each whole, with its reasons beside the parts that they explain.

    CLAIM       starts blogs in the fair order                                (`source.claim`)
    PROMOTE     brings what is due into its lines                             (`source.promote`)
    ENTER       stores a blog with its hold, its event and its place in line  (`submitting.submit`)
    CHECKPOINT  saves what a stage has produced                               (`lifecycle.checkpoint`)
                … and with what staff find the blog by: CHECKPOINT_WITH_WORDS
    SUCCEED     saves what the last stage has produced: DONE                  (`lifecycle.succeed`)

Each session sends a `Prepared` statement, with its comments, once a minute (behind a pooler: with each call). In a comment, a
percent sign would be read as a parameter and a semicolon at a line's end as the statement's end.
"""

from __future__ import annotations

from blogs.models import BlogGeneration, GenerationEvent, Length, Tone
from blogs.outgoing import outbox
from blogs.queue import admission, failures
from blogs.queue.lines import CLAIM_LOCK, TURN_ON_JOINING
from credits import ledger
from wix.models import Site
from workers.database.prepared import Prepared
from workers.database.rows import columns
from workers.pool.heartbeat import WAITERS

_STARTED, _SUBMITTED = GenerationEvent.Kind.STARTED, GenerationEvent.Kind.SUBMITTED

_TELL_OF_START = outbox.telling(
    "(SELECT id, site_id FROM started WHERE started_at >= statement_timestamp()) AS first",
    type=f"'{outbox.BLOG_STARTED}'",
    site="first.site_id",
    blog="first.id",
)

# The lock and the claim are ONE string, so one implicit transaction: a claimer that is stopped between two statements would block
# all others. And they are two statements: a single one that took the lock would go by the snapshot from before it, and 34 of 40
# concurrent claims came back empty.
#
# A claim commits asynchronously, which saves a wait for the disk. If PostgreSQL crashes before the claim is on the disk, nothing
# later is there either, and the worker finds that it has no lease. That costs one stage's call: its checkpoint waits for the disk.
CLAIM = Prepared(
    "claim",
    before=f"SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock({CLAIM_LOCK});",
    sql=f"""
WITH clock AS MATERIALIZED (
    -- Lines are read from `lowest` on, the lowest turn that waited one to two seconds ago. While a dump or an export keeps an old
    -- snapshot open, nothing dead can leave an index, and a reader from its head steps over all of it: 50,000 starts made a claim
    -- six times slower. Once a second one claim looks from the very head, because a slow submit may join behind `lowest`. A
    -- claim that finds nothing is repeated from the very head, before its worker sleeps.
    SELECT turn, look, paused, CASE WHEN look THEN '-infinity' ELSE lowest END AS lowest
      FROM (SELECT turn, lowest, paused_at IS NOT NULL AS paused,
                   %(look)s OR looked_at NOT BETWEEN clock_timestamp() - interval '1 second' AND clock_timestamp() AS look
              FROM blogs_queueclock) AS clock
), held AS MATERIALIZED (
    -- The seats of this worker that each site holds. The caller says it: a count of rows would, beside an old snapshot, step over
    -- every blog that this worker has run since.
    SELECT * FROM unnest(%(held_sites)s::bigint[], %(held_seats)s::bigint[]) AS held (site_id, seats)
), crowded AS MATERIALIZED (
    -- Sites whose threads already wait more than 5 s for the site's own limit at Wix.
    SELECT key AS instance_id FROM ({WAITERS}) AS waiters WHERE provider = 'wix'
     GROUP BY key HAVING sum(threads) * 60.0 / %(wix_per_minute)s > 5
), lines AS MATERIALIZED (
    -- The lowest turns among the lines that wait: as many as there are seats, and one more for each site that comes last.
    -- A line behind the clock was passed over: blocked by Wix, crowded, or at its share. It goes on at the clock and catches up
    -- on nothing.
    SELECT l.site_id, l.turn AS own_turn, greatest(l.turn, (SELECT turn FROM clock)) AS turn, l.step, l.waiting,
           site.instance_id::text IN (SELECT instance_id FROM crowded) AS crowded
      FROM blogs_siteline l JOIN wix_site site ON site.id = l.site_id
     WHERE l.waiting > 0 AND NOT l.paused AND l.turn >= (SELECT lowest FROM clock)
       AND NOT (SELECT paused FROM clock)  -- known before any line is read
       AND NOT EXISTS (
           SELECT 1 FROM workers_ratelimit r
            WHERE r.provider = 'wix' AND r.key = site.instance_id::text AND r.model = ''
              AND r.blocked_until > clock_timestamp() + interval '5 seconds')
     ORDER BY l.turn, l.site_id
     LIMIT %(limit)s + (SELECT count(*) FROM held WHERE seats >= %(site_seats)s) + (SELECT count(*) FROM crowded)
       FOR UPDATE OF l
), starts AS (
    -- One row for each start that such a line could have. The starts of a crowded site, and those beyond a site's share of this
    -- worker's seats, come after all others instead of never, so that no seat stays idle.
    SELECT l.site_id
      FROM lines l LEFT JOIN held USING (site_id), generate_series(1, least(l.waiting, %(limit)s)) AS nth
     ORDER BY l.crowded OR nth + coalesce(held.seats, 0) > %(site_seats)s, l.turn + (nth - 1) * l.step, l.site_id
     LIMIT %(limit)s
), shares AS (
    SELECT site_id, count(*) AS seats FROM starts GROUP BY site_id
), chosen AS (
    -- Within a line: by priority, then blogs that have run before, then age.
    -- A line may give fewer than it has counted: its row was read behind its lock, its blogs by the snapshot from before the lock.
    -- The rest comes with the next claim.
    SELECT blog.id FROM shares CROSS JOIN LATERAL (
        SELECT id FROM blog_generations WHERE site_id = shares.site_id AND ready
         ORDER BY priority, (started_at IS NULL), id LIMIT shares.seats
           FOR UPDATE) AS blog
), started AS (
    UPDATE blog_generations
       SET status = 'PROCESSING', ready = false, attempts = attempts + 1, waits_for = '',
           lease_token = gen_random_uuid(), lease_expires_at = clock_timestamp() + %(lease)s * interval '1 second',
           worker_id = %(worker)s, started_at = coalesce(started_at, clock_timestamp())
     WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND status = 'PENDING' AND ready
    RETURNING *
), moved AS (
    -- Each start moves its line's turn on by one step.
    UPDATE blogs_siteline l
       SET waiting = waiting - mine.blogs, turn = greatest(l.turn, (SELECT turn FROM clock)) + mine.blogs * l.step
      FROM (SELECT site_id, count(*) AS blogs FROM started GROUP BY site_id) AS mine
     WHERE l.site_id = mine.site_id
    RETURNING l.turn - l.step AS last_start
), ticked AS (
    -- The clock is the highest turn that has started, and never goes back. What one look has found becomes `lowest` with the next.
    UPDATE blogs_queueclock c
       SET turn = greatest(c.turn, last.start),
           looked_at = CASE WHEN clock.look THEN clock_timestamp() ELSE c.looked_at END,
           lowest = CASE WHEN clock.look THEN least(c.next_lowest, found.lowest) ELSE c.lowest END,
           next_lowest = CASE WHEN clock.look THEN least(c.turn, found.lowest) ELSE c.next_lowest END
      FROM clock, (SELECT max(last_start) AS start FROM moved) AS last, (SELECT min(own_turn) AS lowest FROM lines) AS found
     WHERE clock.look AND last.start IS NOT NULL OR c.turn < last.start
), history AS (
    INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
    SELECT id, '{_STARTED}', stage, attempts, %(worker_name)s, '', '' FROM started
), outgoing AS (
    -- A blog that starts for the first time.
    {_TELL_OF_START}
)
SELECT clock.look, {columns(Site, "site")}, {columns(BlogGeneration, "started")}, details.product_ids, details.instructions,
       details.on_duplicate, profile.told, profile.found
  FROM clock LEFT JOIN (started JOIN wix_site site ON site.id = started.site_id
                                LEFT JOIN blogs_requestdetails details ON details.generation_id = started.id
                                LEFT JOIN blogs_siteprofile profile ON profile.id = started.profile_id) ON true
 ORDER BY started.id
""",
)

# Lines first, then blogs, under the claim lock: the lock order of `lines.py`. Both statements are one transaction.
PROMOTE = f"""
SELECT pg_advisory_xact_lock({CLAIM_LOCK});
WITH due AS (
    SELECT id, site_id FROM blog_generations
     WHERE status = 'PENDING' AND NOT ready AND run_after <= (SELECT clock_timestamp())
     ORDER BY run_after LIMIT %(chunk)s
), waking AS MATERIALIZED (
    SELECT site_id FROM blogs_siteline WHERE site_id IN (SELECT site_id FROM due) ORDER BY site_id FOR UPDATE
), rows AS MATERIALIZED (
    -- A row that something else has locked comes with the next promotion.
    SELECT g.id, g.site_id FROM blog_generations g
     WHERE g.id IN (SELECT id FROM due) AND g.site_id IN (SELECT site_id FROM waking)
       AND g.status = 'PENDING' AND NOT g.ready
       FOR UPDATE SKIP LOCKED
), promoted AS (
    UPDATE blog_generations SET ready = true, ready_at = clock_timestamp(), run_after = NULL
     WHERE id = ANY(ARRAY(SELECT id FROM rows)) RETURNING site_id
), woken AS (
    UPDATE blogs_siteline l
       SET turn = {TURN_ON_JOINING}, waiting = waiting + mine.blogs
      FROM (SELECT site_id, count(*) AS blogs FROM promoted GROUP BY site_id) AS mine
     WHERE l.site_id = mine.site_id
)
SELECT count(*) FROM promoted
"""

# The fields of a new blog that ENTER takes as parameters, each by its attname.
NEW = [
    field
    for field in BlogGeneration._meta.concrete_fields
    if not field.primary_key and field.attname != "profile_id" and (field.has_default() or not field.has_db_default())
]
# What a request leaves open (None or "") is the profile's, and its own value after that.
LEFT_OPEN = {
    "language": "coalesce(nullif(%(language)s, ''), place.settings ->> 'language', '')",
    "tone": f"coalesce(nullif(%(tone)s, ''), place.settings ->> 'tone', '{Tone.FRIENDLY}')",
    "length": f"coalesce(nullif(%(length)s, ''), place.settings ->> 'length', '{Length.MEDIUM}')",
    "categories": "coalesce(%(categories)s::varchar[],"
    " ARRAY(SELECT jsonb_array_elements_text(place.settings -> 'categories'))::varchar[])",
}

# One statement, because a shop waits for each round trip, and all its other requests wait behind its account.
ENTER = Prepared(
    "submit",
    f"""
WITH place AS (
    -- `counted`: the caller has locked the account and found fewer unfinished blogs of the site than its plan allows.
    SELECT account.id AS account_id, account.closings, line.waiting, line.waiting_max, site.removed_at IS NOT NULL AS removed,
           failures.too_many, queue.has_room,
           site.removed_at IS NULL AND NOT failures.too_many AND (NOT %(ready)s OR line.waiting < %(places)s)
           AND (NOT %(ready)s OR queue.has_room)
           AND (%(counted)s OR coalesce(line.waiting_max >= %(places)s, true)) AS free,
           profile.id AS profile_id, profile.settings
      FROM credits_creditaccount account JOIN blogs_siteline line USING (site_id) JOIN wix_site site ON site.id = site_id
           -- OFFSET: or each would be worked out for every place where it is named.
           CROSS JOIN LATERAL (SELECT {failures.TOO_MANY} AS too_many OFFSET 0) AS failures
           CROSS JOIN LATERAL (SELECT {admission.HAS_ROOM} AS has_room OFFSET 0) AS queue
           -- The blog keeps the profile's newest version: it is written by that one, however often it is tried.
           LEFT JOIN LATERAL (
               SELECT id, found || told AS settings FROM blogs_siteprofile
                WHERE site_id = %(site_id)s ORDER BY version DESC LIMIT 1) AS profile ON true
     WHERE site_id = %(site_id)s
), account AS (
    -- No site is removed while this waits for the account: that closes it.
    {ledger.SET_ASIDE.format(account="(SELECT account_id FROM place WHERE free)", closings="(SELECT closings FROM place)")}
), blog AS (
    INSERT INTO blog_generations ({", ".join(field.attname for field in NEW)}, profile_id)
    SELECT {", ".join(LEFT_OPEN.get(field.attname, f"%({field.attname})s") for field in NEW)}, place.profile_id
      FROM account, place
    RETURNING *
), hold AS (
    {ledger.HOLD.format(blog="blog.id", holding="account, blog")}
), event AS (
    INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
    SELECT id, '{_SUBMITTED}', stage, attempts, '', '', '' FROM blog
    RETURNING generation_id
), outgoing AS (
    {outbox.telling("blog", type=f"'{outbox.BLOG_QUEUED}'", site="blog.site_id", blog="blog.id")}
    RETURNING 1
), details AS (
    INSERT INTO blogs_requestdetails (generation_id, time_zone, metadata, product_ids, instructions, on_duplicate)
    SELECT id, %(time_zone)s, %(metadata)s::jsonb, %(product_ids)s::text[], %(instructions)s, %(on_duplicate)s
      FROM blog WHERE %(detailed)s
), words AS (
    -- By which staff find it.
    INSERT INTO blogs_blogwords (generation_id, level, subject, words)
    SELECT id, 0, '', array_to_tsvector(%(words)s::text[]) FROM blog
    RETURNING generation_id
), line AS (
    -- Last, since all claims wait for the line while it is locked: it reads what the others return.
    -- (A scheduled blog only needs a line to be there, for PROMOTE.)
    UPDATE blogs_siteline SET turn = {TURN_ON_JOINING}, waiting = waiting + 1
     WHERE site_id = (
        SELECT blog.site_id FROM blog, hold, event, words, (SELECT count(*) FROM outgoing) AS told WHERE blog.ready)
)
SELECT place.removed, place.too_many, place.has_room, place.waiting, place.waiting_max, {columns(BlogGeneration, "blog")}
  FROM place LEFT JOIN blog ON true
""",
)

_SAVE = """
WITH mine AS (
    -- The fence: only the holder of the lease writes, and only while the blog is PROCESSING.
    UPDATE blog_generations SET {changes},
           draft_post_id = coalesce(%(draft_post_id)s::uuid, draft_post_id),
           draft_post_url = coalesce(%(draft_post_url)s, draft_post_url),
           draft_post_slug = coalesce(%(draft_post_slug)s, draft_post_slug),
           post_url = coalesce(%(post_url)s, post_url)
     WHERE id = %(id)s AND status = 'PROCESSING' AND lease_token = %(lease_token)s
    RETURNING id, site_id, needs_review, cancel_requested_at IS NOT NULL AND draft_post_id IS NULL AS wants_to_cancel
), saved AS (
    -- A commit whose answer was lost in an outage is tried again: the output may be there already, and its events with it.
    INSERT INTO blogs_stageoutput (generation_id, stage, output) SELECT id, %(stage)s, %(output)s::jsonb FROM mine
    ON CONFLICT (generation_id, stage) DO NOTHING
    RETURNING generation_id
), told AS (
    INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
    SELECT mine.id, event.kind, %(stage)s, %(attempt)s, %(by)s, event.code, event.message
      FROM mine LEFT JOIN saved ON saved.generation_id = mine.id,
           jsonb_to_recordset(%(events)s) AS event(kind text, code text, message text)
     WHERE saved.generation_id IS NOT NULL OR event.kind = %(outcome)s
){more}
SELECT wants_to_cancel FROM mine
"""
# What staff find a blog by. A row that older code did not write is left incomplete, for a worker to fill in (`words/keeping.py`).
_WORDS = """, worded AS (
    INSERT INTO blogs_blogwords AS known (generation_id, level, subject, words)
    SELECT id, -1, %(subject)s, array_to_tsvector(%(words)s::text[]) FROM mine
    ON CONFLICT (generation_id) DO UPDATE
       SET words = known.words || excluded.words,
           level = CASE WHEN known.level = %(level)s::int - 1 THEN %(level)s::int ELSE known.level END,
           subject = CASE WHEN excluded.subject = '' THEN known.subject ELSE excluded.subject END
)"""
_TELL_OF_END = outbox.telling(
    "mine CROSS JOIN jsonb_to_recordset(%(told)s) AS it(type varchar, code varchar)",
    type="it.type",
    site="mine.site_id",
    blog="mine.id",
    code="it.code",
)
_TELL_OF_REVIEW = outbox.telling(
    "(SELECT * FROM mine WHERE needs_review) AS held",
    type=f"'{outbox.BLOG_NEEDS_REVIEW}'",
    site="held.site_id",
    blog="held.id",
    code="'needs_review'",
)
_NEXT = "stage = %(next_stage)s, deferred_since = NULL"
CHECKPOINT = Prepared("checkpoint", _SAVE.format(changes=_NEXT, more=""))
CHECKPOINT_WITH_WORDS = Prepared("checkpoint_with_words", _SAVE.format(changes=_NEXT, more=_WORDS))
SUCCEED = Prepared(
    "succeed",
    _SAVE.format(
        changes="""status = 'DONE', finished_at = clock_timestamp(), error_code = '', error_message = '',
           lease_token = NULL, lease_expires_at = NULL, worker_id = NULL,
           -- Its article's stage has held it, or found nothing to hold it for.
           needs_review = coalesce((
               SELECT output -> 'quality' ->> 'held' = 'true' FROM blogs_stageoutput
                WHERE generation_id = %(id)s AND stage = 'article'), false)""",
        more=f", outgoing AS ({_TELL_OF_END}), held AS ({_TELL_OF_REVIEW})",
    ),
)
