"""The commands as scripts and people call them: exit codes, output, messages, settings."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from conftest import AS_OF, Triage

from triage.cli import cli
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.vocabulary import SEVERITIES

RUN_KEYS = {
    "as_of", "inputs", "ruleset", "rows", "window", "history_from", "notes", "rejections",
    "joins", "problems", "rules", "flags", "due", "contacts", "trial",
}  # fmt: skip
FLAG_KEYS = {
    "rule", "severity", "child_id", "referral_id", "referral_date", "team", "message", "due_on",
    "overdue_working_days", "evidence",
}  # fmt: skip


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*above, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


@pytest.mark.parametrize("words", [(), *commands(cli)], ids=" ".join)
def test_help_of_every_command_shows_an_example(triage: Triage, words: tuple[str, ...]) -> None:
    code, out, _ = triage(*words, "--help")
    assert code == 0
    assert "Example: triage" in out


def test_without_a_command_it_says_what_to_do_first(triage: Triage) -> None:
    code, out, err = triage()
    assert (code, err) == (0, "")
    assert "triage demo" in out


def check(triage: Triage, records: Path, *more: str | Path) -> Any:
    code, out, err = triage("check", records, "--as-of", AS_OF, "--format", "json", *more)
    assert code == 0, err
    return json.loads(out)


def test_check_prints_the_object_of_the_contract_and_stores_nothing(
    triage: Triage, records: Path, workplace: Path
) -> None:
    found = check(triage, records)
    assert list(workplace.iterdir()) == [records]
    assert found.keys() == RUN_KEYS
    assert found["inputs"][0].keys() == {"path", "kind", "sha256", "rows"}
    assert found["inputs"][0]["path"] == str(records)
    rows = dict(found["rows"])
    assert rows.pop("read") == sum(rows.values()) == 4
    loaded = load_rules(shipped("rules"))
    assert [rule["id"] for rule in found["rules"]] == [rule.id for rule in loaded.rules]
    assert found["ruleset"] == {"hash": loaded.hash, "count": len(loaded.rules)}
    for rule in found["rules"]:
        assert rule["flag"] + rule["clear"] + rule["cannot_tell"] == rows["judged"]
    order = [
        (SEVERITIES.index(f["severity"]), f["referral_date"], f["referral_id"], f["rule"])
        for f in found["flags"]
    ]
    assert order == sorted(order) != []
    assert all(flag.keys() == FLAG_KEYS for flag in found["flags"])


def test_a_flag_with_a_time_limit_says_when_it_was_due_and_by_how_much(
    triage: Triage, records: Path
) -> None:
    flags = {(f["rule"], f["referral_id"]): f for f in check(triage, records)["flags"]}
    late = flags["DEC-02", "R2"]
    assert (late["due_on"], late["overdue_working_days"]) == ("2023-05-11", 2)
    assert "3 working days after the referral of 10 May 2023; the limit is 1" in late["message"]
    again = flags["REF-01", "R2"]
    assert (again["due_on"], again["overdue_working_days"]) == (None, None)


def test_nightly_adds_what_it_changed_in_the_queue(triage: Triage, records: Path) -> None:
    code, out, _ = triage("nightly", records, "--as-of", AS_OF, "--format", "json")
    assert code == 0
    found = json.loads(out)
    assert found.keys() == RUN_KEYS | {"queue", "oversight"}
    assert found["queue"].keys() == {"new", "still_flagged", "changed", "cleared", "reopened"}


@pytest.mark.parametrize(
    ("severity", "expected"), [("critical", 1), ("high", 1), ("medium", 1), ("low", 1)]
)
def test_fail_on_is_met_by_that_severity_or_above(
    triage: Triage, records: Path, severity: str, expected: int
) -> None:
    assert triage("check", records, "--as-of", AS_OF, "--fail-on", severity)[0] == expected


def test_fail_on_is_not_met_by_lesser_flags(triage: Triage, workplace: Path) -> None:
    (workplace / "again.csv").write_text(
        "child_id,referral_date\nA,2022-01-10\nA,2022-11-01\nA,2023-05-31\n"
    )
    found = check(triage, Path("again.csv"))
    assert {flag["severity"] for flag in found["flags"]} == {"medium"}
    call = ("check", "again.csv", "--as-of", AS_OF, "--fail-on")
    assert [triage(*call, severity)[0] for severity in SEVERITIES] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("check",), 2, "SOURCE"),
        (("check", "records.csv", "--as-of", "31/12/2022"), 2, "YYYY-MM-DD"),
        (("check", "records.csv", "--as-of", "1066-10-14"), 2, "1990"),
        (("check", "records.csv", "--window", "some"), 2, "months"),
        (("check", "records.csv", "--window", "-1"), 2, "months"),
        (("check", "records.csv", "--rules", "nowhere"), 2, "no such folder of rules"),
        (("check", "records.csv", "--fail-on", "dire"), 2, "dire"),
        (("check", "records.csv", "--output", "nowhere/flags.csv"), 2, "cannot be written"),
        (("check", "records.csv", "--output", "flags.odt"), 2, ".parquet"),
        (("check", "missing.csv"), 3, "no such file"),
        (("check", "sqlite:///ssd.db"), 3, "ssd.db"),
        (("nightly",), 2, "no input was given"),
        (("nightly", "q.db", "--db", "sqlite:///q.db"), 2, "the queue is kept in a database of"),
        (("rules", "show", "ZZZ-99"), 2, "rules list"),
        (("rules", "test", "ZZZ-99"), 2, "rules list"),
        (("frobnicate",), 2, "frobnicate"),
    ],
)
def test_a_wrong_call_gets_one_sentence_and_its_exit_code(
    triage: Triage, records: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, out, err = triage(*arguments)
    assert (found, out) == (code, "")
    assert said in err


def test_flags_as_csv_and_as_files(triage: Triage, records: Path) -> None:
    flags = check(triage, records)["flags"]
    _, out, _ = triage("check", records, "--as-of", AS_OF, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["message"] for row in rows] == [flag["message"] for flag in flags]
    for name in ("flags.csv", "flags.json", "flags.parquet"):
        code, _, err = triage("check", records, "--as-of", AS_OF, "--output", name)
        assert (code, err) == (0, f"Wrote {name}.\n")
    assert Path("flags.csv").read_text("utf-8") == out
    assert json.loads(Path("flags.json").read_text("utf-8"))["flags"] == flags
    frame = pd.read_parquet("flags.parquet")
    assert frame["message"].tolist() == [flag["message"] for flag in flags]
    assert frame["referral_date"].tolist() == [
        date.fromisoformat(flag["referral_date"]) for flag in flags
    ]


def test_json_to_a_file_and_to_the_screen_is_written_once(triage: Triage, records: Path) -> None:
    call = ("check", records, "--as-of", AS_OF, "--format", "json", "--quiet", "--output")
    assert triage(*call, "whole.json") == (0, "", "")
    assert json.loads(triage(*call, "flags.parquet")[1]) == json.loads(
        Path("whole.json").read_text("utf-8")
    )


def test_a_flag_of_the_call_beats_the_environment_beats_the_file_beats_the_default(
    triage: Triage, records: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check(triage, records)["window"] == "3"
    (workplace / "triage.toml").write_text("window = 5\nhistory_from = 2020-04-01\n")
    assert check(triage, records)["window"] == "5"
    assert check(triage, records)["history_from"] == "2020-04-01"
    monkeypatch.setenv("TRIAGE_WINDOW", "7")
    assert check(triage, records)["window"] == "7"
    assert check(triage, records, "--window", "all")["window"] == "all"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('windw = "3"', "did you mean window"),
        ("[review_days]\ncritical = -1", "review_days.critical"),
        ("window = [", "not valid TOML"),
        ('window = "soon"', "window"),
    ],
)
def test_wrong_settings_are_named(
    triage: Triage, records: Path, workplace: Path, text: str, said: str
) -> None:
    (workplace / "triage.toml").write_text(text)
    code, out, err = triage("check", records)
    assert (code, out) == (2, "")
    assert said in err


def test_init_writes_settings_that_load_and_never_overwrites(
    triage: Triage, records: Path, workplace: Path
) -> None:
    assert triage("init")[0] == 0
    written = (workplace / "triage.toml").read_text("utf-8")
    assert check(triage, records)["window"] == "3"
    assert triage("init")[0] == 2
    assert (workplace / "triage.toml").read_text("utf-8") == written
    every_key = "\n".join(
        line.removeprefix("# ") if " = " in line else line for line in written.splitlines()
    )
    (workplace / "triage.toml").write_text(
        every_key.replace('"our_rules"', repr(str(shipped("rules"))))
    )
    (workplace / "own_rules").mkdir()
    (workplace / "mappings").mkdir()
    (workplace / "mappings" / "our_system.toml").write_text('columns.Gone.means = "team"\n')
    assert triage("check", records, "--as-of", AS_OF)[0] in (0, 1)


def test_nightly_reads_the_sources_of_the_settings(
    triage: Triage, records: Path, workplace: Path
) -> None:
    (workplace / "triage.toml").write_text('sources = ["records.csv"]\n')
    assert triage("nightly", "--as-of", AS_OF)[0] == 0
    assert triage("runs")[0] == 0


def test_rules_are_listed_shown_and_tested(triage: Triage) -> None:
    listed = json.loads(triage("rules", "list", "--format", "json")[1])
    assert {rule["id"] for rule in listed} == {r.id for r in load_rules(shipped("rules")).rules}
    shown = triage("rules", "show", "dec-02")[1]
    assert "DEC-02 Decision late" in shown
    assert "limit: 1 working days (0 to 20)" in shown
    code, out, _ = triage("rules", "test", "DEC-02")
    assert (code, out.splitlines()[-1]) == (0, "6 passed, 0 failed")


def test_an_example_that_fails_ends_with_exit_2(triage: Triage, workplace: Path) -> None:
    rule = next(shipped("rules").glob("DEC-02*"))
    text = rule.read_text("utf-8").replace("    value: 1\n", "    value: 2\n")
    (workplace / "rules").mkdir()
    (workplace / "rules" / rule.name).write_text(text, "utf-8")
    code, out, err = triage("rules", "test", "--rules", "rules")
    assert code == 2
    assert "expected flag, found clear" in out
    assert "1 of the rules' own examples failed" in err


def test_piped_output_is_plain_and_the_screen_gets_no_progress(records: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "triage", "check", str(records), "--as-of", AS_OF],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "Decision late" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_that_cannot_be_written_is_told(records: Path) -> None:
    call = [sys.executable, "-m", "triage", "check", str(records), "--as-of", AS_OF]
    with open("/dev/full", "w") as full:
        done = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plain_locale_loses_no_letter(workplace: Path) -> None:
    Path("t.csv").write_text("child_id,referral_date,team\nÉ1,2023-06-29,Café\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "triage", "check", "t.csv", "--as-of", AS_OF, "--format", "json"],
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout.decode("utf-8"))["rows"]["judged"] == 1


def test_a_result_never_overwrites_an_input_or_the_store(triage: Triage, records: Path) -> None:
    before = records.read_bytes()
    for name in ("records.csv", "triage.db"):
        code, _, err = triage("check", records, "--format", "json", "--output", name)
        assert code == 2
        assert "must not overwrite" in err
    assert records.read_bytes() == before


def test_a_reader_that_leaves_early_is_no_failure(records: Path) -> None:
    call = f"{sys.executable} -m triage check {records} --as-of {AS_OF} --format json"
    done = subprocess.run(
        ["bash", "-c", f"{call} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
