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
from blogs.models.record import Article, BlogWords, DraftSearch, GenerationEvent, RequestDetails, StageOutput
from blogs.models.staff import NOTE_MAX, REASON_MAX, AuditEntry, Batch, BatchItem, Note

__all__ = [
    "CATEGORIES_MAX",
    "CATEGORY_MAX",
    "NOTE_MAX",
    "PROMPT_MAX",
    "REASON_MAX",
    "SOURCE_ID_INDEXED",
    "SOURCE_ID_MAX",
    "UNFINISHED",
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
    "QueueClock",
    "RequestDetails",
    "SiteLine",
    "SourceType",
    "Stage",
    "StageOutput",
    "Status",
    "Tone",
]
