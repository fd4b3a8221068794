"""Codes for the words in Annex A's cells, and what is to be said of words that have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from triage.schema import cell_reader
from triage.sources.annex_a_words import MEANINGS
from triage.tables import LOST, RawColumn, RawTable
from triage.vocabulary import SPREADSHEET_ERRORS, counted, cut

MOST_LISTED: Final = 20
"""Words without a meaning that are named; the others are summed up."""
_CALLED: Final = {
    "referral_source": ("referral source", "stands for no census code"),
    "contact_source": ("contact source", "stands for no census code"),
    "primary_need": ("primary need", "stands for no census code"),
    "closure_reason": ("reason for closure", "stands for no census code"),
    "nfa": ("NFA", "is neither yes nor no"),
    "icpc_not_required": ("conference deemed unnecessary", "is neither yes nor no"),
}

Counts = list[tuple[str, int]]
"""Words as typed, each with the number of rows that hold it."""


def understood(table: RawTable) -> tuple[RawTable, list[str]]:
    """Return a list with codes for its words, and a sentence for each word without one.

    A word without a code stays as typed, so that each of its rows is listed as well.
    """
    columns = dict(table.columns)
    notes: list[str] = []
    for name, meaning in MEANINGS.items():
        if name in columns:
            columns[name] = columns[name].mapped(partial(_meant, meaning))
            notes += _notes(name, table.columns[name], columns[name])
    return replace(table, columns=columns), notes


def _meant(meaning: Callable[[str], str | None], text: str) -> str | None:
    return text if text.upper() in SPREADSHEET_ERRORS else meaning(text)


def _notes(name: str, typed: RawColumn, meant: RawColumn) -> list[str]:
    n_rows = np.bincount(typed.codes, minlength=len(typed.texts)).tolist()
    unread: Counts = []
    groups: Counts = []
    double: Counts = []
    for before, after, n in zip(typed.texts, meant.texts, n_rows, strict=True):
        if not before or not n:
            continue
        if after is LOST:
            double.append((before, n))
        elif not after and name.endswith("_source"):
            groups.append((before, n))
        elif after and before.upper() not in SPREADSHEET_ERRORS and not _reads(name, after):
            unread.append((before, n))
    what, lacks = _CALLED[name]
    return [
        *(
            f"tolerated {what} '{cut(text)}' ({counted(n, 'row')}), which is a group and no one "
            "census code; read as unknown"
            for text, n in _most_first(groups)
        ),
        *(
            f"{what} '{cut(text)}' ({counted(n, 'row')}) stands for two census codes, and was "
            "read as unknown"
            for text, n in _most_first(double)
        ),
        *_unread_notes(name, what, lacks, _most_first(unread)),
    ]


def _unread_notes(name: str, what: str, lacks: str, words: Counts) -> list[str]:
    advice = f"under [words.{name}] in triage.toml"
    notes = [
        f"{what} '{cut(text)}' {lacks} ({counted(n, 'row')}) and was read as unknown; give it one "
        f"{advice}"
        for text, n in words[:MOST_LISTED]
    ]
    if rest := words[MOST_LISTED:]:
        n_rows = counted(sum(n for _, n in rest), "row")
        notes.append(
            f"{what}: {counted(len(rest), 'further word')} without a meaning ({n_rows}), read as "
            f"unknown too; give them theirs {advice}"
        )
    return notes


def _most_first(words: Counts) -> Counts:
    """Return words with those of most rows first; spellings that differ by case alone are one."""
    spelt: dict[str, tuple[str, int]] = {}
    for text, n in words:
        first, before = spelt.get(text.casefold(), (text, 0))
        spelt[text.casefold()] = (first, before + n)
    return sorted(spelt.values(), key=lambda word: (-word[1], word[0]))


def _reads(name: str, text: str) -> bool:
    try:
        cell_reader(name)(text)
    except ValueError:
        return False
    return True
