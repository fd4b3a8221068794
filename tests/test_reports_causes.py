"""Why do they come back? Each figure is held to the records, the drawn reviews, and the DfE's."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from oracle_reports import (
    Reading,
    Referral,
    at_mark,
    counted,
    ending,
    final_answers,
    followed,
    follows,
    kept,
    text,
    weekly,
)
from quarter import LAST, TABLE, Quarter
from report_reading import Told, coded, nonzero, reading, records_of, told

from triage import reporting

MIDDLE = dt.date(2026, 8, 15)
WORDS = {
    "no further action at referral": "NFA", "not ended": "open", "closed, reason not recorded":
    "no reason", "cannot tell whether it ended": "cannot tell",
}  # fmt: skip
OTHERS = "others, too few to be shown apart"
ENGLAND: dict[int, tuple[float, ...]] = {
    2013: (593_470, 146_770, 24.7, 14.5),
    2014: (657_780, 154_800, 23.5, 14.1),
    2015: (635_620, 154_070, 24.2, 13.8),
    2016: (621_470, 139_900, 22.5, 9.9, 83.4, 76.7),
    2017: (646_120, 141_680, 21.9, 10.2, 82.9, 77.2),
    2018: (655_630, 143_810, 21.9, 9.4, 82.7, 76.9),
    2019: (650_930, 147_150, 22.6, 8.1, 83.1, 78.7),
    2020: (642_980, 145_390, 22.6, 6.3, 83.8, 77.6),
    2021: (597_760, 135_850, 22.7, 6.0, 87.6, 83.0),
    2022: (650_270, 139_500, 21.5, 7.6, 84.5, 79.2),
    2023: (640_430, 143_770, 22.4, 7.1, 82.5, 78.4),
    2024: (621_880, 139_080, 22.4, 6.3, 84.5, 79.7),
    2025: (632_830, 142_900, 22.6, 6.5, 85.7, 81.4),
}
"""Department for Education, Children in need, data set C1; assessments and conferences in time from
the Local Authority Interactive Tool. Copied from ``domain.md``, section 5."""


def worded(words: str) -> str:
    return WORDS.get(words, coded(words))


@pytest.fixture(params=[LAST, MIDDLE], ids=str)
def to(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def causes(quarter: Quarter, to: dt.date) -> Told:
    return told(quarter, "causes", to)


def test_main_reasons_are_counted_in_the_month_in_which_the_review_came_in(
    quarter: Quarter, causes: Told, to: dt.date
) -> None:
    case_of = {referral: case for case, referral in quarter.referral_of.items()}
    hidden = {one.id for one in quarter.queue.values() if one.restricted}
    found = Counter(
        (str(answers["main_reason"]), quarter.reviewed_on[case_of[referral]].isoformat()[:7])
        for referral, answers in final_answers(quarter).items()
        if answers["main_reason"] != "none" and case_of[referral] not in hidden
        and quarter.reviewed_on[case_of[referral]] <= to
    )  # fmt: skip
    months = [f"2025-{n}" for n in (10, 11, 12)] + [f"2026-0{n}" for n in range(1, 10)]
    if to == MIDDLE:
        months = ["2025-09", *months[:-1]]
    shown = causes.by_code("reasons-by-month")
    for code, row in shown.items():
        expected = [
            sum(n for (reason, m), n in found.items() if m == month and code in (reason, "All"))
            for month in months
        ]
        assert row == [*expected, sum(expected)], code
    assert len(shown) == 20
    assert causes.numbers("Reviewers' reasons over time") == [found.total()]
    for month, row in zip(months, causes.rows("reasons-over-time"), strict=True):
        assert row[0] == month
        assert sum(row[1:]) == sum(n for (_, m), n in found.items() if m == month)


Lasted = dict[str, list[tuple[int, bool]]]


def grouped(by: str, to: dt.date, *, from_closure: bool) -> Lasted:
    """Return for how long each was followed, by group; those of fewer than 30 together."""
    found: Lasted = defaultdict(list)
    for one, days, is_back in followed(reading(), to, from_closure=from_closure):
        group = ending(one, to) if by == "ending" else text(one, "primary_need")
        found[group].append((days, is_back))
    few = [lasted for group, lasted in found.items() if len(lasted) < 30]
    shown = {group: lasted for group, lasted in found.items() if len(lasted) >= 30}
    return shown | ({OTHERS: [*chain.from_iterable(few)]} if few else {})


@pytest.mark.parametrize("by", ["ending", "need"])
@pytest.mark.parametrize("name", ["referral", "closure"])
def test_of_each_group_who_is_followed_and_who_came_back_is_right_at_every_mark(
    causes: Told, to: dt.date, name: str, by: str
) -> None:
    expected = grouped(by, to, from_closure=name == "closure")
    shown: dict[str, list[list[Any]]] = defaultdict(list)
    for row in causes.rows(f"returns-{name}-{by}"):
        shown[worded(row[0])].append(row[1:])
    assert set(shown) == set(expected)
    for group, rows in shown.items():
        lasted = expected[group]
        assert [row[0] for row in rows] == [str(day) for day in range(0, 361, 30)]
        for day, at_risk, returned, share, low, high in rows:
            assert (at_risk, returned) == at_mark(lasted, int(day)), (group, day)
            by_hand = kept(lasted, int(day))
            assert share == ("z" if by_hand is None else pytest.approx(by_hand, abs=0.0501))
            assert "z" in (share, low, high) or low <= share <= high


@pytest.mark.parametrize("name", ["referral", "closure"])
def test_how_many_are_followed_and_came_back_in_all(causes: Told, to: dt.date, name: str) -> None:
    found = followed(reading(), to, from_closure=name == "closure")
    back = sum(is_back for _, _, is_back in found)
    assert causes.numbers(f"Time from the {name} to the next referral") == [len(found), back]


def test_a_re_referral_follows_the_ending_that_came_before_it(causes: Told, to: dt.date) -> None:
    seen = [one for one in reading().seen if one.day <= to]
    endings = counted(ending(one, to) for one in seen)
    for none in ("open", "cannot tell"):
        endings.pop(none, None)
    back = [one for one in seen if reading().came_back(one) is True]
    after = Counter(follows(reading(), one, to) for one in back)
    n_none = after.pop("", 0)
    shown = {worded(words): row for words, row in causes.by_text("endings").items()}
    total = shown.pop("All")
    assert nonzero({how: row[0] for how, row in shown.items()}) == endings
    assert nonzero({how: row[2] for how, row in shown.items()}) == dict(after)
    assert (total[0], total[2]) == (sum(endings.values()), after.total())
    assert causes.numbers("Which endings are followed by a return") == [n_none]
    assert n_none > 0
    for row in shown.values():
        assert row[1] == round(100 * row[0] / total[0], 1)
        assert row[3] == round(100 * row[2] / total[2], 1)


def test_england_stands_beside_as_the_department_published_it(causes: Told) -> None:
    by_year = causes.by_text("comparison")
    other = causes.by_text("comparison-other")
    for year, (referrals, back, rate, nfa, *in_time) in ENGLAND.items():
        assert by_year[str(year)][-3:] == [rate, referrals, back]
        assert other[str(year)][-3:] == [nfa, *(in_time or [":", ":"])]
    assert set(by_year) == {*map(str, ENGLAND), "2026"}


def year_of(records: Reading, year: int) -> list[Referral]:
    return records.between(dt.date(year - 1, 4, 1), dt.date(year, 3, 31))


def test_the_council_has_its_whole_years_and_no_rate_where_no_look_back_is_covered(
    causes: Told,
) -> None:
    mine = year_of(reading(), 2026)
    back = [one for one in mine if reading().came_back(one) is True]
    assert back
    assert causes.by_text("comparison")["2026"][:7] == [len(mine), len(back), 0, 0, "z", "z", "z"]
    nfa = [one.nfa for one in mine if one.nfa is not None]
    expected = [round(100 * sum(nfa) / len(nfa), 1)]
    ends = [dt.date(2026, 3, 31) - dt.timedelta(7 * back) for back in range(52)]
    for measure in ("assessments", "conferences"):
        weeks = [weekly(reading(), measure, end, lambda _: True) for end in ends]
        part, whole = (sum(one[place] or 0 for one in weeks) for place in (0, 1))
        first_day = weekly(reading(), measure, dt.date(2025, 4, 1), lambda _: True)
        assert first_day == (0, 0), "52 weeks are a day less than the year"
        expected.append(round(100 * part / whole, 1))
    assert causes.by_text("comparison-other")["2026"][:3] == expected


def test_a_year_whose_look_back_is_covered_has_its_rate_beside_england(quarter: Quarter) -> None:
    """As if the records were known to hold every referral since 2024."""
    records = records_of(quarter.url)
    since = dt.date(2024, 4, 1)
    run = replace(records.run, history_from=since)
    document = reporting.document_of("causes", replace(records, run=run), reporting.Asked())
    known = Reading(TABLE, LAST)
    known.start = since
    mine = year_of(known, 2026)
    back = sum(known.came_back(one) is True for one in mine)
    row = Told(document).by_text("comparison")["2026"]
    assert row[:5] == [len(mine), back, len(mine), back, round(100 * back / len(mine), 1)]
    assert row[5] < row[4] < row[6]


def test_neighbours_stand_as_their_file_has_them(quarter: Quarter, tmp_path: Any) -> None:
    path = tmp_path / "councils.csv"
    path.write_text(
        'council,year,referrals,re_referrals\nWest,2025,"4,000",900\nEast,2024,0,0\n', "utf-8"
    )
    rows = told(quarter, "causes", councils=path).rows("neighbours")
    assert rows == [["East", "2024", 0, 0, "z"], ["West", "2025", 4000, 900, 22.5]]
