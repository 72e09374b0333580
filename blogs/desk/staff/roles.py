"""The five roles of staff: each is a group of Django's with these permissions.

Migrations have made the groups, from lists of their own: a change here needs one more migration.
"""

from __future__ import annotations

_VIEWER = (
    "blogs.view_article",
    "blogs.view_batch",
    "blogs.view_bloggeneration",
    "blogs.view_siteline",
    "blogs.view_webhookendpoint",
    "credits.view_credit",
    "credits.view_creditaccount",
    "wix.view_catalogue",
    "wix.view_plan",
    "wix.view_site",
    "wix.view_webhookdelivery",
    "workers.view_breaker",
    "workers.view_price",
    "workers.view_ratelimit",
    "workers.view_spend",
    "workers.view_workerprocess",
)
_SUPPORT = (
    *_VIEWER,
    "blogs.add_note",
    "blogs.retry_blogs",
    "blogs.cancel_blogs",
    "blogs.edit_profiles",
    "blogs.steer_blogs",
    "blogs.steer_webhooks",
    "blogs.publish_blogs",
    "blogs.export_blogs",
    "wix.change_site",
    "wix.change_webhookdelivery",
    "wix.view_as_shop",
)
_BILLING = (
    *_VIEWER,
    "blogs.add_note",
    "blogs.export_blogs",
    "blogs.refund_blogs",
    "credits.grant_credits",
    "wix.add_plan",
    "wix.change_plan",
    "wix.view_as_shop",
    "workers.add_price",
)
_OPERATOR = (
    *_SUPPORT,
    "blogs.export_audit",
    "blogs.pause_lines",
    "blogs.view_auditentry",
    "blogs.weigh_lines",
    "wix.add_apikey",
    "wix.change_apikey",
    "wix.view_apikey",
    "workers.change_breaker",
)
_ADMIN = (
    *_OPERATOR,
    *_BILLING,
    "auth.view_group",
    "auth.view_user",
    "blogs.give_roles",
    "credits.grant_many_credits",
    "credits.put_in_debt",
)

# From the one that may least to the one that may most.
ROLES: dict[str, frozenset[str]] = {
    "Viewer": frozenset(_VIEWER),
    "Support": frozenset(_SUPPORT),
    "Billing": frozenset(_BILLING),
    "Operator": frozenset(_OPERATOR),
    "Admin": frozenset(_ADMIN),
}
