"""From inputs to one set of referrals: joined, validated, each row read accounted for.

Every row ends in exactly one of: rejected, collapsed duplicate, or kept; what lies after the date
of judgement, and what is only history, is told later from the kept ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.census_years import differences, precedence
from triage.entries import (
    CONTACTS,
    NOTHING,
    REFERRALS,
    Elsewhere,
    Entries,
    Events,
    Kept,
    Rows,
    keep,
    usable,
)
from triage.errors import InputError
from triage.joining import Beside, Join, Joined, concatenated, join, join_extracts
from triage.reading import JOIN_WITHIN_DAYS
from triage.tables import Extract, Input, Problem, Source
from triage.validation import Column, ValidTable, validate
from triage.vocabulary import counted


@dataclass(frozen=True)
class LoadedContacts:
    """The contacts of all sources: one a child and day, and the rows by fate."""

    entries: Entries
    n_read: int
    n_rejected: int
    n_collapsed: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Loaded:
    """All that the inputs gave: referrals, counts by fate, and every problem of every row."""

    sources: tuple[Input, ...]
    referrals: Entries
    n_read: int
    n_rejected: int
    collapsed_days: npt.NDArray[np.int32]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    joins: tuple[Join, ...] = ()
    contacts: LoadedContacts | None = None


def load(
    inputs: Sequence[Input],
    as_of: dt.date,
    join_within_days: int = JOIN_WITHIN_DAYS,
    elsewhere: Elsewhere | None = None,
) -> Loaded:
    """Return the referrals of all sources together, with what the extracts beside them carry.

    ``as_of`` is only used to choose the latest oversight note that had been made by then.
    ``join_within_days`` is the time in which an event that names no referral is joined to one.
    ``elsewhere`` is given where the inputs are a part of all that is read: whether an input has
    any row that can be used is then not asked.

    Raises:
        InputError: when every row of one input has to be rejected.
    """
    taken = [inputs[place] for place in precedence(inputs)]
    sources = [one for one in taken if isinstance(one, Source)]
    extracts = [one for one in inputs if isinstance(one, Extract)]
    joined = [join(source, as_of, join_within_days) for source in sources]
    parts = [one.main for one in joined]
    for source, part in zip(sources, parts, strict=True):
        if elsewhere is None and not usable(part.columns, "referral_date").any():
            _refuse(source, part)
    n_read = sum(len(part.raw) for part in parts)
    columns = concatenated([part.columns for part in parts], [len(part.raw) for part in parts])
    whole = join_extracts(extracts, columns, n_read, as_of, join_within_days)
    _refuse_strangers(extracts, whole.joins)
    kept = _kept(parts, REFERRALS, whole.main.columns, elsewhere or NOTHING)
    problems = [problem for part in (*parts, whole.main) for problem in part.problems]
    notes = input_notes(inputs)
    notes += differences(inputs) + _taken_over(sources, extracts) + query_notes(problems)
    return Loaded(
        tuple(inputs),
        replace(kept.entries, events=_events([*joined, whole], kept.entries)),
        n_read,
        n_read - len(kept.entries) - len(kept.collapsed_days),
        kept.collapsed_days,
        (*problems, *kept.problems),
        tuple(notes),
        tuple(one for part in (*joined, whole) for one in part.joins),
        _contacts(inputs),
    )


def _kept(
    parts: Sequence[ValidTable],
    kind: tuple[str, str],
    columns: dict[str, Column],
    elsewhere: Elsewhere = NOTHING,
) -> Kept:
    source_of_row = np.repeat(np.arange(len(parts)), [len(part.raw) for part in parts])
    rows = np.concatenate([part.raw.rows for part in parts])
    names = [part.raw.source for part in parts]
    return keep(columns, source_of_row, rows, names, kind, elsewhere)


def _contacts(inputs: Sequence[Input]) -> LoadedContacts | None:
    """Return the contacts of the inputs that carry any, and what is wrong with their rows."""
    parts = [validate(one.contacts, rejects=True) for one in inputs if one.contacts is not None]
    if not parts:
        return None
    columns = concatenated([part.columns for part in parts], [len(part.raw) for part in parts])
    kept = _kept(parts, CONTACTS, columns)
    n_read = sum(len(part.raw) for part in parts)
    n_collapsed = len(kept.collapsed_days)
    problems = (problem for part in parts for problem in part.problems)
    return LoadedContacts(
        kept.entries,
        n_read,
        n_read - len(kept.entries) - n_collapsed,
        n_collapsed,
        (*problems, *kept.problems),
    )


def _refuse(source: Source, table: ValidTable) -> None:
    """Raise InputError for an input of which no row is left."""
    first = next(problem for problem in table.problems if problem.kind == "rejected")
    raise InputError(
        f"{source.path}: every one of its {counted(len(table.raw), 'row')} had to be rejected "
        f"(row {first.row}, {first.column}: {first.message}); check the file and export it again."
    )


def input_notes(inputs: Sequence[Input]) -> list[str]:
    """Return what is to be said of each input, with its name where there are several."""
    notes = []
    for one in inputs:
        name = Path(one.path).name
        for note in one.notes:
            is_plain = len(inputs) == 1 or name in note
            notes.append(note if is_plain else f"{name}: {note}")
    return notes


def _refuse_strangers(extracts: Sequence[Extract], joins: Sequence[Join]) -> None:
    """Raise InputError for a table of events of which no row belongs to a referral.

    Judged with it, every referral would seem to have no decision, or no allocation, at all.
    """
    for extract in extracts:
        names = {child.table.source for child in extract.children}
        of_extract = [one for one in joins if one.source in names]
        if of_extract and all(one.n_unmatched == one.n_rows for one in of_extract):
            raise InputError(
                f"{extract.path}: none of its {counted(extract.n_rows, 'row')} belongs to a "
                "referral of the other inputs; check that it names children as they do."
            )


def _taken_over(sources: Sequence[Source], extracts: Sequence[Extract]) -> list[str]:
    """Return a note for each column of an input that an extract carries in its place."""
    notes = []
    for source in sources:
        carried = {
            *source.referrals.columns,
            *(n for child in source.children for n in child.carries),
        }
        for extract in extracts:
            twice = [n for child in extract.children for n in child.carries if n in carried]
            if twice:
                notes.append(
                    f"{source.path}: column {', '.join(dict.fromkeys(twice))} was ignored: "
                    f"{extract.path} carries it"
                )
    return notes


def _events(joined: Sequence[Joined], referrals: Entries) -> dict[str, Events]:
    """Return the rows of the tables beside, by table, each with the referral it belongs to.

    The last of ``joined`` are the extracts, which are joined to the referrals of all inputs and
    take the place of a table of the same kind.
    """
    *of_inputs, whole = joined
    n_rows = [len(one.main.raw) for one in of_inputs]
    found: dict[str, list[tuple[Rows, Beside]]] = {
        beside.name: [
            (_owners(beside, referrals, np.arange(len(referrals)), referrals.order), beside)
        ]
        for beside in whole.beside
    }
    taken_over = set(found)
    start = 0
    for one, n in zip(of_inputs, n_rows, strict=True):
        of_source = np.flatnonzero((referrals.order >= start) & (referrals.order < start + n))
        for beside in one.beside:
            if beside.name in taken_over:
                continue
            owner = _owners(beside, referrals, of_source, referrals.order[of_source] - start)
            found.setdefault(beside.name, []).append((owner, beside))
        start += n
    return {name: _one_table(pieces) for name, pieces in found.items()}


def _owners(beside: Beside, referrals: Entries, places: Rows, rows: Rows) -> Rows:
    """Return the place of the referral (or the number of the child) that each row belongs to.

    ``places`` are the kept referrals of the source and ``rows`` their rows in it.
    """
    if beside.child_ids is not None:
        numbers = pd.Series(referrals.child, index=referrals.child_ids)
        numbers = numbers[~numbers.index.duplicated()]
        return numbers.reindex(beside.child_ids, fill_value=-1).to_numpy(np.int64)
    place_of_key = np.full(len(beside.key_of_row) + 1, -1, np.int64)
    place_of_key[beside.key_of_row[rows]] = places
    place_of_key[-1] = -1
    return place_of_key[beside.key]


def _one_table(pieces: list[tuple[Rows, Beside]]) -> Events:
    columns = concatenated([b.columns for _, b in pieces], [len(owner) for owner, _ in pieces])
    owner = np.concatenate([owner for owner, _ in pieces])
    whole = Events(owner, columns, pieces[0][1].child_ids is not None)
    by_owner = np.argsort(owner, kind="stable")
    return whole.take(by_owner[owner[by_owner] >= 0])


def query_notes(problems: Sequence[Problem]) -> list[str]:
    """Return one sentence for each cross-field check that some row fails, with its count."""
    counts: dict[str, int] = {}
    for problem in problems:
        if problem.kind == "query":
            counts[problem.check] = counts.get(problem.check, 0) + 1
    return [f"{sentence}: {counted(n, 'row')}, judged as typed" for sentence, n in counts.items()]
