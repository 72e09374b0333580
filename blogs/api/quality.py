"""An article's report as the API shows it: what gate and critic found, and what was done about it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from blogs.models import BlogGeneration, Stage, Status
from workers.database.outage import DATABASE_AWAY


class FindingSerializer(serializers.Serializer[Any]):
    check = serializers.CharField(help_text="what was looked for")
    level = serializers.ChoiceField(["error", "warning"])
    place = serializers.CharField(help_text="where it stands: `title`, `section 2`")
    quote = serializers.CharField(help_text="the words, at most 120 characters")
    done = serializers.CharField(help_text="what was done about it; empty: nothing, it stands")


class QualitySerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="of the gate")
    score = serializers.IntegerField(min_value=0, max_value=100)
    held = serializers.BooleanField(help_text="whether a person decides about publishing")
    critic = serializers.ChoiceField(["asked", "unavailable", ""], help_text="whether a critic has read it")
    findings = FindingSerializer(many=True, help_text="at most 30, the worst first")


def of(generation: BlogGeneration) -> dict[str, Any] | None:
    """Return the report; None before there is one, and for an article of an older release."""
    try:
        report = generation.outputs.filter(stage=Stage.ARTICLE).values_list("output__quality", flat=True).first()
    except DATABASE_AWAY:
        return None
    if not isinstance(report, dict) or "score" not in report:
        return None
    told = {name: report.get(name) for name in ("version", "score", "held", "critic", "findings")}
    # Once it is DONE, a person may have decided.
    return {**told, "held": generation.needs_review} if generation.status == Status.DONE else told
