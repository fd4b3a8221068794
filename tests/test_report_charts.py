"""Charts as SVG: the same bytes, told to everybody, and nothing hidden in them."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_documents import charts, count, published, with_other_secrets, within

from triage.report.chart_data import picture
from triage.report.chart_looks import COLOURS, MARKED_LOOK
from triage.report.charts import svg
from triage.report.document import Chart, Column, Series, Share, Table
from triage.report.shown import Shown

SVG = "{http://www.w3.org/2000/svg}"
NAMES = [chart.name for chart in charts()]


def chart(name: str) -> Chart:
    return next(one for one in charts() if one.name == name)


def read(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def texts(text: str) -> list[str]:
    return [one.text or "" for one in read(text).iter(f"{SVG}text")]


def lines(text: str, colour: str) -> list[str]:
    """Return the lines of a colour that go along the chart, as their commands."""
    return [
        one.attrib["d"]
        for one in read(text).iter(f"{SVG}path")
        if f"stroke: {colour}" in one.attrib.get("style", "")
        and "fill: none" in one.attrib["style"]
        and "stroke-width: 1.8" in one.attrib["style"]
        and one.attrib["d"].count(" L ") > 3
    ]


def small(rows: tuple[tuple[str, int], ...], kind: str = "bars", **more: object) -> Chart:
    table = Table(
        "small", "Small", (Column("Team", "text"), Column("Cases")),
        tuple((name, count(f"{place}", n)) for place, (name, n) in enumerate(rows)),
    )  # fmt: skip
    whole = Chart("small", "Small", "bars", table, (Series(1, "Cases"),), "cases", "Told.")
    return replace(whole, kind=kind, **more)


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_one_image_with_a_name_and_a_description(name: str) -> None:
    one = chart(name)
    root = read(svg(one, within(), 3))
    assert root.attrib["role"] == "img"
    title, told = root[0], root[1]
    assert (title.tag, told.tag) == (f"{SVG}title", f"{SVG}desc")
    assert (title.text, told.text) == (one.title, one.alternative)
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], told.attrib["id"]]
    assert not {"style", "script", "metadata", "image"} & {
        element.tag.removeprefix(SVG) for element in root.iter()
    }


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_same_each_time_and_leaves_no_setting_behind(name: str) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    first = svg(chart(name), within(), 1)
    with matplotlib.rc_context({"svg.fonttype": "path", "font.size": 30, "lines.linewidth": 9}):
        assert svg(chart(name), within(), 1) == first
    assert dict(matplotlib.rcParams) == before
    assert "<?xml" not in first
    assert "<!--" not in first
    assert "DejaVu" not in first


def test_charts_on_one_page_share_no_id() -> None:
    found = [
        element.attrib["id"]
        for number, one in enumerate([*charts(), *charts()], 1)
        for element in read(svg(one, within(), number)).iter()
        if "id" in element.attrib
    ]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_hidden_changes_a_chart(name: str) -> None:
    shown = published()
    other = with_other_secrets(shown)
    for kept, changed in zip(shown.document.blocks(), other.document.blocks(), strict=True):
        if isinstance(kept, Chart) and kept.name == name:
            assert isinstance(changed, Chart)
            assert svg(kept, shown, 1) == svg(changed, other, 1)
            if name != "nothing":
                assert svg(kept, within(), 1) != svg(changed, within(), 1) or name == "quarters"


def test_a_hidden_bar_is_marked_and_a_hidden_point_breaks_the_line() -> None:
    hidden = svg(chart("late"), published(), 1)
    assert texts(hidden).count("c") == 3
    assert texts(hidden).count("z") == 1
    assert not any(text.startswith(("33.3", "40.0")) for text in texts(hidden))
    whole, broken = (
        lines(svg(chart("trend"), one, 1), COLOURS[0]) for one in (within(), published())
    )
    assert [one.count("M ") for one in whole] == [1]
    assert [one.count("M ") for one in broken] == [2]
    assert whole[0].count(" L ") == 23
    assert broken[0].count(" L ") == 21
    assert any("Where a line breaks" in one for one in texts(svg(chart("trend"), published(), 1)))


def test_a_mark_goes_with_its_point_and_with_its_own_words() -> None:
    control = chart("control")
    share = control.table.rows[14][2]
    assert isinstance(share, Share)
    drawn = svg(control, within(), 1)
    assert "Special cause" in texts(drawn)
    for one in (share.whole, share.part):
        hidden = svg(control, Shown(within().document, frozenset([one.key])), 1)
        assert "Special cause" not in texts(hidden)
        assert MARKED_LOOK["markerfacecolor"] not in hidden
    assert drawn.count(MARKED_LOOK["markerfacecolor"]) == 2, "the point's mark, and the legend's"


def test_series_are_told_apart_without_colour() -> None:
    quarters = svg(chart("quarters"), within(), 1)
    styles = {
        one.attrib["style"].split("stroke:")[0]
        for colour in COLOURS[:3]
        for one in read(quarters).iter(f"{SVG}path")
        if f"stroke: {colour}" in one.attrib.get("style", "")
        and "fill: none" in one.attrib["style"]
    }
    assert len(styles) == 3
    assert len(list(read(svg(chart("counts"), within(), 1)).iter(f"{SVG}pattern"))) >= 2


def test_colours_stand_out_from_white_and_from_each_other_in_grey() -> None:
    lightness = []
    for colour in COLOURS:
        parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        red, green, blue = (
            one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
        )
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        assert 1.05 / (luminance + 0.05) >= 3
        lightness.append(116 * math.cbrt(luminance) - 16)
    ordered = sorted(lightness)
    assert min(after - before for before, after in itertools.pairwise(ordered)) > 9
    assert abs(lightness[0] - lightness[1]) > 40


def test_texts_stay_texts_whatever_they_hold() -> None:
    rows = (("$x_1$ {}", 3), ("_under", 4), ("<b>&", 5), ("北区\x00", 6), ("\ud800", 7), ("", 8))
    found = texts(svg(small(rows), within(), 1))
    assert {"$x_1$ {}", "_under", "<b>&", "北区\ufffd", "\ufffd"} <= set(found)


def test_a_row_of_all_is_drawn_only_where_it_compares() -> None:
    assert "All teams" in texts(svg(chart("late"), within(), 1))
    assert "All teams" not in texts(svg(chart("counts"), within(), 1))
    named = replace(chart("counts"), series=(Series(1, "All", only=("All teams", "North")),))
    assert picture(named, within()).labels == ("North", "All teams")


def test_what_one_group_lacks_is_a_gap_in_its_line_but_not_in_its_steps() -> None:
    found = picture(chart("quarters"), within())
    assert found.labels[:3] == ("Q1 2023", "Q2 2023", "Q3 2023")
    assert [math.isnan(y) for y in found.series[1].ys] == [False, False, True, False, False, False]
    steps = picture(chart("survival"), within())
    assert steps.axis == "number"
    assert not any(math.isnan(y) for one in steps.series for y in one.ys)


def test_many_rows_are_cut_off_and_said_to_be() -> None:
    found = texts(svg(small(tuple((f"Team {n}", n) for n in range(60))), within(), 1))
    assert "The first 40 of 60 rows are drawn; the table has them all." in found
    assert "Team 39" in found
    assert "Team 40" not in found


@pytest.mark.parametrize("kind", ["bars", "lines", "steps", "control"])
@pytest.mark.parametrize("rows", [(), (("One", 0),), (("One", 7),), (("A", 0), ("B", 0))])
def test_few_rows_can_be_drawn(kind: str, rows: tuple[tuple[str, int], ...]) -> None:
    found = texts(svg(small(rows, kind), within(), 1))
    assert ("No figure can be drawn; see the table." in found) == (not rows)


def test_ticks_are_fewer_where_there_is_no_room() -> None:
    rows = tuple((f"Financial quarter {n}", n) for n in range(40))
    found = [one for one in texts(svg(small(rows, "lines"), within(), 1)) if "quarter" in one]
    assert 2 <= len(found) <= 8


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=12),
    st.sampled_from(["bars", "lines", "steps", "control"]),
)
def test_only_what_is_shown_is_drawn(rows: list[tuple[int, int, bool]], kind: str) -> None:
    cells = tuple(
        (
            f"r{place}",
            count(f"a{place}", a),
            Share(count(f"a{place}", a), count(f"b{place}", a + b)),
        )
        for place, (a, b, _) in enumerate(rows)
    )
    columns = (Column("Row", "text"), Column("Cases"), Column("Part", "share"))
    table = Table("any", "Any", columns, cells)
    hidden = frozenset(f"a{place}" for place, (_, _, is_so) in enumerate(rows) if is_so)
    one = replace(small(()), kind=kind, table=table, series=(Series(1, "n"), Series(2, "part")))
    found = picture(one, Shown(within().document, hidden))
    for place, (a, b, is_so) in enumerate(rows):
        y, part = (drawn.ys[place] for drawn in found.series)
        assert math.isnan(y) == is_so
        assert is_so or y == a
        assert math.isnan(part) == (is_so or a + b == 0)
