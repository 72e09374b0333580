"""What can be made to go wrong, and when: each arriving call takes at most one fault, the oldest that matches it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.sandbox.defects import OF_ARTICLES, OF_IDEAS, PREFIX

OPERATIONS = {
    "openai": {"idea", "article", "critic", "repair", "idea_repair", "other"},
    "replicate": {"create", "list", "get", "cancel", "file"},
    "wix": {
        "token", "token_info", "app_instance", "site_properties", "catalog_version",
        "products_query", "product_get", "collection_get",
        "media_import", "media_get", "media_search", "media_upload_url", "media_upload", "members_list", "members_query",
        "member_create", "tags_query", "tag_create", "categories_list", "category_create", "draft_create", "draft_get",
        "draft_query", "draft_update", "draft_delete", "draft_publish", "post_get",
    },
}  # fmt: skip

# Answered instead of doing the work; the bodies are each provider's own.
REFUSALS = {"429", "429_no_retry_after", "401", "403", "500", "503", "not_found"}
# The connection or the body breaks: the same for all three.
BREAKAGES = {
    "timeout", "reset", "drip", "drip_headers", "truncated", "wrong_json", "invalid_json", "html", "after_success",
    "500_after_success", "redirect", "gzip_bomb",
}  # fmt: skip
_OF_OPENAI = {
    "billing_not_active", "hard_limit", "deactivated", "access_terminated", "402", "gateway_quota", "gateway_budget",
    "content_filter_400", "content_policy_400", "invalid_prompt", "gateway_content", "no_json_schema",
    "no_max_completion_tokens", "unknown_model", "no_deployment", "odd_400", "odder_400", "fenced", "in_parts", "gateway_refusal",
}  # fmt: skip
# Only where they make sense: kind -> provider -> operations.
SPECIAL: dict[str, dict[str, set[str]]] = {
    "429_tokens": {"openai": OPERATIONS["openai"]},
    "insufficient_quota": {"openai": OPERATIONS["openai"], "replicate": {"create"}},
    "credit_balance_exhausted": {"openai": OPERATIONS["openai"]},
    "organization_spend_limit_exceeded": {"openai": OPERATIONS["openai"]},
    "project_spend_limit_exceeded": {"openai": OPERATIONS["openai"]},
    "organization_usage_limit_exceeded": {"openai": OPERATIONS["openai"]},
    "request_too_large": {"openai": OPERATIONS["openai"]},
    **{kind: {"openai": OPERATIONS["openai"]} for kind in _OF_OPENAI},
    "slow_down": {"openai": OPERATIONS["openai"]},
    "503_slow_down": {"openai": OPERATIONS["openai"]},
    "refusal": {"openai": OPERATIONS["openai"]},
    "length": {"openai": OPERATIONS["openai"]},
    "content_filter": {"openai": OPERATIONS["openai"]},
    "invalid_article": {"openai": {"article"}},
    **{f"{PREFIX}{name}": {"openai": {"article"}} for name in OF_ARTICLES},
    **{f"{PREFIX}{name}": {"openai": {"idea"}} for name in OF_IDEAS},
    "uneven_ideas": {"openai": {"idea"}},
    "nonsense": {"openai": {"critic", "repair", "idea_repair"}},
    "misquotes": {"openai": {"critic"}},
    "finds": {"openai": {"critic"}},
    "changes_nothing": {"openai": {"repair", "idea_repair"}},
    "prediction_failed": {"replicate": {"create"}},
    "interrupted": {"replicate": {"create"}},
    "high_demand": {"replicate": {"create"}},
    "sensitive": {"replicate": {"create"}},
    "version_gone": {"replicate": {"create"}},
    "invalid_input": {"replicate": {"create"}},
    "aborted": {"replicate": {"create"}},
    "canceled": {"replicate": {"create"}},
    "never_ready": {"replicate": {"create"}},
    "half_made": {"replicate": {"create"}},
    "no_output": {"replicate": {"create"}},
    "foreign_output": {"replicate": {"create"}},
    "not_a_picture": {"replicate": {"create"}},
    "media_failed": {"wix": {"media_import"}},
    "media_quota": {"wix": {"media_import", "media_upload_url"}},
    "media_pending_forever": {"wix": {"media_import"}},
    "token_removed": {"wix": {"token"}},
    "catalog_428": {"wix": {"products_query", "product_get", "collection_get"}},
}
# These don't stand in the call's way: they change what comes of it.
OUTCOMES = {
    "nonsense", "misquotes", "finds", "changes_nothing",
    "refusal", "length", "content_filter", "invalid_article", "uneven_ideas", "prediction_failed", "aborted", "canceled",
    "never_ready",
    "interrupted", "high_demand", "sensitive", "fenced", "in_parts", "gateway_refusal",
    "half_made", "no_output", "foreign_output", "not_a_picture", "media_failed", "media_pending_forever",
    *(f"{PREFIX}{name}" for name in (*OF_ARTICLES, *OF_IDEAS)),
}  # fmt: skip


class UnknownFault(ValueError):
    """Asked for a fault that no call could ever meet."""


@dataclass(slots=True)
class Fault:
    provider: str
    kind: str
    operation: str = "*"
    times: int | None = 1
    probability: float = 1.0
    match: str | None = None
    seconds: float = 1.0

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Fault:
        try:
            fault = cls(**document)
        except TypeError as error:
            raise UnknownFault(str(error)) from error
        if not fault.places():
            raise UnknownFault(f"{fault.kind!r} can never happen at {fault.provider}:{fault.operation}")
        return fault

    def places(self) -> set[str]:
        everywhere = OPERATIONS.get(self.provider, set()) if self.kind in REFUSALS | BREAKAGES else set()
        possible = SPECIAL.get(self.kind, {}).get(self.provider, everywhere)
        return possible if self.operation == "*" else possible & {self.operation}

    @property
    def is_defect(self) -> bool:
        return self.kind.startswith(PREFIX)

    def meets(self, provider: str, operation: str, body: bytes) -> bool:
        if provider != self.provider or operation not in self.places() or self.times == 0:
            return False
        return self.match is None or self.match.encode() in body


class Faults:
    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._armed: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._armed.append(fault)

    def clear(self) -> None:
        self._armed.clear()

    def take(self, provider: str, operation: str, body: bytes) -> Fault | None:
        for fault in self._armed:
            if fault.meets(provider, operation, body) and self._dice.random() < fault.probability:
                if fault.times is not None:
                    fault.times -= 1
                return replace(fault)
        return None
