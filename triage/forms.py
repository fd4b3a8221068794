"""Which rules each form of records lets be judged, found on an invented council in every form.

The same children are written in each form that is read, and the shipped rules are tried on each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from triage.catalogue import written_into
from triage.demonstration import sample
from triage.describing import FAMILIES, OF_REFERRALS, family_of, of_records
from triage.errors import CallError
from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run
from triage.sample import (
    Council,
    write_annex_a,
    write_cin,
    write_folder,
    write_referral_table,
)
from triage.sample.shipped import shipped_council
from triage.sample.writers_ssd import write_ssd
from triage.sources.folder import BESIDE, CONTACTS
from triage.unlocking import lacking

MARKS: Final = ("<!-- forms:begin -->", "<!-- forms:end -->")
WHAT: Final = "the table of forms"

Written = Callable[[Council, Path], str]


@dataclass(frozen=True)
class Form:
    """A form in which records come: which rules it lets be judged, and what the others lack.

    ``lacks`` names, for each rule that cannot be judged, the tables and columns it would need.
    """

    name: str
    judged: tuple[str, ...]
    lacks: Mapping[str, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        """Return the form for a script."""
        return {
            "form": self.name,
            "judged": list(self.judged),
            "lacks": {rule: list(names) for rule, names in self.lacks.items()},
        }


def _table(council: Council, folder: Path) -> str:
    write_referral_table(council, folder / "referral_table.csv")
    return str(folder / "referral_table.csv")


def _folder(council: Council, folder: Path) -> str:
    write_folder(council, folder / "tables")
    return str(folder / "tables")


def _cin(council: Council, folder: Path) -> str:
    write_cin(council, folder / "cin_census.xml")
    return str(folder / "cin_census.xml")


def _annex_a(council: Council, folder: Path) -> str:
    write_annex_a(council, folder / "annex_a.xlsx")
    return str(folder / "annex_a.xlsx")


def _ssd(council: Council, folder: Path) -> str:
    url = f"sqlite:///{folder / 'ssd.db'}"
    write_ssd(council, url)
    return url


FORMS: Final[Mapping[str, Written]] = {
    "referral table": _table,
    "folder of tables": _folder,
    "CIN census": _cin,
    "Annex A": _annex_a,
    "SSD database": _ssd,
}
"""Each form by its name, with what writes a council in it and says what to read."""


def forms() -> tuple[Form, ...]:
    """Return what each form lets be judged by the shipped rules.

    Raises:
        CallError: when the installation lacks its rules, or no file can be written.
    """
    rules, council, about = load_rules(shipped("rules")), shipped_council(), sample()
    options = Options(about.as_of, history_from=about.history_from)
    found = []
    try:
        with tempfile.TemporaryDirectory() as made:
            for name, write in FORMS.items():
                folder = Path(made) / name
                folder.mkdir()
                found.append(_form(name, check([write(council, folder)], rules, options)))
    except OSError as error:
        raise CallError(f"the sample could not be written ({error.strerror or error}).") from None
    return tuple(found)


def _form(name: str, run: Run) -> Form:
    """Return what a form lets be judged, from a run on a council written in it."""
    table = run.referrals.table
    carried = frozenset() if table is None else table.subject.whole.carried
    results = of_records(run.referrals, run.ruleset)
    can = {result.rule.id: result.can_flag for result in results}
    lacks = {
        rule_id: _named(lacking(run.ruleset, rule_id, carried, OF_REFERRALS), carried)
        for rule_id, is_so in can.items()
        if not is_so
    }
    can_contacts, lacks_contacts = _of_contacts(run)
    can |= can_contacts
    judged = tuple(sorted(rule_id for rule_id, is_so in can.items() if is_so))
    return Form(name, judged, dict(sorted((lacks | lacks_contacts).items())))


def _of_contacts(run: Run) -> tuple[dict[str, bool], dict[str, tuple[str, ...]]]:
    """Return which rules for contacts a form lets be judged: what it has room for counts.

    A form may hold a list of contacts that is empty for this council.
    """
    tables = [one.contacts for one in run.sources if one.contacts is not None]
    carried = frozenset(name for table in tables for name in table.columns)
    can = {
        result.rule.id: bool(tables) and run.ruleset.can_flag(result.rule.id, carried)
        for result in run.contacts.results
    }
    lacks = {
        rule_id: tuple(sorted(run.ruleset.columns(rule_id) - carried)) if tables else (CONTACTS,)
        for rule_id, is_so in can.items()
        if not is_so
    }
    return can, lacks


def _named(columns: Sequence[str], carried: frozenset[str]) -> tuple[str, ...]:
    """Return the columns that are lacking, by the table that they make up where all of it is."""
    homes = {
        column: table
        for table, beside in BESIDE.items()
        if beside.event not in carried
        for column in (*beside.carries, *beside.keeps)
    }
    return tuple(dict.fromkeys(homes.get(column, column) for column in columns))


def as_markdown(found: Sequence[Form]) -> str:
    """Return the forms as a table by rule family, with what each form lacks below it."""
    by_family = _by_family(found)
    lines = [
        "How many of the shipped rules can be judged on records in each form alone:",
        "",
        f"| family | {' | '.join(form.name for form in found)} |",
        f"|---|{'---|' * len(found)}",
    ]
    for family, rules in by_family.items():
        label = f"{family}, {FAMILIES[family]}" if family in FAMILIES else family
        lines.append(f"| {label} | {_cells(found, rules)} |")
    everything = [rule for rules in by_family.values() for rule in rules]
    lines += [
        f"| all | {_cells(found, everything)} |",
        "",
        "What the rest would need (tables in words, columns as code):",
        "",
    ]
    lines += [f"- {form.name}: {_lacks(form)}." for form in found]
    return "\n".join(lines)


def _by_family(found: Sequence[Form]) -> dict[str, list[str]]:
    rules = sorted({rule for form in found for rule in (*form.judged, *form.lacks)})
    by_family: dict[str, list[str]] = {family: [] for family in FAMILIES}
    for rule in rules:
        by_family.setdefault(family_of(rule), []).append(rule)
    return {family: rules for family, rules in by_family.items() if rules}


def _cells(found: Sequence[Form], rules: Sequence[str]) -> str:
    return " | ".join(
        f"{sum(rule in form.judged for rule in rules)} / {len(rules)}" for form in found
    )


def _lacks(form: Form) -> str:
    """Return in words what the rules that cannot be judged lack, those alike together."""
    by_names: dict[tuple[str, ...], list[str]] = {}
    for rule, names in form.lacks.items():
        by_names.setdefault(names, []).append(rule)
    told = [
        f"{' and '.join(map(_spoken, names))} ({', '.join(in_ranges(rules))})"
        for names, rules in sorted(by_names.items(), key=lambda one: (len(one[0]), one[1]))
    ]
    return "; ".join(told) or "nothing"


def _spoken(name: str) -> str:
    """Return a table in words, a column as it is headed."""
    return name.replace("_", " ") if name in (*BESIDE, CONTACTS) else f"`{name}`"


def in_ranges(rules: Sequence[str]) -> list[str]:
    """Return identifiers in order, three or more that follow each other as ``DEC-01 to DEC-05``."""
    runs: list[list[str]] = []
    for rule in sorted(rules):
        family, number = family_of(rule), int(rule[-2:])
        last = runs[-1][-1] if runs else ""
        if last and family_of(last) == family and int(last[-2:]) == number - 1:
            runs[-1].append(rule)
        else:
            runs.append([rule])
    return [word for run in runs for word in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else run)]


def written_page(path: Path) -> tuple[str, str]:
    """Return a page as it is, and with the table of forms as it should be.

    Raises:
        CallError: when there is no such page, or it has no place for the table.
    """
    try:
        before = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise CallError(f"{path}: cannot be read ({why}).") from None
    written_into(before, "", str(path), WHAT, MARKS)
    return before, written_into(before, as_markdown(forms()), str(path), WHAT, MARKS)
