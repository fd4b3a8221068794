"""What a council makes of the rules: limits within their bounds, rules off, a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import AS_OF, Triage

from triage.resources import shipped
from triage.rule_text import with_values
from triage.rulefiles import load_rules, parse_rule

DEC_02 = next(shipped("rules").glob("DEC-02*"))


def nightly(triage: Triage, records: Path) -> dict[str, Any]:
    code, out, err = triage("nightly", records, "--as-of", AS_OF, "--format", "json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def flagged(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(flag["rule"], flag["referral_id"]) for flag in found["flags"]}


def history(triage: Triage, case: int) -> str:
    return triage("queue", "show", str(case), "--as", "anybody")[1]


def test_a_changed_limit_judges_and_is_recorded(
    triage: Triage, records: Path, workplace: Path
) -> None:
    plain = nightly(triage, records)
    assert ("DEC-02", "R2") in flagged(plain)
    (workplace / "triage.toml").write_text("[parameters]\nDEC-02.limit = 3\n")
    changed = nightly(triage, records)
    assert flagged(plain) - flagged(changed) >= {("DEC-02", "R2")}
    assert changed["queue"]["cleared"] >= 1
    assert changed["ruleset"]["hash"] != plain["ruleset"]["hash"]
    last = json.loads(triage("runs", "--format", "json")[1])[0]
    assert last["settings"]["parameters"] == {"DEC-02": {"limit": 3}}
    (workplace / "triage.toml").write_text("[parameters]\nDEC-02.limit = 2\n")
    again = nightly(triage, records)
    flag = next(f for f in again["flags"] if (f["rule"], f["referral_id"]) == ("DEC-02", "R2"))
    assert flag["message"].endswith("the limit is 2.")
    assert flag["evidence"]["limit"] == 2


def test_the_case_shows_the_limit_that_it_was_judged_with(
    triage: Triage, records: Path, workplace: Path
) -> None:
    (workplace / "triage.toml").write_text("[parameters]\nDEC-02.limit = 2\n")
    nightly(triage, records)
    (workplace / "triage.toml").unlink()
    (case,) = [
        one["case"]
        for one in json.loads(triage("queue", "list", "--format", "json")[1])
        if one["referral_id"] == "R2"
    ]
    shown = json.loads(triage("queue", "show", str(case), "--format", "json")[1])
    because = next(f["because"] for f in shown["flags"] if f["rule"] == "DEC-02")
    assert because["limit"] == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[parameters]\nDEC-02.limit = 21", "21 is outside 0 to 20 working days"),
        ("[parameters]\nDEC-02.limit = -1", "-1 is outside 0 to 20"),
        ("[parameters]\nDEC-02.limt = 2", "no such parameter, did you mean `limit`?"),
        (
            "[parameters]\nDEC-22.limit = 2",
            "parameters DEC-22: there is no such rule, did you mean",
        ),
        ("[parameters]\nDEC-02.when = 2", "the rule has no such parameter; it has limit"),
        ("[parameters]\nDEC-05.allowed_roles = 3", "is to be a list of at least one word"),
        ("[parameters]\nDEC-05.allowed_roles = []", "is to be a list of at least one word"),
        ("[parameters]\nDEC-09.ratings = ['purple']", "is never `purple`"),
        ("switch_off = ['DEC-22']", "switch_off DEC-22: there is no such rule"),
        ("own_rules = 'nowhere'", "setting own_rules: there is no folder nowhere"),
        ("[rules.DEC-02]\nlimit = 2", "rules is the name of a folder"),
    ],
)
def test_a_setting_that_does_not_fit_the_rules_is_refused(
    triage: Triage, records: Path, workplace: Path, settings: str, said: str
) -> None:
    (workplace / "triage.toml").write_text(settings + "\n")
    code, _, err = triage("check", records, "--as-of", AS_OF)
    assert (code, said in err) == (2, True), err


def test_a_changed_list_replaces_the_rules_own(
    triage: Triage, records: Path, workplace: Path
) -> None:
    (workplace / "triage.toml").write_text(
        '[parameters]\nDEC-05.allowed_roles = ["Head of \\"front door\\""]\n'
    )
    shown = json.loads(triage("rules", "show", "DEC-05", "--format", "json")[1])
    assert shown["parameters"]["allowed_roles"]["value"] == ['Head of "front door"']
    assert triage("rules", "test", "DEC-05")[0] == 0, "the examples speak of the rule as written"


@pytest.mark.parametrize("rule", load_rules(shipped("rules")).rules, ids=lambda rule: rule.id)
def test_only_the_value_changes_in_the_text_of_a_rule(rule: Any) -> None:
    for name, parameter in rule.about.parameters.items():
        value = parameter.min if isinstance(parameter.value, int) else list(parameter.value)[:1]
        text = with_values(rule.text, {name: value})
        changed = parse_rule(text, rule.id)
        wanted = value if isinstance(value, int) else tuple(value)
        assert changed.parameters == {**rule.parameters, name: wanted}
        assert changed.about.examples == rule.about.examples
        assert changed.about.rationale == rule.about.rationale


@pytest.mark.parametrize("before", ["", "\ufeff", "# 😀 “…”\n", "\ufeff# 😀\n"])
def test_a_value_is_changed_in_its_place_whatever_letters_stand_before_it(before: str) -> None:
    rule = load_rules(shipped("rules")).by_id["DEC-02"]
    written = before + rule.text
    assert with_values(written, {"limit": 7}) == written.replace("value: 1\n", "value: 7\n", 1)


def test_a_rule_switched_off_reports_nothing_but_is_still_read(
    triage: Triage, records: Path, workplace: Path
) -> None:
    plain = nightly(triage, records)
    assert {("REF-01", "R2"), ("REF-08", "R2")} <= flagged(plain)
    (workplace / "triage.toml").write_text('switch_off = ["REF-01"]\n')
    off = nightly(triage, records)
    assert flagged(plain) - flagged(off) == {("REF-01", "R2")}
    assert "REF-01" not in {rule["id"] for rule in off["rules"]}
    assert off["ruleset"]["count"] == len(off["rules"]) == len(plain["rules"]) - 1
    assert off["queue"]["cleared"] == 1
    assert "REF-01" in triage("rules", "list")[1]
    assert "switched off" in triage("rules", "list")[1]
    (workplace / "triage.toml").unlink()
    assert nightly(triage, records)["queue"]["reopened"] == 1


def own(workplace: Path, text: str, name: str = "DEC-02-decision-late.yaml") -> Path:
    folder = workplace / "own_rules"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_an_identifier_that_clashes_is_refused(
    triage: Triage, records: Path, workplace: Path
) -> None:
    own(workplace, DEC_02.read_text("utf-8"))
    code, _, err = triage("check", records, "--as-of", AS_OF)
    assert code == 2
    assert "own_rules/DEC-02-decision-late.yaml:1: DEC-02 is defined in" in err
    assert triage("rules", "lint", "own_rules")[0] == 2


LOCAL = DEC_02.read_text("utf-8").replace("id: DEC-02", "id: LOC-01")


def test_a_retired_rule_judges_nobody_and_its_flags_are_cleared_with_the_reason(
    triage: Triage, records: Path, workplace: Path
) -> None:
    path = own(workplace, LOCAL, "LOC-01-local.yaml")
    assert ("LOC-01", "R2") in flagged(nightly(triage, records))
    path.write_text(LOCAL.replace("status: stable", "status: retired"), "utf-8")
    tonight = nightly(triage, records)
    assert "LOC-01" not in {rule["id"] for rule in tonight["rules"]}
    assert tonight["queue"]["cleared"] == 2
    assert triage("rules", "new", "Next")[0] == 0
    assert (workplace / "own_rules" / "LOC-02-next.yaml").is_file(), "never used again"


def test_flags_of_a_rule_whose_file_is_gone_stand_and_are_told(
    triage: Triage, records: Path, workplace: Path
) -> None:
    path = own(workplace, LOCAL, "LOC-01-local.yaml")
    nightly(triage, records)
    path.unlink()
    code, _, err = triage("nightly", records, "--as-of", AS_OF)
    assert code == 0
    assert "LOC-01 (2 open flags): not among the rules of this run" in err
    assert "LOC-01" in triage("queue", "list")[1]


@pytest.mark.parametrize(
    "text",
    [
        "id: LOC-09\nstatus: draft\n\ttitle: a tab\n",
        LOCAL.replace("status: stable", "status: draft").replace(
            "severity: high", "severity: dire"
        ),
        LOCAL.replace("status: stable", "status: draft").replace("id: LOC-01", "id: DEC-02"),
        LOCAL.replace("status: stable", "status: draft") + "colour: red\n",
    ],
    ids=["a tab", "a wrong word", "an identifier that clashes", "an unknown key"],
)
def test_no_draft_stops_a_run_whatever_is_wrong_with_it(
    triage: Triage, records: Path, workplace: Path, text: str
) -> None:
    name = "DEC-02-mine.yaml" if "id: DEC-02" in text else "LOC-01-mine.yaml"
    own(workplace, text, name)
    assert triage("check", records, "--as-of", AS_OF)[0] == 0
    assert "unfinished draft: own_rules/" in triage("rules", "list")[1]
    assert triage("rules", "lint", "own_rules")[0] == 2


def test_an_earlier_day_than_the_last_runs_is_told(triage: Triage, records: Path) -> None:
    nightly(triage, records)
    code, _, err = triage("nightly", records, "--as-of", "2023-06-20")
    assert code == 0
    assert "this run judges as of 20 June 2023, the last one as of 30 June 2023" in err


def test_an_empty_folder_of_rules_is_refused_beside_rules_of_ones_own_too(
    triage: Triage, records: Path, workplace: Path
) -> None:
    own(workplace, LOCAL, "LOC-01-local.yaml")
    (workplace / "empty").mkdir()
    code, _, err = triage("check", records, "--as-of", AS_OF, "--rules", "empty")
    assert (code, "empty: holds no rule file" in err) == (2, True)
    assert triage("check", records, "--as-of", AS_OF, "--rules", "own_rules")[0] == 0


def test_a_rule_put_on_trial_leaves_the_queue_and_comes_back(
    triage: Triage, records: Path, workplace: Path
) -> None:
    path = own(workplace, LOCAL, "LOC-01-local.yaml")
    nightly(triage, records)
    path.write_text(LOCAL.replace("status: stable", "status: trial"), "utf-8")
    trial = nightly(triage, records)
    assert trial["queue"]["cleared"] == 2
    assert {flag["rule"] for flag in trial["trial"]["flags"]} == {"LOC-01"}
    assert [rule["id"] for rule in trial["trial"]["rules"]] == ["LOC-01"]
    assert "On trial" in triage("check", records, "--as-of", AS_OF)[1]
    path.write_text(LOCAL, "utf-8")
    assert nightly(triage, records)["queue"]["reopened"] == 2


@pytest.mark.parametrize(
    ("status", "read", "said"),
    [
        ("stable", "trial", "is on trial"),
        ("stable", "retired", "is retired"),
        ("trial", "draft", "is a draft"),
    ],
)
def test_a_rule_may_not_rest_on_a_less_settled_one(
    triage: Triage, records: Path, workplace: Path, status: str, read: str, said: str
) -> None:
    own(workplace, LOCAL.replace("status: stable", f"status: {read}"), "LOC-01-local.yaml")
    reader = next(shipped("rules").glob("REF-05*")).read_text("utf-8")
    reader = reader.replace("id: REF-05", "id: LOC-02").replace("REF-01.window", "LOC-01.limit")
    reader = reader.replace("rule: REF-01", "rule: LOC-01")
    own(workplace, reader.replace("status: stable", f"status: {status}"), "LOC-02-reader.yaml")
    code, _, err = triage("check", records, "--as-of", AS_OF)
    assert (code, f"reads rule LOC-01, which {said}" in err) == (2, True), err


def test_fail_on_is_not_met_by_a_rule_on_trial(
    triage: Triage, workplace: Path, records: Path
) -> None:
    trial = LOCAL.replace("status: stable", "status: trial").replace(
        "severity: high", "severity: critical"
    )
    records.write_text("child_id,referral_date,decision_at\nA,2023-05-10,2023-05-15\n", "utf-8")
    own(workplace, trial, "LOC-01-local.yaml")
    assert triage("check", records, "--as-of", AS_OF, "--fail-on", "critical")[0] == 0
    own(workplace, trial.replace("status: trial", "status: stable"), "LOC-01-local.yaml")
    assert triage("check", records, "--as-of", AS_OF, "--fail-on", "critical")[0] == 1
