"""Texts and places as a hostile person leaves them, read within bounds or told apart in time."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import types
from pathlib import Path
from typing import Any

import hostile as h
import pandas as pd
import pytest
from conftest import REPOSITORY
from contained import MOST_MEGABYTES, NOBODY, Contained, Outcome, is_refused, keeps_to_bounds
from hostile import GOOD, folder_of, written

from triage import sources
from triage.errors import InputError
from triage.sources import folder, guard, read_source
from triage.sources.mapping import beside_of

UNDECIDED = "child_id,referral_date,decision_at,team\n"


def seen(outcome: Outcome, start: float) -> dict[str, Any]:
    """The result of a check that ran to its end within bounds."""
    keeps_to_bounds(outcome, start)
    assert (outcome.code, outcome.err) == (0, "")
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def test_the_measure_notices_memory(contained: Contained, start: float, tmp_path: Path) -> None:
    rows = "".join(f"C{number},2023-05-01,N{number}\n" for number in range(150_000))
    outcome = contained.check(written(GOOD + rows)(tmp_path), folder=tmp_path)
    assert outcome.code == 0
    assert start + 50 < outcome.megabytes
    with pytest.raises(AssertionError):
        keeps_to_bounds(outcome, outcome.megabytes - MOST_MEGABYTES - 1)


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
    contained: Contained, start: float
) -> None:
    """Made in memory where the system can: it is the reading that is measured."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as place:
        path = h.folder_of_strangers(100_000)(Path(place))
        (path / "decisons.csv").write_text("")
        outcome = contained.check(path, "--format", "json", folder=path)
    notes = seen(outcome, start)["notes"]
    assert len(notes) == 21
    assert "did you mean decisions.csv?" in notes[0]
    assert notes[20] == "99,981 further files like these were passed over"


def test_rows_that_are_all_cut_short_are_listed_within_bounds(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    path = written(GOOD + "a\n" * 200_000)(tmp_path)
    outcome = contained.check(path, "--quiet", folder=tmp_path)
    keeps_to_bounds(outcome, start)
    assert outcome.code == 0
    assert "200,000 rows rejected" in outcome.out


def test_cells_of_nearly_a_megabyte_are_read_within_bounds(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    rows = "".join(f"{letter * 900_000},2023-05-01,North\n" for letter in "CDE")
    outcome = contained.check(written(GOOD + rows)(tmp_path), folder=tmp_path)
    keeps_to_bounds(outcome, start)
    assert outcome.code == 0


@pytest.mark.parametrize("command", ["map", "describe"])
def test_the_commands_that_look_into_an_input_are_guarded_as_well(
    contained: Contained, start: float, tmp_path: Path, command: str
) -> None:
    for make, said in ((h.pipe, "is a pipe"), (h.many_columns(20_000), "has 20,002 columns")):
        path = make(tmp_path)
        is_refused(contained.run("sources", command, path, folder=tmp_path), start, said)
        path.unlink()


def test_a_mapping_beside_a_table_that_is_one_long_hole_is_refused(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    path = written("who,when\nA,2023-05-01\n")(tmp_path)
    h.sparse(b"", name=beside_of(path).name)(tmp_path)
    outcome = contained.check(path, folder=tmp_path)
    keeps_to_bounds(outcome, start)
    assert outcome.code == 2
    assert "is larger than any mapping" in outcome.err


def test_nothing_in_a_record_reaches_the_terminal_as_a_command(
    contained: Contained, start: float, tmp_path: Path
) -> None:
    evil = "\x1b[2J\x1b]0;x\x07\x9b31m\u202e\u2066\x7f"
    path = written(f"{UNDECIDED.strip()},nfa,{evil}\nA{evil},2023-05-01,,,{evil}no,x\n")(tmp_path)
    outcome = contained.check(path, folder=tmp_path)
    keeps_to_bounds(outcome, start)
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
        shutil.copytree(REPOSITORY / "rules", place / "rules")
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


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx", "xml", "folder"])
def test_a_file_that_an_export_still_writes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """The export goes on right after the file was admitted."""
    rows = pd.DataFrame({"child_id": ["A"], "referral_date": ["2023-05-01"]})
    path = tmp_path / f"table.{form}"
    match form:
        case "parquet":
            rows.to_parquet(path)
        case "xlsx":
            rows.to_excel(path, index=False)
        case "xml":
            path = h.xml("")(tmp_path)
        case "folder":
            path = folder_of(referrals=GOOD)(tmp_path)
        case _:
            path.write_text(GOOD)
    read_source(str(path))
    admit = guard.admit

    def admitted_too_soon(place: Path) -> guard.Admitted:
        found = admit(place)
        os.utime(place, ns=(1, 1))
        return found

    monkeypatch.setattr(sources, "admit", admitted_too_soon)
    with pytest.raises(InputError, match="was changed while it was being read; wait until"):
        read_source(str(path))


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
