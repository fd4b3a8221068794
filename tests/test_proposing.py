"""`triage sources map` takes local headings and codes for what they are, and writes no value."""

from __future__ import annotations

import io
import json
import string
import time
from pathlib import Path

import numpy as np
import pytest
from council_tables import STYLES, in_style, referrals, write_csv
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.sources.column_profile import shape_of
from triage.sources.evidence import Evidence
from triage.sources.grid import Grid
from triage.sources.heading_likeness import likeness
from triage.sources.mapping import TableMapping
from triage.sources.mapping_text import mapping_text
from triage.sources.proposing import THRESHOLD, Candidate, Proposal, assigned, propose
from triage.tables import encode
from triage.validation import GIVEN, validate

AS_OF = ("--as-of", "2023-06-30", "--window", "all", "--format", "json")


class Terminal(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


def grid_of(**columns: list[str]) -> Grid:
    return Grid(
        tuple(columns), tuple(map(encode, columns.values())), len(next(iter(columns.values())))
    )


def proposed(**columns: list[str]) -> Proposal:
    return propose(grid_of(**columns), "table.csv")


def meaning(proposal: Proposal, heading: str) -> str:
    return " ".join(proposal.columns[heading].means)


@pytest.mark.parametrize("style", STYLES)
def test_a_local_table_gives_the_flags_of_the_canonical_one(
    triage, workplace: Path, style: str
) -> None:
    rows = referrals()
    canonical = write_csv(workplace / "canonical.csv", rows)
    local = write_csv(workplace / "our report.csv", in_style(rows, STYLES[style]))
    code, _, said = triage("sources", "map", local)
    assert code == 0, said
    assert '= "?"' not in Path("our report.mapping.toml").read_text("utf-8")
    expected = json.loads(triage("check", canonical, *AS_OF)[1])
    code, found, said = triage("check", local, *AS_OF)
    assert code == 0, said
    found = json.loads(found)
    for key in ("rows", "rejections", "rules", "flags"):
        assert found[key] == expected[key], key
    assert found["flags"], "records that raise no flag prove nothing"
    assert found["problems"] == expected["problems"] == []
    mapping = workplace / "our report.mapping.toml"
    assert found["notes"][0].startswith(f"read by the mapping {mapping} (SHA-256 ")


def typed(grid: Grid) -> dict[str, list[object]]:
    """Return the cells of a table as validation reads them."""
    found: dict[str, list[object]] = {}
    for name, column in validate(grid.table("t")).columns.items():
        values = column.value.tolist()
        if column.names:
            values = [column.names[value] for value in values]
        seconds = [0] * len(values) if column.seconds is None else column.seconds.tolist()
        states = column.state.tolist()
        found[name] = [
            (state, value, second) if state == GIVEN else state
            for state, value, second in zip(states, values, seconds, strict=True)
        ]
    return found


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.sampled_from(sorted(STYLES)))
def test_a_table_read_by_its_mapping_holds_what_the_canonical_one_holds(
    seed: int, style: str
) -> None:
    rows = referrals(50, seed)
    canonical = {name: [row[name] for row in rows] for name in rows[0]}
    put = in_style(rows, STYLES[style])
    local = grid_of(**{heading: [row[heading] for row in put] for heading in put[0]})
    mapping = TableMapping(Path("t.mapping.toml"), propose(local, "t").columns)
    assert typed(mapping.applied(local, "t")) == typed(grid_of(**canonical))


def test_what_was_found_is_printed_with_its_confidence_and_reason(triage, workplace: Path) -> None:
    rows = in_style(referrals(), STYLES["a query of a database"])
    for number, row in enumerate(rows):
        del row["REF_SRC_CD"]
        row["Source of ref"] = "MASH" if number % 7 == 0 else "Police"
        row["Notes"] = f"seen {number}"
    local = write_csv(workplace / "report.csv", rows)
    code, told, said = triage("sources", "map", local)
    assert code == 0
    lines = told.splitlines()
    line = next(line for line in lines if line.startswith("Source of ref"))
    assert "referral_source" in line
    assert "%" in line
    assert "understood as its codes" in line
    assert "what stands for MASH" in line
    assert next(line for line in lines if line.startswith("Notes")).split()[1:3] == [
        "(left",
        "out)",
    ]
    assert '1 question is left, marked "?"' in told
    assert f"Wrote {workplace / 'report.mapping.toml'}" in said
    code, _, said = triage("check", local)
    assert code == 2
    assert "report.mapping.toml: column 'Source of ref': 'MASH' stands for nothing yet" in said
    assert "1A, 1B, 1C" in said


def test_a_question_is_put_to_the_person_at_a_terminal(
    triage, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"Person ID": f"P{n % 20:03}", "Referral date": f"0{n % 9 + 1}/0{n % 9 + 1}/0{n % 9 + 1}",
         "Closed on": f"0{n % 9 + 1}/0{n % 9 + 1}/0{n % 9 + 1}",
         "Referral source": ["Police", "School", "MASH", "EDT"][n % 4]}
        for n in range(40)
    ]  # fmt: skip
    local = write_csv(workplace / "report.csv", rows)

    monkeypatch.setattr("sys.stdin", Terminal("day-first\nleave-out\nperhaps\n5B\n?\n"))
    code, _, said = triage("sources", "map", local)
    assert code == 0
    assert "'Referral date': how are its dates written?" in said
    assert "'Referral source': what does 'MASH' stand for?" in said
    text = Path("report.mapping.toml").read_text("utf-8")
    assert 'dates = "day-first"' in text
    assert '[columns."Closed on"]\nmeans = ""' in text
    assert '"MASH" = "5B"' in text
    assert '"EDT" = "?"' in text


def test_a_person_who_breaks_off_leaves_no_mapping(
    triage, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"Person ID": f"P{n}", "Referral date": "01/02/03"} for n in range(4)]
    local = write_csv(workplace / "report.csv", rows)
    monkeypatch.setattr("sys.stdin", Terminal(""))
    code, _, said = triage("sources", "map", local)
    assert code != 0
    assert "Traceback" not in said
    assert not Path("report.mapping.toml").exists()


def test_values_that_contradict_a_heading_outweigh_it() -> None:
    n = 40
    found = proposed(
        **{
            "Referral date": [["police", "school", "gp", "family"][i % 4] for i in range(n)],
            "Referral source": [f"2022-05-{i % 28 + 1:02}" for i in range(n)],
            "Child ID": [["Jane Smith", "John Brown", "Ann Lee"][i % 3] for i in range(n)],
            "Referral ID": [["yes", "no"][i % 2] for i in range(n)],
            "NFA": [f"{i} High Street" for i in range(n)],
            "Team": [f"2022-05-{i % 28 + 1:02}" for i in range(n)],
            "Primary need": [f"{i}" * 9 for i in range(n)],
            "Caseload": ["many" for i in range(n)],
            "Worker name": [f"W{i % 5}" for i in range(n)],
        }
    )
    assert found.meant == ()
    because = {heading: column.because for heading, column in found.columns.items()}
    assert because["Referral date"] == "headed like referral_date, but 0% of the cells are dates"
    assert "not identifiers" in because["Child ID"]
    assert all(column.means == () and column.codes == {} for column in found.columns.values())


def test_values_that_only_one_list_has_need_no_heading() -> None:
    found = proposed(Kind=["N1", "N2", "N4", "n5"] * 5, Ended=["RC1", "RC7", "", "RC8"] * 5)
    assert meaning(found, "Kind") == "primary_need"
    assert meaning(found, "Ended") == "closure_reason"
    assert meaning(proposed(Kind=["1A", "2A", "6", "10"] * 5), "Kind") == ""


def test_identifiers_that_repeat_are_children_and_those_that_do_not_are_rows() -> None:
    ids = [f"A{n:04}" for n in range(50)]
    assert meaning(proposed(ID=ids), "ID") == ""
    assert (
        meaning(proposed(**{"Case ID": [f"C{n // 2}" for n in range(50)]}), "Case ID") == "child_id"
    )
    both = proposed(**{"Person number": [f"C{n // 2}" for n in range(50)], "Referral number": ids})
    assert both.meant == ("child_id", "referral_id")


def test_each_column_is_given_to_one_heading_the_surest() -> None:
    days = [f"2022-05-{n % 28 + 1:02}" for n in range(30)]
    found = proposed(**{"Referral": days, "Date of referral": days, "Ref date": days,
                        "Previous referral date": days})  # fmt: skip
    assert meaning(found, "Date of referral") == "referral_date"
    assert len(found.meant) == len(set(found.meant)) == 1
    assert found.columns["Ref date"].because == "another column is more surely referral_date"


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abcdef"), st.floats(0, 1)), max_size=30)
)
def test_what_is_assigned_is_the_surest_that_is_left_and_nothing_is_given_twice(
    pairs: list[tuple[int, str, float]],
) -> None:
    candidates = [Candidate(sure, place, (name,), Evidence(1.0, "")) for place, name, sure in pairs]
    taken = assigned(candidates)
    names = [name for one in taken.values() for name in one.names]
    assert len(names) == len(set(names))
    for one in candidates:
        if one.confidence < THRESHOLD:
            assert taken.get(one.place) is not one
            continue
        rivals = [
            other
            for other in taken.values()
            if other.place == one.place or other.names == one.names
        ]
        assert any(rival.confidence >= one.confidence for rival in rivals)


def test_a_heading_of_two_columns_means_both() -> None:
    found = proposed(S47ActualStartDate=["2022-05-03", "2022-06-03"] * 5)
    assert found.columns["S47ActualStartDate"].means == (
        "strategy_discussion_on", "section47_started_on",
    )  # fmt: skip


def test_two_columns_headed_alike_are_left_out_and_named() -> None:
    days = encode(["2022-05-03", "2022-06-03"])
    found = propose(Grid(("Ref date", "Ref date ", "  "), (days, days, days), 2), "t.csv")
    assert found.columns.keys() == {"Ref date"}
    assert found.columns["Ref date"].because == "several columns are headed so"


LETTERS = "".join(letter for letter in string.ascii_letters if letter not in "aA")
NAMES = st.sampled_from(
    ["Jane Smith", "SMITH", "O'Neill, Pat", "J Brown", "Amber Green", "Mrs Ward (Oak School)",
     "young", "Hope", "07700 123456", "QX123456", "Police (Sgt Smith)", "1A Smith", "Dr Who - GP"]
)  # fmt: skip
FREE = st.text(LETTERS + "12345678", min_size=6, max_size=20)
PRIVATE = st.sampled_from(
    ["Referral source", "NFA", "Person ID", "Primary need", "Outcome", "Closure reason", "Notes",
     "Referral date", "Decision Maker", "Team", "Rationale", "Factors", "Level of need", "Surname"]
)  # fmt: skip


@given(
    st.dictionaries(
        PRIVATE,
        st.one_of(
            st.lists(FREE, min_size=1, max_size=6),
            st.lists(NAMES, min_size=1, max_size=6),
            st.lists(st.dates().map(str), min_size=1, max_size=6),
            st.lists(st.integers(10_000, 88_888_888).map(str), min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 5),
)
def test_no_identifier_date_name_or_written_text_is_ever_written(
    columns: dict[str, list[str]], times: int
) -> None:
    n = max(map(len, columns.values())) * times
    filled = {heading: [values[i % len(values)] for i in range(n)]
              for heading, values in columns.items()}  # fmt: skip
    text = mapping_text("t.csv", proposed(**filled).columns)
    text = text.split("\n[columns", 1)[1]
    for values in columns.values():
        for value in values:
            # A value without an a, A or 9 cannot be the shape of another one.
            assert value == shape_of(value) or value not in text, (value, text)


def test_names_in_a_coded_column_are_kept_back_and_counted() -> None:
    words = ["Police", "School", "GP", "Jane Smith", "Mrs Jones, Oak School", "MASH"]
    found = proposed(**{"Referral source": [words[n % 6] for n in range(60)]})
    column = found.columns["Referral source"]
    assert column.codes == {"Police": "6", "School": "2A", "GP": "3A", "MASH": "?"}
    assert "2 words kept back" in column.because


def test_short_codes_of_a_councils_own_are_asked_about() -> None:
    found = proposed(**{"Ref source": [["POL", "SCH", "HV"][n % 3] for n in range(30)]})
    assert found.columns["Ref source"].codes == dict.fromkeys(["POL", "SCH", "HV"], "?")
    assert [question.word for question in found.questions] == ["POL", "SCH", "HV"]
    assert "6" in found.questions[0].choices


def test_a_councils_own_numbering_is_not_taken_for_the_censuss() -> None:
    words = ["6 - Police", "4 - Police", "4 - Housing", "7 - Schools"]
    found = proposed(**{"Ref source": [words[n % 4] for n in range(40)]})
    assert found.columns["Ref source"].codes == {
        "6 - Police": "6", "4 - Police": "?", "4 - Housing": "4", "7 - Schools": "?",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "code"),
    [("No further action", "true"), ("No further action required", "true"), ("Yes - NFA", "true"),
     ("Further action", "false"), ("No - progressed", "false"), ("Not NFA", "false"),
     ("unknown", ""), ("No - NFA", None), ("perhaps", None)],
)  # fmt: skip
def test_no_further_action_is_told_from_further_action(word: str, code: str | None) -> None:
    from triage.sources.code_words import code_of

    assert code_of("nfa", word) == code


@pytest.mark.parametrize(
    ("heading", "column"),
    [("Refferal Date", "referral_date"), ("DateOfReferral", "referral_date"),
     ("Decison Maker Role", "decision_maker_role"), ("ALLOC_WKR_ID", "allocated_worker_id"),
     ("EDD", "expected_date_of_birth"), ("Last supervision", "last_oversight_on"),
     ("Single Assessment Completed", "assessment_authorised_on"),
     ("Assessment signed off (date)", "assessment_authorised_on"),
     ("Strat discussion date", "strategy_discussion_on"), ("Initial CP Conference", "icpc_on"),
     ("Agency worker?", "worker_is_agency"), ("Date decision recorded", "decision_recorded_at"),
     ("Early Help end date", "early_help_ended_on"), ("Source of contact", "contact_source")],
)  # fmt: skip
def test_a_heading_is_most_like_the_column_it_speaks_of(heading: str, column: str) -> None:
    found = likeness(heading)
    assert max(found, key=lambda name: found[name]) == column
    assert found[column] >= 0.75


@pytest.mark.parametrize(
    "heading",
    ["Previous referral date", "Assessment due date", "Next review date", "CP plan start date",
     "Gender", "Ethnicity", "Status", "School", "Date", "NHS number", "Mother's date of birth"],
)  # fmt: skip
def test_a_heading_of_something_else_is_like_no_column(heading: str) -> None:
    assert max(likeness(heading).values(), default=0) < THRESHOLD


def test_a_large_table_is_told_in_seconds() -> None:
    n = 60_000
    rng = np.random.default_rng(3)
    minutes = np.datetime64("2016-01-01T00:00") + rng.integers(0, 3_000_000, n)
    table = grid_of(
        **{
            "Person ID": [f"P{number:06}" for number in rng.integers(0, 40_000, n)],
            "Referral no": [str(number) for number in range(n)],
            "Decision date": [str(moment).replace("T", " ") for moment in minutes],
            "Ref source": rng.choice(["Police", "School", "GP"], n).tolist(),
        }
    )
    start = time.process_time()
    assert set(propose(table, "t.csv").meant) == {
        "child_id", "referral_id", "decision_at", "referral_source",
    }  # fmt: skip
    assert time.process_time() - start < 5
