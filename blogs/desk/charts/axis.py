"""The axis of amounts: round numbers from 0 to a little above the highest, each written out whole."""

from __future__ import annotations

import math

# What a step between two marks may be, times a power of ten.
_STEPS = (1, 2, 2.5, 5, 10)
# About how many steps an axis has.
_WANTED = 4


def scale(highest: float, *, whole: bool = True) -> list[float]:
    """Return the amounts that the axis names, from 0 up to the first that is not below the highest.

    `whole`: the amounts are counts, between which there is nothing to name.
    """
    step = _step(highest / _WANTED, whole=whole)
    return [step * place for place in range(max(1, math.ceil(highest / step - 1e-9)) + 1)]


def written(amount: float) -> str:
    """Write a number out, with its thousands parted and no digit that says nothing."""
    rounded = round(amount, 0 if abs(amount) >= 100 else 2)
    return f"{rounded:,.0f}" if rounded == round(rounded) else f"{rounded:,.2f}".rstrip("0")


def _step(least: float, *, whole: bool) -> float:
    if least <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(least))
    steps = (base * power for base in _STEPS)
    step: float = next((step for step in steps if step >= least * (1 - 1e-9)), 10 * power)
    # 2.5 times 1 is no count, and neither is half of one.
    return max(1, math.ceil(step)) if whole else step
