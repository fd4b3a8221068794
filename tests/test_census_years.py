"""Several years of the census together: which file counts, and what is said of the others."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.calendar import BIRTHS_FROM
from triage.census_years import differences, precedence
from triage.sources.cin import KIND
from triage.tables import Extract, Input, RawTable, Source, encode

Row = dict[str, str]
DAYS = st.one_of(st.none(), st.sampled_from([dt.date(2021, 3, 31), dt.date(2022, 3, 31)]))


def census(year: int | None, *rows: Row, name: str = "", kind: str = KIND) -> Source:
    names = dict.fromkeys(["child_id", "referral_date", *(name for row in rows for name in row)])
    columns = {name: encode([row.get(name, "") for row in rows]) for name in names}
    path = name or f"in/cin_{year}.xml"
    table = RawTable(path, np.arange(1, len(rows) + 1), columns)
    day = dt.date(year, 3, 31) if year else None
    return Source(path, kind, "", table, earliest_referral=BIRTHS_FROM, census_day=day)


def episode(child: str = "A1", day: str = "2021-05-03", **cells: str) -> Row:
    return {"child_id": child, "referral_date": day} | cells


@pytest.mark.parametrize(
    ("years", "order"),
    [
        ([2021, 2022, 2023], [2, 1, 0]),
        ([2023, 2021, 2022], [0, 2, 1]),
        ([2022, 2022], [1, 0]),
        ([None, None], [1, 0]),
        ([2022, None, 2021], [1, 0, 2]),
        ([None, 2021], [1, 0]),
        ([2022], [0]),
        ([], []),
    ],
)
def test_the_later_census_goes_first_and_of_one_census_the_file_given_later(
    years: list[int | None], order: list[int]
) -> None:
    assert precedence([census(year) for year in years]) == order


def test_inputs_of_other_kinds_keep_their_places() -> None:
    table = replace(census(2030), kind="referral table")
    inputs: list[Input] = [census(2021), table, census(2022), Extract("d.csv", "x", "", 0)]
    assert precedence(inputs) == [2, 1, 0, 3]


@given(st.lists(st.tuples(st.booleans(), DAYS), max_size=6))
def test_precedence_only_reorders_the_census_files(
    given_: list[tuple[bool, dt.date | None]],
) -> None:
    inputs = [
        replace(census(None, kind=KIND if is_census else "other"), census_day=day)
        for is_census, day in given_
    ]
    order = precedence(inputs)
    assert sorted(order) == list(range(len(inputs)))
    assert all(order[n] == n for n, (is_census, _) in enumerate(given_) if not is_census)
    days = [given_[n][1] for n in order if given_[n][0]]
    if None not in days:
        assert days == sorted(days, key=str, reverse=True)


def test_what_stands_in_two_files_is_counted_with_what_differs() -> None:
    old = census(
        2021,
        *[episode(f"C{number}", closed_on="") for number in range(4)],
        episode("D", nfa="0"),
        episode("only here"),
    )
    new = census(
        2022,
        episode("C0", closed_on="2021-06-01", closure_reason="RC7"),
        episode("C1", closed_on="2021-06-02"),
        episode("C2"),
        episode("C3", "03/05/2021"),
        episode("D", nfa="0"),
        episode("D", "2021-05-04"),
    )
    said = (
        "5 episodes stand in cin_2021.xml and in cin_2022.xml; the later census (cin_2022.xml) "
        "counts; 2 differ: closed_on 2"
    )
    assert differences([old, new]) == [said]
    assert differences([new, old]) == [said]


def test_columns_that_differ_most_are_named_first() -> None:
    old = census(2021, episode("A", nfa="0", team="x"), episode("B", nfa="0", team="x"))
    new = census(2022, episode("A", nfa="1", team="y"), episode("B", nfa="0", team="y"))
    (note,) = differences([old, new])
    assert note.endswith("; 2 differ: team 2, nfa 1")


def test_files_without_a_day_or_of_one_day_count_by_the_order_given() -> None:
    one = census(None, episode(nfa="0"), name="a/cin.xml")
    two = census(None, episode(nfa="1"), name="b/cin.xml")
    assert differences([one, two]) == [
        "1 episode stands in a/cin.xml and in b/cin.xml; the one given later (b/cin.xml) counts; "
        "1 differs: nfa 1"
    ]


def test_an_episode_in_three_files_is_held_against_the_one_that_counts() -> None:
    files = [census(year, episode(nfa=str(year))) for year in (2021, 2022, 2023)]
    notes = differences(files)
    assert [note.partition(";")[0] for note in notes] == [
        "1 episode stands in cin_2022.xml and in cin_2023.xml",
        "1 episode stands in cin_2021.xml and in cin_2023.xml",
    ]


def test_same_typed_cells_differ_in_nothing() -> None:
    assert differences([census(2021, episode(nfa="0")), census(2022, episode(nfa="0"))]) == [
        "1 episode stands in cin_2021.xml and in cin_2022.xml; the later census (cin_2022.xml) "
        "counts; none differs"
    ]


@pytest.mark.parametrize(
    "other",
    [
        census(2022, episode("B2")),
        census(2022, episode(day="2021-05-04")),
        census(2022, episode(day="soon")),
        census(2022, episode("")),
        replace(census(2022, episode()), kind="referral table"),
    ],
)
def test_nothing_is_said_where_no_episode_is_the_same(other: Source) -> None:
    rows = episode(), episode("", "2021-05-03"), episode(day="soon")
    assert differences([census(2021, *rows), other]) == []


def test_episodes_from_before_the_calendar_are_compared_too() -> None:
    files = [census(year, episode(day="1970-10-06", nfa=str(year))) for year in (2021, 2022)]
    assert len(differences(files)) == 1


EPISODES = st.lists(
    st.builds(
        episode,
        st.sampled_from(["A", "B", ""]),
        st.sampled_from(["2021-05-03", "03/05/2021", "2021-05-04", "soon"]),
        nfa=st.sampled_from(["0", "1"]),
        closed_on=st.sampled_from(["", "2021-06-01"]),
    ),
    min_size=1,
    max_size=6,
)


@given(EPISODES, EPISODES)
def test_two_files_differ_as_counted_row_by_row(old: list[Row], new: list[Row]) -> None:
    def firsts(rows: list[Row]) -> dict[tuple[str, str], Row]:
        found: dict[tuple[str, str], Row] = {}
        for row in rows:
            day = row["referral_date"].replace("03/05/2021", "2021-05-03")
            if row["child_id"] and day != "soon":
                found.setdefault((row["child_id"], day), row)
        return found

    pairs = [(row, firsts(new)[key]) for key, row in firsts(old).items() if key in firsts(new)]
    notes = differences([census(2021, *old), census(2022, *new)])
    assert len(notes) == bool(pairs)
    for note in notes:
        assert note.startswith(f"{len(pairs)} episode")
        for name in ("nfa", "closed_on"):
            n = sum(one[name] != other[name] for one, other in pairs)
            assert (f"{name} {n}" in note) == bool(n)
