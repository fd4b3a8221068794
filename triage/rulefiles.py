"""Reading rule files: every problem of every file, with file and line, in one go."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from triage.conditions import Compare, Condition, leaves, sayings
from triage.errors import CallError, RuleError
from triage.facts import FACT_BY_NAME, SubjectName
from triage.rule_conditions import Conditions
from triage.rule_text import UNFILLED, RuleText, Where, meant
from triage.rules import BECAUSE, BRACES, Example, Parameter, Rule, RuleFile
from triage.ruleset import Ruleset, problems_between, ruleset
from triage.schema import COLUMNS

_IN_WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "too_short": "needs at least {min_length}",
    "string_too_short": "is too short to say anything",
    "literal_error": "is to be {expected}",
    "tuple_type": "is to be a list, each line beginning with a dash",
    "dict_type": "is to be keys and values, one a line",
    "model_type": "is to be keys and values, one a line",
    "string_type": "is to be a text",
    "string_pattern_mismatch": "is to be two or three capitals, a dash and two digits, as LOC-01",
}


@dataclass(frozen=True)
class ReadRules:
    """The rules of some files: those that could be read, and what is wrong with the others."""

    rules: tuple[Rule, ...]
    problems: tuple[str, ...]
    unfinished: tuple[str, ...]
    """What is wrong with drafts: no reason to stop a run, which would not judge them anyway."""
    broken: tuple[str, ...]


def rule_files(folder: Path) -> list[Path]:
    """Return the rule files of a folder, in the order of their names."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def read_rules(paths: Sequence[Path]) -> ReadRules:
    """Return the rules of some files, and every problem of every file."""
    rules: list[Rule] = []
    problems: list[str] = []
    unfinished: list[str] = []
    broken: list[str] = []
    for path in paths:
        text = RuleText(path)
        rule = _rule(text)
        if rule is not None:
            rules.append(rule)
            continue
        broken.append(path.name[: len("DEC-00")].rstrip("-"))
        (unfinished if text.is_draft else problems).extend(text.problems)
    return ReadRules(tuple(rules), tuple(problems), tuple(unfinished), tuple(broken))


def load_rules(*folders: Path, strict: bool = False) -> Ruleset:
    """Return the rules of one or several folders together.

    A draft that cannot be read is left out, unless ``strict``: no run judges it.

    Raises:
        CallError: when there is no such folder, or none of them holds a rule.
        RuleError: with every problem of every file, each with its file and line.
    """
    for folder in folders:
        if not folder.is_dir():
            raise CallError(f"{folder}: there is no such folder of rules; check --rules.")
    if not rule_files(folders[0]):
        raise CallError(f"{folders[0]}: holds no rule file (*.yaml); check --rules.")
    read = read_rules([path for folder in folders for path in rule_files(folder)])
    rules, between, unfit = _fitting(read, strict=strict)
    problems = [*read.problems, *(read.unfinished if strict else ()), *between]
    if problems:
        raise RuleError(problems)
    return ruleset(rules, (*read.unfinished, *unfit))


def _fitting(read: ReadRules, *, strict: bool) -> tuple[list[Rule], list[str], list[str]]:
    """Return the rules that fit together, and what is wrong between the rest.

    A draft that does not fit is left out and named, unless ``strict``; the others are problems.
    """
    rules = sorted(read.rules, key=lambda rule: rule.status == "draft")
    between = problems_between(rules, read.broken)
    if strict:
        return rules, between, []
    drafts = {rule.path for rule in rules if rule.status == "draft"}
    unfit = [one for one in between if any(one.startswith(f"{path}:") for path in drafts)]
    kept = [rule for rule in rules if not any(one.startswith(f"{rule.path}:") for one in unfit)]
    return kept, [one for one in between if one not in unfit], unfit


def lint(paths: Sequence[Path], known: Sequence[Path]) -> int:
    """Return how many rule files were read when nothing is wrong with them.

    ``paths`` are files or folders, all of ``known`` by default; rules that they read may stand in
    the folders ``known``, with whose rules their identifiers must not clash.

    Raises:
        CallError: when there is no such file or folder.
        RuleError: with every problem, each with its file and line.
    """
    asked: list[Path] = []
    for path in paths or known:
        if not path.exists():
            raise CallError(f"{path}: there is no such file or folder.")
        asked += rule_files(path) if path.is_dir() else [path]
    others = [
        path
        for folder in known
        for path in rule_files(folder)
        if path.resolve() not in {one.resolve() for one in asked}
    ]
    read, beside = read_rules(asked), read_rules(others)
    problems = [*read.problems, *read.unfinished]
    between = problems_between([*beside.rules, *read.rules], (*read.broken, *beside.broken))
    problems += [one for one in between if any(one.startswith(f"{path}:") for path in asked)]
    if problems:
        raise RuleError(problems)
    if not asked:
        raise CallError(f"{(paths or known)[0]}: holds no rule file (*.yaml).")
    ruleset([*beside.rules, *read.rules])
    return len(asked)


def rule_ids(*folders: Path) -> list[str]:
    """Return the identifiers of the rule files of some folders, by the files' names."""
    return [path.name[: len("LOC-00")] for folder in folders for path in rule_files(folder)]


def load_file(path: Path) -> Rule:
    """Return the rule of one file.

    Raises:
        RuleError: with every problem of the file.
    """
    read = read_rules([path])
    if not read.rules:
        raise RuleError([*read.problems, *read.unfinished])
    return read.rules[0]


def parse_rule(text: str, name: str) -> Rule:
    """Return a rule from its text, as the store keeps it.

    Raises:
        RuleError: when this version of the product cannot read it any more.
    """
    return _parsed(RuleText(Path(f"{name}-stored.yaml"), text))


def changed_rule(rule: Rule, text: str) -> Rule:
    """Return a rule whose text was changed, as if its file had been written so.

    Raises:
        RuleError: when the change is not allowed, as a limit outside its bounds.
    """
    return _parsed(RuleText(Path(rule.path), text))


def _parsed(text: RuleText) -> Rule:
    rule = _rule(text)
    if rule is None:
        raise RuleError(text.problems)
    return rule


def _rule(text: RuleText) -> Rule | None:
    """Return the rule of a file, or None when something is wrong, all of which is noted."""
    if text.plain is None:
        return None
    about = _about(text)
    subject: SubjectName = "contact" if text.plain.get("subject") == "contact" else "referral"
    parameters = dict(_parameters(text))
    if about is not None:
        _check_parameters(text, about)
    if "when" not in text.plain:
        return None
    condition = Conditions(text, parameters, subject).read(text.plain["when"], ("when",))
    if condition is None or about is None:
        return None
    rule = Rule(about, condition, str(text.path), text.text)
    _check_use(text, rule)
    _check_words(text, rule)
    _check_examples(text, rule)
    return None if text.problems else rule


def _parameters(text: RuleText) -> Iterator[tuple[str, Any]]:
    """Yield the value of each parameter that can be read, whatever else is wrong in the file."""
    assert text.plain is not None
    written = text.plain.get("parameters")
    for name, parameter in (written if isinstance(written, dict) else {}).items():
        try:
            yield name, Parameter.model_validate(parameter).value
        except ValidationError:
            yield name, None


def _about(text: RuleText) -> RuleFile | None:
    unfilled = text.unfilled()
    for where in unfilled:
        key = ".".join(str(part) for part in where)
        text.problem(where, f"{key}: still begins with {UNFILLED}")
    try:
        about = RuleFile.model_validate(text.plain)
    except ValidationError as error:
        told: set[Any] = set()
        for found in error.errors():
            loc = found["loc"]
            if any(loc[: len(where)] == where or where[: len(loc)] == loc for where in unfilled):
                continue
            if loc[0] == "parameters" and "value" in loc[2:]:
                loc = loc[: loc.index("value") + 1]
            where = tuple(part for part in loc if isinstance(part, int) or part.islower())
            name = ".".join(str(part) for part in loc)
            what = _IN_WORDS.get(found["type"])
            if loc[-1] == "value" and found["type"] != "missing":
                what = "is to be a whole number, or a list of words"
            if (loc, what) in told:
                continue
            told.add((loc, what))
            if what is None:
                text.problem(where, f"{name}: {found['msg'][:1].lower()}{found['msg'][1:]}")
                continue
            hint = meant(str(loc[-1]), _keys_of(loc)) if found["type"] == "extra_forbidden" else ""
            text.problem(where, f"{name} {what.format(**found.get('ctx', {}))}{hint}")
        return None
    if not text.path.name.startswith(f"{about.id}-"):
        text.problem(("id",), f"the file of {about.id} is to be named {about.id}-….yaml")
    for place, said in enumerate(about.benign_explanations):
        if "unknown" in said.casefold():
            text.problem(
                ("benign_explanations", place),
                "'unknown' explains nothing; say when a flag is harmless",
            )
    return about


def _keys_of(loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that may stand at a place in a rule file."""
    inside: dict[str, type[BaseModel]] = {"parameters": Parameter, "examples": Example}
    model = inside.get(str(loc[0]), RuleFile) if len(loc) > 2 else RuleFile
    return list(model.model_fields)


def _check_parameters(text: RuleText, about: RuleFile) -> None:
    for name, parameter in about.parameters.items():
        where: Where = ("parameters", name)
        if isinstance(parameter.value, int):
            if parameter.min is None or parameter.max is None:
                text.problem(where, f"parameter {name} needs min and max")
            elif parameter.min > parameter.max:
                text.problem(where, f"parameter {name} has a min above its max")
            elif not parameter.min <= parameter.value <= parameter.max:
                text.problem(
                    where,
                    f"parameter {name} is {parameter.value}, outside "
                    f"{parameter.min} to {parameter.max}",
                )
        elif not parameter.value:
            text.problem(where, f"parameter {name} is an empty list")
        if name in FACT_BY_NAME:
            text.problem(where, f"parameter {name} bears the name of a fact")


def _check_use(text: RuleText, rule: Rule) -> None:
    used = {name for leaf in leaves(rule.condition) for name in _named(leaf)}
    for name in rule.about.parameters:
        if name not in used:
            what = f"parameter {name} is used nowhere in `when`; leave it out"
            text.problem(("parameters", name), what)


def _named(condition: Condition) -> tuple[str | None, ...]:
    if not isinstance(condition, Compare):
        return ()
    return condition.parameter, condition.within_parameter, condition.among_parameter


def _check_words(text: RuleText, rule: Rule) -> None:
    said = list(sayings(rule.condition))
    asked = {one.name for one in rule.facts}
    texts = [("message", rule.about.message), ("due", rule.about.due or "")]
    for key, sentence in (*texts, *(("message", saying) for saying in said)):
        if left := re.search(r"[{}]", BRACES.sub("", sentence)):
            text.problem((key,), f"a brace '{left.group()}' has no partner, or holds no name")
        for name, _ in BRACES.findall(sentence):
            if name == BECAUSE and said and sentence is rule.about.message:
                continue
            if "." in name:
                if name.partition(".")[0] not in rule.reads:
                    text.problem((key,), f"{name} may only be told of a rule that `when` reads")
                continue
            fact = FACT_BY_NAME.get(name)
            if fact is None and name not in rule.parameters:
                hint = meant(name, {**FACT_BY_NAME, **rule.parameters})
                text.problem((key,), f"unknown fact or parameter `{name}` in a message{hint}")
            elif fact and fact.subject != rule.subject:
                text.problem((key,), f"{name} is a fact of a {fact.subject}")
            elif (
                fact
                and name not in asked
                and (fact.among or (fact.within and len(rule.windows) != 1))
            ):
                text.problem((key,), f"{name} may only be told where `when` asks for it")


def _check_examples(text: RuleText, rule: Rule) -> None:
    examples = rule.about.examples
    wanted_outcomes = {"flag", "clear", "cannot_tell"}
    if not rule.reads and all(FACT_BY_NAME[one.name].always for one in rule.facts):
        wanted_outcomes.remove("cannot_tell")
    missing = sorted(wanted_outcomes - {one.expect for one in examples})
    if missing:
        text.problem(("examples",), f"no example expects {' or '.join(missing)}")
    wanted = "contacts" if rule.subject == "contact" else "referrals"
    for place, example in enumerate(examples):
        for date in (example.as_of, example.history_from):
            try:
                dt.date.fromisoformat(date or "2000-01-01")
            except ValueError:
                text.problem(("examples", place), f"'{date}' is not a date")
        if wanted not in example.tables:
            text.problem(("examples", place), f"the example needs {wanted}")
        for table, rows in example.tables.items():
            for number, row in enumerate(rows):
                for column in row:
                    if column not in COLUMNS and column != "rationale":
                        text.problem(
                            ("examples", place, table, number),
                            f"unknown column `{column}`{meant(column, COLUMNS)}",
                        )
