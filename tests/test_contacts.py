"""Contacts, judged as a subject of their own: each row accounted for, and a case in the queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import AS_OF, Triage

from triage.demonstration import sample

CONTACTS = """\
contact_id,child_id,contact_date,contact_source,contact_outcome,restricted
K1,A,2023-03-01,6,nfa,
K2,A,2023-04-03T09:00,2A,information_and_advice,
K3,A,2023-06-05,6,nfa,
K4,A,2023-06-05T10:00,6,nfa,
K5,B,2023-06-05,6,referral,
K6,C,2023-07-05,6,nfa,
,A,2023-06-12,6,perhaps,
K8,,2023-06-12,6,nfa,
K9,D,2023-02-30,6,nfa,
K1,E,2022-06-12,6,nfa,
"""


@pytest.fixture
def folder(workplace: Path) -> Path:
    made = workplace / "tables"
    made.mkdir()
    (made / "referrals.csv").write_text(
        "child_id,referral_date,referral_id,nfa,closed_on\nB,2023-06-05,R1,no,\n", "utf-8"
    )
    (made / "contacts.csv").write_text(CONTACTS, "utf-8")
    return made


def check(triage: Triage, folder: Path, *more: str) -> dict[str, Any]:
    code, out, err = triage("check", folder, "--as-of", AS_OF, "--format", "json", *more)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_every_row_of_contacts_ends_in_exactly_one_way(triage: Triage, folder: Path) -> None:
    rows = check(triage, folder)["contacts"]["rows"]
    assert rows == {
        "read": 10, "judged": 4, "history_only": 2, "after_as_of": 1, "collapsed": 1, "rejected": 2,
    }  # fmt: skip


def test_rows_of_contacts_are_no_rows_of_referrals(triage: Triage, folder: Path) -> None:
    found = check(triage, folder)
    assert found["rows"]["read"] == 1
    assert found["rejections"] == []
    rejected = {(one["row"], one["column"]) for one in found["contacts"]["rejections"]}
    assert rejected == {(9, "child_id"), (10, "contact_date")}
    problems = {(one["row"], one["column"]) for one in found["contacts"]["problems"]}
    assert problems >= {(8, "contact_outcome"), (11, "contact_id")}
    for rule in found["rules"]:
        judged = rule["flag"] + rule["clear"] + rule["cannot_tell"]
        assert judged == found["rows"]["judged"], rule
    assert sum(rule["flag"] for rule in found["rules"]) == len(found["flags"])


def test_the_third_contact_without_a_referral_is_flagged_on_the_contact(
    triage: Triage, folder: Path
) -> None:
    told = check(triage, folder, "--history-from", "2020-01-01")["contacts"]
    (flag,) = told["flags"]
    assert (flag["rule"], flag["subject"]) == ("REF-13", "contact")
    assert (flag["child_id"], flag["referral_id"]) == ("A", "K3")
    assert flag["message"].startswith("3 contacts about this child from 1 March 2023 to 5 June")
    (rule,) = told["rules"]
    assert (rule["flag"], rule["clear"], rule["cannot_tell"]) == (1, 2, 1)
    assert rule["flag"] + rule["clear"] + rule["cannot_tell"] == told["rows"]["judged"]


def test_without_contacts_the_rule_cannot_be_evaluated_and_flags_nobody(
    triage: Triage, records: Path
) -> None:
    found = check(triage, records)
    (rule,) = found["contacts"]["rules"]
    assert rule["not_evaluable"]
    assert "contact_date" in rule["missing_columns"]
    assert found["contacts"]["rows"]["read"] == 0
    assert found["contacts"]["flags"] == []


def test_a_flag_on_a_contact_is_a_case_of_its_own(triage: Triage, folder: Path) -> None:
    call = ("nightly", folder, "--as-of", AS_OF, "--history-from", "2020-01-01")
    code, out, _ = triage(*call, "--format", "json")
    assert code == 0
    told = json.loads(out)
    assert told["queue"]["new"] == len(told["flags"])
    assert told["contacts"]["queue"]["new"] == 1
    again = json.loads(triage(*call, "--format", "json")[1])
    assert again["contacts"]["queue"] == {
        "new": 0, "still_flagged": 1, "changed": 0, "cleared": 0, "reopened": 0,
    }  # fmt: skip
    queue = json.loads(triage("queue", "list", "--format", "json")[1])
    (case,) = [one for one in queue if one["subject"] == "contact"]
    assert (case["child_id"], case["referral_id"], case["flags"]) == ("A", "K3", ["REF-13"])
    assert "contact K3 of 5 June 2023" in triage("queue", "show", str(case["case"]))[1]
    text = CONTACTS.replace(
        "K2,A,2023-04-03T09:00,2A,information_and_advice", "K2,A,2023-04-03,2A,referral"
    )
    (folder / "contacts.csv").write_text(text, "utf-8")
    cleared = json.loads(triage(*call, "--format", "json")[1])
    assert cleared["contacts"]["queue"]["cleared"] == 1
    assert "contacts" in json.loads(triage("runs", "--format", "json")[1])[0]


def test_a_contact_of_a_restricted_child_is_restricted(triage: Triage, folder: Path) -> None:
    (folder / "referrals.csv").write_text(
        "child_id,referral_date,referral_id,nfa,restricted\nA,2020-06-05,R1,yes,true\n", "utf-8"
    )
    (folder.parent / "triage.toml").write_text('[restricted]\nreaders = ["a.auditor"]\n', "utf-8")
    triage("nightly", folder, "--as-of", AS_OF)
    assert json.loads(triage("queue", "list", "--format", "json")[1]) == []
    queue = json.loads(triage("queue", "list", "--format", "json", "--as", "a.auditor")[1])
    (case,) = [one for one in queue if one["subject"] == "contact"]
    assert (case["restricted"], case["child_id"]) == (True, "A")


def test_a_case_of_a_contact_and_of_a_referral_may_bear_the_same_number(
    triage: Triage, folder: Path
) -> None:
    (folder / "referrals.csv").write_text(
        "child_id,referral_date,referral_id,nfa,decision_at\nA,2023-06-20,K3,no,\n", "utf-8"
    )
    assert triage("nightly", folder, "--as-of", AS_OF, "--history-from", "2020-01-01")[0] == 0
    queue = json.loads(triage("queue", "list", "--format", "json")[1])
    named = {(one["subject"], one["referral_id"]) for one in queue}
    assert named == {("referral", "K3"), ("contact", "K3")}


def test_flags_on_contacts_are_in_the_csv_with_their_subject(triage: Triage, folder: Path) -> None:
    out = triage(
        "check", folder, "--as-of", AS_OF, "--history-from", "2020-01-01", "--format", "csv"
    )[1]
    assert [line.rsplit(",", 1)[1] for line in out.splitlines()].count("contact") == 1


def test_annex_a_holds_contacts_without_outcomes(triage: Triage, workplace: Path) -> None:
    made = workplace / "annex"
    made.mkdir()
    (made / "List 3.csv").write_text(
        "Child Unique ID,Date of Birth,Date of referral,Referral Source,Referral NFA?\n"
        "1,01/02/2015,15/05/2023,q) 6: Police,a) Yes\n"
    )
    (made / "List 1.csv").write_text(
        "Child Unique ID,Date of Contact,Contact Source\n"
        "2,15/02/2023,q) 6: Police\n2,15/04/2023,q) 6: Police\n2,15/06/2023,School\n"
        "1,15/02/2023,q) 6: Police\n1,15/04/2023,q) 6: Police\n1,14/05/2023,School\n"
    )
    found = check(triage, made, "--history-from", "2020-01-01")
    assert [flag["child_id"] for flag in found["contacts"]["flags"]] == ["2"]
    (rule,) = found["contacts"]["rules"]
    assert rule["cannot_tell"] == 1, "child 1 was referred later: its contact may have led to it"


def test_the_sample_council_counts_its_contacts(triage: Triage) -> None:
    council = sample()
    code, out, _ = triage(
        "check", council.folder, "--as-of", str(council.as_of), "--format", "json"
    )
    assert code == 0
    rows = dict(json.loads(out)["contacts"]["rows"])
    assert rows.pop("read") == sum(rows.values())
