"""Checking the checker: how often each text of a rule flags, and how useful reviewers find that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from triage.calendar import spoken_date
from triage.report.document import (
    Bound,
    Bullets,
    Cell,
    Column,
    Count,
    Document,
    Section,
    Share,
    Sum,
    Table,
    Words,
)
from triage.report.records import Records, RuleUse
from triage.report.shown import rest
from triage.report.standing import standing_of

ENOUGH: Final = 5
"""Answers below which a rule is not said to be useful to nobody."""
NEARLY_ALL: Final = 0.9
"""The share of what a rule could tell from which on it flags nearly all."""
_LETTERS_OF_HASH: Final = 12


def rules_document(records: Records) -> Document:
    """Return how each rule did at the last run, and each of its texts since the store was begun."""
    run = records.run
    sums: list[Sum] = []
    sections = (
        Section("At the last run", (_last_run(records, sums),)),
        Section("What reviewers found useful", (_useful(records, sums),)),
        Section("Rules to look at", _to_look_at(records)),
    )
    return Document(
        "rules",
        f"Checking the checker, as of {spoken_date(run.as_of)}",
        "Each rule and each of its texts: how often it flags, what it cannot tell, how useful "
        "reviewers find it, and what is excepted from it.",
        standing_of(records, run.as_of, run.as_of),
        sections,
        tuple(sums),
    )


def _last_run(records: Records, sums: list[Sum]) -> Table:
    excepted = Counter(one.rule for one in records.excepted)
    rows: list[tuple[Cell, ...]] = []
    for rule in records.run.rules:
        name = rule["id"]
        counts = [
            Count(f"rule {name} at the last run: {outcome}", rule[outcome])
            for outcome in ("flag", "clear", "cannot_tell")
        ]
        told = Count(f"rule {name} at the last run: told", counts[0].n + counts[1].n)
        judged = told.n + counts[2].n
        sums.append(Sum(told, (counts[0], counts[1])))
        # What each rule judged is the same, and so can be read off another rule's row.
        sums.append(Sum(Count(f"judged: {judged}", judged), (told, counts[2])))
        rows.append(
            (
                name, records.titles.get(name, name), *counts, Share(counts[0], told),
                "no" if rule["not_evaluable"] else "yes",
                Count(f"rule {name}: exceptions", excepted[name]),
            )
        )  # fmt: skip
    columns = (
        Column("Rule", "text"), Column("Title", "text"), Column("Flagged"), Column("Clear"),
        Column("Cannot tell"), Column("Flagged, of what it can tell", "share"),
        Column("Can be evaluated", "text"), Column("Exceptions"),
    )  # fmt: skip
    return Table(
        "rules-last-run", "How each rule ended on what was judged", columns, tuple(rows),
        ("Of all that the run judged: of every team, restricted records among them.",
         "Rules that judge contacts, or the cases of the queue, have no referral to judge."),
    )  # fmt: skip


def _useful(records: Records, sums: list[Sum]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in records.uses:
        text = one.text_hash[:_LETTERS_OF_HASH]
        key = f"rule {one.rule}, text {text}"
        answers = {name: Count(f"{key}: {name}", one.useful.get(name, 0))
                   for name in ("yes", "partly", "no")}  # fmt: skip
        whole = Count(f"{key}: answers", sum(count.n for count in answers.values()))
        sums.append(Sum(whole, tuple(answers.values())))
        yes = answers["yes"]
        flagged, is_open = Count(f"{key}: cases", one.n_flags), Count(f"{key}: open", one.n_open)
        sums += [Sum(flagged, (part, rest(part, flagged))) for part in (is_open, whole)]
        rows.append(
            (
                one.rule, text, flagged, is_open, *answers.values(), Share(yes, whole),
                Bound(yes, whole, "low"), Bound(yes, whole, "high"),
            )
        )  # fmt: skip
    columns = (
        Column("Rule", "text"), Column("Text, SHA-256", "text"), Column("Cases flagged"),
        Column("Open now"), Column("Useful"), Column("Partly"), Column("Not useful"),
        Column("Useful, share", "share"), Column("Useful, share: from", "share"),
        Column("Useful, share: to", "share"),
    )  # fmt: skip
    return Table(
        "rules-useful", "Each text of a rule, and how useful its flags were", columns, tuple(rows),
        ("A flag that outlived a change of its rule's text counts under the text that raised it "
         "last. Answers are those of final reviews, with the 95 % interval of the share.",),
    )  # fmt: skip


def _to_look_at(records: Records) -> tuple[Words | Bullets, ...]:
    """Return rules nobody finds useful, those that never flag, and those that flag nearly all."""
    flagged = {one.rule for one in records.uses}
    never = [
        rule["id"] for rule in records.run.rules
        if not rule["flag"] and rule["id"] not in flagged and not rule["not_evaluable"]
    ]  # fmt: skip
    return (
        Bullets(
            (
                Words("Useful to nobody, of at least "
                      f"{ENOUGH} answers: {_listed(_useless(records.uses))}."),
                Words(f"Never flagged anybody, though they can be evaluated: {_listed(never)}."),
                Words(f"Flagged {NEARLY_ALL:.0%} or more of what they could tell at the last run: "
                      f"{_listed(_nearly_all(records.run.rules))}."),
            )
        ),
        Words(
            "`triage rules show` gives a rule's reasons and limits, `triage rules compare` what "
            "another limit would flag, `triage exception list` what is excepted."
        ),
    )  # fmt: skip


def _useless(uses: Sequence[RuleUse]) -> list[str]:
    answers: dict[str, Counter[str]] = {}
    for one in uses:
        answers.setdefault(one.rule, Counter()).update(one.useful)
    return [
        rule
        for rule, found in sorted(answers.items())
        if found.total() >= ENOUGH and found["no"] == found.total()
    ]


def _nearly_all(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        rule["id"]
        for rule in rules
        if rule["flag"] and rule["flag"] >= NEARLY_ALL * (rule["flag"] + rule["clear"])
    ]


def _listed(rules: Sequence[str]) -> str:
    return ", ".join(rules) or "none"
