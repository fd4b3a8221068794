"""The form of a column's dates is told from the whole column, and a wrong one never."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.calendar import BIRTHS_FROM, EVENTS_FROM
from triage.cells import read_moment
from triage.sources.date_forms import ASK, FORMS, as_iso, dates_seen
from triage.tables import encode

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31))
MOMENTS = st.lists(
    st.builds(dt.datetime.combine, DAYS, st.times().map(lambda time: time.replace(microsecond=0))),
    min_size=1,
    max_size=30,
)
WRITTEN = {
    "%Y-%m-%d": "iso",
    "%Y-%m-%dT%H:%M:%S": "iso",
    "%Y-%m-%d %H:%M": "iso",
    "%Y/%m/%d": "iso",
    "%Y%m%d": "iso",
    "%d/%m/%Y": "day-first",
    "%d/%m/%Y %H:%M": "day-first",
    "%d.%m.%Y": "day-first",
    "%d-%m-%Y %I:%M %p": "day-first",
    "%d/%m/%y": "day-first",
    "%d%m%Y": "day-first",
    "%d %B %Y": "day-first",
    "%d-%b-%y": "day-first",
    "%b %d %Y %I:%M%p": "day-first",
    "%m/%d/%Y": "month-first",
    "%m/%d/%y %H:%M:%S": "month-first",
    "%m%d%Y": "month-first",
    "%y/%m/%d": "year-first",
    "%y-%m-%d": "year-first",
    "excel": "excel",
}


def written(moment: dt.datetime, form: str) -> str:
    if form == "excel":
        return str((moment.date() - dt.date(1899, 12, 30)).days)
    return moment.strftime(form)


def form_of(*cells: str) -> str:
    return dates_seen(encode(cells)).form


@pytest.mark.parametrize("written_as", WRITTEN)
@given(moments=MOMENTS)
def test_dates_in_one_form_are_never_taken_for_another(
    written_as: str, moments: list[dt.datetime]
) -> None:
    true_form = WRITTEN[written_as]
    column = encode([written(moment, written_as) for moment in moments])
    seen = dates_seen(column)
    assert seen.share == 1.0
    by_contract = written_as == "%m/%d/%Y" and all(moment.day <= 12 for moment in moments)
    if by_contract:
        assert seen.form == "day-first"  # The contract: 06/10/2022 is 6 October.
        return
    if true_form in ("month-first", "excel"):
        assert seen.form == ASK
    assert seen.form in (true_form, ASK)
    assert seen.form != ASK or true_form in seen.choices


@pytest.mark.parametrize("written_as", WRITTEN)
@given(moments=MOMENTS)
def test_a_column_rewritten_by_its_form_gives_the_moments_that_were_written(
    written_as: str, moments: list[dt.datetime]
) -> None:
    column = encode([written(moment, written_as) for moment in moments])
    rewritten = as_iso(column, WRITTEN[written_as], EVENTS_FROM).cells()
    for moment, cell in zip(moments, rewritten, strict=True):
        has_time = "%H" in written_as or "%I" in written_as
        expected = moment if has_time else dt.datetime.combine(moment.date(), dt.time())
        if has_time and "%S" not in written_as:
            expected = expected.replace(second=0)
        assert read_moment(str(cell), EVENTS_FROM) == expected


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2022-05-03", "03/05/2022", "2022-05-03T10:15"], "day-first"),
        (["03/05/2022", "04/06/2022"], "day-first"),
        (["3/5/2022", "14/5/2022 9:05:30 am"], "day-first"),
        (["Tue 3 May 2022", "Tuesday, 3rd May 2022", "03-MAY-22"], "day-first"),
        (["2022-05-03", "3 May 2022"], "day-first"),
        (["25/12/98", "26/12/98", "27/11/98"], "day-first"),
        (["98/12/25", "99/01/31"], "year-first"),
        (["01/02/03"], ASK),
        (["03/05/22", "25/05/22"], ASK),
        (["03/05/22", "25/05/2022"], "day-first"),
        (["03/05/2022", "03/25/2022"], ASK),
        (["25/03/2022", "03/25/2022"], ASK),
        (["05032022", "06042022"], ASK),
        (["44699", "44700.5"], ASK),
        (["03/2022", "04/2022"], ""),
        (["2022-13-41", "2022-14-02", "2022-13-01"], ASK),
        (["Police", "School"], ""),
        (["10:15", "11:30"], ""),
        ([], ""),
        (["", "NULL"], ""),
    ],
)
def test_the_form_of_a_column_is_told_or_asked(cells: list[str], form: str) -> None:
    seen = dates_seen(encode(cells))
    assert (seen.form if seen.share >= 0.5 else "") == form


def test_a_few_cells_that_are_no_dates_leave_a_clear_form_clear() -> None:
    dates = [f"{day:02}/05/2022" for day in range(1, 29)]
    assert form_of(*dates, "TBC", "31/02/2022", "not yet") == "day-first"
    assert form_of(*dates[:4], "31/02/2022", "30/02/2022", "n/k", "soon") == ASK


def test_one_slip_of_the_pen_proves_no_form_of_two_figure_years() -> None:
    cells = [f"{day:02}/0{month}/22" for day in range(1, 29) for month in range(1, 7)]
    seen = dates_seen(encode([*cells, "45/05/22"]))
    assert seen.form == ASK
    assert {"day-first", "year-first"} <= set(seen.choices)


def test_what_does_not_fit_the_form_stays_as_it_was_typed() -> None:
    cells = ["14/3/2022", "31/2/2022", "soon", "", "3/25/2022", "3/4/1985", "9/1/2022 25:00"]
    assert as_iso(encode(cells), "day-first", EVENTS_FROM).cells() == [
        "2022-03-14", *cells[1:],
    ]  # fmt: skip
    assert as_iso(encode(["3/4/1985"]), "day-first", BIRTHS_FROM).cells() == ["1985-04-03"]


def test_in_a_month_first_column_a_day_first_date_is_not_read_as_one() -> None:
    cells = as_iso(encode(["03/25/2022", "25/03/2022"]), "month-first", EVENTS_FROM).cells()
    assert cells[0] == "2022-03-25"
    with pytest.raises(ValueError, match=r"25/03/2022 \(not month-first\)"):
        read_moment(str(cells[1]), EVENTS_FROM)


def test_the_fraction_of_a_day_number_is_a_time_of_day() -> None:
    assert as_iso(encode(["44684.75", "44684"]), "excel", EVENTS_FROM).cells() == [
        "2022-05-03T18:00:00", "2022-05-03",
    ]  # fmt: skip


def test_every_form_is_explained_by_an_example_that_it_reads() -> None:
    examples = {"iso": "20220503", "day-first": "3 May 2022", "month-first": "5/3/2022",
                "year-first": "22/05/03", "excel": "44684"}  # fmt: skip
    assert examples.keys() == FORMS.keys()
    for form, example in examples.items():
        assert example in FORMS[form]
        assert as_iso(encode([example]), form, EVENTS_FROM).cells() == ["2022-05-03"]
