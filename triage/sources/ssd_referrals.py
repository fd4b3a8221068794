"""The referrals of the Standard Safeguarding Dataset: its episodes, persons and families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from triage import vocabulary as v
from triage.reading import Reading
from triage.sources import ssd_cells as cells
from triage.sources import ssd_columns as columns
from triage.sources.grid import row_numbers
from triage.sources.ssd_tables import EPISODES, FAMILIES, PERSONS, Fetched
from triage.tables import LOST, RawColumn, RawTable

_WORDS_TOLD: Final = 10
"""Words of the council's own that one note names, those of most rows first."""


@dataclass(frozen=True)
class Dataset:
    """The tables of a dataset as they were read, and what their database is called."""

    label: str
    tables: Mapping[str, Fetched]
    reading: Reading

    def source(self, name: str) -> str:
        """Return what a table is called in a list of problems."""
        return f"{self.label} [{name}]"

    def words(self, *names: str) -> dict[str, str]:
        """Return what the council's own words for some columns stand for, by the word in plain."""
        return {
            cells.plain(word): str(meant)
            for name in names
            for word, meant in self.reading.words.get(name, {}).items()
        }


@dataclass(frozen=True)
class Built:
    """A table of canonical columns, and what is to be said of it."""

    table: RawTable
    notes: tuple[str, ...] = ()


def build_referrals(dataset: Dataset) -> Built:
    """Return the episodes as referrals, each with its child's birth date and household."""
    episodes = dataset.tables[EPISODES.name]
    child = episodes.columns["cine_person_id"].mapped(cells.identifier)
    notes = list(nobody(episodes, "cine_person_id", "rejected"))
    made: dict[str, RawColumn] = {
        "child_id": child,
        "referral_date": episodes.columns["cine_referral_date"],
    }
    for name, field in (
        ("referral_id", "cine_referral_id"),
        ("team", "cine_referral_team"),
    ):
        if field in episodes.columns:
            made[name] = episodes.columns[field].mapped(cells.identifier)
    if "cine_close_date" in episodes.columns:
        made["closed_on"] = episodes.columns["cine_close_date"]
    for name, field, codes in (
        ("primary_need", "cine_cin_primary_need_code", v.PRIMARY_NEEDS),
        ("closure_reason", "cine_close_reason", v.CLOSURE_REASONS),
    ):
        if field in episodes.columns:
            words = dataset.words(name)
            made[name] = episodes.columns[field].mapped(
                lambda text, codes=codes, words=words: cells.coded(text, codes, words)  # type: ignore[misc]
            )
    for columns_made, said in (
        source_codes(dataset, episodes, "referral_source", "cine_referral_source"),
        _nfa(dataset, episodes),
        _births(dataset, child),
        _household(dataset, child),
    ):
        made |= columns_made
        notes += said
    table = RawTable(
        dataset.source(EPISODES.name), row_numbers(episodes.n_rows), made, found_by="referral_id"
    )
    return Built(table, tuple(notes))


def nobody(fetched: Fetched, field: str, fate: str) -> Iterator[str]:
    """Yield a note of the rows whose person is the -1 that stands for nobody, if there are any."""
    column = fetched.columns.get(field)
    if column is None:
        return
    n_rows = columns.count(columns.where(column, lambda text: text in cells.NOBODY))
    if n_rows:
        yield f"{fetched.name}: {v.counted(n_rows, 'row')} of person -1, which is nobody: {fate}"


Columns = tuple[dict[str, RawColumn], list[str]]


def source_codes(dataset: Dataset, fetched: Fetched, name: str, field: str) -> Columns:
    """Return census codes of who referred or made contact, from a code and its description.

    The code may be the key of a lookup table, which is a number. Where a number of the column is no
    census code and no cell of it bears a code with a letter, numbers that look like a census code
    are not taken for one either; the description decides.
    """
    code, described = (fetched.columns.get(f"{field}_{part}") for part in ("code", "desc"))
    if code is None and described is None:
        return {}, []
    words = dataset.words("referral_source", name)
    empty = columns.blank(fetched.n_rows)
    typed, told = code or empty, described or empty
    is_lookup = _is_lookup([text for text in typed.texts if text])

    def read(text: str, description: str) -> str | None:
        text, description = cells.identifier(text), cells.identifier(description)
        found = cells.leading_code(text, v.REFERRAL_SOURCES)
        if found and not (is_lookup and found.isdigit()):
            return found
        found = cells.source_of_words(description, words)
        if found is None and not text.isdigit():
            found = cells.source_of_words(text, words)
        return found or (LOST if text or description else "")

    column = columns.paired(typed, told, read)
    unread = columns.where(column, columns.is_lost)
    said = columns.paired(typed, told, lambda text, description: description or text)
    notes = [
        f"{fetched.name}: source '{v.cut(word)}' is no census code: {v.counted(n, 'row')}, read as "
        "unknown"
        for word, n in _commonest(said, unread)
    ]
    return {name: column}, notes


def _is_lookup(texts: list[str]) -> bool:
    codes = [cells.leading_code(text, v.REFERRAL_SOURCES) for text in texts]
    has_letters = any(code and not code.isdigit() for code in codes)
    return not has_letters and any(
        text.isdigit() and not code for text, code in zip(texts, codes, strict=True)
    )


def _commonest(column: RawColumn, rows: columns.Truths) -> list[tuple[str, int]]:
    """Return the texts of some rows with the rows of each, most first, the rest as one."""
    counts: Counter[str] = Counter()
    for code, n_rows in zip(*np.unique(column.codes[rows], return_counts=True), strict=True):
        counts[column.texts[code] or ""] += int(n_rows)
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    rest = found[_WORDS_TOLD:]
    others = [(f"and {len(rest):,} more", sum(n for _, n in rest))] if rest else []
    return found[:_WORDS_TOLD] + others


def _nfa(dataset: Dataset, episodes: Fetched) -> Columns:
    """Return whether each referral ended without further action, by its letter or its outcome."""
    letter = episodes.columns.get("cine_referral_nfa")
    outcome = episodes.columns.get("cine_referral_outcome_json")
    if letter is None and outcome is None:
        return {}, []
    empty = columns.blank(episodes.n_rows)
    typed, told = letter or empty, outcome or empty
    words = dataset.words("nfa")
    column = columns.paired(typed, told, lambda text, flags: cells.nfa_of(text, flags, words))
    notes = []
    is_other = columns.where(
        typed, lambda text: bool(text) and cells.nfa_of(str(text), "", words) is LOST
    )
    if is_other.any():
        letters = ", ".join(f"'{v.cut(text)}'" for text, _ in _commonest(typed, is_other))
        n_lost = columns.count(is_other & columns.where(column, columns.is_lost))
        notes.append(
            f"{episodes.name}: cine_referral_nfa is {letters} in "
            f"{v.counted(columns.count(is_other), 'row')}, which is neither yes nor no: "
            f"{columns.count(is_other) - n_lost:,} read from the outcome, {n_lost:,} unknown"
        )
    notes += unreadable_outcomes(episodes.name, "cine_referral_outcome_json", told)
    return {"nfa": column}, notes


def unreadable_outcomes(table: str, field: str, outcome: RawColumn) -> list[str]:
    """Return a note of the outcomes that were no whole JSON, if there are any."""
    broken = columns.where(outcome, lambda text: not cells.read_outcome(text or "").is_whole)
    if not broken.any():
        return []
    return [
        f"{table}: {field} is broken or cut short in {v.counted(columns.count(broken), 'row')}; "
        "its flags were read as far as they are whole"
    ]


def _births(dataset: Dataset, child: RawColumn) -> Columns:
    """Return the birth dates of the children of the episodes; a child entered twice is one."""
    persons = dataset.tables.get(PERSONS.name)
    if persons is None:
        return {}, []
    keys = persons.columns["pers_person_id"].mapped(cells.identifier)
    is_child = columns.where(child, bool)
    made, notes = {}, []
    for name, field in (
        ("date_of_birth", "pers_dob"),
        ("expected_date_of_birth", "pers_expected_dob"),
    ):
        if field not in persons.columns:
            continue
        found = columns.one_each(keys, persons.columns[field], child)
        made[name] = columns.replaced(found.column, found.is_missing | found.is_several, LOST)
        if found.is_several.any():
            notes.append(
                f"{PERSONS.name}: {field} of one person is given in several ways; unknown for "
                f"{v.counted(columns.count(found.is_several), 'referral')}"
            )
    missing = columns.first_rows(keys, child) < 0
    if (missing & is_child).any():
        notes.append(
            f"{PERSONS.name}: holds no person for "
            f"{v.counted(columns.count(missing & is_child), 'referral')}, whose birth date is "
            "unknown"
        )
    return made, notes


def _household(dataset: Dataset, child: RawColumn) -> Columns:
    """Return the family of each child; of a child in several none can be said to be the one."""
    families = dataset.tables.get(FAMILIES.name)
    if families is None:
        return {}, []
    keys = families.columns["fami_person_id"].mapped(cells.identifier)
    family = families.columns["fami_family_id"].mapped(cells.identifier)
    found = columns.one_each(keys, family, child)
    several = found.is_several
    notes = []
    if several.any():
        n_children = len({child.texts[code] for code in np.unique(child.codes[several]).tolist()})
        notes.append(
            f"{FAMILIES.name}: {n_children:,} {'child is' if n_children == 1 else 'children are'} "
            "in several families; household left blank"
        )
    return {"household_id": found.column}, notes
