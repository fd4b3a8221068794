"""A newcomer's path: a rule of one's own, from its first line to its flag in the queue, no Python.

Each step is the command a manager would type, and the file is edited as a manager would edit it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import AS_OF, Triage

from triage.resources import shipped
from triage.rulefiles import load_rules

MESSAGE = (
    '"Decided on {decision_on}, {working_days_to_decision:working day} after the referral of '
    '{referral_on}; our limit is {limit}."'
)
FILLED = {
    "severity": "medium",
    "rationale": "A child who comes back in the holidays is seen by nobody at school.",
    '  - "FILL IN: the guidance': "Local practice of this council, not guidance",
    "    value": "2",
    "    unit": "working days",
    "    min": "1",
    "    max": "10",
    "    why": "Two working days are what our own procedure gives.",
    "    - fact": "working_days_to_decison",
    "message": MESSAGE,
    '  - "FILL IN: when': "The decision was typed in late",
    '  - "FILL IN: what the reviewer': "Was the child safe meanwhile?",
    '  - name: "FILL IN: beyond': "three working days later",
    '  - name: "FILL IN: just': "two working days later",
    '  - name: "FILL IN: a cell': "a date that cannot be read",
}
"""What is typed in each line of the new file that asks for something."""


def fill_in(path: Path) -> None:
    """Replace what each line asks for, as one does in an editor."""
    lines = []
    for line in path.read_text("utf-8").splitlines():
        start = next((start for start in FILLED if line.startswith(start)), None)
        if "FILL IN:" in line and start is not None:
            line = line[: line.index('"FILL IN:')] + FILLED[start]
        lines.append(line)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_rule_of_ones_own_from_new_to_the_queue(
    triage: Triage, workplace: Path, records: Path
) -> None:
    code, out, _ = triage("rules", "new", "Decided after our own limit")
    path = workplace / "own_rules" / "LOC-01-decided-after-our-own-limit.yaml"
    assert code == 0
    assert "own_rules/LOC-01-decided-after-our-own-limit.yaml" in out
    assert path.is_file()

    code, _, err = triage("rules", "lint")
    assert code == 2
    asked = [n for n, text in enumerate(path.read_text().splitlines(), 1) if '"FILL IN' in text]
    assert asked
    for number in asked:
        assert f"LOC-01-decided-after-our-own-limit.yaml:{number}: " in err
    assert triage("check", records, "--as-of", AS_OF)[0] == 0, "an unfinished draft stops no run"
    assert "unfinished draft: own_rules/LOC-01" in triage("rules", "list")[1]
    assert "FILL IN" in triage("rules", "try", "LOC-01", records)[2]

    fill_in(path)
    assert '"FILL IN' not in path.read_text("utf-8")
    line = path.read_text("utf-8").splitlines().index("    - fact: working_days_to_decison") + 1
    code, _, err = triage("rules", "lint", path.relative_to(workplace))
    assert code == 2
    assert (
        f"own_rules/LOC-01-decided-after-our-own-limit.yaml:{line}: unknown fact "
        "`working_days_to_decison`, did you mean `working_days_to_decision`?"
    ) in err
    edit(path, "working_days_to_decison", "working_days_to_decision")
    n_files = len(load_rules(shipped("rules")).rules) + 1
    assert triage("rules", "lint")[:2] == (0, f"{n_files} rule files read, nothing wrong.\n")

    code, out, _ = triage("rules", "test", "LOC-01", "--mutate")
    assert code == 1, "the draft's own examples leave a gap between one and four working days"
    assert "LOC-01 lives: limit 2 made 3" in out
    edit(path, "decision_at: 2022-05-10", "decision_at: 2022-05-09")
    edit(path, "decision_at: 2022-05-05", "decision_at: 2022-05-06")
    code, out, _ = triage("rules", "test", "LOC-01", "--mutate")
    assert (code, out.splitlines()[0]) == (0, "3 passed, 0 failed")
    assert out.splitlines()[1].endswith("0 alive")

    code, out, _ = triage("rules", "try", "LOC-01", records, "--as-of", AS_OF, "--window", "all")
    assert code == 0
    assert "4 referrals judged: 2 flagged, 2 clear, 0 cannot be told." in out
    assert "child A, referral R2: Decided on 15 May 2023, 3 working days after" in out
    assert "(restricted)" in out

    code, out, _ = triage(
        "rules", "compare", "shipped", "current", records, "--as-of", AS_OF, "--format", "json"
    )
    changed = {one["rule"]: one for one in json.loads(out) if one["difference"] != "unchanged"}
    assert list(changed) == ["LOC-01"]
    assert changed["LOC-01"]["difference"] == "new"
    assert {case["referral_id"] for case in changed["LOC-01"]["newly_flagged"]} == {"R2", "R4"}

    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    assert "LOC-01" not in triage("queue", "list")[1], "a draft judges nobody"

    edit(path, "status: draft", "status: trial")
    code, out, _ = triage("nightly", records, "--as-of", AS_OF, "--format", "json")
    tonight = json.loads(out)
    assert [flag["referral_id"] for flag in tonight["trial"]["flags"]] == ["R2", "R4"]
    assert "LOC-01" not in {flag["rule"] for flag in tonight["flags"]}
    assert "LOC-01" not in triage("queue", "list")[1], "a rule on trial never reaches the queue"

    edit(path, "status: trial", "status: stable")
    assert triage("nightly", records, "--as-of", AS_OF)[0] == 0
    (case,) = [
        case
        for case in json.loads(triage("queue", "list", "--format", "json")[1])
        if case["referral_id"] == "R2"
    ]
    assert "LOC-01" in case["flags"]
    shown = triage("queue", "show", str(case["case"]))[1]
    assert "Decided on 15 May 2023, 3 working days after the referral of 10 May 2023" in shown
    assert "Was the child safe meanwhile?" in shown


def test_the_next_free_number_is_taken_and_none_is_used_again(
    triage: Triage, workplace: Path
) -> None:
    for title, name in (("First", "LOC-01-first"), ("Zweite Régel!", "LOC-02-zweite-regel")):
        assert triage("rules", "new", title)[0] == 0
        assert (workplace / "own_rules" / f"{name}.yaml").is_file()
    (workplace / "own_rules" / "LOC-01-first.yaml").unlink()
    assert triage("rules", "new", "Third")[0] == 0
    assert (workplace / "own_rules" / "LOC-03-third.yaml").is_file()
    assert triage("rules", "new", "Another decision", "--family", "DEC")[0] == 0
    assert (workplace / "own_rules" / "DEC-14-another-decision.yaml").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["  "], "needs a title"),
        (["One\ntwo"], "on one line"),
        (["T", "--family", "loc"], "capital"),
    ],
)
def test_a_rule_that_cannot_be_begun_is_refused(
    triage: Triage, workplace: Path, arguments: list[str], said: str
) -> None:
    code, _, err = triage("rules", "new", *arguments)
    assert (code, said in err) == (2, True)
    assert not (workplace / "own_rules").exists()


def test_a_contact_rule_begins_with_contacts(triage: Triage, workplace: Path) -> None:
    assert triage("rules", "new", "Many contacts", "--subject", "contact")[0] == 0
    text = (workplace / "own_rules" / "LOC-01-many-contacts.yaml").read_text("utf-8")
    assert "\nsubject: contact\n" in text
    assert "contact_date" in text
    code, _, err = triage("rules", "lint")
    assert code == 2
    assert all("still begins with FILL IN" in line or "unknown fact" in line or "limit" in line
               for line in err.splitlines()), err  # fmt: skip
