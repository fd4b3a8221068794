"""Letting go of data and handing it on, in words and for scripts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from triage.calendar import spoken_date
from triage.store import Erasure, Exported, LetGo
from triage.vocabulary import counted

_NAMES: Final = {
    "rejection": "row or cell that could not be read",
    "due_item": "due item",
    "known": "change of a record",
    "known_now": "record as last judged",
    "second_review": "second review",
    "remedial_action": "remedial action",
    "rule_exception": "exception",
}
"""What a row of a table is called, where the table's own name is no word for it."""
_PLURALS: Final = {
    "rejection": "rows or cells that could not be read",
    "known": "changes of records",
    "known_now": "records as last judged",
}
_KINDS: Final = {
    "runs": "What runs said of single records",
    "known": "How records stood on past nights",
    "cases": "Closed cases",
}
_BACKUPS: Final = "Backups made before still hold it, and the server until it is vacuumed."
_BACKUPS_OF_FILE: Final = "Backups made before still hold it."


def _rows(rows: Mapping[str, int]) -> str:
    told = [
        f"{n:,} {_PLURALS[name]}"
        if n != 1 and name in _PLURALS
        else counted(n, _NAMES.get(name, name))
        for name, n in rows.items()
    ]
    return " and ".join(part for part in (", ".join(told[:-1]), *told[-1:]) if part) or "nothing"


def past_told(found: LetGo) -> str:
    """Return what is past its time, by kind: one line each."""
    told = []
    for kind, rows in found.rows.items():
        months, first = getattr(found.times, kind), getattr(found.limits, kind)
        what = _rows(rows)
        if kind == "cases":
            what = f"{counted(len(found.cases), 'case')}, with {what}"
        since = f"kept {counted(months, 'month')}, since {spoken_date(first)}"
        told.append(f"{_KINDS[kind]} ({since}): {what}")
    return "\n".join(told)


def is_nothing_past(found: LetGo) -> bool:
    """Return whether nothing is past its time."""
    return not found.cases and not any(found.rows.values())


def let_go_told(done: LetGo) -> str:
    """Return what was let go of, in a sentence or two."""
    if is_nothing_past(done):
        return "Nothing was past its time."
    n_rows = sum(sum(rows.values()) for rows in done.rows.values())
    husks = ""
    if done.cases:
        husks = f" Of {counted(len(done.cases), 'case')} the number stays, for the trail."
    return f"Let go of {counted(n_rows, 'row')}.{husks} {_elsewhere(done.is_on_server)}"


def _elsewhere(is_on_server: bool) -> str:
    return _BACKUPS if is_on_server else _BACKUPS_OF_FILE


def let_go_json(found: LetGo, *, dry_run: bool) -> dict[str, Any]:
    """Return what was let go of, or would be, for a script."""
    return {
        "dry_run": dry_run,
        "cases": len(found.cases),
        "kinds": {
            kind: {
                "months": getattr(found.times, kind),
                "before": getattr(found.limits, kind),
                "rows": rows,
            }
            for kind, rows in found.rows.items()
        },
    }


def erasure_told(found: Erasure) -> str:
    """Return what there is to be erased of a child: its cases and what belongs to them."""
    numbers = [
        f"{number} ({found.open[number]})" if number in found.open else str(number)
        for number in found.cases
    ]
    word = "case" if len(numbers) == 1 else "cases"
    cases = f"{word} {', '.join(numbers)}, and " if numbers else ""
    return f"Of this child there is: {cases}{_rows(found.rows)}."


def erased_told(done: Erasure) -> str:
    """Return what was erased, what stays, and what is left to do."""
    told = [f"Erased {counted(sum(done.rows.values()), 'row')} of this child."]
    if done.cases:
        word, verb = ("case", "stays") if len(done.cases) == 1 else ("cases", "stay")
        numbers = ", ".join(map(str, done.cases))
        told.append(f"Of {word} {numbers} only the number {verb}, to which the trail refers.")
    told += [
        "The next nightly run makes anew what is in the records still: the record in your case "
        "system, or its extract, has to go first.",
        _elsewhere(done.is_on_server),
        *named_told(done),
    ]
    return "\n".join(told)


def named_told(found: Erasure) -> list[str]:
    """Return where the child is named in what belongs to others, which is left as it is."""
    told = []
    for what, numbers in found.named_in.items():
        word = what[:-1] if len(numbers) == 1 else what
        told.append(
            f"The words of {word} {', '.join(map(str, numbers))} name this child; they belong to "
            "others, and are left as they are."
        )
    return told


def erased_json(found: Erasure, *, dry_run: bool) -> dict[str, Any]:
    """Return what was erased, or would be, for a script."""
    told = dataclasses.asdict(found)
    del told["is_on_server"]
    return {"dry_run": dry_run, **told}


def exported_told(done: Exported, folder: Path) -> str:
    """Return what was handed on, and where it is."""
    rows = ", ".join(f"{name}.csv {n:,}" for name, n in done.rows.items())
    restricted = "with" if done.with_restricted else "without"
    return (
        f"Wrote {folder}: {rows}; as of {spoken_date(done.as_of)}, {restricted} restricted "
        f"records, by the key {done.fingerprint}.\n"
        "These are records of children still, if under pseudonyms: dates, teams and reasons may "
        "tell who somebody is. Hand them on only to those who may have them, and never the key."
    )


def exported_json(done: Exported, folder: Path) -> dict[str, Any]:
    """Return what was handed on, for a script."""
    return {
        "folder": str(folder),
        "as_of": done.as_of,
        "key": done.fingerprint,
        "teams": list(done.teams) or None,
        "restricted": done.with_restricted,
        "rows": done.rows,
    }
