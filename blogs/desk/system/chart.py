"""Draws the last hour of a limit, as numbers for an SVG: a bar a minute, a line for the limit, a mark for each rejection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workers.limits.usage import Minute

# In units of the SVG's view box, which the template sets to 660 x 180.
_LEFT, _TOP, _BOTTOM = 56, 20, 152
_STEP, _GAP = 10, 2
# Leaves room above the limit's line, for use beyond it.
_HEADROOM = 1.1


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    height: float
    used_y: float
    used_height: float
    rejected: bool
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    unit: str
    summary: str
    bars: list[Bar]
    allowed: str
    allowed_y: float
    has_used: bool

    @property
    def bottom(self) -> int:
        return _BOTTOM

    @property
    def times(self) -> list[tuple[int, str]]:
        """Place the times that are written below the bars."""
        minutes = {0: "60 min ago", 15: "45", 30: "30", 45: "15", 60: "now"}
        return [(_LEFT + _STEP * place, text) for place, text in minutes.items()]


def requests_chart(minutes: Sequence[Minute], allowed: int, now: datetime) -> Chart:
    return _chart("requests", minutes, allowed, now, lambda minute: minute.requests, None)


def tokens_chart(minutes: Sequence[Minute], allowed: int, now: datetime) -> Chart:
    """Draw tokens: a bar is what was reserved, its darker part what answers said they used."""
    return _chart("tokens", minutes, allowed, now, lambda minute: minute.tokens, lambda minute: minute.tokens_used)


def sparkline(shares: Sequence[float], width: int = 120, height: int = 24) -> str:
    """Give the path of a line of shares: 0 is at the bottom, 1 one unit below the top, and more is cut off there."""
    step = width / max(len(shares) - 1, 1)
    points = [f"{place * step:.1f} {height - min(share, 1) * (height - 1):.1f}" for place, share in enumerate(shares)]
    return "M" + " L".join(points) if points else ""


def rows(minutes: Sequence[Minute], now: datetime) -> list[dict[str, str]]:
    """Give the same numbers as a table, the last minute first."""
    return [
        {
            "began": clock_time(minute, now),
            "requests": f"{minute.requests:,}",
            "tokens": f"{minute.tokens:,}",
            "tokens_used": f"{minute.tokens_used:,}",
            "rejections": f"{minute.rejections:,}",
        }
        for minute in reversed(minutes)
    ]


def clock_time(minute: Minute, now: datetime) -> str:
    """Tell when these sixty seconds began."""
    return f"{now - timedelta(minutes=minute.ago + 1):%H:%M:%S}"


def _chart(
    unit: str,
    minutes: Sequence[Minute],
    allowed: int,
    now: datetime,
    amount: Callable[[Minute], int],
    used: Callable[[Minute], int] | None,
) -> Chart:
    most = max((max(amount(minute), used(minute) if used else 0) for minute in minutes), default=0)
    scale = (_BOTTOM - _TOP) / (max(allowed, most) * _HEADROOM)
    bars = []
    for place, minute in enumerate(minutes):
        height, used_height = round(amount(minute) * scale, 1), round(used(minute) * scale, 1) if used else 0
        bars.append(
            Bar(
                x=_LEFT + _STEP * place + _GAP / 2,
                y=round(_BOTTOM - height, 1),
                height=height,
                used_y=round(_BOTTOM - used_height, 1),
                used_height=used_height,
                rejected=minute.rejections > 0,
                label=_label(unit, minute, allowed, now, amount, used),
            )
        )
    return Chart(
        unit=unit,
        summary=_summary(unit, minutes, allowed, amount),
        bars=bars,
        allowed=f"{allowed:,}",
        allowed_y=round(_BOTTOM - allowed * scale, 1),
        has_used=used is not None,
    )


def _label(
    unit: str,
    minute: Minute,
    allowed: int,
    now: datetime,
    amount: Callable[[Minute], int],
    used: Callable[[Minute], int] | None,
) -> str:
    parts = [f"{clock_time(minute, now)} UTC: {amount(minute):,} of {allowed:,} {unit}"]
    if used:
        parts.append(f"{used(minute):,} used")
    if minute.rejections:
        parts.append(f"{minute.rejections:,} rejected")
    return ", ".join(parts)


def _summary(unit: str, minutes: Sequence[Minute], allowed: int, amount: Callable[[Minute], int]) -> str:
    """Describe the chart in a sentence, for screen readers."""
    amounts = [amount(minute) for minute in minutes]
    mean = sum(amounts) / max(len(amounts), 1)
    rejected = sum(minute.rejections for minute in minutes)
    return (
        f"{unit.capitalize()} a minute in the last hour: {mean:,.0f} on average, {max(amounts, default=0):,} at most,"
        f" of {allowed:,} allowed; {rejected:,} rejected by the provider."
    )
