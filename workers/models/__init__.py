"""All tables of this room, where Django looks for them."""

from workers.models.calls import Price, ProviderCall, Spend, SpendMark
from workers.models.engine import (
    AlertNotice,
    Breaker,
    BreakerFailure,
    Installation,
    ProcessCounts,
    RateLimit,
    RateLimitUsage,
    WorkerProcess,
)

__all__ = [
    "AlertNotice",
    "Breaker",
    "BreakerFailure",
    "Installation",
    "Price",
    "ProcessCounts",
    "ProviderCall",
    "RateLimit",
    "RateLimitUsage",
    "Spend",
    "SpendMark",
    "WorkerProcess",
]
