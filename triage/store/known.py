"""What was known when: how the record of each judged referral changed from night to night.

Of each night only what changed since the one before is kept, so the store grows with change and not
with nights. What a night missed (no decision, no allocation, no assessment) is kept by its first
and last night, for the rule on what was recorded afterwards.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage.known import KnownNow
from triage.names import places
from triage.nights import NONE, SCHEMA
from triage.schema_nights import MISSED, NIGHT_COLUMNS
from triage.store import bulk
from triage.store.behind import Behind
from triage.store.beside import Beside
from triage.store.connection import is_there, reading
from triage.store.tables import known, known_now, run

Whole = npt.NDArray[np.int64]
Told = dict[str, str | None]

NOT_JUDGED: Final = {"judged": False}
_STORED: Final = pa.schema(
    {"child_id": pa.string(), "referral_id": pa.string(), "digest": pa.int64(),
     "is_judged": pa.int8(), **{name: pa.string() for name in NIGHT_COLUMNS}}
)  # fmt: skip
_KEY: Final = ("child_id", "referral_id")
_IN_ONE: Final = 400
"""Children asked for in one statement."""
_AT_ONCE: Final = 20_000
"""Records told at a time: all of a country's at once would take a gigabyte."""


def nights_so_far(url: str) -> pa.Table:
    """Return what the nights so far saw of the referrals that missed something (``triage.nights``).

    There is nothing where no store is yet.

    What is missing still was so on the last night on which the referral was judged, which is that
    of the last run: tonight may tell that it was there all along.
    """
    if not is_there(url):
        return NONE
    with reading(url) as connection:
        last = connection.scalar(sa.select(run.c.as_of).order_by(run.c.id.desc()).limit(1))
        froms = [known_now.c[f"no_{name}_from"] for name in MISSED]
        names = (*_KEY, *NIGHT_COLUMNS)
        query = sa.select(*(known_now.c[name] for name in names))
        query = query.where(sa.or_(*(column.is_not(None) for column in froms)))
        found = bulk.table_of(connection, query, pa.schema([_STORED.field(n) for n in names]))
    if last is None or not len(found):
        return NONE
    columns = {name: found[name] for name in _KEY}
    for name in MISSED:
        since, until = found[f"no_{name}_from"], found[f"no_{name}_until"]
        still = pc.if_else(
            pc.is_valid(since), pa.scalar(last.isoformat()), pa.scalar(None, pa.string())
        )
        columns[f"no_{name}_from"] = since.cast(pa.date32())
        columns[f"no_{name}_until"] = pc.coalesce(until, still).cast(pa.date32())
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


@dataclass(frozen=True)
class KnownBefore:
    """What was known after the last run, and as of when that judged; None where there was none."""

    stored: pa.Table
    as_of: dt.date | None


def known_before(connection: sa.Connection, store: Beside) -> KnownBefore:
    """Return what was known after the last run."""
    as_of = connection.scalar(sa.select(run.c.as_of).order_by(run.c.id.desc()).limit(1))
    query = sa.select(*(known_now.c[name] for name in _STORED.names))
    return KnownBefore(store.all_of(query, _STORED), as_of)


def keep_known(
    later: Behind, then: KnownBefore, tonight: KnownNow, run_id: int, as_of: dt.date
) -> None:
    """Keep what changed in the records since the run before."""
    stored, before = then.stored, then.as_of
    at = places([tonight.child_names, tonight.names], [stored[name] for name in _KEY])
    beside = np.maximum(at, 0)
    is_judged = stored["is_judged"].to_numpy() == 1
    new = np.flatnonzero(at < 0)
    if len(stored):
        is_same = (stored["digest"].to_numpy()[beside] == tonight.digest) & is_judged[beside]
    else:
        is_same = np.zeros(len(tonight), bool)
    changed = np.flatnonzero((at >= 0) & ~is_same)
    is_here = np.zeros(len(stored), bool)
    is_here[at[at >= 0]] = True
    gone = np.flatnonzero(is_judged & ~is_here)
    _add(later, tonight, new, run_id, as_of)
    _change(later, tonight, stored, changed, at, run_id, as_of, before or as_of)
    _let_go(later, stored, gone, run_id, before or as_of)


def _add(later: Behind, tonight: KnownNow, new: Whole, run_id: int, as_of: dt.date) -> None:
    """Keep the records of referrals that were never judged before, so many at a time."""
    first = as_of.isoformat()
    for start in range(0, len(new), _AT_ONCE):
        some = new[start : start + _AT_ONCE]
        names = _named(tonight, some)
        since = {
            f"no_{name}_from": [
                first if blank else None for blank in tonight.is_blank(column, some)
            ]
            for name, column in MISSED.items()
        }
        digests = tonight.digest[some].tolist()
        judged = {**names, "digest": digests, **since}
        later.write(bulk.add, known_now, judged, {"is_judged": True})
        told = tonight.as_json(some).to_pylist()
        later.write(bulk.add, known, {**names, "told": told}, {"run_id": run_id})


def _change(
    later: Behind,
    tonight: KnownNow,
    stored: pa.Table,
    changed: Whole,
    at: Whole,
    run_id: int,
    as_of: dt.date,
    before: dt.date,
) -> None:
    """Keep what is told otherwise tonight of referrals that were judged before."""
    if not len(changed):
        return
    names = _named(tonight, changed)
    keys = list(zip(names["child_id"], names["referral_id"], strict=True))
    stood = _stood(later.connection, keys)
    rows = stored.take(pa.array(at[changed])).to_pylist()
    told, differing = tonight.told(changed), []
    missed: dict[str, list[str | None]] = {name: [] for name in NIGHT_COLUMNS}
    for key, now, row in zip(keys, told, rows, strict=True):
        then = stood.get(key, {})
        differs: dict[str, Any] = {
            name: text for name, text in now.items() if then.get(name) != text
        }
        if not row["is_judged"]:
            differs["judged"] = True
        differing.append(differs)
        for name, days in _missed(row, now, as_of, before).items():
            missed[name].append(days)
    later.write(
        bulk.change, known_now, names,
        {"digest": tonight.digest[changed].tolist(), **missed}, {"is_judged": True},
    )  # fmt: skip
    some = [place for place, one in enumerate(differing) if one]
    later.write(
        bulk.add,
        known,
        {
            **{name: [column[place] for place in some] for name, column in names.items()},
            "told": [_as_text(differing[place]) for place in some],
        },
        {"run_id": run_id},
    )


def _missed(
    row: Mapping[str, Any], now: Told, as_of: dt.date, before: dt.date
) -> dict[str, str | None]:
    """Return the first and last nights without each event, after tonight."""
    found: dict[str, str | None] = {}
    for name, column in MISSED.items():
        since, until = row[f"no_{name}_from"], row[f"no_{name}_until"]
        if column in now:
            is_missing = now[column] is None
            if is_missing:
                since, until = since or as_of.isoformat(), None
            elif since is not None and until is None:
                until = before.isoformat()
        found[f"no_{name}_from"], found[f"no_{name}_until"] = since, until
    return found


def _let_go(later: Behind, stored: pa.Table, gone: Whole, run_id: int, before: dt.date) -> None:
    """Keep that referrals are not judged any more, and until when they missed something."""
    if not len(gone):
        return
    rows = stored.take(pa.array(gone)).to_pylist()
    names = {name: [row[name] for row in rows] for name in _KEY}
    last = before.isoformat()
    untils = {
        f"no_{name}_until": [
            row[f"no_{name}_until"] or (last if row[f"no_{name}_from"] else None) for row in rows
        ]
        for name in MISSED
    }
    later.write(bulk.change, known_now, names, untils, {"is_judged": False})
    told = _as_text(NOT_JUDGED)
    later.write(bulk.add, known, names, {"told": told, "run_id": run_id})


def _stood(
    connection: sa.Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return how the records of some referrals stood, all changes so far put together."""
    wanted = set(keys)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    children = sorted({child for child, _ in keys})
    for start in range(0, len(children), _IN_ONE):
        query = (
            sa.select(known.c.child_id, known.c.referral_id, known.c.told)
            .where(known.c.child_id.in_(children[start : start + _IN_ONE]))
            .order_by(known.c.id)
        )
        for some in bulk.rows(connection, query):
            for child, name, told in some:
                if (child, name) in wanted:
                    found.setdefault((child, name), {}).update(json.loads(told))
    return found


def _named(tonight: KnownNow, places: Whole) -> dict[str, list[str]]:
    rows = pa.array(places)
    return {
        "child_id": tonight.child_names.take(rows).to_pylist(),
        "referral_id": tonight.names.take(rows).to_pylist(),
    }


def _as_text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"))
