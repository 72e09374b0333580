"""The five roles of staff: each is a group of Django's with these permissions, made by migrations."""

from __future__ import annotations

from typing import Any

from django.db.models import Manager

_VIEWER = (
    "blogs.view_article",
    "blogs.view_batch",
    "blogs.view_bloggeneration",
    "blogs.view_siteline",
    "credits.view_credit",
    "credits.view_creditaccount",
    "wix.view_catalogue",
    "wix.view_plan",
    "wix.view_site",
    "wix.view_webhookdelivery",
    "workers.view_breaker",
    "workers.view_ratelimit",
    "workers.view_workerprocess",
)
_SUPPORT = (
    *_VIEWER,
    "blogs.retry_blogs",
    "blogs.cancel_blogs",
    "blogs.steer_blogs",
    "blogs.publish_blogs",
    "blogs.export_blogs",
    "wix.change_site",
    "wix.change_webhookdelivery",
)
_BILLING = (
    *_VIEWER,
    "blogs.export_blogs",
    "blogs.refund_blogs",
    "credits.grant_credits",
    "wix.add_plan",
    "wix.change_plan",
)
_OPERATOR = (
    *_SUPPORT,
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
# The permissions that allowed these things before there were roles. Their holders keep what they allowed.
_BEFORE_ROLES = {
    "blogs.change_bloggeneration": ("blogs.retry_blogs", "blogs.cancel_blogs", "blogs.steer_blogs"),
    "wix.change_site": ("blogs.pause_lines", "blogs.weigh_lines"),
    "credits.add_credit": ("credits.grant_credits", "credits.grant_many_credits", "credits.put_in_debt"),
}


def write(groups: Manager[Any], permissions: Manager[Any]) -> None:
    """Give each role those of its permissions that it lacks and that exist by now; take none away. For migrations."""
    known = _by_name(permissions)
    for role, names in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(known[name] for name in names if name in known))


def carry_over(permissions: Manager[Any]) -> None:
    """Give the finer permissions to all users and groups that hold the one before them."""
    known = _by_name(permissions)
    for before, names in _BEFORE_ROLES.items():
        if before in known:
            finer = [known[name] for name in names if name in known]
            for user in known[before].user_set.all():
                user.user_permissions.add(*finer)
            for group in known[before].group_set.all():
                group.permissions.add(*finer)


def _by_name(permissions: Manager[Any]) -> dict[str, Any]:
    return {
        f"{each.content_type.app_label}.{each.codename}": each for each in permissions.select_related("content_type")
    }
