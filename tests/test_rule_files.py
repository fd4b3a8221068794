"""Rule files that are wrong: every problem of every file, with file and line, in one go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from triage.errors import CallError, RuleError
from triage.resources import shipped
from triage.rulefiles import load_rules

GOOD = next(shipped("rules").glob("DEC-02*")).read_text("utf-8")
AGAIN = next(shipped("rules").glob("REF-05*")).read_text("utf-8")
OTHER = next(shipped("rules").glob("REF-01*")).read_text("utf-8")


def problems(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}-rule.yaml").write_text(text, "utf-8")
    with pytest.raises(RuleError) as refused:
        load_rules(folder)
    assert refused.value.exit_code == 2
    return list(refused.value.problems)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fact: working_days_to_decision", "fact: working_days_to_decison",
         "unknown fact `working_days_to_decison`, did you mean `working_days_to_decision`?"),
        ("more_than: limit", "more_than: 1", "unknown parameter `1`"),
        ("more_than: limit", "more_than: limt", "did you mean `limit`?"),
        ("more_than: limit", "is: true", "`is` goes with true or false"),
        ("more_than: limit", "exceeds: limit", "expected one of is, more_than"),
        ("fact: working_days_to_decision", "fact: decision_on", "may be told, not compared"),
        ("fact: working_days_to_decision\n  more_than: limit", "fact: has_decision\n  is: NO",
         "has_decision is yes or no: write `is: true` or `is: false`, not `NO`"),
        ("more_than: limit", "more_than: limit\n  within: limit", "has no `within`"),
        ("more_than: limit", "more_than: limit\n  among: limit", "has no `among`"),
        ("fact: working_days_to_decision", "fact: n_contacts", "is a fact of a contact"),
        ("fact: working_days_to_decision\n  more_than: limit",
         "fact: risk_rating\n  is: purple", "is never `purple`; it is one of red, amber, green"),
        ("fact: working_days_to_decision\n  more_than: limit",
         "fact: has_decision\n  is: true", "parameter limit is used nowhere"),
        ("severity: high", "severity: dire", "severity is to be 'critical'"),
        ("severity: high", "severity: high\nsevrity: high",
         "sevrity is not known here, did you mean `severity`?"),
        ("id: DEC-02", "id: DEC-2", "id is to be two or three capitals, a dash and two digits"),
        ("title: Decision late", "title: \"FILL IN: what\"", "title: still begins with FILL IN"),
        ("severity: high", "severity: high\nseverity: low", "'severity' is given twice"),
        ("    value: 1\n", "    value: 99\n", "parameter limit is 99, outside 0 to 20"),
        ("    max: 20\n", "", "parameter limit needs min and max"),
        ("    max: 20\n", "    max: -1\n", "parameter limit has a min above its max"),
        ("    value: 1\n", "    value: one\n",
         "parameters.limit.value is to be a whole number, or a list of words"),
        ("    unit: working days\n", "    units: working days\n",
         "parameters.limit.units is not known here, did you mean `unit`?"),
        ("the limit is {limit}.", "the limit is {limit.", "a brace '{' has no partner"),
        ("{referral_on}", "{refered_on}", "unknown fact or parameter `refered_on` in a message"),
        ("decision_at: 2022-05-05}", "decided: 2022-05-05}", "unknown column `decided`"),
        ("expect: cannot_tell", "expect: clear", "no example expects cannot_tell"),
        ("as_of: 2022-05-31", "as_of: May", "'May' is not a date"),
        ("id: DEC-02", "id: DEC-09", "is to be named DEC-09"),
        ("when:\n  fact:", "when:\n  some:", "expected exactly one of all, any, fact or rule"),
        ("title: Decision late", "title: [", "cannot be read"),
    ],
)  # fmt: skip
def test_a_problem_is_told_with_file_and_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    found = problems(tmp_path, DEC_02=text)
    told = next(problem for problem in found if said in problem)
    name, line = told.split(":")[:2]
    assert name == str(tmp_path / "DEC-02-rule.yaml")
    assert 1 <= int(line) <= text.count("\n") + 1


def test_the_line_is_that_of_the_mistake(tmp_path: Path) -> None:
    text = GOOD.replace("more_than: limit", "more_than: limt")
    found = problems(tmp_path, DEC_02=text)
    assert found[0].startswith(f"{tmp_path}/DEC-02-rule.yaml:{line_of(text, 'more_than: limt')}: ")


def test_all_problems_of_all_files_come_in_one_go(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        DEC_02=GOOD.replace("more_than: limit", "more_than: limt").replace("max: 20", "max: 0"),
        REF_01=OTHER.replace("months_since_previous_referral", "months_since"),
    )
    assert len([p for p in found if "DEC-02" in p]) == 2
    assert len([p for p in found if "REF-01" in p]) >= 1


def test_unknown_is_no_benign_explanation(tmp_path: Path) -> None:
    text = GOOD.replace("  - The decision was made in time", "  - Unknown. It was made in time")
    assert any("explains nothing" in problem for problem in problems(tmp_path, DEC_02=text))


def test_an_identifier_used_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "DEC-02-another.yaml").write_text(GOOD, "utf-8")
    assert "DEC-02 is defined in" in problems(tmp_path, DEC_02=GOOD)[0]


def test_a_rule_that_reads_one_that_is_not_loaded_is_refused(tmp_path: Path) -> None:
    assert "reads rule REF-01, which is not among" in problems(tmp_path, REF_05=AGAIN)[0]


def test_rules_that_read_each_other_in_a_circle_are_named(tmp_path: Path) -> None:
    circle = OTHER[: OTHER.index("parameters:")] + "when:\n  rule: REF-05\n"
    circle += OTHER[OTHER.index("message:") :]
    circle = re.sub(r"\{(window|months_[^}]*)[^}]*\}", "12 months", circle)
    again = AGAIN.replace("{REF-01.window:month}", "a year")
    found = problems(tmp_path, REF_01=circle, REF_05=again)
    assert "circle: REF-01 -> REF-05 -> REF-01" in found[-1]


def test_an_empty_or_missing_folder_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="holds no rule file"):
        load_rules(tmp_path)
    with pytest.raises(CallError, match="no such folder"):
        load_rules(tmp_path / "nowhere")


def test_the_order_puts_each_rule_after_those_it_reads() -> None:
    rules = load_rules(shipped("rules"))
    for rule in rules.rules:
        for read in rule.reads:
            assert rules.order.index(read) < rules.order.index(rule.id)


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("fact: working_days_to_decision", "fact: working_days_to_decison", "fact: working_days_"),
        ("more_than: limit", "more_than: 1", "more_than: 1"),
        ("severity: high", "severity: dire", "severity: dire"),
        ("severity: high", "severity: high\ncolour: red", "colour: red"),
        ("severity: high", "severity: high\nstatus: draft", "status: draft"),
        ("    value: 1\n", "    value: 99\n", "  limit:\n"),
        ("id: DEC-02", "id: DEC-2", "id: DEC-2"),
        ("expect: cannot_tell", "expect: clear", "examples:"),
        ("decision_at: 2022-05-05}", "decided: 2022-05-05}", "decided: 2022-05-05}"),
        ("  - The referral was", "  - Unknown; the referral was", "  - Unknown"),
    ],
)
def test_each_problem_names_the_line_it_stands_in(
    tmp_path: Path, old: str, new: str, at: str
) -> None:
    text = GOOD.replace(old, new, 1)
    (told,) = problems(tmp_path, DEC_02=text)
    assert told.startswith(f"{tmp_path}/DEC-02-rule.yaml:{line_of(text, at)}: ")


def test_a_key_is_told_each_time_that_it_is_given_again(tmp_path: Path) -> None:
    text = GOOD.replace("severity: high\n", "severity: high\nseverity: low\nseverity: critical\n")
    found = problems(tmp_path, DEC_02=text)
    lines = [line_of(text, "severity: low"), line_of(text, "severity: critical")]
    assert found == [
        f"{tmp_path}/DEC-02-rule.yaml:{line}: 'severity' is given twice; keep one of them"
        for line in lines
    ]


@pytest.mark.parametrize(
    "written", ["FILL IN: what", "'FILL IN: what'", '"FILL\\x20IN: what"', '"FILL\n  IN: what"']
)
def test_a_text_still_to_be_written_is_told_however_it_is_typed(
    tmp_path: Path, written: str
) -> None:
    typed = written if written[0] in "\"'" else f'"{written}"'
    found = problems(tmp_path, DEC_02=GOOD.replace("title: Decision late", f"title: {typed}"))
    assert [problem for problem in found if "title: still begins with FILL IN" in problem]


def test_an_identifier_used_twice_names_both_files_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "DEC-02-another.yaml").write_text(GOOD, "utf-8")
    (told,) = problems(tmp_path, DEC_02=GOOD)
    assert told.startswith(f"{tmp_path}/DEC-02-rule.yaml:{line_of(GOOD, 'id: ')}: ")
    assert f"{tmp_path}/DEC-02-another.yaml" in told


def test_a_rule_that_is_not_loaded_is_told_with_the_line_that_reads_it(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, REF_05=AGAIN)
    assert told.startswith(f"{tmp_path}/REF-05-rule.yaml:{line_of(AGAIN, 'rule: REF-01')}: ")


def test_problems_between_files_come_together_with_those_of_single_files(tmp_path: Path) -> None:
    found = problems(
        tmp_path, REF_05=AGAIN, DEC_02=GOOD.replace("severity: high", "severity: dire")
    )
    assert any("reads rule REF-01" in problem for problem in found)
    assert any("severity is to be" in problem for problem in found)


def test_a_list_that_lacks_a_key_is_told_as_such(tmp_path: Path) -> None:
    text = GOOD.replace("parameters:\n", LIST_PARAMETER).replace("    unit: words\n", "")
    text = text.replace("  fact: working_days_to_decision\n  more_than: limit", TWO_CONDITIONS)
    (told,) = problems(tmp_path, DEC_02=text)
    assert told.endswith("parameters.words.unit is missing")


def test_scalars_stay_text_until_the_vocabulary_types_them(tmp_path: Path) -> None:
    text = (
        GOOD.replace("child_id: A", "child_id: 0123")
        .replace("decision_at: 2022-05-05}", "decision_at: 2022-05-05, team: NO, nfa: no}")
        .replace("parameters:\n", LIST_PARAMETER)
        .replace("  fact: working_days_to_decision\n  more_than: limit", TWO_CONDITIONS)
    )
    (tmp_path / "DEC-02-rule.yaml").write_text(text, "utf-8")
    rule = load_rules(tmp_path).by_id["DEC-02"]
    first = rule.about.examples[0].referrals[0]
    assert (first["child_id"], first["team"], first["nfa"]) == ("0123", "NO", "no")
    assert first["referral_date"] == "2022-05-04"
    assert rule.parameters == {"words": ("NO", "0123", "on", "1e3", "null"), "limit": 1}


LIST_PARAMETER = """parameters:
  words:
    value: [NO, 0123, on, 1e3, null]
    unit: words
    why: words that a careless reader takes for something else
"""


TWO_CONDITIONS = """  any:
    - fact: working_days_to_decision
      more_than: limit
    - fact: decision_maker_role
      one_of: words
"""


@pytest.mark.parametrize("part", ["title", "rationale", "references", "when", "message", "examples",
                                  "benign_explanations", "reviewer_checks", "status"])  # fmt: skip
def test_a_key_that_is_missing_is_named(tmp_path: Path, part: str) -> None:
    text = GOOD.replace(f"\n{part}:", f"\n{part}s_or_so:", 1)
    found = problems(tmp_path, DEC_02=text)
    assert any(f": {part} is missing" in problem for problem in found)
    assert any(f"{part}s_or_so is not known here" in problem for problem in found)


def test_an_alias_that_holds_itself_is_a_problem_of_its_file(tmp_path: Path) -> None:
    text = GOOD + "\nextra: &again [*again]\n"
    assert str(tmp_path / "DEC-02-rule.yaml") in problems(tmp_path, DEC_02=text)[0]
