"""All tables of this room, where Django looks for them."""

from blogs.models.generation import (
    CATEGORIES_MAX,
    CATEGORY_MAX,
    PROMPT_MAX,
    SOURCE_ID_INDEXED,
    SOURCE_ID_MAX,
    UNFINISHED,
    BlogGeneration,
    Cover,
    Length,
    SourceType,
    Stage,
    Status,
    Tone,
)
from blogs.models.line import QueueClock, SiteLine
from blogs.models.order import PostOrder
from blogs.models.profile import ProfileReading, SiteProfile
from blogs.models.record import (
    INSTRUCTIONS_MAX,
    PRODUCT_ID_MAX,
    PRODUCTS_MAX,
    Article,
    BlogWords,
    DraftSearch,
    GenerationEvent,
    RequestDetails,
    StageOutput,
)
from blogs.models.staff import NOTE_MAX, REASON_MAX, AuditEntry, Batch, BatchItem, Note
from blogs.models.webhook import DESCRIPTION_MAX, URL_MAX, WebhookEndpoint, WebhookMessage

__all__ = [
    "CATEGORIES_MAX",
    "CATEGORY_MAX",
    "DESCRIPTION_MAX",
    "INSTRUCTIONS_MAX",
    "NOTE_MAX",
    "PRODUCTS_MAX",
    "PRODUCT_ID_MAX",
    "PROMPT_MAX",
    "REASON_MAX",
    "SOURCE_ID_INDEXED",
    "SOURCE_ID_MAX",
    "UNFINISHED",
    "URL_MAX",
    "Article",
    "AuditEntry",
    "Batch",
    "BatchItem",
    "BlogGeneration",
    "BlogWords",
    "Cover",
    "DraftSearch",
    "GenerationEvent",
    "Length",
    "Note",
    "PostOrder",
    "ProfileReading",
    "QueueClock",
    "RequestDetails",
    "SiteLine",
    "SiteProfile",
    "SourceType",
    "Stage",
    "StageOutput",
    "Status",
    "Tone",
    "WebhookEndpoint",
    "WebhookMessage",
]
