"""Draws up to three series over time, as numbers for an SVG and as the rows of a table that says the same.

Widths are in per cent and heights in pixels, so that a chart fills whatever width it is given and its letters keep their size:
a picture of 660 units, scaled down to a phone, had letters of six pixels. For the same reason the amounts beside the axis are text
of the page (`templates/admin/charts/chart.html`), as wide as the longest of them needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from blogs.desk.charts import axis

HEIGHT = 150
# How much of its place a bar fills.
_BAR = 0.8
# More are not told apart at a glance.
_SERIES_MAX = 3

Amounts = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One amount at each time; None is where nothing is known, which is not 0.

    `bars` stand on the bars of the series before. A `part` is drawn over them from the bottom: it says how much of them it was.
    A `line` stands by itself.
    """

    name: str
    amounts: Amounts
    form: Literal["bars", "part", "line"] = "bars"


@dataclass(frozen=True, slots=True)
class Times:
    """The times that the amounts belong to, the earliest first: as the table names them, and those that stand below the chart.

    Each of `shown` stands where so much of the width lies to its left, from 0 to 1.
    """

    names: Sequence[str]
    shown: Sequence[tuple[float, str]]
    heading: str = "From (UTC)"


@dataclass(frozen=True, slots=True)
class Shape:
    x: str
    y: str
    width: str
    height: str
    look: str


@dataclass(frozen=True, slots=True)
class Place:
    """All that stands at one time: its bars, its mark, and the sentence that says what they mean."""

    x: str
    width: str
    label: str
    shapes: list[Shape]
    marked: bool


@dataclass(frozen=True, slots=True)
class Line:
    points: list[str]
    """One for each stretch without a gap."""
    look: str


@dataclass(frozen=True)
class Chart:
    """`name` is unique on its page. `ceiling` is a line across, with its own name, such as what is allowed.

    `marks` are counts of something that should catch the eye where it happened, named by `marks_name`.
    """

    name: str
    title: str
    unit: str
    times: Times
    series: Sequence[Series]
    ceiling: float | None = None
    ceiling_name: str = "Limit"
    marks: Sequence[int] = ()
    marks_name: str = ""
    summary: str = ""
    is_whole: bool = field(default=True)

    def __post_init__(self) -> None:
        assert 0 < len(self.series) <= _SERIES_MAX
        assert all(len(each.amounts) == len(self.times.names) for each in self.series)

    @property
    def height(self) -> int:
        return HEIGHT

    @cached_property
    def amounts(self) -> list[tuple[str, str]]:
        """Place the axis' round numbers, the highest first: how far from the top, and written out."""
        return [(self._y(amount), axis.written(amount)) for amount in reversed(self._scale)]

    @property
    def ceiling_y(self) -> str:
        return "" if self.ceiling is None else self._y(self.ceiling)

    @property
    def ceiling_written(self) -> str:
        return "" if self.ceiling is None else axis.written(self.ceiling)

    @property
    def shown_times(self) -> list[tuple[str, str, str]]:
        """Place the times below the chart; the outermost keep within it."""
        last = len(self.times.shown) - 1
        anchors = {0: "start", last: "end"}
        return [
            (_percent(share), text, anchors.get(place, "middle"))
            for place, (share, text) in enumerate(self.times.shown)
        ]

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Name each series beside its look; a single one needs none, since the title names it."""
        found = [(f"{each.form} s{place}", each.name) for place, each in enumerate(self.series, 1)]
        return found if len(found) > 1 else []

    @property
    def is_marked(self) -> bool:
        return any(self.marks)

    @property
    def description(self) -> str:
        """Say in a sentence what the chart shows, for those who do not see it."""
        return self.summary or " ".join(_described(each, self.unit) for each in self.series)

    @cached_property
    def places(self) -> list[Place]:
        width = 100 / max(1, len(self.times.names))
        return [self._place(at, at * width, width) for at in range(len(self.times.names))]

    @property
    def lines(self) -> list[Line]:
        """Give the lines in a box that is a unit wide for each time, because points take no per cent."""
        return [
            Line(self._stretches(each.amounts), f"line s{number}")
            for number, each in enumerate(self.series, 1)
            if each.form == "line"
        ]

    @property
    def headings(self) -> list[str]:
        return [*(each.name for each in self.series), *([self.marks_name] if self.marks_name else [])]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Give the same numbers as a table, the last time first."""
        columns: list[Amounts] = [each.amounts for each in self.series]
        if self.marks_name:
            columns.append(self.marks)
        found = [(name, [_cell(column[at]) for column in columns]) for at, name in enumerate(self.times.names)]
        return found[::-1]

    @cached_property
    def _scale(self) -> list[float]:
        tops = [
            sum(bars) for bars in zip(*(self._known(each) for each in self.series if each.form == "bars"), strict=True)
        ]
        others = [amount for each in self.series if each.form != "bars" for amount in self._known(each)]
        return axis.scale(max([self.ceiling or 0, *tops, *others]), whole=self.is_whole)

    def _known(self, series: Series) -> list[float]:
        return [amount or 0 for amount in series.amounts]

    def _up(self, amount: float) -> float:
        return HEIGHT * amount / self._scale[-1]

    def _y(self, amount: float) -> str:
        return f"{HEIGHT - self._up(amount):.1f}"

    def _place(self, at: int, x: float, width: float) -> Place:
        shapes, top = list[Shape](), 0.0
        for number, each in enumerate(self.series, 1):
            amount = each.amounts[at] or 0
            if each.form == "line" or not amount:
                continue
            bottom = top if each.form == "bars" else 0
            shapes.append(
                Shape(
                    _percent((x + width * (1 - _BAR) / 2) / 100),
                    self._y(bottom + amount),
                    _percent(width * _BAR / 100),
                    f"{self._up(amount):.1f}",
                    f"{each.form} s{number}",
                )
            )
            top = bottom + amount if each.form == "bars" else top
        marked = bool(self.marks) and self.marks[at] > 0
        return Place(_percent(x / 100), _percent(width / 100), self._label(at), shapes, marked)

    def _label(self, at: int) -> str:
        parts = [f"{_cell(each.amounts[at])} {each.name.lower()}" for each in self.series]
        if self.ceiling is not None:
            parts[0] += f" of {self.ceiling_written}"
        if self.marks and self.marks[at]:
            parts.append(f"{self.marks[at]:,} {self.marks_name.lower()}")
        return f"{self.times.names[at]}: {', '.join(parts)}"

    def _stretches(self, amounts: Amounts) -> list[str]:
        found, stretch = list[str](), list[str]()
        for at, amount in enumerate([*amounts, None]):
            if amount is not None:
                stretch.append(f"{at + 0.5:g},{self._y(amount)}")
            elif stretch:
                # One point alone is no line: it becomes a short one.
                found.append(
                    " ".join(stretch if len(stretch) > 1 else [f"{at - 0.9:g},{stretch[0].split(',')[1]}", *stretch])
                )
                stretch = []
        return found


def _percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


def _cell(amount: float | None) -> str:
    return "unknown" if amount is None else axis.written(amount)


def _described(series: Series, unit: str) -> str:
    known = [amount for amount in series.amounts if amount is not None]
    if not known:
        return f"{series.name}: unknown."
    mean = sum(known) / len(known)
    return f"{series.name}: {axis.written(round(mean, 1))} {unit} on average, {axis.written(max(known))} at most."
