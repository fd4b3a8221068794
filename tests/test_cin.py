"""The children in need census: read as an element-by-element reading does, and safely."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from unittest.mock import patch

import pytest
from cin_files import COLUMNS, Plainly, census_files, tidy, write_census
from conftest import REPOSITORY, Triage
from hypothesis import assume, given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.sources import cin_stream
from triage.sources.cin import read_cin
from triage.tables import Source
from triage.vocabulary import counted

Row = dict[str, str]
BLOCKS = st.sampled_from([16, 64, 300, 1 << 20])


def read(document: bytes | str, block: int = 1 << 20) -> Source:
    content = document.encode() if isinstance(document, str) else document
    with tempfile.TemporaryDirectory() as folder, patch.object(cin_stream, "BLOCK", block):
        path = Path(folder) / "census.xml"
        path.write_bytes(content)
        return read_cin(path)


def rows_of(source: Source) -> list[tuple[int, Row]]:
    cells = {name: column.cells() for name, column in source.referrals.columns.items()}
    assert set(cells) == set(COLUMNS)
    return [
        (number, {name: cells[name][place] or "" for name in cells})
        for place, number in enumerate(source.referrals.rows.tolist())
    ]


def check_alike(document: bytes, block: int) -> None:
    plainly = Plainly(document)
    if not plainly.rows:
        with pytest.raises(InputError, match="without a CINdetails"):
            read(document, block)
        return
    source = read(document, block)
    assert rows_of(source) == plainly.rows
    expected = {f"tolerated {what}: {counted(n, 'time')}" for what, n in plainly.tolerated.items()}
    assert set(source.notes) == expected
    assert len(source.notes) == len(expected)
    assert source.sha256 == hashlib.sha256(document).hexdigest()


@given(census_files(), BLOCKS)
def test_a_file_is_read_as_element_by_element(document: bytes, block: int) -> None:
    check_alike(document, block)


@given(census_files(), st.data())
def test_a_damaged_file_is_refused_and_never_read_otherwise(
    document: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(document) - 1))
    until = data.draw(st.integers(place, min(len(document), place + 6)))
    new = data.draw(
        st.sampled_from([b"", b"<", b">", b"/", b"&", b" ", b"\x00", b"\xff", b"a", b'"'])
    )
    changed = document[:place] + new + document[until:]
    try:
        root = ET.fromstring(changed)
    except ET.ParseError as error:
        assume("unbound prefix" not in str(error))
        with pytest.raises(InputError, match=r"damaged or cut short|another kind"):
            read(changed)
        return
    if root.tag.rpartition("}")[2] != "Message":
        with pytest.raises(InputError, match="another kind"):
            read(changed)
        return
    check_alike(changed, 1 << 20)


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8
)
CELL = st.one_of(st.sampled_from(["", "2022-05-03", "N1", "<A&B>", "1"]), TEXT).map(tidy)
CELL = CELL.filter(lambda text: text.casefold() not in ("true", "false"))
EPISODES = st.fixed_dictionaries(dict.fromkeys(COLUMNS[3:], CELL) | {"icpc_on": CELL})
CHILDREN = st.lists(
    st.tuples(
        st.fixed_dictionaries(dict.fromkeys(COLUMNS[:3], CELL)),
        st.lists(EPISODES, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=4,
)


@given(CHILDREN, st.sampled_from(["utf-8", "utf-16", "us-ascii"]), BLOCKS)
def test_records_written_as_a_census_are_read_back(
    children: list[tuple[Row, list[Row]]], encoding: str, block: int
) -> None:
    for _, episodes in children:
        for episode in episodes:
            factors = [tidy(one) for one in episode["assessment_factors"].split(";")]
            episode["assessment_factors"] = ";".join(filter(None, factors))
            episode["section47_started_on"] = episode["strategy_discussion_on"]
    source = read(write_census(children, encoding), block)
    assert rows_of(source) == [
        (number, identity | episode)
        for number, (identity, episodes) in enumerate(children, 1)
        for episode in episodes
    ]
    assert source.notes == ()


def message(*parts: str) -> str:
    return f"<Message><Header/><Children>{''.join(parts)}</Children></Message>"


def child(identifier: str = "A1", *parts: str, date: str = "2022-05-01") -> str:
    return (
        f"<Child><ChildIdentifiers><LAchildID>{identifier}</LAchildID></ChildIdentifiers>"
        f"<CINdetails><CINreferralDate>{date}</CINreferralDate>{''.join(parts)}</CINdetails></Child>"
    )


NFA = "<ReferralNFA>true</ReferralNFA>"
ENQUIRY = "<S47ActualStartDate>2022-05-04</S47ActualStartDate>"
TOLERATED = {
    "a file without a Header": f"<Message><Children>{child()}</Children></Message>",
    "GenderCurrent instead of Sex": message(child(), "<Child><GenderCurrent/></Child>"),
    "true or false instead of 1 or 0 in ReferralNFA": message(child("A1", NFA)),
    "stray text inside ChildIdentifiers": message(child("A1</LAchildID>x<LAchildID>A1")),
    "stray text inside Children": message(child(), "x"),
    "unknown block Novelty": message(child("A1", "<Novelty><Part>1</Part></Novelty>")),
    "LAchildID given more than once in one Child (the last is read)": message(
        child("B2</LAchildID><LAchildID>A1")
    ),
    "CINclosureDate given more than once in one CINdetails (the last is read)": message(
        child("A1", "<CINclosureDate>2022-05-02</CINclosureDate><CINclosureDate/>")
    ),
    "CINdetails outside Child (read all the same)": message(
        child().replace("<CINdetails>", "<Sex><CINdetails>").replace("</Child>", "</Sex></Child>")
    ),
    "PersonBirthDate outside ChildIdentifiers (read all the same)": message(
        child("A1", "<PersonBirthDate>2015-01-01</PersonBirthDate>")
    ),
    "CINclosureDate outside CINdetails (not read)": message(
        child("A1", "<Assessments><CINclosureDate>2022-05-02</CINclosureDate></Assessments>")
    ),
    "an episode with more than one section 47 enquiry (the first to start is judged)": message(
        child("A1", *[f"<Section47>{ENQUIRY}</Section47>"] * 2)
    ),
    "the prefix c without a declaration": message(child("A1", "<c:ReferralNFA>1</c:ReferralNFA>")),
}  # fmt: skip


@pytest.mark.parametrize("what", TOLERATED)
def test_what_is_tolerated_is_counted_and_named(what: str) -> None:
    source = read(TOLERATED[what])
    extra = {"stray text inside ChildIdentifiers": "LAchildID given more"}.get(what, what)
    assert f"tolerated {what}: 1 time" in source.notes
    assert all(what in note or extra in note for note in source.notes)
    assert source.referrals.columns["child_id"].cells() == ["A1"]


def test_a_file_as_the_schema_has_it_is_read_without_a_note() -> None:
    assert read(message(child("A1"), child("B2"))).notes == ()


def test_many_unknown_blocks_are_told_in_few_notes() -> None:
    blocks = [f"<N{number}/>" * 2 for number in range(200)]
    notes = read(message(child("A1", *blocks))).notes
    assert len(notes) == 41
    assert "tolerated other unknown blocks: 320 times" in notes


def test_the_first_assessment_to_start_is_judged_and_unreadable_starts_come_last() -> None:
    starts = ("soon", "", "2022-06-03", "02/06/2022", "2022-06-02")
    parts = [
        f"<Assessments><AssessmentActualStartDate>{start}</AssessmentActualStartDate>"
        f"<AssessmentAuthorisationDate>2022-07-0{number}</AssessmentAuthorisationDate></Assessments>"
        for number, start in enumerate(starts, 1)
    ]
    columns = read(message(child("A1", *parts))).referrals.columns
    assert columns["assessment_started_on"].cells() == ["02/06/2022"]
    assert columns["assessment_authorised_on"].cells() == ["2022-07-04"]


@pytest.mark.parametrize(
    ("details", "day"),
    [
        ("<Year>2023</Year><ReferenceDate>2024-03-31</ReferenceDate>", "2024-03-31"),
        ("<Year>2023</Year><ReferenceDate>soon</ReferenceDate>", "2023-03-31"),
        ("<Year> 2023 </Year>", "2023-03-31"),
        ("<Year>20230</Year>", "None"),
        ("", "None"),
    ],
)
def test_the_day_of_the_census_is_its_reference_date_else_the_end_of_its_year(
    details: str, day: str
) -> None:
    header = f"<Header><CollectionDetails>{details}</CollectionDetails></Header>"
    assert str(read(message(child()).replace("<Header/>", header)).census_day) == day


ENTITY = "declares an entity or names an outside file"
BOMB = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10 if n else "ha"}">' for n in range(12))
REFUSED = {
    "a bomb of entities": (f"<!DOCTYPE Message [{BOMB}]><Message>&b11;</Message>", ENTITY),
    "an outside entity": (
        '<!DOCTYPE Message [<!ENTITY x SYSTEM "file:///etc/hosts">]><Message>&x;</Message>',
        ENTITY,
    ),
    "a parameter entity": (
        '<!DOCTYPE Message [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><Message/>',
        ENTITY,
    ),
    "an outside document type": (
        '<!DOCTYPE Message SYSTEM "http://127.0.0.1:9/x.dtd"><Message/>',
        ENTITY,
    ),
    "an entity that is passed over": (
        "<!DOCTYPE Message [%nope;]><Message>&x;</Message>",
        ENTITY,
    ),
    "an unknown entity": ("<Message>&nosuch;</Message>", "damaged or cut short"),
    "another root": ("<html><body/></html>", "its root is html"),
    "a page with a document type": (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x.dtd"><html/>',
        "its root is html",
    ),
    "too deep": ("<Message>" + "<a>" * 70, "more than 64 deep"),
    "too many names": (
        "<Message>" + "".join(f"<n{number}/>" for number in range(10_001)) + "</Message>",
        "more than 10,000 different element names",
    ),
    "a long tag": (f"<Message {'a' * 60_000}='1'/>", "a tag of more than 50,000 characters"),
    "an end tag too many": (message(child()) + "</Message>", "damaged or cut short"),
    "two roots": (message(child()) * 2, "damaged or cut short"),
    "cut short": (message(child())[:-4], "damaged or cut short"),
    "elements that cross": (message("<Child><Sex></Child></Sex>"), "damaged or cut short"),
    "an attribute twice": (message("<Child a='1' a='2'/>"), "damaged or cut short"),
    "no episode": (message("<Child/>"), "without a CINdetails block"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(triage: Triage, case: str) -> None:
    document, said = REFUSED[case]
    Path("census.xml").write_text(document, "utf-8")
    code, out, err = triage("check", "census.xml")
    assert (code, out) == (3, "")
    assert said in err
    assert err.count("\n") == 1
    assert len(err) < 300


@pytest.mark.parametrize("size", [40 << 20, 4 << 30])
def test_a_file_of_holes_is_refused_before_it_is_read_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "census.xml"
    with path.open("wb") as file:
        file.write(b"<Message>" + child().encode())
        file.truncate(size)
    with pytest.raises(InputError, match="too long to be read"):
        read_cin(path)


def test_a_cell_of_megabytes_is_read() -> None:
    assert read(message(child("x" * 9_000_000), child("B2"))).n_rows == 2


def test_dates_out_of_order_are_findings_with_what_was_typed_and_lose_no_row(
    triage: Triage,
) -> None:
    parts = "<CINclosureDate>2020-01-01</CINclosureDate><ReasonForClosure>RC7</ReasonForClosure>"
    early = child("B2", date="1985-03-01")
    Path("census.xml").write_text(message(child("A1", parts, date="2021-05-03"), early), "utf-8")
    options = ("--as-of", "2022-03-31", "--window", "all", "--format", "json")
    code, out, err = triage("nightly", "census.xml", *options)
    assert code == 0, err
    found = json.loads(out)
    assert found["rows"]["judged"] == 2
    check = "closed_on is before referral_date (census rule 8630)"
    assert f"{check}: 1 row, judged as typed" in found["notes"]
    code, out, err = triage("rejects")
    assert code == 0, err
    told = "closed_on '2020-01-01' is before referral_date '2021-05-03' (census rule 8630)"
    assert f"query,census.xml,1,closed_on,{told}" in out.splitlines()
    assert "problem,census.xml,2,referral_date,'1985-03-01' lies before 1990" in out


def test_reading_needs_little_more_memory_than_the_tables_it_returns() -> None:
    command = [sys.executable, REPOSITORY / "tests/benchmarks/read_cin.py"]
    options = ["--children", "2000", "--times", "1"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    told = re.findall(r"(\w+): 2,\d{3} children, .* (\d+) MB above the \d+ MB", done.stdout)
    assert [kind for kind, _ in told] == ["dirty", "clean"]
    assert all(int(above) <= 100 for _, above in told)
