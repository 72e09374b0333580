"""What a stage gets from the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from blogs.article.quality import Profile
from blogs.article.related import Post
from blogs.models import OnDuplicate, Stage
from workers.errors import WorkError

_NO_PROFILE = Profile()


def warnings_lead_nowhere(error: WorkError) -> None:
    raise AssertionError("only a running stage can warn") from error


def no_posts(title: str, language: str) -> list[Post]:
    return []


def no_others(ids: Sequence[int]) -> list[Inputs]:
    return []


def kept_nowhere(name: str, output: dict[str, Any]) -> None:
    raise AssertionError("only a running stage has something to keep")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a stage may know. `seconds` is its deadline; `outputs` is what the stages before it have produced."""

    generation_id: int
    site_id: int
    lease_token: UUID | None
    instance_id: str
    site_name: str
    site_url: str
    member_id: str | None
    source_type: str
    source_id: str
    language: str
    tone: str
    length: str
    cover: str
    categories: Sequence[str]
    publish_at: datetime | None
    attempt: int
    seconds: float
    outputs: Mapping[str, dict[str, Any]]
    draft_post_id: str | None
    draft_create_age: float | None
    """The seconds since a create of the draft was last begun, by PostgreSQL's clock; None if none was."""
    note_draft_create: Callable[[], None]
    earlier_posts: Callable[[str, str], Sequence[Post]] = no_posts
    """Reads the posts that the shop has published, by an article's title and language."""
    warn: Callable[[WorkError], None] = warnings_lead_nowhere
    """Takes what goes wrong without stopping the stage; it is saved beside the stage's output."""
    others: Callable[[Sequence[int]], list[Inputs]] = no_others
    """Returns what is known of other blogs of the site, for which ideas are asked for at the same time."""
    on_duplicate: str = OnDuplicate.WARN
    product_ids: Sequence[str] = ()
    """The products that the shop chose itself; none: we choose."""
    instructions: str = ""
    """What the shop wishes of the article. To the writer it is material, like all that a shop says, and no order."""
    profile: Profile = _NO_PROFILE
    """What the shop says of itself, in the version that the blog was asked for with."""
    publish: bool = False
    """Whether the post is to be published, now or later."""
    keep: Callable[[str, dict[str, Any]], None] = kept_nowhere
    """Saves a part of a stage's work under a name of its own, so that another run of the stage doesn't pay for it again."""
    refused: str = ""
    """What the answer before this one was refused for, at the stage that comes next."""
    resumed: bool = False
    """An earlier run may have begun this stage, and what it made outside may be there."""

    def of(self, stage: Stage) -> dict[str, Any]:
        return self.outputs[stage]

    def with_output(self, stage: Stage, output: dict[str, Any]) -> Inputs:
        """Return what the next stage of the same run knows."""
        draft_post_id = output.get("draft_post_id") or self.draft_post_id
        return replace(
            self, outputs={**self.outputs, stage: output}, draft_post_id=draft_post_id, refused="", resumed=False
        )
