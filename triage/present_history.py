"""What was known when, on a terminal and for scripts."""

from __future__ import annotations

import dataclasses
from typing import Any

from triage.present import add_row, console, table_of
from triage.store import FlagMove, History, RecordMove, RunsBeside, Spell
from triage.vocabulary import counted, printable

_SHOWN = 40


def history_json(history: History) -> dict[str, Any]:
    """Return how a record stood, and all that it has been, for a script."""
    return {
        "record": dataclasses.asdict(history.record),
        "spells": [dataclasses.asdict(one) for one in history.spells],
    }


def show_history(history: History) -> None:
    """Print how a record stood on a night."""
    out = console()
    record = history.record
    judged = "" if record.is_judged else ", which did not judge this referral"
    out.print()
    out.print(f"[bold]The record on {record.as_of}[/bold] (run {record.run}{judged})")
    if not record.values:
        out.print("  nothing is kept of it up to that night")
        return
    table = table_of("Column", "Then", "Runs that saw it so", "Other values, by run")
    for column, value in record.values.items():
        spells = [one for one in history.spells if one.column == column]
        held = next((one for one in spells if _holds(one, record.run)), None)
        others = [
            f"{_told(one.value)} ({one.first_run} to {one.last_run or 'now'})"
            for one in spells
            if one is not held
        ]
        runs = f"{held.first_run} to {held.last_run or 'now'}" if held is not None else ""
        add_row(table, column, _told(value), runs, "; ".join(others))
    out.print(table)


def _holds(spell: Spell, run: int) -> bool:
    return spell.first_run <= run and (spell.last_run is None or run <= spell.last_run)


def _told(value: str | None) -> str:
    return "blank" if value is None else value


def beside_json(found: RunsBeside) -> dict[str, Any]:
    """Return what changed between two runs, for a script."""
    return dataclasses.asdict(found)


def show_beside(found: RunsBeside) -> None:
    """Print what changed between two runs."""
    out = console()
    for what, moves in (
        ("appeared", found.appeared),
        ("cleared", found.cleared),
        ("changed", found.changed),
    ):
        out.print(f"[bold]{counted(len(moves), 'flag')} {what}[/bold]")
        for move in moves[:_SHOWN]:
            out.print(printable(f"  {_flag(move)}"), markup=False)
        if len(moves) > _SHOWN:
            out.print(f"  … and {len(moves) - _SHOWN} more; --format json lists them all")
    out.print(f"[bold]{counted(len(found.records), 'record')} changed[/bold]")
    for record in found.records[:_SHOWN]:
        text = f"  child {record.child_id}, referral {record.referral_id}: {_moved(record)}"
        out.print(printable(text), markup=False)
    if len(found.records) > _SHOWN:
        out.print(f"  … and {len(found.records) - _SHOWN} more; --format json lists them all")


def _moved(record: RecordMove) -> str:
    if not record.was:
        return "judged for the first time"
    if record.now.get("judged") is False:
        return "not judged any more"
    return ", ".join(
        f"{name}: {_told(record.was[name])} -> {_told(record.now[name])}"
        for name in record.now
        if name != "judged"
    )


def _flag(move: FlagMove) -> str:
    team = f", {move.team}" if move.team else ""
    what = f"{move.subject} {move.referral_id}{team}"
    return f"case {move.case} {move.rule}: child {move.child_id}, {what}"
