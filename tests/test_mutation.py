"""Rules' own examples have to bite: every small change of a rule is noticed, or told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Triage

from triage.mutation import mutants, mutate
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.rules import Rule

RULES = load_rules(shipped("rules"))


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_no_mutant_of_a_shipped_rule_lives(rule: Rule) -> None:
    result = mutate(rule, RULES)
    assert result.n_made > 0
    assert [mutant.what for mutant in result.alive] == []


def test_the_command_counts_them_all(triage: Triage) -> None:
    code, out, _ = triage("rules", "test", "--mutate")
    made = sum(len(list(mutants(rule))) for rule in RULES.rules)
    assert code == 0
    assert out.splitlines()[-1] == f"{made:,} mutants made, {made:,} killed, 0 alive"


def test_a_weak_example_lets_one_live_and_the_command_exits_with_1(
    triage: Triage, workplace: Path
) -> None:
    rule = next(shipped("rules").glob("DEC-02*"))
    text = rule.read_text("utf-8")
    weak = re.sub(r"  - name: decided two working days later is late\n(    .*\n)+", "", text)
    weak = weak.replace("expect: cannot_tell", "expect: cannot_tell\n" + FAR_TOO_LATE, 1)
    assert weak != text
    (workplace / "weak").mkdir()
    (workplace / "weak" / rule.name).write_text(weak, "utf-8")
    code, out, _ = triage("rules", "test", "--mutate", "--rules", "weak")
    assert code == 1
    assert "DEC-02 lives: limit 1 made 2" in out
    assert re.search(r"^\d+ mutants made, \d+ killed, 1 alive$", out, re.M)


FAR_TOO_LATE = """\
  - name: decided a week later is late
    as_of: 2022-05-31
    referrals:
      - {child_id: A, referral_date: 2022-05-04, decision_at: 2022-05-11}
    expect: flag"""


def test_an_example_that_fails_is_told_before_any_mutant(triage: Triage, workplace: Path) -> None:
    rule = next(shipped("rules").glob("DEC-02*"))
    (workplace / "wrong").mkdir()
    wrong = rule.read_text("utf-8").replace("value: 1\n", "value: 2\n")
    (workplace / "wrong" / rule.name).write_text(wrong, "utf-8")
    code, out, err = triage("rules", "test", "--mutate", "--rules", "wrong")
    assert code == 2
    assert "'decided two working days later is late': expected flag, found clear" in out
    assert "of the rules' own examples failed" in err
    assert "mutants" not in out


def test_every_kind_of_change_is_made() -> None:
    def made(rule_id: str) -> set[str]:
        return {mutant.what for mutant in mutants(RULES.by_id[rule_id])}

    assert {"limit 1 made 2", "limit 1 made 0"} <= made("DEC-02")
    assert "turned: working_days_to_decision more than limit (1)" in made("DEC-02")
    assert "edge moved: working_days_to_decision more than limit (1)" in made("DEC-02")
    assert any(what.startswith("'team manager' taken from") for what in made("DEC-05"))
    assert "left out: rule REF-01" in made("REF-05")
    assert any(what.startswith("`any` made `all`") for what in made("PRO-08"))
    assert any(what.startswith("`all` made `any`") for what in made("PRO-08"))
    assert {"window 12 made 13", "window 12 made 11"} <= made("REF-04")
    assert "'2B' taken from factors" in made("REF-06")
