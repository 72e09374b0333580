"""The small line in a table's cell."""

from __future__ import annotations

from collections.abc import Sequence


def sparkline(shares: Sequence[float], width: int = 120, height: int = 24) -> str:
    """Give the path of a line of shares: 0 is at the bottom, 1 one unit below the top, and more is cut off there."""
    step = width / max(len(shares) - 1, 1)
    points = [f"{place * step:.1f} {height - min(share, 1) * (height - 1):.1f}" for place, share in enumerate(shares)]
    return "M" + " L".join(points) if points else ""
