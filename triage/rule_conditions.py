"""Reading a rule's ``when``: conditions on facts and on other rules, typed by the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from triage.conditions import (
    LIST_OPERATORS,
    NUMBER_OPERATORS,
    All,
    AnyOf,
    Compare,
    Condition,
    Operator,
    RuleHolds,
)
from triage.facts import FACT_BY_NAME, Fact, SubjectName
from triage.rule_text import RuleText, Where, meant
from triage.schema import COLUMNS

_OPERATORS: Final = ("is", *NUMBER_OPERATORS, *LIST_OPERATORS)


class Conditions:
    """Reads the conditions of one file, given what its parameters are called."""

    def __init__(self, text: RuleText, parameters: Mapping[str, Any], subject: SubjectName) -> None:
        self._text = text
        self._parameters = parameters
        self._subject = subject

    def read(self, plain: Any, where: Where) -> Condition | None:
        """Return a condition, or None when something in it is wrong and noted."""
        if not isinstance(plain, dict):
            self._text.problem(where, "expected all, any, fact or rule")
            return None
        says = str(plain.get("says", ""))
        kinds = [key for key in ("all", "any", "fact", "rule") if key in plain]
        if len(kinds) != 1:
            self._text.problem(where, "expected exactly one of all, any, fact or rule")
            return None
        kind = kinds[0]
        extra = [key for key in plain if key not in (kind, "says")]
        if kind == "fact":
            return self._compare(plain, where, says)
        if extra:
            self._text.problem((*where, extra[0]), f"'{extra[0]}' is not known beside {kind}")
        if kind == "rule":
            return RuleHolds(str(plain["rule"]), says)
        parts = plain[kind]
        if not isinstance(parts, list) or not parts:
            self._text.problem((*where, kind), f"{kind} needs a list of at least one condition")
            return None
        read = [self.read(part, (*where, kind, n)) for n, part in enumerate(parts)]
        whole = tuple(part for part in read if part is not None)
        if len(whole) < len(read):
            return None
        return All(whole, says) if kind == "all" else AnyOf(whole, says)

    def _compare(self, plain: dict[str, Any], where: Where, says: str) -> Compare | None:
        fact = FACT_BY_NAME.get(str(plain["fact"]))
        if fact is None:
            self._text.problem(
                (*where, "fact"),
                f"unknown fact `{plain['fact']}`{meant(plain['fact'], FACT_BY_NAME)}",
            )
            return None
        given = [key for key in plain if key not in ("fact", "says", "within", "among")]
        if len(given) != 1 or given[0] not in _OPERATORS:
            named = ", ".join(given) or "none"
            self._text.problem(
                where, f"expected one of {', '.join(_OPERATORS)} beside fact, not {named}"
            )
            return None
        operator = given[0]
        if fact.subject != self._subject:
            self._text.problem(
                (*where, "fact"),
                f"{fact.name} is a fact of a {fact.subject}, not of a {self._subject}",
            )
            return None
        if fact.kind == "date":
            self._text.problem(where, f"{fact.name} is a date: it may be told, not compared")
            return None
        within = self._given(plain, fact, where, "within")
        among = self._given(plain, fact, where, "among")
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
            str(plain["within"]) if fact.within and "within" in plain else None,
            among,
            str(plain["among"]) if fact.among and "among" in plain else None,
        )

    def _given(self, plain: dict[str, Any], fact: Fact, where: Where, key: str) -> Any:
        """Return the window or the list of words that a fact is asked with."""
        wanted = fact.within if key == "within" else fact.among
        form = "a parameter in months" if key == "within" else "a parameter that lists words"
        if wanted != (key in plain):
            what = f"needs `{key}`: {form}" if wanted else f"has no `{key}`"
            self._text.problem(where, f"{fact.name} {what}")
            return None
        if not wanted:
            return None
        name = str(plain[key])
        value = self._parameters.get(name)
        if value is None and name in self._parameters:
            return None
        if not isinstance(value, int if key == "within" else tuple):
            hint = meant(name, self._parameters)
            self._text.problem((*where, key), f"`{name}` is not {form}{hint}")
            return None
        if isinstance(value, tuple):
            self._check_words(value, fact, name)
        return value

    def _values(
        self, typed: Any, operator: str, fact: Fact, where: Where
    ) -> tuple[tuple[Any, ...] | None, str | None]:
        """Return what a fact is compared with, typed by the kind of the fact."""
        if operator == "is":
            if fact.kind == "yes or no" and typed in ("true", "false"):
                return (typed == "true",), None
            if fact.kind == "text" and isinstance(typed, str):
                self._check_words((typed,), fact, "")
                return (typed,), None
            if fact.kind == "yes or no":
                what = f"{fact.name} is yes or no: write `is: true` or `is: false`, not `{typed}`"
            else:
                what = f"`is` goes with true or false, or with a word; not {fact.name}"
            self._text.problem(where, what)
            return None, None
        wanted = "whole number" if operator in NUMBER_OPERATORS else "text"
        if fact.kind != wanted:
            self._text.problem(
                where, f"{operator} goes with a {wanted}, but {fact.name} is {fact.kind}"
            )
            return None, None
        if str(typed) not in self._parameters:
            hint = meant(str(typed), self._parameters)
            self._text.problem(
                where, f"unknown parameter `{typed}`{hint}; numbers and lists are named"
            )
            return None, None
        value = self._parameters[str(typed)]
        if value is None:
            return None, None
        if isinstance(value, int) != (wanted == "whole number"):
            self._text.problem(where, f"parameter `{typed}` is no {wanted}")
            return None, None
        if isinstance(value, int):
            return (value,), str(typed)
        self._check_words(value, fact, str(typed))
        return tuple(value), str(typed)

    def _check_words(self, words: tuple[str, ...], fact: Fact, parameter: str) -> None:
        """Refuse a code that the column behind a fact can never hold."""
        codes = next((COLUMNS[c].reads.codes for c in fact.columns if COLUMNS[c].reads.codes), ())
        known = {code.casefold() for code in codes}
        for word in words:
            if codes and word.casefold() not in known:
                where: Where = ("parameters", parameter, "value") if parameter else ("when",)
                self._text.problem(
                    where, f"{fact.name} is never `{word}`; it is one of {', '.join(codes)}"
                )
