"""Hostile texts, XML and places: each is refused or read with a sentence, in bounds.

Every case runs the command in a process of its own (``contained.py``): the peak of its memory stays
within 300 MB of that of a small good table, and its time within 10 seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile as h
import pytest
from contained import NOBODY, Contained, Outcome
from hostile import GOOD, HEADING, ROW, Maker, folder_of, late, sparse, written

from triage.errors import InputError
from triage.sources import folder, guard, read_source

RULES = Path(__file__).resolve().parents[1] / "rules"
MOST_MEGABYTES = 300
MOST_SECONDS = 10
UTF_16 = b"\xff\xfe" + GOOD.encode("utf-16-le")
UNDECIDED = "child_id,referral_date,decision_at,team\n"
NUL = "holds NUL bytes from line"


@pytest.fixture(scope="module")
def contained() -> Iterator[Contained]:
    process = Contained()
    yield process
    process.close()


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one rule: what is refused is so before any rule is asked."""
    place = tmp_path_factory.mktemp("rules")
    shutil.copy(next(RULES.glob("DEC-01-*.yaml")), place)
    return place


@pytest.fixture(scope="module")
def start(contained: Contained, rules: Path) -> float:
    """Megabytes that the command takes for a small good table."""
    outcome = contained.check(written(GOOD)(rules), "--rules", rules, folder=rules)
    assert outcome.code == 0
    return outcome.megabytes


def keeps_to(outcome: Outcome, start: float) -> None:
    assert outcome.megabytes < start + MOST_MEGABYTES
    assert outcome.cpu < MOST_SECONDS
    assert "Traceback" not in outcome.err + outcome.out
    assert "went wrong" not in outcome.err


def is_refused(outcome: Outcome, start: float, said: str) -> None:
    """One sentence on stderr, nothing on stdout, exit 3, and within bounds."""
    keeps_to(outcome, start)
    assert outcome.code == 3, outcome.err
    assert outcome.out == ""
    assert said in outcome.err
    (line,) = outcome.err.splitlines()
    assert line.startswith("triage: ")
    assert line.endswith(".")
    assert line.isprintable()


def seen(outcome: Outcome, start: float) -> dict[str, Any]:
    """The result of a check that ran to its end within bounds."""
    keeps_to(outcome, start)
    assert (outcome.code, outcome.err) == (0, "")
    found: dict[str, Any] = json.loads(outcome.out)
    return found


REFUSED: dict[str, tuple[Maker, str]] = {
    "4 GB of nothing": (sparse(b""), "looks like a binary file, not text"),
    "4 GB of nothing under a good heading": (sparse(GOOD.encode()), f"{NUL} 4 on"),
    "4 GB of nothing after 4 MB": (late(lambda: sparse((HEADING + ROW * 300_000).encode())), f"{NUL} 300,002"),
    "4 GB of nothing in UTF-16": (sparse(UTF_16), f"{NUL} 4 on"),
    "4 GB of nothing in XML": (sparse(b"<Message>", name="a.xml"), "is too long to be read"),
    "a NUL byte in a heading": (written("child_id,ref\0erral_date\nA,2023-05-01\n"), "binary"),
    "a NUL byte in a cell": (written(GOOD + "C,2023-05-01,No\0rth\n"), f"{NUL} 4 on"),
    "text in UTF-32": (written(GOOD.encode("utf-32")), "text in UTF-32, which is not read"),
    "a million columns": (late(lambda: h.many_columns(1_000_000)), "at most 16,384 are read"),
    "20,000 columns": (late(lambda: h.many_columns(20_000)), "has 20,002 columns; at most 16,384 are read"),
    "a cell of 10 MB": (
        late(lambda: written(GOOD + f"C,2023-05-01,{'x' * 10_000_000}\n")),
        "a cell in or after line 4 holds more than 1,000,000 characters",
    ),
    "a quoted cell of 10 MB": (
        late(lambda: written(GOOD + f'C,2023-05-01,"{chr(10) * 10_000_000}"\n')),
        "a cell in or after line 4 holds more than 1,000,000 characters",
    ),
    "a heading of 10 MB": (
        late(lambda: written(f"child_id,referral_date,{'x' * 10_000_000}\n{ROW}")),
        "its first row goes on for more than 1,000,000 characters",
    ),
    "a quotation mark that is not closed": (
        late(lambda: written(HEADING + 'A,2023-05-01,"North\n' + ROW * 400_000)),
        "close the quotation mark before it",
    ),
    "a quotation mark that is not closed, at the end": (
        written(GOOD + 'C,2023-05-01,"North\n'),
        "a quotation mark in or after line 4 is not closed",
    ),
    "a quotation mark that is not closed, in a heading": (
        late(lambda: written('child_id,"referral_date,team\n' + ROW * 400_000)),
        "its first row goes on for more than 1,000,000 characters",
    ),
    "a row of 40 MB": (late(lambda: written(HEADING + "x" * 40_000_000)), "goes on for more than 16 MB"),
    "delimiters alone, in one row": (late(lambda: written("," * 20_000_000)), "goes on for more than 16 MB"),
    "delimiters alone": (late(lambda: written(",,,\n" * 5_000_000)), "looks like a table without headings"),
    "delimiters under a good heading": (
        late(lambda: written(HEADING + ",,\n" * 1_000_000)),
        "child_id is blank in every one of its 1,000,000 rows",
    ),
    "nothing": (written(""), "is empty"),
    "a mark of UTF-8 alone": (written(b"\xef\xbb\xbf"), "is empty"),
    "a mark of UTF-16 alone": (written(b"\xff\xfe"), "is empty"),
    "blank characters alone": (late(lambda: written(" " * 9_000_000)), "begins with 4,096 blank characters"),
    "packed with gzip": (h.packed_with_gzip, "is packed with gzip; unpack it"),
    "a program": (written(b"\x7fELF\x02\x01\x01" + bytes(99)), "looks like a program"),
    "a heading twice": (written("child_id,referral_date,Child ID\nA,2023-05-01,B\n"), "headed"),
    "colours and turned text in headings": (
        written("\x1b[31mchild\x1b]0;x\x07,\u202eetad,\x9b2J\nA,2023-05-01,\n"),
        "looks like a table headed  [31mchild ]0;x ,  etad,  2J",
    ),
    "a pipe": (h.pipe, "is a pipe, which can be read only once"),
    "a socket": (h.a_socket, "is a socket, not a file"),
    "zeros without end": (h.there("/dev/zero"), "is a device, not a file"),
    "a full device": (h.there("/dev/full"), "is a device, not a file"),
    "a link to zeros without end": (h.link("/dev/zero"), "is a device, not a file"),
    "what the system shows without a size": (h.there("/proc/self/status"), "is empty"),
    "a link that leads nowhere": (h.link("gone.csv"), "is a link to gone.csv, which is not there"),
    "a link that leads to itself": (h.link("table.csv"), "is a link that leads back to itself"),
    "a name that is too long": (h.there("x" * 300), "cannot be opened (File name too long)"),
    "a place below a file": (h.there("/dev/null/x"), "there is no such file or folder"),
    "nothing there": (h.there("nowhere.csv"), "there is no such file or folder"),
    "an empty folder": (folder_of(), "looks like a folder that holds nothing"),
    "a folder with a pipe in it": (folder_of(referrals=GOOD, decisions=h.pipe), "is a pipe"),
    "a folder with a link in it that leads nowhere": (
        folder_of(referrals=GOOD, decisions=h.link("gone.csv")),
        "decisions.csv: is a link to gone.csv, which is not there",
    ),
    "a folder with a hostile table in it": (
        folder_of(referrals=GOOD, decisions=sparse(b"referral_id,decision_at\n")),
        f"decisions.csv: {NUL} 2 on",
    ),
    "a folder with XML for a table": (
        folder_of(referrals=GOOD, decisions=h.laughs()),
        "decisions.csv: is no table",
    ),
    "the billion laughs": (h.laughs(), "declares an entity"),
    "the billion laughs in UTF-16": (h.laughs(encoding="utf-16"), "declares an entity"),
    "one long entity, often": (late(lambda: h.quadratic()), "declares an entity"),
    "an entity from another file": (h.external("file:///etc/passwd"), "declares an entity"),
    "an entity from another machine": (h.external("http://localhost:9/x"), "declares an entity"),
    "a million levels": (late(lambda: h.nested(1_000_000)), "lie in one another more than"),
    "a million levels that are not closed": (
        late(lambda: written("<Message><Children><Child>" + "<a>" * 1_000_000, "a.xml")),
        "lie in one another more than",
    ),
    "a million attributes": (late(lambda: h.with_attributes(1_000_000)), "has a tag of more than"),
    "a text of 40 MB in XML": (late(lambda: h.xml(f"<UPN>{'x' * 40_000_000}</UPN>")), "is too long to be read"),
    "a comment of 40 MB in XML": (late(lambda: h.xml(f"<!--{'x' * 40_000_000}-->")), "is too long to be read"),
    "a name of 20 MB in XML": (late(lambda: h.xml(f"<{'x' * 20_000_000}/>")), "has a tag of more than"),
    "200,000 kinds of elements": (
        late(lambda: h.xml("".join(f"<b{number}/>" for number in range(200_000)))),
        "different element names",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_do_harm_is_refused_in_one_sentence_and_within_bounds(
    contained: Contained, start: float, rules: Path, tmp_path: Path, make: Maker, said: str
) -> None:
    path = make(tmp_path)
    outcome = contained.check(path, "--rules", rules, folder=tmp_path)
    is_refused(outcome, start, said)
    assert str(path)[-60:].rpartition("/")[2] in outcome.err


def test_the_commands_that_a_user_starts_keep_to_the_bounds_too(
    contained: Contained, tmp_path: Path
) -> None:
    good = contained.check(written(GOOD, "good.csv")(tmp_path), folder=tmp_path, afresh=True)
    assert good.code == 0
    cases = {"check": "4 GB of nothing under a good heading", "nightly": "a pipe"}
    for command, case in cases.items():
        make, said = REFUSED[case]
        path = make(tmp_path)
        outcome = contained.run(command, path, folder=tmp_path, afresh=True)
        is_refused(outcome, good.megabytes, said)
        path.unlink()


def test_mixed_line_ends_are_read_inside_and_outside_quotation_marks(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    rows = 'A,2023-05-01,"No\r\nrth"\rB,2023-05-02,"So\ruth"\nC,2023-05-03,"Ea\nst"\r\n\r\r'
    for end in ("", "D,2023-05-04\r", "E,bad,x\n"):
        path = written(f"child_id,referral_date,team\r{rows}{end}")(tmp_path)
        outcome = contained.check(path, "--format", "json", folder=tmp_path)
        found = seen(outcome, start)
        assert found["rows"]["read"] == 3 + bool(end)
        wrong = {one["row"] for one in found["problems"] + found["rejections"]}
        assert wrong == ({5} if end else set())


def test_formulas_in_cells_are_text(contained: Contained, start: float, tmp_path: Path) -> None:
    path = written(UNDECIDED + "=cmd|'/c calc'!A0,2023-05-01,,@SUM(1+1)*cmd\n")(tmp_path)
    found = seen(contained.check(path, "--format", "json", folder=tmp_path), start)
    assert found["flags"][0]["child_id"] == "=cmd|'/c calc'!A0"
    assert found["flags"][0]["team"] == "@SUM(1+1)*cmd"


def test_thousands_of_unknown_columns_do_not_hide_what_else_is_said(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    path = h.many_columns(16_000)(tmp_path)
    notes = seen(contained.check(path, "--format", "json", folder=tmp_path), start)["notes"]
    assert notes[0] == "unknown column 'c0' was ignored"
    assert notes[20] == "15,980 further columns like these were ignored"
    assert len(notes) == 21


def test_a_hundred_thousand_files_in_a_folder_are_told_in_a_few_lines(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    path = h.folder_of_strangers(100_000)(tmp_path)
    (path / "decisons.csv").write_text("")
    outcome = contained.check(path, "--format", "json", folder=tmp_path)
    shutil.rmtree(path)
    notes = seen(outcome, start)["notes"]
    assert len(notes) == 21
    assert "did you mean decisions.csv?" in notes[0]
    assert notes[20] == "99,981 further files like these were passed over"


def test_rows_that_are_all_cut_short_are_listed_within_bounds(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    path = written(GOOD + "a\n" * 200_000)(tmp_path)
    outcome = contained.check(path, "--quiet", folder=tmp_path)
    keeps_to(outcome, start)
    assert outcome.code == 0
    assert "200,000 rows rejected" in outcome.out


def test_cells_of_nearly_a_megabyte_are_read_within_bounds(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    rows = "".join(f"{letter * 900_000},2023-05-01,North\n" for letter in "CDE")
    outcome = contained.check(written(GOOD + rows)(tmp_path), folder=tmp_path)
    keeps_to(outcome, start)
    assert outcome.code == 0


def test_nothing_in_a_record_reaches_the_terminal_as_a_command(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    evil = "\x1b[2J\x1b]0;x\x07\x9b31m\u202e\u2066\x7f"
    path = written(f"{UNDECIDED.strip()},nfa,{evil}\nA{evil},2023-05-01,,,{evil}no,x\n")(tmp_path)
    outcome = contained.check(path, folder=tmp_path)
    keeps_to(outcome, start)
    assert outcome.code == 0
    assert all(line.isprintable() for line in outcome.out.splitlines())
    assert "is neither true nor false" in outcome.out
    told = contained.check(path, "--format", "json", folder=tmp_path)
    assert json.loads(told.out)["flags"][0]["child_id"] == f"A{evil}"
    assert all(line.isprintable() for line in told.out.splitlines())


def test_the_name_of_a_file_is_no_command_to_the_terminal_either(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    outcome = contained.check("\x1b[31mevil\u202e.csv", folder=tmp_path)
    is_refused(outcome, start, " [31mevil .csv: there is no such file or folder")


@pytest.mark.parametrize("name", ["\udcff.csv", "a\0b.csv"])
def test_a_name_that_is_no_text_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"\.csv: its name holds bytes that are no text"):
        read_source(name)


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_what_may_not_be_read_is_refused(
    contained: Contained, start: float, is_folder: bool
) -> None:
    """Root may read anything, so where the tests run as root the command runs as nobody."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        shutil.copytree(RULES, place / "rules")
        place.chmod(0o755)
        path = (folder_of(referrals=GOOD) if is_folder else written(GOOD))(place)
        path.chmod(0o755)
        asked: dict[str, Any] = {"folder": place, "user": NOBODY}
        readable = contained.check(path.name, "--rules", "rules", **asked)
        path.chmod(0)
        outcome = contained.check(path.name, "--rules", "rules", **asked)
        path.chmod(0o700)
    assert readable.code == 0, readable.err
    is_refused(outcome, start, f"{path.name}: may not be read by this user")


def test_a_file_that_goes_away_after_it_was_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder_of(referrals=GOOD, decisions="referral_id,decision_at\n")(tmp_path)
    listed = folder.table_files

    def listed_then_gone(place: Path) -> dict[str, Path]:
        found = listed(place)
        found["decisions"].unlink()
        return found

    monkeypatch.setattr(folder, "table_files", listed_then_gone)
    with pytest.raises(InputError, match=r"decisions\.csv: was there and is gone"):
        read_source(str(path))


def test_a_file_that_becomes_a_pipe_after_a_first_look_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "check_place", lambda path: None)
    with pytest.raises(InputError, match="was a file and is none any more"):
        guard.admit(h.pipe(tmp_path))


@pytest.mark.parametrize("changed", [GOOD + ROW, GOOD.replace("North", "Norse")])
def test_a_file_that_an_export_still_writes_is_refused(tmp_path: Path, changed: str) -> None:
    path = written(GOOD)(tmp_path)
    admitted = guard.admit(path)
    admitted.check_unchanged()
    path.write_text(changed, "utf-8")
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match="was changed while it was being read"):
        admitted.check_unchanged()


@pytest.mark.parametrize("kind", [stat.S_IFBLK, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_device_is_known_by_its_kind_before_it_is_opened(
    monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    shown = types.SimpleNamespace(st_mode=kind | 0o600)
    monkeypatch.setattr(Path, "stat", lambda path: shown)
    with pytest.raises(InputError, match="not a file"):
        guard.check_place(Path("/dev/whatever"))


@pytest.mark.parametrize("text", ["Ā,Ȁ", "\u4100\u0041", "a\u0100\u0001b"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_bytes_of_zero_within_characters_of_utf_16_are_no_nul(
    tmp_path: Path, text: str, encoding: str
) -> None:
    whole = f'child_id,referral_date,team\nA,2023-05-01,"{text}"\n'
    source = read_source(str(written(whole.encode(encoding))(tmp_path)))
    assert source.referrals.columns["team"].cells() == [text]
