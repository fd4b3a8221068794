"""Every trap of the Standard Safeguarding Dataset, on a small database made for each."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssd_helpers import Row, beside, cells, episode, read, records, sqlite

from triage.reading import Reading
from triage.sources import ssd, ssd_cells
from triage.sources.ssd import read_ssd
from triage.sources.ssd_columns import as_texts
from triage.sources.ssd_referrals import Dataset
from triage.tables import LOST

SECRET = "Mother says that the father came back on Sunday."


def outcome(**flags: str) -> str:
    return json.dumps(flags)


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        ("Y", "true"), ("N", "false"), ("y", "true"), ("T", "true"), ("F", "false"),
        ("1", "true"), ("0", "false"), (1, "true"), (0, "false"), (" Y ", "true"),
        ("A", LOST), ("?", LOST), ("Z", LOST), (None, ""), ("", ""),
    ],
)  # fmt: skip
def test_no_further_action_may_be_any_letter(
    tmp_path: Path, letter: str | int | None, told: str | None
) -> None:
    source = read(tmp_path, ssd_cin_episodes=[episode(cine_referral_nfa=letter)])
    assert cells(source.referrals, "nfa") == [told]


@pytest.mark.parametrize(
    ("letter", "text", "told"),
    [
        ("A", outcome(NFA_FLAG="Y"), "true"),
        ("A", outcome(OUTCOME_NFA_FLAG="N"), "false"),
        (None, outcome(NFA_FLAG="Y"), "true"),
        ("Y", outcome(NFA_FLAG="N"), "true"),
        ("A", outcome(SINGLE_ASSESSMENT_FLAG="Y"), LOST),
        ("A", outcome(NFA_FLAG=""), LOST),
        ("A", '{"NFA_FLAG": "Y", "COMMENTS": "she said "no" to it"}', "true"),
        ("A", '{"COMMENTS": "she said "no", "NFA_FLAG": "Y"}', LOST),
        ("A", '{"COMMENTS": "told", "NFA_FLAG": "Y", "OTHER', LOST),
        ("A", '{"SINGLE_ASSESSMENT_FLAG": "N", "NFA_FLAG": "Y', LOST),
        ("A", '{ SINGLE_ASSESSMENT_FLAG: "", NFA_FLAG: "N", COMMENTS: "" }', "false"),
        ("A", '{"NFA_FLAG": "Y", "NFA_FLAG": "N"}', LOST),
        ("A", "[" * 4000, LOST),
        ("A", "NFA_FLAG Y", LOST),
        (None, "{", ""),
    ],
)
def test_a_letter_that_says_nothing_is_read_from_the_outcome_where_that_can_be(
    tmp_path: Path, letter: str | None, text: str, told: str | None
) -> None:
    row = episode(cine_referral_nfa=letter, cine_referral_outcome_json=text)
    source = read(tmp_path, ssd_cin_episodes=[row])
    assert cells(source.referrals, "nfa") == [told]


def test_letters_and_outcomes_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    rows = [
        episode(cine_referral_id="R1", cine_referral_nfa="A"),
        episode(
            cine_referral_id="R2",
            cine_referral_nfa="S",
            cine_referral_outcome_json=f'{{"NFA_FLAG": "Y", "COMMENTS": "{SECRET} "no" "',
        ),
        episode(cine_referral_id="R3"),
    ]
    source = read(tmp_path, ssd_cin_episodes=rows)
    assert [note for note in source.notes if "ssd_cin_episodes: " in note] == [
        "ssd_cin_episodes: cine_referral_nfa is 'A', 'S' in 2 rows, which is neither yes nor no: "
        "1 read from the outcome, 1 unknown",
        "ssd_cin_episodes: cine_referral_outcome_json is broken or cut short in 1 row; its flags "
        "were read as far as they are whole",
    ]
    assert "Mother" not in repr(source)


def test_an_outcome_that_is_not_needed_is_not_even_read(tmp_path: Path) -> None:
    def digest(name: str, text: str, letter: str) -> str:
        row = episode(cine_referral_nfa=letter, cine_referral_outcome_json=text)
        return read_ssd(sqlite(tmp_path / name, ssd_cin_episodes=[row]), Reading()).sha256

    assert digest("a", SECRET, "Y") == digest("b", "", "Y")
    assert digest("c", SECRET, "A") != digest("d", "", "A")


def test_of_an_outcome_only_its_flags_are_ever_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str | None] = []

    def keep(address: object, dataset: Dataset, *others: object) -> None:
        for table in dataset.tables.values():
            kept.extend(text for column in table.columns.values() for text in column.texts)

    monkeypatch.setattr(ssd, "_source", keep)
    text = f'{{"NEW_REFERRAL_FLAG": "Y", "COMMENTS": "{SECRET}"}}'
    row = episode(cine_referral_nfa="A", cine_referral_outcome_json=f"{text} and more")
    read(tmp_path, ssd_cin_episodes=[row], ssd_contacts=[contact("K1", text)])
    assert {'{"NEW_REFERRAL_FLAG":"Y"}', '{"NEW_REFERRAL_FLAG":"Y",'} <= set(kept)
    assert not [text for text in kept if "Mother" in str(text)]


FLAGS = st.dictionaries(
    st.sampled_from(["SINGLE_ASSESSMENT_FLAG", "NFA_FLAG", "STRATEGY_DISCUSSION_FLAG"]),
    st.sampled_from(["Y", "N", ""]),
)


@given(FLAGS, st.text(), st.integers(0, 4000))
def test_an_outcome_cut_anywhere_never_says_what_the_whole_does_not(
    flags: dict[str, str], comment: str, end: int
) -> None:
    parts = [f'"{name}":"{value}"' for name, value in flags.items()]
    text = "{" + ",".join([*parts, f'"COMMENTS":"{comment}"']) + "}"
    cut = ssd_cells.read_outcome(text[:end])
    assert cut.flags.items() <= {name: v == "Y" for name, v in flags.items() if v}.items()
    kept = ssd_cells.plain_outcome(text[:end])
    assert ssd_cells.read_outcome(kept) == cut
    assert len(kept) <= len(text[:end])


@given(st.text())
def test_any_text_is_read_as_an_outcome_a_contact_or_factors_without_a_crash(text: str) -> None:
    assert ssd_cells.contact_outcome(text) is not SECRET
    kept = ssd_cells.plain_outcome(text)
    assert ssd_cells.contact_outcome(kept) == ssd_cells.contact_outcome(text.strip())
    assert ssd_cells.nfa_of(text, text, {}) in ("true", "false", "", LOST)
    codes = ssd_cells.factors(text)
    assert codes is LOST or all(len(code) <= 3 for code in codes.split(";"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('["1A","2B"]', "1A;2B"),
        ('{"1A":"Yes","2B":"No","3A":"yes"}', "1A;3A"),
        ('[{"1A":"Yes"},{"2B":"No"}]', "1A"),
        ('["1A: Alcohol misuse by the child"]', "1A"),
        ("[20, 21]", "20;21"),
        ("1A,2B", "1A;2B"),
        ('["1A","1A"]', "1A"),
        ("[]", ""), ("{}", ""), ("null", ""), (None, ""),
        ('{"1A":""}', ""),
        ('["1A","2', LOST), ("{", LOST), ('{"1A":"perhaps"}', LOST), (SECRET, LOST),
        ('["see the notes"]', LOST), ("[[1]]", LOST), ("[true]", LOST), ("3.5", LOST),
    ],
)  # fmt: skip
def test_factors_are_an_array_or_an_object(
    tmp_path: Path, text: str | None, told: str | None
) -> None:
    source = read(
        tmp_path,
        ssd_cin_assessments=[assessment("S1", "R1")],
        ssd_assessment_factors=[factor("X1", "S1", text)],
    )
    assert cells(beside(source, "assessments").table, "assessment_factors") == [told]
    said = "ssd_assessment_factors: the factors of 1 row could not be read; unknown"
    assert (said in source.notes) == (told is LOST)


def assessment(number: str, referral: str | None, **more: str | None) -> Row:
    return {
        "cina_assessment_id": number,
        "cina_person_id": "A",
        "cina_referral_id": referral,
        "cina_assessment_start_date": "2023-05-03 00:00:00",
        **more,
    }


def factor(number: str, of: str, text: str | None) -> Row:
    return {
        "cinf_table_id": number,
        "cinf_assessment_id": of,
        "cinf_assessment_factors_json": text,
    }


def test_an_assessment_entered_twice_among_the_factors_has_them_all(tmp_path: Path) -> None:
    source = read(
        tmp_path,
        ssd_cin_assessments=[assessment(number, "R1") for number in ("S1", "S2", "S3", "S4")],
        ssd_assessment_factors=[
            factor("X1", "S1", '["1A"]'),
            factor("X2", "S2", '["2B"]'),
            factor("X3", "S1", '["3A","1A"]'),
            factor("X4", "S3", '["4A"]'),
            factor("X5", "S3", "["),
            factor("X6", "-1", '["5A"]'),
        ],
    )
    told = cells(beside(source, "assessments").table, "assessment_factors")
    assert told == ["1A;3A", "2B", LOST, ""]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("2023-05-01 00:00:00", "2023-05-01"),
        ("2023-05-01 00:00:00.000000", "2023-05-01"),
        ("2023-05-01T00:00:00", "2023-05-01"),
        ("2023-05-01", "2023-05-01"),
        ("2023-05-01 14:07:09.123", "2023-05-01T14:07:09"),
        ("2023-05-01 14:07", "2023-05-01T14:07"),
        ("01/05/2023", "01/05/2023"),
        ("2023-05-01T10:00:00+00:00", "2023-05-01T10:00:00+00:00"),
        ("soon", "soon"),
    ],
)
def test_a_time_of_midnight_is_a_plain_date(tmp_path: Path, typed: str, told: str) -> None:
    row = episode(cine_referral_date=typed, cine_close_date=typed)
    source = read(tmp_path, ssd_cin_episodes=[row])
    assert records(source.referrals, "referral_date", "closed_on") == [(told, told)]


@pytest.mark.parametrize(
    ("code", "described", "told"),
    [
        ("1A", None, "1A"), ("1a", "Police", "1A"), ("6", None, "6"), ("10", None, "10"),
        ("6 - Police", None, "6"), ("a) 1A: Individual", None, "1A"),
        (None, "1A: Individual", "1A"), (None, "p1) 5D: LA services", "5D"),
        (None, "6: Police", "6"), (None, "Police", "6"), (None, "  gp ", "3A"),
        (None, "Family   HUB", "5D"), ("Family Hub", None, "5D"),
        (None, "10 Downing Street Nursery", LOST), (None, "Helpline", LOST),
        ("235", None, LOST), ("235", "2A: Schools", "2A"), ("235", "Helpline", LOST),
        ("-1", None, ""), (None, None, ""), ("", "-1", ""),
    ],
)  # fmt: skip
def test_a_source_is_a_code_or_its_description(
    tmp_path: Path, code: str | None, described: str | None, told: str | None
) -> None:
    row = episode(cine_referral_source_code=code, cine_referral_source_desc=described)
    reading = Reading(words={"referral_source": {"family hub": "5D"}})
    source = read(tmp_path, reading, ssd_cin_episodes=[row])
    assert cells(source.referrals, "referral_source") == [told]


@pytest.mark.parametrize(
    ("other", "told"), [("250", [LOST, LOST, "2A", LOST]), ("3A", ["6", LOST, "7", "3A"])]
)
def test_numbers_of_a_lookup_are_no_census_codes_even_where_they_look_like_one(
    tmp_path: Path, other: str, told: list[str | None]
) -> None:
    """The key 6 of a lookup table need not be the police; beside a code such as 3A it is."""
    rows = [
        episode(cine_referral_id="R1", cine_referral_source_code="6"),
        episode(cine_referral_id="R2", cine_referral_source_code="235"),
        episode(
            cine_referral_id="R3",
            cine_referral_source_code="7",
            cine_referral_source_desc="2A: Schools",
        ),
        episode(cine_referral_id="R4", cine_referral_source_code=other),
    ]
    source = read(tmp_path, ssd_cin_episodes=rows)
    assert cells(source.referrals, "referral_source") == told
    assert [note for note in source.notes if "no census code" in note] == [
        f"ssd_cin_episodes: source '{number}' is no census code: 1 row, read as unknown"
        for number in (("235", "250", "6") if other == "250" else ("235",))
    ]


def test_of_many_unknown_sources_the_commonest_are_named_and_the_rest_counted(
    tmp_path: Path,
) -> None:
    rows = [
        episode(
            cine_referral_id=f"R{n}",
            cine_referral_source_code=None,
            cine_referral_source_desc=f"Desk {n % 13:02} {'x' * 60}",
        )
        for n in range(20)
    ]
    notes = [n for n in read(tmp_path, ssd_cin_episodes=rows).notes if "no census code" in n]
    assert len(notes) == 11
    assert notes[0].startswith("ssd_cin_episodes: source 'Desk 00 xxx")
    assert "'and 3 more' is no census code: 3 rows" in notes[-1]
    assert all("x" * 40 not in note for note in notes)


@pytest.mark.parametrize(
    ("need", "reason", "told"),
    [
        ("N1", "RC7", ("N1", "RC7")),
        ("N1 - Abuse or neglect", "RC7 - Services ceased for any other reason", ("N1", "RC7")),
        ("n4: Family in acute stress", "rc8", ("N4", "RC8")),
        ("N10", "RC10", ("N10", "RC10")),
        ("-1", None, ("", "")),
        ("Neglect", "Moved away", ("N1", "RC5")),
        ("Poverty", "Closed", ("Poverty", "Closed")),
    ],
)
def test_needs_and_reasons_are_read_by_the_code_in_front_of_their_text(
    tmp_path: Path, need: str, reason: str | None, told: tuple[str, str]
) -> None:
    words = {"primary_need": {"neglect": "N1"}, "closure_reason": {"Moved Away": "RC5"}}
    row = episode(cine_cin_primary_need_code=need, cine_close_reason=reason)
    source = read(tmp_path, Reading(words=words), ssd_cin_episodes=[row])
    assert records(source.referrals, "primary_need", "closure_reason") == [told]


def contact(number: str, text: str | None, **more: str | None) -> Row:
    return {
        "cont_contact_id": number,
        "cont_person_id": "A",
        "cont_contact_date": "2023-04-30 00:00:00",
        "cont_contact_outcome_json": text,
        **more,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (outcome(NEW_REFERRAL_FLAG="Y", ADVICE_FLAG="Y"), "referral"),
        (outcome(EXISTING_REFERRAL_FLAG="Y", NFA_FLAG="Y"), "open_case"),
        (outcome(NEW_REFERRAL_FLAG="N", ADVICE_FLAG="Y", NFA_FLAG="Y"), "information_and_advice"),
        (outcome(OUTCOME_NFA_FLAG="Y", OTHER_OUTCOMES_EXIST_FLAG="Y"), "nfa"),
        (outcome(OTHER_OUTCOMES_EXIST_FLAG="Y"), "other"),
        (outcome(PRIVATE_FOSTERING_FLAG="Y", NFA_FLAG="Y"), "other"),
        (outcome(NEW_REFERRAL_FLAG="N", NFA_FLAG="N"), ""),
        (None, ""), (" ", ""), ("{}", ""), ("null", ""),
        (outcome(NEW_REFERRAL_FLAG="maybe", ADVICE_FLAG="Y"), LOST),
        ('{"NEW_REFERRAL_FLAG":"Y","EXIST', "referral"),
        ('{"NEW_REFERRAL_FLAG":"N","EXISTING_REFERRAL_FLAG":"N","ADVICE_FLAG":"Y","N',
         "information_and_advice"),
        ('{"NEW_REFERRAL_FLAG":"N","EXISTING_REFERRAL_FLAG":"N","CP_EN', LOST),
        ('{"NEW_REFERRAL_FLAG":"N","ADVICE_FLAG":"Y","EXIST', LOST),
        (SECRET, LOST), ("[]", LOST),
    ],
)  # fmt: skip
def test_what_became_of_a_contact_is_told_by_its_flags(
    tmp_path: Path, text: str | None, told: str | None
) -> None:
    source = read(tmp_path, ssd_contacts=[contact("K1", text)])
    assert source.contacts is not None
    assert cells(source.contacts, "contact_outcome") == [told]
    assert "Mother" not in repr(source)


def test_a_contact_has_its_identifier_child_date_and_source(tmp_path: Path) -> None:
    source = read(
        tmp_path,
        Reading(words={"contact_source": {"hub": "5D"}}),
        ssd_contacts=[
            contact("K1", None, cont_contact_source_code="3D"),
            contact("K2", None, cont_contact_source_desc="Hub"),
            contact("K3", None, cont_person_id="-1"),
        ],
    )
    assert source.contacts is not None
    names = ("contact_id", "child_id", "contact_date", "contact_source")
    assert records(source.contacts, *names) == [
        ("K1", "A", "2023-04-30", "3D"),
        ("K2", "A", "2023-04-30", "5D"),
        ("K3", "", "2023-04-30", ""),
    ]
    assert "ssd_contacts: 1 row of person -1, which is nobody: rejected" in source.notes


def test_a_value_of_any_type_is_the_text_that_a_person_would_type() -> None:
    """As the driver of SQL Server gives them."""
    values = [
        dt.datetime(2023, 5, 1), dt.datetime(2023, 5, 1, 9, 30, 0, 123000), dt.date(2023, 5, 1),
        None, 7, 7.0, 7.5, True, Decimal("12"), "x",
    ]  # fmt: skip
    assert as_texts(values).to_pylist() == [
        "2023-05-01 00:00:00", "2023-05-01 09:30:00.123000", "2023-05-01",
        None, "7", "7", "7.5", "true", "12", "x",
    ]  # fmt: skip
    assert as_texts((None, None)).null_count == 2


def test_numbers_and_bytes_are_read_as_the_text_they_stand_for(tmp_path: Path) -> None:
    """SQLite keeps what was put in, whatever the column is for."""
    rows = [
        episode(cine_referral_id=7, cine_person_id=12.0),
        episode(cine_referral_id="007", cine_person_id=b"12"),
        episode(cine_referral_id=8.5, cine_person_id=" 12 "),
    ]
    source = read(tmp_path, ssd_cin_episodes=rows, ssd_person=[{"pers_person_id": 12}])
    told = records(source.referrals, "referral_id", "child_id")
    assert sorted(told, key=str) == [("007", "12"), ("7", "12"), ("8.5", "12")]
