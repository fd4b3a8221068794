"""Reading rule files: every problem of every file, with file and line, in one go.

Scalars are loaded as text and typed by the vocabulary, so that ``NO`` stays a word and ``0123``
keeps its nought; a key used twice is refused, never silently overruled.
"""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import Any, Final, cast

import yaml
from pydantic import ValidationError

from triage.errors import CallError, RuleError
from triage.facts import FACT_BY_NAME, Fact, SubjectName
from triage.rules import (
    BECAUSE,
    BRACES,
    LIST_OPERATORS,
    NUMBER_OPERATORS,
    All,
    AnyOf,
    Compare,
    Condition,
    Operator,
    Rule,
    RuleFile,
    RuleHolds,
    Ruleset,
    problems_between,
    ruleset,
    sayings,
)
from triage.schema import COLUMNS

_OPERATORS: Final = ("is", *NUMBER_OPERATORS, *LIST_OPERATORS)
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
Path_ = tuple[str | int, ...]


def load_rules(folder: Path) -> Ruleset:
    """Return the rules of a folder.

    Raises:
        CallError: when there is no such folder, or it holds no rule.
        RuleError: with every problem of every file, each with its file and line.
    """
    if not folder.is_dir():
        raise CallError(f"{folder}: there is no such folder of rules; check --rules.")
    rules, problems, unread = [], [], []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        reader = _Reader(path)
        rule = reader.rule()
        problems += reader.problems
        if rule is None:
            unread.append(path)
        else:
            rules.append(rule)
    if not rules and not problems:
        raise CallError(f"{folder}: holds no rule file (*.yaml); check --rules.")
    broken = {path.name[: len("DEC-00")].rstrip("-") for path in unread}
    problems += problems_between(rules, broken)
    if problems:
        raise RuleError(problems)
    return ruleset(rules)


def parse_rule(text: str, name: str) -> Rule:
    """Return a rule from its text, as the store keeps it.

    Raises:
        RuleError: when this version of the product cannot read it any more.
    """
    reader = _Reader(Path(f"{name}-stored.yaml"))
    rule = reader.rule(text)
    if rule is None:
        raise RuleError(reader.problems)
    return rule


class _Reader:
    """Reads one file, gathering its problems."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.lines: dict[Path_, int] = {}
        self.parameters: dict[str, Any] = {}
        self.subject: SubjectName = "referral"

    def problem(self, where: Path_, what: str) -> None:
        while where not in self.lines and where:
            where = where[:-1]
        self.problems.append(f"{self.path}:{self.lines.get(where, 1)}: {what}")

    def rule(self, stored: str | None = None) -> Rule | None:
        try:
            text = self.path.read_text("utf-8") if stored is None else stored
            node = yaml.compose(text, Loader=_LOADER)
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            mark = getattr(error, "problem_mark", None)
            self.lines[()] = mark.line + 1 if mark else 1
            self.problem((), f"cannot be read: {getattr(error, 'problem', None) or error}")
            return None
        try:
            plain = self._plain(node, ()) if node is not None else None
        except RecursionError:
            self.lines[()] = 1
            self.problem((), "an alias holds itself; write the part out")
            return None
        if not isinstance(plain, dict):
            self.problem((), "is not a rule: expected id, title, status and so on")
            return None
        about = self._about(plain)
        if about is None:
            return None
        self.parameters = {name: p.value for name, p in about.parameters.items()}
        self.subject = about.subject
        self._check_parameters(about)
        condition = self._condition(plain.get("when"), ("when",))
        if condition is None or self.problems:
            return None
        rule = Rule(about, condition, str(self.path), text)
        self._check_words(rule)
        self._check_examples(rule)
        return None if self.problems else rule

    def _plain(self, node: yaml.Node, where: Path_) -> Any:
        """Return a YAML node as dictionaries, lists and text, remembering each line."""
        self.lines[where] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            found: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                if key in found:
                    self.lines[(*where, key)] = key_node.start_mark.line + 1
                    self.problem((*where, key), f"'{key}' is given twice; keep one of them")
                found[key] = self._plain(value_node, (*where, key))
                self.lines[(*where, key)] = key_node.start_mark.line + 1
            return found
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*where, place)) for place, item in enumerate(node.value)]
        return str(node.value)

    def _about(self, plain: dict[str, Any]) -> RuleFile | None:
        try:
            about = RuleFile.model_validate(plain)
        except ValidationError as error:
            for found in error.errors():
                where = tuple(part for part in found["loc"] if part in self._keys(found["loc"]))
                name = ".".join(str(part) for part in found["loc"])
                self.problem(where, f"{name}: {found['msg'][:1].lower()}{found['msg'][1:]}")
            return None
        if not self.path.name.startswith(f"{about.id}-"):
            self.problem(("id",), f"the file of {about.id} is to be named {about.id}-….yaml")
        for place, text in enumerate(about.benign_explanations):
            if "unknown" in text.casefold():
                self.problem(
                    ("benign_explanations", place),
                    "'unknown' explains nothing; say when a flag is harmless",
                )
        return about

    @staticmethod
    def _keys(loc: tuple[str | int, ...]) -> set[str | int]:
        return {part for part in loc if isinstance(part, int) or part.islower()}

    def _check_parameters(self, about: RuleFile) -> None:
        for name, parameter in about.parameters.items():
            where = ("parameters", name)
            if isinstance(parameter.value, int):
                if parameter.min is None or parameter.max is None:
                    self.problem(where, f"parameter {name} needs min and max")
                elif not parameter.min <= parameter.value <= parameter.max:
                    self.problem(
                        where,
                        f"parameter {name} is {parameter.value}, outside "
                        f"{parameter.min} to {parameter.max}",
                    )
            elif name in FACT_BY_NAME:
                self.problem(where, f"parameter {name} bears the name of a fact")

    def _condition(self, plain: Any, where: Path_) -> Condition | None:
        if not isinstance(plain, dict):
            self.problem(where, "expected all, any, fact or rule")
            return None
        says = str(plain.get("says", ""))
        kinds = [key for key in ("all", "any", "fact", "rule") if key in plain]
        if len(kinds) != 1:
            self.problem(where, "expected exactly one of all, any, fact or rule")
            return None
        kind = kinds[0]
        extra = [key for key in plain if key not in (kind, "says")]
        if kind == "fact":
            return self._compare(plain, where, says)
        if extra:
            self.problem((*where, extra[0]), f"'{extra[0]}' is not known beside {kind}")
        if kind == "rule":
            return RuleHolds(str(plain["rule"]), says)
        parts = plain[kind]
        if not isinstance(parts, list) or not parts:
            self.problem((*where, kind), f"{kind} needs a list of at least one condition")
            return None
        read = [self._condition(part, (*where, kind, n)) for n, part in enumerate(parts)]
        whole = tuple(part for part in read if part is not None)
        if len(whole) < len(read):
            return None
        return All(whole, says) if kind == "all" else AnyOf(whole, says)

    def _compare(self, plain: dict[str, Any], where: Path_, says: str) -> Compare | None:
        fact = FACT_BY_NAME.get(str(plain["fact"]))
        if fact is None:
            self.problem(
                (*where, "fact"),
                f"unknown fact `{plain['fact']}`{_meant(plain['fact'], FACT_BY_NAME)}",
            )
            return None
        given = [key for key in plain if key not in ("fact", "says", "within", "among")]
        if len(given) != 1 or given[0] not in _OPERATORS:
            named = ", ".join(given) or "none"
            self.problem(where, f"expected one of {', '.join(_OPERATORS)} beside fact, not {named}")
            return None
        operator = given[0]
        if fact.subject != self.subject:
            self.problem(
                (*where, "fact"), f"{fact.name} is a fact of a {fact.subject}, not a {self.subject}"
            )
            return None
        within, among = self._window(plain, fact, where), self._among(plain, fact, where)
        if fact.kind == "date":
            self.problem(where, f"{fact.name} is a date: it may be told, not compared")
            return None
        values, parameter = self._values(plain[operator], operator, fact, (*where, operator))
        if values is None:
            return None
        return Compare(
            fact.name,
            cast(Operator, operator),
            values,
            parameter,
            within,
            says,
            str(plain["within"]) if fact.within else None,
            among,
            str(plain["among"]) if fact.among else None,
        )

    def _window(self, plain: dict[str, Any], fact: Fact, where: Path_) -> int | None:
        if fact.within != ("within" in plain):
            what = "needs `within`: a parameter in months" if fact.within else "has no `within`"
            self.problem(where, f"{fact.name} {what}")
            return None
        if not fact.within:
            return None
        value = self.parameters.get(str(plain["within"]))
        if not isinstance(value, int):
            self.problem((*where, "within"), f"unknown parameter `{plain['within']}`")
            return None
        return value

    def _among(self, plain: dict[str, Any], fact: Fact, where: Path_) -> tuple[str, ...] | None:
        if fact.among != ("among" in plain):
            what = "needs `among`: a parameter that lists words" if fact.among else "has no `among`"
            self.problem(where, f"{fact.name} {what}")
            return None
        if not fact.among:
            return None
        value = self.parameters.get(str(plain["among"]))
        if not isinstance(value, tuple):
            self.problem((*where, "among"), f"unknown parameter `{plain['among']}`")
            return None
        return value

    def _values(
        self, typed: Any, operator: str, fact: Fact, where: Path_
    ) -> tuple[tuple[Any, ...] | None, str | None]:
        """Return what a fact is compared with, typed by the kind of the fact."""
        if operator == "is":
            if fact.kind == "yes or no" and typed in ("true", "false"):
                return (typed == "true",), None
            if fact.kind == "text" and isinstance(typed, str):
                return (typed,), None
            self.problem(where, f"`is` goes with true or false, or with a word; not {fact.name}")
            return None, None
        wanted = "whole number" if operator in NUMBER_OPERATORS else "text"
        if fact.kind != wanted:
            self.problem(where, f"{operator} goes with a {wanted}, but {fact.name} is {fact.kind}")
            return None, None
        if str(typed) not in self.parameters:
            hint = _meant(str(typed), self.parameters)
            self.problem(where, f"unknown parameter `{typed}`{hint}; numbers and lists are named")
            return None, None
        value = self.parameters[str(typed)]
        if isinstance(value, int) != (wanted == "whole number"):
            self.problem(where, f"parameter `{typed}` is no {wanted}")
            return None, None
        return ((value,) if isinstance(value, int) else tuple(value)), str(typed)

    def _check_words(self, rule: Rule) -> None:
        said = list(sayings(rule.condition))
        asked = {one.name for one in rule.facts}
        texts = [("message", rule.about.message), ("due", rule.about.due or "")]
        for key, text in (*texts, *(("message", saying) for saying in said)):
            for name, _ in BRACES.findall(text):
                if name == BECAUSE and said and text is rule.about.message:
                    continue
                fact = FACT_BY_NAME.get(name)
                if fact is None and name not in self.parameters:
                    hint = _meant(name, {**FACT_BY_NAME, **self.parameters})
                    self.problem((key,), f"unknown fact `{name}` in a message{hint}")
                elif fact and fact.subject != rule.subject:
                    self.problem((key,), f"{name} is a fact of a {fact.subject}")
                elif (
                    fact
                    and name not in asked
                    and (fact.among or (fact.within and len(rule.windows) != 1))
                ):
                    self.problem((key,), f"{name} may only be told where `when` asks for it")

    def _check_examples(self, rule: Rule) -> None:
        about = rule.about
        expected = {example.expect for example in about.examples}
        missing = sorted({"flag", "clear", "cannot_tell"} - expected)
        if missing:
            self.problem(("examples",), f"no example expects {' or '.join(missing)}")
        for place, example in enumerate(about.examples):
            for date in (example.as_of, example.history_from):
                try:
                    dt.date.fromisoformat(date or "2000-01-01")
                except ValueError:
                    self.problem(("examples", place), f"'{date}' is not a date")
            wanted = "contacts" if about.subject == "contact" else "referrals"
            if wanted not in example.tables:
                self.problem(("examples", place), f"the example needs {wanted}")
            for table, rows in example.tables.items():
                for number, row in enumerate(rows):
                    for column in row:
                        if column not in COLUMNS and column != "rationale":
                            self.problem(
                                ("examples", place, table, number),
                                f"unknown column `{column}`{_meant(column, COLUMNS)}",
                            )


def _meant(name: str, known: Any) -> str:
    close = difflib.get_close_matches(str(name), list(known), 1, 0.6)
    return f", did you mean `{close[0]}`?" if close else ""
