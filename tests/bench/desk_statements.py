"""The statements by which `desk_data` fills the database, in order. `hashed(n, salt)` is chance that is the same each time."""

from __future__ import annotations

SETTINGS = """
SET LOCAL synchronous_commit = off; SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '128MB';
CREATE FUNCTION pg_temp.hashed(n bigint, salt bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashint8extended(n, salt) & 2147483647 $$;
"""

INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
  FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
 WHERE t.relname = ANY(%(tables)s) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
   AND NOT i.indisunique
"""

VOCABULARY = """
CREATE TEMP TABLE vocabulary ON COMMIT DROP AS
SELECT *, count(*) OVER (PARTITION BY language, part) AS size
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS word(language text, part text, n int, words text, lexemes text[]);
CREATE INDEX ON vocabulary (language, part, n);
ANALYZE vocabulary;
"""

_SITES = """
INSERT INTO wix_site (instance_id, name, url, language, created_at)
SELECT gen_random_uuid(), shop || ' ' || trade || ' ' || n,
       'https://www.' || lower(regexp_replace(trade || '-' || n, '[^A-Za-z0-9-]', '', 'g')) || '.example',
       (ARRAY['en', 'en', 'en', 'de', 'es', 'fr', 'he', 'ja', 'ru', 'th'])[1 + n %% 10],
       statement_timestamp() - interval '200 days' + n * interval '1 hour'
  FROM (SELECT n, (%(shops)s::text[])[1 + n %% cardinality(%(shops)s::text[])] AS shop,
               (%(trades)s::text[])[1 + n / 7 %% cardinality(%(trades)s::text[])] AS trade
          FROM generate_series(1, %(sites)s) AS n) AS numbers;
INSERT INTO blogs_siteline (site_id, turn, step, waiting, paused) SELECT id, 0, 1, 0, id %% 97 = 0 FROM wix_site;
INSERT INTO credits_creditaccount (site_id, balance, held, debt) SELECT id, 1000000, 0, 0 FROM wix_site;
INSERT INTO blogs_queueclock (id, turn) VALUES (1, 0) ON CONFLICT DO NOTHING;
CREATE TEMP TABLE site ON COMMIT DROP AS
SELECT id, language, url, row_number() OVER (ORDER BY id) - 1 AS n FROM wix_site;
CREATE UNIQUE INDEX ON site (n);
ANALYZE site;
"""

# Every tenth blog is of the whale. Of the others a few sites have many, most have few.
_PLAN = """
CREATE TEMP TABLE planned ON COMMIT DROP AS
WITH numbered AS (
    SELECT n, pg_temp.hashed(n, 1) AS a, pg_temp.hashed(n, 2) AS b, pg_temp.hashed(n, 3) AS c,
           CASE WHEN n %% 10 = 0 THEN 0
                ELSE 1 + floor((%(sites)s - 1) * power(pg_temp.hashed(n, 4) / 2147483648.0, 2))::int END AS site_n,
           (pg_temp.hashed(n, 5) %% 1000)::int AS fate, gen_random_uuid() AS draft_id
      FROM generate_series(1, %(blogs)s) AS n
), placed AS (
    SELECT numbered.*, site.id AS site_id, site.language, site.url,
           CASE WHEN numbered.n > %(blogs)s - least(9000, %(blogs)s / 100) THEN
                     CASE WHEN numbered.n > %(blogs)s - 50 THEN 'PROCESSING' ELSE 'PENDING' END
                WHEN fate < 920 THEN 'DONE' WHEN fate < 970 THEN 'FAILED' ELSE 'CANCELLED' END AS status,
           CASE WHEN c %% 10 < 5 THEN 'keyword' WHEN c %% 10 < 7 THEN 'product' WHEN c %% 10 < 8 THEN 'collection'
                WHEN c %% 10 < 9 THEN 'title' ELSE 'prompt' END AS source_type,
           statement_timestamp() - (%(blogs)s - numbered.n) * (interval '60 days' / %(blogs)s) AS moment
      FROM numbered JOIN site ON site.n = numbered.site_n
)
SELECT p.*, opening.words AS opening, adjective.words AS adjective, thing.words AS thing, ending.words AS ending,
       initcap(other.words) || ' ' || thing.words || ' ' || brand
           || CASE WHEN p.b %% 5 = 0 THEN ' N' || upper(to_hex(p.n)) ELSE '' END AS product,
       adjective.lexemes || thing.lexemes AS short_lexemes,
       opening.lexemes || adjective.lexemes || thing.lexemes || ending.lexemes AS title_lexemes,
       other.lexemes || thing.lexemes || string_to_array(lower(brand), ' ') || ('n' || to_hex(p.n)) AS product_lexemes
  FROM placed p
  JOIN vocabulary opening ON opening.language = p.language AND opening.part = 'opening' AND opening.n = p.a %% opening.size
  JOIN vocabulary adjective
       ON adjective.language = p.language AND adjective.part = 'adjective' AND adjective.n = p.b %% adjective.size
  JOIN vocabulary other
       ON other.language = p.language AND other.part = 'adjective' AND other.n = (p.b / 64) %% other.size
  JOIN vocabulary thing ON thing.language = p.language AND thing.part = 'thing' AND thing.n = p.c / 16 %% thing.size
  JOIN vocabulary ending ON ending.language = p.language AND ending.part = 'ending' AND ending.n = p.a / 64 %% ending.size
  CROSS JOIN LATERAL (
      SELECT (%(brands)s::text[])[1 + p.a / 1024 %% cardinality(%(brands)s::text[])] AS brand) AS brands
 ORDER BY p.n;
"""

_CODES = "ARRAY['content_invalid','source_not_found','blog_not_installed','content_refused','timeout','wix_auth_lost','internal']"

# Of those that wait: half in line, a quarter scheduled, the rest waits for OpenAI or for a retry.
_BLOGS = f"""
INSERT INTO blog_generations
    (site_id, status, source_type, source_id, language, tone, length, publish, priority, ready, ready_at, run_after, scheduled_at,
     waits_for, stage, attempts, rescues, lease_token, lease_expires_at, worker_id, idempotency_key, error_code, error_message,
     draft_post_id, draft_post_url, draft_post_slug, post_url, created_at, started_at, finished_at)
SELECT site_id, status, source_type,
       CASE source_type WHEN 'product' THEN md5(n::text)::uuid::text WHEN 'collection' THEN md5('c' || n)::uuid::text
            WHEN 'keyword' THEN adjective || ' ' || thing WHEN 'title' THEN opening || ' ' || adjective || ' ' || thing
            ELSE 'Write about ' || adjective || ' ' || thing || ' ' || ending || ', order ' || n END,
       '', 'friendly', 'medium', n %% 3 = 0, 0, status = 'PENDING' AND fate < 500, moment,
       CASE WHEN status = 'PENDING' AND fate >= 500 THEN statement_timestamp() + fate * interval '1 minute' END,
       CASE WHEN status = 'PENDING' AND fate >= 500 AND fate < 750 THEN statement_timestamp() + fate * interval '1 minute' END,
       CASE WHEN status = 'PENDING' AND fate >= 750 AND fate < 900 THEN 'openai' ELSE '' END,
       CASE WHEN status = 'DONE' THEN CASE WHEN n %% 3 = 0 THEN 'publish' ELSE 'draft' END
            WHEN status = 'FAILED' THEN 'article' WHEN status = 'PENDING' THEN 'products' ELSE 'idea' END,
       CASE WHEN status = 'PENDING' THEN 0 WHEN fate %% 20 = 0 THEN 3 ELSE 1 END, 0,
       CASE WHEN status = 'PROCESSING' THEN gen_random_uuid() END,
       CASE WHEN status = 'PROCESSING' THEN statement_timestamp() + interval '1 hour' END, NULL,
       CASE WHEN n %% 4 = 0 THEN 'order-' || n END,
       CASE WHEN status = 'FAILED' THEN ({_CODES})[1 + n %% 7] ELSE '' END,
       CASE WHEN status = 'FAILED' THEN 'It failed.' ELSE '' END,
       CASE WHEN status = 'DONE' THEN draft_id END,
       CASE WHEN status = 'DONE' THEN 'https://manage.wix.com/dashboard/blog/' || draft_id || '/edit' ELSE '' END,
       CASE WHEN status = 'DONE' THEN 'post-' || n || '-' || replace(lower(adjective || '-' || thing), ' ', '-') ELSE '' END,
       CASE WHEN status = 'DONE' AND n %% 3 = 0 THEN
            url || '/post/post-' || n || '-' || replace(lower(adjective || '-' || thing), ' ', '-') ELSE '' END,
       moment, CASE WHEN status <> 'PENDING' THEN moment + interval '5 seconds' END,
       CASE WHEN status NOT IN ('PENDING', 'PROCESSING') THEN moment + (40 + fate / 20) * interval '1 second' END
  FROM planned ORDER BY n;
CREATE TEMP TABLE numbered ON COMMIT DROP AS
SELECT blog.id, planned.* FROM planned
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM blog_generations) AS blog USING (n) ORDER BY n;
ANALYZE numbered;
UPDATE blogs_siteline l SET waiting = mine.blogs
  FROM (SELECT site_id, count(*) AS blogs FROM blog_generations WHERE ready GROUP BY site_id) AS mine
 WHERE l.site_id = mine.site_id
"""

# A blog that is DONE has ten; what others have fewer, or the wished number is higher than that, the whale's first blog and the
# newest blogs have more.
_EVENTS = """
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message, created_at)
SELECT id, CASE WHEN e = 0 THEN 'submitted' WHEN e = 1 THEN 'started' WHEN e < last THEN 'checkpoint' ELSE lower(status) END,
       (ARRAY['products','products','products','idea','image_order','article','image','media','draft','draft'])[1 + e], 1,
       CASE WHEN e > 0 THEN 'host-' || id %% 4 || ':77' ELSE '' END,
       CASE WHEN e = last AND status = 'FAILED' THEN 'timeout' ELSE '' END,
       '', moment + e * interval '5 seconds'
  FROM numbered CROSS JOIN LATERAL (
       SELECT CASE status WHEN 'DONE' THEN 9 WHEN 'PENDING' THEN 0 WHEN 'PROCESSING' THEN 3 ELSE 6 END AS last) AS steps
       CROSS JOIN LATERAL generate_series(0, CASE status WHEN 'PENDING' THEN 0 WHEN 'PROCESSING' THEN 2 ELSE last END) AS e;
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message, created_at)
SELECT (SELECT min(id) FROM numbered WHERE site_n = 0 AND status = 'DONE'), 'retrying', 'article', 1 + e / 100, 'host-1:77',
       'timeout', 'The stage article took longer than it may.', statement_timestamp() - interval '59 days' + e * interval '1 minute'
  FROM generate_series(1, 490) AS e;
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message, created_at)
SELECT id, 'warning', 'media', 1, 'host-1:77', 'media_not_ready', 'The picture is not ready yet.', moment + interval '30 seconds'
  FROM numbered CROSS JOIN generate_series(0, 9)
 WHERE status IN ('DONE', 'FAILED', 'CANCELLED') ORDER BY n DESC
 LIMIT greatest(0, %(events)s - (SELECT count(*) FROM blogs_generationevent))
"""

_ARTICLES = """
INSERT INTO blogs_article (generation_id, version, title, language, words, content, created_at)
SELECT id, 1, left(opening || ' ' || adjective || ' ' || thing || ' ' || ending, 200), language, 700,
       jsonb_build_object('title', opening || ' ' || adjective || ' ' || thing || ' ' || ending, 'excerpt', product,
           'meta_title', thing, 'meta_description', ending, 'slug', '', 'tags', jsonb_build_array(adjective, thing),
           'blocks', jsonb_build_array(
               jsonb_build_object('type', 'heading', 'level', 2, 'text', jsonb_build_array(jsonb_build_object('text', thing))),
               jsonb_build_object('type', 'paragraph', 'text', jsonb_build_array(jsonb_build_object('text', product))))), moment
  FROM numbered WHERE status = 'DONE' ORDER BY n
"""

# The products, which pages name, and the draft. The other stages' outputs are read by a blog's own page only.
_OUTPUTS = """
INSERT INTO blogs_stageoutput (generation_id, stage, output, created_at)
SELECT id, 'products', jsonb_build_object('source_text',
           CASE source_type WHEN 'product' THEN product WHEN 'collection' THEN adjective || ' ' || ending
                WHEN 'keyword' THEN adjective || ' ' || thing WHEN 'title' THEN opening || ' ' || adjective || ' ' || thing
                ELSE 'Write about ' || adjective || ' ' || thing || ' ' || ending || ', order ' || n END,
           'products', jsonb_build_array(
               jsonb_build_object('id', md5(n::text)::uuid::text, 'name', product, 'text', ending, 'url', url),
               jsonb_build_object('id', md5('2' || n)::uuid::text, 'name', adjective || ' ' || thing, 'text', '', 'url', url))),
       moment
  FROM numbered WHERE status <> 'PENDING' ORDER BY n;
INSERT INTO blogs_stageoutput (generation_id, stage, output, created_at)
SELECT id, 'draft', jsonb_build_object('draft_post_id', draft_id), moment FROM numbered WHERE status = 'DONE' ORDER BY n
"""

# As `words/of_blogs.py` makes them.
_WORDS = """
INSERT INTO blogs_blogwords (generation_id, level, subject, words)
SELECT id, CASE status WHEN 'DONE' THEN 2 WHEN 'PENDING' THEN 0 ELSE 1 END,
       CASE WHEN status = 'PENDING' THEN '' WHEN source_type = 'product' THEN product
            WHEN source_type = 'collection' THEN adjective || ' ' || ending ELSE '' END,
       array_to_tsvector(ARRAY['@' || site_id] || CASE WHEN n %% 4 = 0 THEN ARRAY['=order-' || n] ELSE '{}' END
           || CASE WHEN source_type IN ('product', 'collection') THEN '{}' ELSE short_lexemes END
           || CASE WHEN status = 'PENDING' THEN '{}' ELSE product_lexemes END
           || CASE WHEN status = 'DONE' THEN title_lexemes ELSE '{}' END)
  FROM numbered ORDER BY n
"""

_CALLS = """
INSERT INTO workers_providercall
    (provider, operation, model, kind, language, work, site, at, seconds, outcome, request_id, tokens_reserved, prompt_bytes,
     prompt_tokens, output_tokens, output_max, truncated, images)
SELECT CASE call WHEN 2 THEN 'replicate' ELSE 'openai' END, (ARRAY['idea','article','prediction'])[1 + call],
       (ARRAY['writer','writer','painter'])[1 + call],
       (ARRAY['idea','article:medium','picture'])[1 + call], language, id, site_id, moment + call * interval '12 seconds',
       2 + call * 5, CASE WHEN n %% 40 = 0 THEN 'timeout' ELSE 'ok' END, 'req_' || md5(n || '.' || call), 4000, 5000,
       CASE WHEN call < 2 THEN 1500 END, CASE WHEN call < 2 THEN 2500 END, 4000, false, CASE call WHEN 2 THEN 1 ELSE 0 END
  FROM numbered CROSS JOIN generate_series(0, 2) AS call
 WHERE status NOT IN ('PENDING', 'CANCELLED') AND n > %(blogs)s - %(blogs_with_calls)s ORDER BY n, call
"""

_CREDITS = """
INSERT INTO credits_credit
    (account_id, kind, amount, balance_change, debt_change, generation_id, hold_number, reason, created_at)
SELECT account.id, 'hold', 25, 0, 0, numbered.id, 0, '', moment
  FROM numbered JOIN credits_creditaccount account USING (site_id) ORDER BY n;
INSERT INTO credits_credit
    (account_id, kind, amount, balance_change, debt_change, generation_id, hold_id, reason, created_at)
SELECT hold.account_id, CASE status WHEN 'DONE' THEN 'capture' ELSE 'release' END, 25,
       CASE status WHEN 'DONE' THEN -25 ELSE 0 END, 0, numbered.id, hold.id, '', moment + interval '1 minute'
  FROM numbered JOIN credits_credit hold ON hold.generation_id = numbered.id
 WHERE status IN ('DONE', 'FAILED', 'CANCELLED') ORDER BY n;
INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, reason)
SELECT account_id, 'grant', 1000000 - sum(balance_change), 1000000 - sum(balance_change), 0, 'benchmark'
  FROM credits_credit GROUP BY account_id;
UPDATE credits_creditaccount a SET held = 25 * open.blogs
  FROM (SELECT site_id, count(*) AS blogs FROM numbered WHERE status IN ('PENDING', 'PROCESSING') GROUP BY site_id) AS open
 WHERE open.site_id = a.site_id
"""

_AUDIT = """
INSERT INTO blogs_auditentry (action, by, user_id, address, about, site_id, blog_id, reason, batch_id, created_at)
SELECT (ARRAY['retry','cancel','grant_credits','login','export','put_first','pause'])[1 + n %% 7], 'colleague' || n %% 20, n %% 20,
       '192.0.2.' || n %% 200, 'Blog ' || id, site_id, id, 'ticket ' || n, NULL, moment
  FROM numbered WHERE n > %(blogs)s - %(audit_entries)s ORDER BY n;
INSERT INTO blogs_batch (action, options, chosen, reason, by, total, created_at, portion_at, ended_at, stopped_by)
SELECT 'retry', '{}', 'status is FAILED', 'an outage', 'colleague' || n %% 20, CASE WHEN n <= 8 THEN %(batch_items)s / 8 ELSE 0 END,
       statement_timestamp() - n * interval '1 hour', statement_timestamp(), statement_timestamp(), ''
  FROM generate_series(1, 300) AS n;
INSERT INTO blogs_batchitem (batch_id, blog_id, state, result)
SELECT (SELECT min(id) FROM blogs_batch) + n %% 8, id, CASE WHEN n %% 9 = 0 THEN 'skipped' ELSE 'done' END, ''
  FROM numbered ORDER BY n LIMIT %(batch_items)s
"""

IN_ORDER = {
    "sites": _SITES,
    "plan": _PLAN,
    "blogs": _BLOGS,
    "events": _EVENTS,
    "articles": _ARTICLES,
    "outputs": _OUTPUTS,
    "words": _WORDS,
    "calls": _CALLS,
    "credits": _CREDITS,
    "audit log": _AUDIT,
}

KNOWN = """
WITH whale AS (SELECT * FROM wix_site ORDER BY id LIMIT 1
), done AS (SELECT * FROM blog_generations WHERE status = 'DONE' ORDER BY id DESC LIMIT 1
), post AS (SELECT * FROM blog_generations WHERE status = 'DONE' AND post_url <> '' ORDER BY id DESC LIMIT 1
)
SELECT whale.id, whale.id + 3,
       (SELECT min(id) FROM blog_generations WHERE site_id = whale.id AND status = 'DONE'),
       done.id, (SELECT max(id) FROM blog_generations WHERE status = 'FAILED'), (SELECT min(id) FROM blogs_batch),
       whale.name, done.draft_post_id::text, post.post_url, post.draft_post_slug,
       (SELECT request_id FROM workers_providercall ORDER BY id DESC LIMIT 1),
       (SELECT idempotency_key FROM blog_generations WHERE idempotency_key IS NOT NULL ORDER BY id DESC LIMIT 1)
  FROM whale, done, post
"""
