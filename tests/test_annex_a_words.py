"""The words of Annex A's cells, and the council's own that the settings add to them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from annex_a_files import LIST_6, SHORT, Rows, write
from conftest import Triage

from triage.errors import CallError
from triage.reading import Reading
from triage.settings import TEMPLATE, load_settings
from triage.settings_words import WORD_COLUMNS
from triage.sources import read_source
from triage.sources.annex_a_words import (
    CLOSURE_WORDS,
    NEED_WORDS,
    SOURCE_WORDS,
    closure_code,
    is_closed,
    need_code,
    plain,
    source_code,
    yes_or_no,
)
from triage.tables import LOST, Source
from triage.vocabulary import CLOSURE_REASONS, PRIMARY_NEEDS, REFERRAL_SOURCES


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("a) 1A: Individual", "1A"), ("j) 3D: Health services", "3D"),
        ("p1) 5D: LA services", "5D"),
        ("q) 6: Police", "6"), ("u) 10: Unknown", "10"), ("5c: LA services – External", "5C"),
        ("1B - Individual - Acquaintance (including neighbours and child minders)", "1B"),
        ("School [2A]", "2A"), ("Housing or Housing Association [4]", "4"), ("4", "4"),
        ("4 Housing (LA housing or housing association)", "4"), ("6 - Police", "6"),
        ("g) Police", "6"), ("k) Unknown", "10"), ("School", "2A"), ("POLICE ", "6"), ("GP", "3A"),
        ("G.P.", "3A"), ("Health Visitor", "3B"), ("Housing", "4"), ("Anonymous", "9"),
        ("CAFCASS", "7"), ("A&E", "3E"), ("Accident and Emergency", "3E"),
        ("‘HEALTH SERVICES’ – A&E (emergency department).", "3E"), ("Children’s Centre", "8"),
        ("Health services - Other (e.g. hospice)", "3F"), ("(CS) Police", "6"),
        ("Individual - Family member/relative/carer", "1A"), ("LA services – external", "5C"),
        ("30) Education - School", "2A"), ("10) Housing", "4"),
    ],
)  # fmt: skip
def test_a_source_with_one_meaning_is_read_as_its_code(typed: str, code: str) -> None:
    assert source_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    ["Family Hub", "Med - CAMHS", "5E", "6-12 year olds", "4 Children", "Health unknown", "N/A",
     "Hospital", "10 Downing Street", "Nursery", "Member of Public"],
)  # fmt: skip
def test_a_source_with_no_or_several_meanings_stays_as_typed(typed: str) -> None:
    assert source_code(typed) == typed


@pytest.mark.parametrize("typed", ["a) Individual", "d) Health services", "Health", "LA services"])
def test_a_group_is_no_one_code(typed: str) -> None:
    assert source_code(typed) == ""


@pytest.mark.parametrize(
    ("words", "codes"),
    [(SOURCE_WORDS, REFERRAL_SOURCES), (NEED_WORDS, PRIMARY_NEEDS),
     (CLOSURE_WORDS, CLOSURE_REASONS)],
)  # fmt: skip
def test_every_code_has_its_words_and_no_word_has_two_codes(
    words: dict[str, tuple[str, ...]], codes: dict[str, str]
) -> None:
    assert words.keys() == codes.keys()
    everyone = Counter(word for each in words.values() for word in each)
    assert {word for word, n in everyone.items() if n > 1} == set()
    assert {word for word in everyone if plain(word) != word} == set()


@pytest.mark.parametrize(
    ("typed", "value"),
    [("a) Yes", "true"), ("1", "true"), ("1 - Yes", "true"), ("NFA", "true"), ("a. Yes", "true"),
     ("No further action", "true"), ("Y", "true"), ("b) No", "false"), ("0", "false"),
     ("0 - No", "false"), ("FA", "false"), ("Further action", "false"), ("b. No", "false"),
     ("U", ""), ("c) Unknown", ""), ("N/A", "N/A"), ("perhaps", "perhaps")],
)  # fmt: skip
def test_yes_and_no_in_their_many_words(typed: str, value: str) -> None:
    assert yes_or_no(typed) == value


@pytest.mark.parametrize(
    ("typed", "code"),
    [("RC8 - Case closed after assessment, no further action", "RC8"), ("h) RC9 - x", "RC9"),
     ("c) Residence Order", "RC3"), ("Child arrangements order", "RC3"), ("d) SGO", "RC4"),
     ("g) Other", "RC7"), ("e) Transfer to another LA", "RC5"), ("c) Adopted", "RC1"),
     ("h) Not in need after assessment", LOST), ("Not in need after assessment", LOST),
     ("i) Not stated", ""), ("Moved away", "Moved away"), ("RC0", "RC0")],
)  # fmt: skip
def test_reasons_for_closure_by_code_then_word_then_letter(typed: str, code: str | None) -> None:
    assert closure_code(typed) == code


def test_needs_by_code_or_word() -> None:
    needs = ["N2 - Child’s disability", "abuse or neglect", "Family in acute stress", "PSR - x"]
    assert list(map(need_code, needs)) == ["N2", "N1", "N4", "PSR - x"]


def test_a_status_is_closed_when_it_says_so() -> None:
    said = ["e) Closed episode", "Closed - stepdown", "CLOSED", "e)", "a) Looked after child",
            "Not closed", ""]  # fmt: skip
    assert list(map(is_closed, said)) == [True] * 4 + [False] * 3


def annex(place: Path, sources: list[str], nfa: str = "No", form: str = "xlsx") -> Path:
    rows: Rows = [SHORT, *([f"C{number}", f"{1 + number % 28:02}/05/2023", source, nfa]
                            for number, source in enumerate(sources))]  # fmt: skip
    return write(form, place, {"List 3": rows})


def source_notes(path: Path) -> list[str]:
    return [note for note in read_source(str(path)).notes if "referral source" in note]


def test_words_without_a_code_are_listed_once_with_their_rows_and_groups_are_tolerated(
    tmp_path: Path,
) -> None:
    typed = ["Sunshine Hub", "sunshine hub", "Police", "Health", "Hospital", "Hospital", "Hospital"]
    assert source_notes(annex(tmp_path, typed)) == [
        "annex_a.xlsx [List 3]: tolerated referral source 'Health' (1 row), which is a group and "
        "no one census code; read as unknown",
        "annex_a.xlsx [List 3]: referral source 'Hospital' stands for no census code (3 rows) and "
        "was read as unknown; give it one under [words.referral_source] in triage.toml",
        "annex_a.xlsx [List 3]: referral source 'Sunshine Hub' stands for no census code (2 rows) "
        "and was read as unknown; give it one under [words.referral_source] in triage.toml",
    ]


def test_twenty_words_are_listed_and_the_rest_summed_up(tmp_path: Path) -> None:
    notes = source_notes(annex(tmp_path, [f"Hub {chr(97 + n % 23)}" for n in range(50)]))
    assert len(notes) == 21
    assert "3 further words without a meaning (6 rows)" in notes[-1]
    assert sum(int(n) for note in notes for n in re.findall(r"\((\d+) rows\)", note)) == 50


def checked(triage: Triage, path: Path) -> dict[str, Any]:
    code, out, err = triage("check", path, "--as-of", "2023-06-30", "--window", "all",
                            "--history-from", "2021-01-01", "--format", "json")  # fmt: skip
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("form", ["xlsx", "xls", "folder", "csv"])
def test_the_settings_give_meaning_to_words_of_any_form(
    triage: Triage, workplace: Path, form: str
) -> None:
    rows = [["A", "10/01/2023", "Family  hub", "Closed - no role"], ["A", "02/05/2023", "6", "No"],
            ["B", "02/05/2023", "Hospital", "No"]]  # fmt: skip
    if form == "csv":
        path = workplace / "table.csv"
        heading = ["child_id", "referral_date", "referral_source", "nfa"]
        path.write_text("\n".join(",".join(row) for row in [heading, *rows]), "utf-8")
    else:
        path = write(form, workplace, {"List 3": [SHORT, *rows]})
    before = checked(triage, path)
    (workplace / "triage.toml").write_text(
        '[words.referral_source]\n"Family Hub" = "5D"\nhospital = "3f"\n'
        '[words.nfa]\n"closed - no role" = true\n',
        "utf-8",
    )
    after = checked(triage, path)
    assert Counter(p["column"] for p in before["problems"]) == {"nfa": 1, "referral_source": 2}
    assert {(p["row"], p["message"].partition(" is ")[0]) for p in before["problems"]} >= {
        (2, "'Closed - no role'"), (4, "'Hospital'"),
    }  # fmt: skip
    assert after["problems"] == []
    assert not any("triage.toml" in note for note in after["notes"])
    flagged = [{flag["rule"] for flag in found["flags"]} for found in (before, after)]
    assert "REF-07" not in flagged[0]
    assert "REF-07" in flagged[1]


def test_words_of_the_settings_go_before_those_of_the_lists(tmp_path: Path) -> None:
    path = write("xlsx", tmp_path, {
        "List 3": [SHORT, ["A", "01/05/2023", "Other", "No"]],
        "List 1": [["Child Unique ID", "Date of Contact", "Contact Source"],
                   ["A", "01/05/2023", "Other"]],
        "List 6": [LIST_6, ["A", "01/05/2023", "Neglect", "", "", ""]],
    })  # fmt: skip
    words = {"referral_source": {"other": "5D"}, "primary_need": {"NEGLECT": "N1"}}
    source = read_source(str(path), Reading(words=words))
    assert isinstance(source, Source)
    assert source.referrals.columns["referral_source"].cells() == ["5D"]
    assert source.children[0].table.columns["primary_need"].cells() == ["N1"]
    assert source.contacts is not None
    assert source.contacts.columns["contact_source"].cells() == ["8"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[words.referral_sorce]\n"Family Hub" = "5D"', "did you mean referral_source?"),
        ('[words.decision_at]\nx = "y"', "holds neither codes nor true and false"),
        ('[words.referral_source]\n"Family Hub" = "5E"', "'Family Hub': '5E' is not in the list"),
        ('[words.nfa]\nmaybe = "maybe"', "'maybe': 'maybe' is neither true nor false"),
        ('[words.nfa]\n"Closed" = true\n"CLOSED" = false', "'CLOSED' is given two meanings"),
        ("[words.nfa]\n\" \" = true", "a blank cell is unknown"),
        ('[words.referral_source]\nG.P = "3A"', "a word with a dot in it goes in quotes too"),
        ("words = 3", "is to be a table of settings"),
        ("[words]\nnfa = true", "is to be a table of words"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_before_anything_is_read(
    triage: Triage, records: Path, text: str, said: str
) -> None:
    Path("triage.toml").write_text(text, "utf-8")
    code, out, err = triage("check", records)
    assert (code, out) == (2, "")
    assert said in err


def test_every_mistake_is_told_at_once_and_numbers_may_stand_without_quotes(
    workplace: Path,
) -> None:
    path = workplace / "triage.toml"
    path.write_text("[words.nfa]\na = 7\nb = []\n[words.shoe]\n[words.referral_source]\nHome = 4\n")
    with pytest.raises(CallError) as refused:
        load_settings({})
    assert len(str(refused.value).splitlines()) == 3
    path.write_text("[words.referral_source]\nHome = 4\n[words.risk_rating]\nHot = 'RED'\n")
    words = load_settings({}).reading.words
    assert words == {"referral_source": {"home": "4"}, "risk_rating": {"hot": "RED"}}
    assert {"referral_source", "nfa", "contact_source", "icpc_not_required"} <= set(WORD_COLUMNS)


def test_the_settings_that_are_written_for_a_start_show_how_words_are_given(
    workplace: Path,
) -> None:
    shown = TEMPLATE[TEMPLATE.index("[words.referral_source]") :].partition("\n\n")[0]
    (workplace / "triage.toml").write_text(TEMPLATE)
    assert not any(load_settings({}).reading.words.values())
    (workplace / "triage.toml").write_text(shown.replace("# ", ""))
    words = load_settings({}).reading.words
    assert words == {"referral_source": {"family hub": "5D"}, "nfa": {"closed - no role": "true"}}
