"""Refunds: what a DONE blog has cost is given back, once, and its history tells of it. The post stays."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import transaction

from blogs.audit import Actor
from blogs.models import BlogGeneration, GenerationEvent
from blogs.queue import history
from credits import ledger


def refund(blog_id: int, by: Actor, reason: str) -> int:
    """Give the credits of a blog back; return how many. Raises ledger.NothingToRefund."""
    with transaction.atomic():
        generation = BlogGeneration.objects.get(pk=blog_id)
        account = ledger.lock(generation.site_id)
        staff = get_user_model().objects.filter(pk=by.user_id).first() if by.user_id else None
        entry = ledger.refund(account, blog_id, reason=reason[:200], created_by=staff)
        history.record(generation, GenerationEvent.Kind.REFUNDED, by=by.by, message=reason)
    return entry.amount
