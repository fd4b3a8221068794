"""The queue as it is listed and shown, rejected rows, and the demo."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import AS_OF, Triage, mend
from stores import OwnStore


@pytest.fixture
def night(triage: Triage, records: Path, store: OwnStore) -> Triage:
    """A store after one night on the small table; a.auditor may see restricted records."""
    Path("triage.toml").write_text('[restricted]\nreaders = ["a.auditor"]\n', "utf-8")
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    return triage


READER = ("--as", "a.auditor")


def cases(triage: Triage, *more: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        triage("queue", "list", "--format", "json", *more)[1]
    )
    return found


def test_the_queue_stands_in_order_with_the_reason_for_each_place(night: Triage) -> None:
    listed = cases(night, *READER)
    assert [case["position"] for case in listed] == [1, 2, 3]
    assert [(case["referral_id"], case["severity"]) for case in listed] == [
        ("R3", "critical"), ("R2", "high"), ("R4", "high"),
    ]  # fmt: skip
    assert listed[0]["reason"] == "critical, review due 3 July 2023"


def test_overdue_cases_come_first(night: Triage) -> None:
    late = cases(night, "--as-of", "2023-07-20")
    assert all("overdue since" in str(case["reason"]) for case in late[:2])


def test_a_night_later_overdue_cases_come_first_without_being_asked(
    night: Triage, records: Path
) -> None:
    assert night("nightly", records, "--as-of", "2023-07-05")[0] == 0
    first, *others = cases(night)
    assert first["reason"] == "critical, review overdue since 3 July 2023"
    assert others
    assert not any("overdue" in str(case["reason"]) for case in others)


def test_a_case_brought_forward_comes_before_what_is_more_severe(night: Triage) -> None:
    number = next(str(case["case"]) for case in cases(night) if case["referral_id"] == "R2")
    assert night("queue", "boost", number, "--reason", "asked for", "--as", "m.manager")[0] == 0
    assert [(case["referral_id"], case["reason"]) for case in cases(night)] == [
        ("R2", "asked for, high, review due 7 July 2023"),
        ("R3", "critical, review due 3 July 2023"),
    ]


def test_a_restricted_case_is_there_only_for_a_named_reader(night: Triage) -> None:
    (restricted,) = [case for case in cases(night, *READER) if case["restricted"]]
    assert (restricted["child_id"], restricted["referral_id"]) == ("C", "R4")
    number = str(restricted["case"])
    for who in ((), ("--as", "somebody")):
        assert restricted["case"] not in [case["case"] for case in cases(night, *who)]
        table = night("queue", "list", *who)[1]
        assert "restricted" not in table
        assert "R4" not in table
        for act in (("show", number), ("claim", number), ("note", number, "seen")):
            code, out, err = night("queue", *act, *(who or ("--as", "nobody")))
            assert (code, out) == (2, "")
            assert err == night("queue", *act, *(who or ("--as", "nobody")))[2]
            assert err.replace(number, "999") == night(
                "queue", *("999" if word == number else word for word in act),
                *(who or ("--as", "nobody")),
            )[2]  # fmt: skip
    code, out, _ = night("queue", "show", number, *READER, "--format", "json")
    assert code == 0
    assert json.loads(out)["child_id"] == "C"


def test_pages_of_the_queue_come_to_the_whole_of_it(night: Triage) -> None:
    whole = cases(night, *READER)
    pages = [cases(night, *READER, "--limit", "2", "--page", str(n)) for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert pages[0] + pages[1] == whole


def test_a_check_on_the_screen_withholds_restricted_children(triage: Triage, records: Path) -> None:
    out = triage("check", records, "--as-of", AS_OF)[1]
    assert "(restricted)" in out


def test_a_case_shows_why_the_reference_and_every_referral_of_the_child(night: Triage) -> None:
    number = str(next(case["case"] for case in cases(night) if case["referral_id"] == "R2"))
    whole = json.loads(night("queue", "show", number, "--format", "json")[1])
    assert [entry["referral_id"] for entry in whole["timeline"]] == ["R1", "R2"]
    assert whole["timeline"][0]["case"] is None
    assert whole["timeline"][0]["closed_on"] == "2023-03-01"
    late = next(flag for flag in whole["flags"] if flag["rule"] == "DEC-02")
    assert late["because"]["working_days_to_decision"] == 3
    assert late["references"]
    shown = night("queue", "show", number)[1]
    assert "because:" in shown
    assert "<- this case" in shown
    assert "2022-11-01" in shown


def test_an_unknown_case_or_run_is_named(night: Triage) -> None:
    assert "no case 999" in night("queue", "show", "999")[2]
    assert night("rejects", "--run", "999")[0] == 2


def test_rejects_gives_every_row_to_mend_as_csv(triage: Triage, records: Path) -> None:
    mend(records, "B,2023-06-01,R3,false,,,,South,", ",2023-06-31,R3,maybe,,,,South,")
    mend(records, "2022-11-01,North", "2022-10-31T25:00,North")
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    code, out, err = triage("rejects")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    found = {(row["kind"], row["row"], row["column"]) for row in rows}
    assert found == {
        ("rejected", "4", "child_id"),
        ("problem", "4", "referral_date"),
        ("problem", "4", "nfa"),
        ("problem", "2", "decision_at"),
    }
    assert any("'2023-06-31' is not a date that exists" in row["message"] for row in rows)
    assert triage("rejects", "--output", "mend.csv")[0] == 0
    assert Path("mend.csv").read_text("utf-8") == out


def demo(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "triage", "demo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_the_demo_ends_with_a_queue_and_makes_only_its_own_folder(tmp_path: Path) -> None:
    out = demo(tmp_path)
    assert "The review queue" in out
    assert "critical, review due" in out
    assert [path.name for path in tmp_path.iterdir()] == ["triage-demo"]
    assert "triage-demo-2" in demo(tmp_path)


def test_a_sample_can_be_made_and_checked(triage: Triage, workplace: Path) -> None:
    forms = [word for form in ("table", "parquet", "folder", "cin", "annex-a")
             for word in ("--form", form)]  # fmt: skip
    code, out, _ = triage("sample", "make", "made", "--referrals", "60", "--as-of", AS_OF, *forms)
    assert code == 0
    assert out.count("invented") == 5
    for path in (workplace / "made").iterdir():
        assert triage("check", path, "--as-of", AS_OF, "--quiet")[0] == 0


def test_nothing_in_a_record_is_taken_for_markup_or_terminal_control(
    triage: Triage, workplace: Path
) -> None:
    Path("odd.csv").write_text(
        "child_id,referral_date,team,decision_at\n[/bold]X,2023-06-01,[red]\x1b[2JNorth[/],\n",
        "utf-8",
    )
    for call in (("check", "odd.csv"), ("nightly", "odd.csv")):
        code, out, _ = triage(*call, "--as-of", AS_OF)
        assert code == 0
        assert "[/bold]X" in out
        assert "\x1b" not in out
    out = triage("queue", "list")[1] + triage("queue", "show", "1")[1]
    assert out.count("[/bold]X") >= 2
    assert "[red] [2JNorth[/]" in out
    assert "\x1b" not in out
