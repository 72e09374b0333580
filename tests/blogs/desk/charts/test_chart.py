"""What a chart draws, and that it says the same as a table and in a sentence."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string

from blogs.desk.charts import Chart, Series, Times, sparkline
from blogs.desk.charts.chart import HEIGHT, Amounts

TIMES = Times(["12:00", "12:01", "12:02"], [(0, "3 min ago"), (0.5, "2"), (1, "now")])


def chart(*series: Series, **more: object) -> Chart:
    return Chart("pace", "Blogs a minute", "blogs", TIMES, series, **more)  # type: ignore[arg-type]


def done(*amounts: float | None) -> Series:
    return Series("Done", amounts)


def html_of(drawn: Chart) -> str:
    return render_to_string("admin/charts/chart.html", {"chart": drawn})


def heights(drawn: Chart, look: str) -> list[float]:
    return [float(shape.height) for place in drawn.places for shape in place.shapes if look in shape.look]


def test_a_bar_is_as_high_as_its_amount() -> None:
    drawn = chart(done(8, 0, 4))

    assert heights(drawn, "s1") == [HEIGHT, HEIGHT / 2]
    assert [len(place.shapes) for place in drawn.places] == [1, 0, 1]
    first = drawn.places[0].shapes[0]
    assert float(first.y) + float(first.height) == HEIGHT


def test_bars_stand_on_each_other_and_side_by_side() -> None:
    drawn = chart(done(3, 1, 0), Series("Failed", [1, 0, 2]))

    lower, upper = drawn.places[0].shapes
    assert float(upper.y) + float(upper.height) == pytest.approx(float(lower.y), abs=0.1)
    assert drawn.amounts[0] == ("0.0", "4")
    assert [place.x for place in drawn.places] == ["0%", "33.333%", "66.667%"]


def test_a_part_is_drawn_over_the_bar_and_adds_nothing_to_its_height() -> None:
    drawn = chart(done(4, 4, 4), Series("Used", [1, 2, 4], "part"))

    assert drawn.amounts[0][1] == "4"
    assert heights(drawn, "part") == [HEIGHT / 4, HEIGHT / 2, HEIGHT]


def test_a_line_leaves_a_gap_where_nothing_is_known() -> None:
    drawn = Chart(
        "p", "P", "s", Times(list("abcde"), [(0, "a")]), [Series("p95", [2, 4, None, None, 4], "line")], is_whole=False
    )

    (line,) = drawn.lines
    assert line.points == ["0.5,75.0 1.5,0.0", "4.1,0.0 4.5,0.0"]


def test_more_than_the_ceiling_still_fits() -> None:
    drawn = chart(done(9_000, 0, 0), ceiling=450)

    assert float(drawn.places[0].shapes[0].y) >= 0
    assert 0 < float(drawn.ceiling_y) < HEIGHT


@pytest.mark.parametrize("amounts", [(0, 0, 0), (None, None, None)])
def test_without_any_number_there_is_an_axis_and_no_bar(amounts: Amounts) -> None:
    drawn = chart(done(*amounts))

    assert [text for _, text in drawn.amounts] == ["1", "0"]
    assert heights(drawn, "s1") == []


def test_the_table_says_the_same_the_last_first_and_unknown_is_not_0() -> None:
    drawn = chart(done(1_200, None, 0), Series("Failed", [1, 2, 3]), marks=[0, 0, 7], marks_name="Rejected")

    assert drawn.headings == ["Done", "Failed", "Rejected"]
    assert drawn.rows == [
        ("12:02", ["0", "3", "7"]),
        ("12:01", ["unknown", "2", "0"]),
        ("12:00", ["1,200", "1", "0"]),
    ]


def test_the_drawing_has_a_title_and_a_sentence_and_no_style_of_its_own() -> None:
    html = html_of(chart(done(1, 2, 6), ceiling=2_700_000, marks=[0, 1, 0], marks_name="Rejected"))

    assert 'role="img" aria-labelledby="chart-pace-title chart-pace-desc"' in html
    assert '<desc id="chart-pace-desc">Done: 3 blogs on average, 6 at most.</desc>' in html
    assert "<title>12:01: 2 done of 2,700,000, 1 rejected</title>" in html
    assert "<span>3,000,000</span>" in html
    assert "style=" not in html


def test_numbers_in_the_drawing_are_written_as_svg_wants_them() -> None:
    """Grouped thousands, or a comma for a point, would draw another picture."""
    html = html_of(chart(done(1_234_567, 7_777.7, 3), Series("p", [5, 5, 5], "line"), ceiling=2_000_000))

    coordinates = re.findall(r' (?:x|y|x1|x2|y1|y2|width|height)="([^"]*)"', html)
    assert len(coordinates) > 30
    assert [text for text in coordinates if not re.fullmatch(r"-?\d+(\.\d+)?%?", text)] == []


def test_what_a_shop_is_called_cannot_break_out_of_the_drawing() -> None:
    html = html_of(chart(Series("</title><script>alert(1)</script>", [1, 2, 3])))

    assert "<script" not in html


def test_a_sparkline_goes_from_left_to_right_and_stays_in_its_box() -> None:
    assert sparkline([0, 0.5, 3], width=100, height=21) == "M0.0 21.0 L50.0 11.0 L100.0 1.0"
    assert sparkline([]) == ""
