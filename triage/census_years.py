"""Several years of the children in need census together: which file counts, and what differs.

An episode that stays open is in every year's file. Of the same child and referral date the later
census counts, because it was put together with more known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeGuard

import numpy as np
import pandas as pd

from triage.calendar import EVENTS_FROM
from triage.screening import screen_moments
from triage.sources.cin_shape import KIND
from triage.tables import Input, RawColumn, RawTable, Source
from triage.vocabulary import counted

_KEY: Final = ["child", "day"]


def precedence(inputs: Sequence[Input]) -> list[int]:
    """Return the places of the inputs in the order in which they are to be taken.

    Of the places that census files have, the first goes to the latest census; of one census the
    file given later goes before. A file that names no day counts with the census given before it.
    Inputs of other kinds keep their places.
    """
    places = [place for place, one in enumerate(inputs) if _is_census(one)]
    order = list(range(len(inputs)))
    ranks = zip(_days([inputs[place] for place in places]), places, strict=True)
    for place, (_, taken) in zip(places, sorted(ranks, reverse=True), strict=True):
        order[place] = taken
    return order


def differences(inputs: Sequence[Input]) -> list[str]:
    """Return a sentence for each two census files that hold the same episodes.

    Each says how many, which file counts, and in which columns what was typed differs.
    """
    given = [one for one in inputs if _is_census(one)]
    if len(given) < 2:
        return []
    days = _days(given)
    order = precedence(given)
    sources = [given[place] for place in order]
    episodes = _episodes(sources)
    counts = episodes.drop_duplicates(_KEY)
    again = episodes[episodes.duplicated(_KEY)].merge(counts, on=_KEY, suffixes=("", "_counts"))
    notes = []
    for file, winner in sorted({*zip(again["file"], again["file_counts"], strict=True)}):
        pairs = again[(again["file"] == file) & (again["file_counts"] == winner)]
        is_later = days[order[winner]] > days[order[file]]
        names = _names(sources[file].path, sources[winner].path)
        rows = pairs["row"].to_numpy(np.int64), pairs["row_counts"].to_numpy(np.int64)
        tables = sources[file].referrals, sources[winner].referrals
        notes.append(
            f"{counted(len(pairs), 'episode')} {'stands' if len(pairs) == 1 else 'stand'} in "
            f"{names[0]} and in {names[1]}; the {'later census' if is_later else 'one given later'}"
            f" ({names[1]}) counts; {_differing(*tables, *rows)}"
        )
    return notes


def _is_census(one: Input) -> TypeGuard[Source]:
    return isinstance(one, Source) and one.kind == KIND


def _days(sources: Sequence[Input]) -> list[dt.date]:
    """Return the day of each census; one that names none has that of the one before."""
    days: list[dt.date] = []
    for one in sources:
        before = days[-1] if days else dt.date.min
        days.append((one.census_day if isinstance(one, Source) else None) or before)
    return days


def _episodes(sources: Sequence[Source]) -> pd.DataFrame:
    """Return the file, child, day and first row of each episode that can be told from others."""
    numbers: dict[str | None, int] = {}
    parts = []
    for file, source in enumerate(sources):
        child = source.referrals.columns["child_id"]
        date = source.referrals.columns["referral_date"]
        number = np.array([numbers.setdefault(text, len(numbers)) for text in child.texts])
        is_read, day, _ = screen_moments(date.texts, source.earliest_referral or EVENTS_FROM)
        is_named = np.array([bool(text) for text in child.texts], bool)
        usable = np.flatnonzero(is_named[child.codes] & is_read[date.codes])
        part = {
            "child": number[child.codes[usable]],
            "day": day[date.codes[usable]],
            "file": file,
            "row": usable,
        }
        parts.append(pd.DataFrame(part).drop_duplicates(_KEY))
    return pd.concat(parts, ignore_index=True)


def _differing(one: RawTable, other: RawTable, rows: np.ndarray, other_rows: np.ndarray) -> str:
    """Return how many of some pairs of rows differ, and in which columns."""
    differs = np.zeros(len(rows), bool)
    found: dict[str, int] = {}
    seen: set[int] = set()
    for name, column in one.columns.items():
        if name in ("child_id", "referral_date") or name not in other.columns or id(column) in seen:
            continue
        seen.add(id(column))
        is_other = _typed_otherwise(column, other.columns[name], rows, other_rows)
        differs |= is_other
        found[name] = int(np.count_nonzero(is_other))
    told = sorted((-n, name) for name, n in found.items() if n)
    if not told:
        return "none differs"
    columns = ", ".join(f"{name} {-n:,}" for n, name in told)
    n_differ = int(np.count_nonzero(differs))
    return f"{n_differ:,} {'differs' if n_differ == 1 else 'differ'}: {columns}"


def _typed_otherwise(
    one: RawColumn, other: RawColumn, rows: np.ndarray, other_rows: np.ndarray
) -> np.ndarray:
    place = {text: code for code, text in enumerate(one.texts)}
    as_one = np.array([place.get(text, -1) for text in other.texts], np.int64)
    return np.asarray(one.codes[rows] != as_one[other.codes[other_rows]], bool)


def _names(one: str, other: str) -> tuple[str, str]:
    """Return the names of two files, with their folders where the names are alike."""
    short = Path(one).name, Path(other).name
    return short if short[0] != short[1] else (one, other)
