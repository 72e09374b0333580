"""What workers do for endpoints besides sending: telling that credits are low, making resting ones wait, removing what is old."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

from blogs.models import WebhookEndpoint
from blogs.outgoing import outbox
from workers.database.connections import released_afterwards

_REMOVED_AT_ONCE = 1_000

# The measure is the plan's month; without a plan, the trial's credits. Credits that pay for no blog are low in any case. Told once
# each time that they come to be low: one UPDATE decides, so of two workers one tells.
_LOW = f"""
WITH account AS (
    SELECT endpoint.id,
           account.balance - account.held
           < greatest(coalesce(plan.monthly_credits, %(trial)s) * %(share)s::float, %(blog)s) AS is_low
      FROM blogs_webhookendpoint endpoint
      JOIN credits_creditaccount account ON account.site_id = endpoint.site_id
      LEFT JOIN wix_subscription subscription ON subscription.site_id = endpoint.site_id
      LEFT JOIN wix_plan plan ON plan.id = subscription.plan_id
     WHERE endpoint.off_at IS NULL AND endpoint.events @> ARRAY['{outbox.CREDITS_LOW}']::varchar[]
), changed AS (
    UPDATE blogs_webhookendpoint endpoint SET credits_low_at = CASE WHEN is_low THEN statement_timestamp() END
      FROM account WHERE endpoint.id = account.id AND (endpoint.credits_low_at IS NULL) = is_low
    RETURNING endpoint.id, endpoint.credits_low_at
)
INSERT INTO blogs_webhookmessage (endpoint_id, type, due_at)
SELECT id, '{outbox.CREDITS_LOW}', statement_timestamp() FROM changed WHERE credits_low_at IS NOT NULL
"""
# A move that began before the endpoint was switched off may have stored a message after what waited was dropped.
_DROP = """
UPDATE blogs_webhookmessage message SET state = 'dropped', due_at = NULL
  FROM blogs_webhookendpoint endpoint
 WHERE endpoint.id = message.endpoint_id AND endpoint.off_at < statement_timestamp() - interval '1 minute'
   AND message.due_at IS NOT NULL
"""
_PRUNE = """
DELETE FROM blogs_webhookmessage WHERE id IN (
    SELECT message.id FROM blogs_webhookmessage message JOIN blogs_webhookendpoint endpoint ON endpoint.id = endpoint_id
     WHERE message.created_at < statement_timestamp() - %(days)s * interval '1 day' AND message.due_at IS NULL
     ORDER BY message.created_at LIMIT %(limit)s)
"""


def tell_of_low_credits() -> None:
    """Store a message for each endpoint whose site has come to have few credits left."""
    with released_afterwards(), connection.cursor() as cursor:
        share = settings.OUTGOING_WEBHOOK_CREDITS_LOW_SHARE
        cursor.execute(_LOW, {"share": share, "trial": settings.TRIAL_CREDITS, "blog": settings.BLOG_CREDITS})


def prune() -> int:
    """Remove messages that are over and old, and endpoints that were deleted once they have none left; return how many messages."""
    with released_afterwards(), connection.cursor() as cursor:
        cursor.execute(_DROP)
    removed, last = 0, _REMOVED_AT_ONCE
    while last == _REMOVED_AT_ONCE:
        with released_afterwards(), connection.cursor() as cursor:
            cursor.execute(_PRUNE, {"days": settings.WEBHOOK_RETENTION_DAYS, "limit": _REMOVED_AT_ONCE})
            last = cursor.rowcount
        removed += last
    with released_afterwards(), transaction.atomic():
        deleted = WebhookEndpoint.objects.filter(off_why=WebhookEndpoint.Off.DELETED, messages=None)
        deleted.delete()
    return removed
