"""On what a document stands: the run, its inputs and rules, and the head of the trail."""

from __future__ import annotations

import datetime as dt

from triage.calendar import spoken_date
from triage.report.counting import Counting
from triage.report.document import Block, Bullets, Count, Standing, Words
from triage.report.records import Records


def standing_of(records: Records, first: dt.date, last: dt.date) -> Standing:
    """Return on what a document about some days stands."""
    run = records.run
    return Standing(
        as_of=run.as_of,
        first_day=first,
        last_day=last,
        run=run.number,
        inputs=run.inputs,
        ruleset=run.ruleset,
        version=run.version,
        event=records.event,
        head=records.head,
        seen_by=records.seen_by,
    )


def what_is_lacking(records: Records, counting: Counting) -> tuple[Block, ...]:
    """Return what the last run read, what could not be judged, and what the records lack."""
    run = records.run
    dead = [rule for rule in run.rules if rule["not_evaluable"]]
    lacks = sorted({name for rule in dead for name in rule["missing_columns"]})
    cannot = [rule["id"] for rule in run.rules if rule["cannot_tell"] and rule not in dead]
    fates = ("judged", "history_only", "after_as_of", "collapsed", "rejected")
    read = Count("rows read", run.rows["read"])
    rows = counting.split(read, "fate", {name: run.rows[name] for name in fates})
    items = [
        Words(
            f"The last run (number {run.number}, as of {spoken_date(run.as_of)}) read {{}} rows of "
            "referrals, of all teams: {} judged, {} history only, {} dated later, {} collapsed as "
            "duplicates, {} rejected.",
            (read, *(rows[name] for name in fates)),
        ),
        Words(
            "Cells that could not be read: {} (`triage rejects` lists them).",
            (Count("cells that could not be read", run.n_unread),),
        ),
        Words(
            f"Rules that these records can answer for nobody: {len(dead)} of {len(run.rules)}"
            + (f" ({', '.join(rule['id'] for rule in dead)})." if dead else ".")
        ),
        Words(
            f"Rules that cannot tell of some referrals: {len(cannot)}"
            + (f" ({', '.join(cannot)})." if cannot else ".")
        ),
    ]
    if lacks:
        items.append(Words(f"Columns that the records do not carry: {', '.join(lacks)}."))
    return (Words("What could not be judged, and what the records lack:"), Bullets(tuple(items)))
