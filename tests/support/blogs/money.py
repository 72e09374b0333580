"""Prices of models, and calls that cost something."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from blogs.models import BlogGeneration
from workers.models import Price, ProviderCall


def price(from_days_ago: int = 100, **fields: Any) -> Price:
    """Enter a price of the model `gpt`."""
    day = timezone.now().date() - timedelta(days=from_days_ago)
    amounts = {"input_per_million": 1, "output_per_million": 10}
    about = {"provider": "openai", "model": "gpt", "valid_from": day, "reason": "a test", "by": "ada"}
    return Price.objects.create(**{**about, **amounts, **fields})


def call(blog: BlogGeneration, **fields: Any) -> ProviderCall:
    """Store a call for the blog that took a thousand tokens in and a thousand out."""
    numbers = {"seconds": 1.0, "tokens_reserved": 2_000, "prompt_bytes": 9, "output_max": 9, "truncated": False}
    tokens = {"prompt_tokens": 1_000, "output_tokens": 1_000, "images": 0}
    named = {"provider": "openai", "operation": "blog_article", "model": "gpt", "outcome": "ok"}
    about = {"work": blog.pk, "site": blog.site_id, "at": timezone.now()}
    return ProviderCall.objects.create(**{**numbers, **tokens, **named, **about, **fields})


def picture(blog: BlogGeneration, **fields: Any) -> ProviderCall:
    about = {"provider": "replicate", "operation": "create", "model": "flux"}
    return call(blog, **{**about, "prompt_tokens": None, "output_tokens": None, "images": 1, **fields})
