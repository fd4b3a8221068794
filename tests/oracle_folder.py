"""A folder of tables read row by row, and counts that may not be known exactly.

Part of ``oracle_more``; nothing here is imported from the product. A count or a span of days that
is not known exactly is kept as the smallest and the largest it can be. ``NONE`` says that there is
nothing to count, which is another thing than not knowing it: every comparison with it is false.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import oracle
from oracle_cells import (
    ABSENT,
    BLANK,
    GIVEN,
    READERS,
    UNREADABLE,
    Cell,
    Truth,
    negate,
    one_of,
    read_date,
    read_text,
    read_whole_number,
)
from oracle_rules import Referral

NONE = "none"
INFINITE = float("inf")
FAR_PAST, FAR_FUTURE = date(1980, 1, 1), date(2056, 1, 1)
EPISODE_DAYS = 183

Span = tuple[float, float] | str | None
When = date | str | None
Row = dict[str, Cell]

CONTACT_OUTCOMES = [
    *("referral", "open_case", "early_help", "information_and_advice", "nfa", "other"),
]
PROGRESS = ("referral", "open_case")

MORE_READERS = {
    **READERS,
    "referrals_in_last_12_months": read_whole_number,
    "rationale_hash": read_text,
    "feedback_at": read_date,
    "decision_id": read_text,
    "supersedes_decision_id": read_text,
    "superseding_reason": read_text,
    "worker_caseload": read_whole_number,
    "allocation_ended_at": read_date,
    "early_help_started_on": read_date,
    "early_help_ended_on": read_date,
    "contact_date": read_date,
    "contact_id": read_text,
    "contact_source": one_of(["x"]),
    "contact_outcome": one_of(CONTACT_OUTCOMES),
}
TABLES = {
    "decisions": (
        *("decision_at", "decision_recorded_at", "decision_maker_id", "decision_maker_role"),
        *("decision_outcome", "threshold_level", "risk_rating", "rationale_length"),
        *("rationale_hash", "history_considered", "feedback_at", "decision_id"),
        *("supersedes_decision_id", "superseding_reason"),
    ),
    "allocations": (
        *("allocated_at", "allocated_worker_id", "allocated_worker_role", "worker_is_agency"),
        *("worker_is_registered", "worker_caseload", "allocation_ended_at"),
    ),
    "assessments": (
        *("assessment_started_on", "assessment_reviewed_on", "assessment_authorised_on"),
        "assessment_factors",
    ),
    "section47s": (
        *("strategy_discussion_on", "section47_started_on", "icpc_on", "icpc_not_required"),
    ),
    "oversight": ("last_oversight_on",),
}
FIRST_EVENT = {table: columns[0] for table, columns in TABLES.items()}
# What an event after the day of judgement takes with it; the contract's list and its like.
BELONGS = {
    "closed_on": ("closure_reason",),
    "decision_at": TABLES["decisions"][1:10],
    "allocated_at": TABLES["allocations"][1:6],
    "assessment_authorised_on": ("assessment_factors",),
}
EVENTS = (
    *("closed_on", "decision_at", "decision_recorded_at", "feedback_at", "allocated_at"),
    *("assessment_started_on", "assessment_reviewed_on", "assessment_authorised_on"),
    *("strategy_discussion_on", "section47_started_on", "icpc_on", "last_oversight_on"),
)


def span_of(low: float, high: float | None = None) -> Span:
    """Write a count down: known exactly, or between two bounds."""
    return (low, low if high is None else high)


def more_than(span: Span, limit: float) -> Truth:
    """Say whether a count lies above the limit; nothing to count is never above."""
    if span is None:
        return None
    if isinstance(span, str):
        return False
    return True if span[0] > limit else False if span[1] <= limit else None


def at_least(span: Span, limit: int) -> Truth:
    """Say whether a count reaches the limit."""
    return more_than(span, limit - 1)


def at_most(span: Span, limit: int) -> Truth:
    """Say whether a count stays within the limit; nothing to count does not."""
    return False if isinstance(span, str) else negate(more_than(span, limit))


def when(cell: Cell) -> When:
    """Take the day of an event: a day, ``NONE`` where it has not happened, None if unknown."""
    if cell.state == GIVEN:
        return cell.value.date()  # type: ignore[union-attr]
    return NONE if cell.state == BLANK else None


# --------------------------------------------------------------------------------------------
# Reading the folder
# --------------------------------------------------------------------------------------------


@dataclass
class Beside:
    """One table of the folder: the columns it carries, and its rows."""

    columns: frozenset[str]
    rows: list[Row]


@dataclass
class Folder:
    """Every referral kept, what stands beside each, and the tables that know only the child."""

    tables: dict[str, Beside]
    as_of: date
    history_from: date
    contacts_from: date
    kept: list[Referral]
    n_entered: dict[tuple[str, date], int]
    rows: dict[tuple[str, date], dict[str, list[Row]]]
    before_masking: dict[tuple[str, date], list[Cell]] = field(default_factory=dict)
    ids: Mapping[str, Referral] = field(default_factory=dict)
    claims: Mapping[str, set[tuple[str, date]]] = field(default_factory=dict)

    def carries(self, table: str, *columns: str) -> bool:
        """Say whether the folder has the table with all these columns."""
        return table in self.tables and self.tables[table].columns.issuperset(columns)

    def beside(self, one: Referral, table: str) -> list[Row]:
        """Return the rows of a table that belong to a referral, in the order of the input."""
        return self.rows[(one.child, one.day)].get(table, [])

    def of_child(self, table: str, child: str) -> list[Row]:
        """Return the rows of a table that knows only the child."""
        if table not in self.tables:
            return []
        return [row for row in self.tables[table].rows if row["child_id"].value == child]


def _read(column: str, raw: str) -> Cell:
    text = raw.strip()
    if not text:
        return Cell(BLANK)
    value = MORE_READERS[column](text)
    return Cell(UNREADABLE) if value is None else Cell(GIVEN, value)


def _rows(header: Sequence[str], records: Iterable[Sequence[str]]) -> Iterator[Row]:
    for record in records:
        cells = dict.fromkeys(MORE_READERS, Cell(ABSENT))
        for column, raw in zip(header, record, strict=True):
            if column in cells:
                cells[column] = _read(column, raw)
        yield cells


def masked(row: Row, as_of: date) -> Row:
    """Read as blank every event after ``as_of``, with what belongs to it."""
    cells = dict(row)
    for event in EVENTS:
        happens = when(row[event])
        if isinstance(happens, date) and happens > as_of:
            for column in (event, *BELONGS.get(event, ())):
                if row[column].state != ABSENT:
                    cells[column] = Cell(BLANK)
    return cells


def read_folder(folder: Path, as_of: date, history_from: date | None) -> Folder:
    """Read a folder of tables as the contract and the page of columns say."""
    found: dict[str, Beside] = {}
    for path in sorted(folder.glob("*.csv")):
        _, header, records = oracle.load(path)
        found[path.stem] = Beside(frozenset(header), list(_rows(header, records)))
    accepted = []
    for number, cells in enumerate(found["referrals"].rows, start=2):
        child, referred = cells["child_id"], cells["referral_date"]
        if child.state == GIVEN and referred.state == GIVEN:
            day, clock = referred.value.date(), referred.value.time()  # type: ignore[union-attr]
            typed = cells["referral_id"].value
            accepted.append(Referral("", number, child.value, day, clock, cells, typed))  # type: ignore[arg-type]
    claims: dict[str, set[tuple[str, date]]] = {}
    for one in accepted:
        claims.setdefault(one.typed_id or "", set()).add((one.child, one.day))
    used = oracle._disown_reused_ids(accepted, oracle.Verdict({}))
    kept = oracle._collapse(accepted)
    oracle._name(kept.values(), used)
    n_entered: dict[tuple[str, date], int] = {}
    for one in accepted:
        n_entered[(one.child, one.day)] = n_entered.get((one.child, one.day), 0) + 1
    whole = Folder(
        found,
        as_of,
        history_from or min(one.day for one in accepted),
        history_from or _earliest_contact(found),
        sorted(kept.values(), key=lambda one: (one.child, one.day)),
        n_entered,
        {key: {} for key in kept},
        ids={one.typed_id: one for one in kept.values() if one.typed_id},
        claims=claims,
    )
    for name in TABLES:
        for row in found[name].rows if name in found else []:
            owner = _owner(whole, kept, row, name)
            if owner is not None:
                whole.rows[(owner.child, owner.day)].setdefault(name, []).append(row)
    for one in whole.kept:
        _fill(whole, one)
    return whole


def _earliest_contact(found: Mapping[str, Beside]) -> date:
    """Return from when the contacts are whole: the earliest accepted one, as with referrals."""
    rows = found["contacts"].rows if "contacts" in found else []
    days = [when(row["contact_date"]) for row in rows if row["child_id"].state == GIVEN]
    return min((day for day in days if isinstance(day, date)), default=FAR_PAST)


def _owner(
    folder: Folder, kept: Mapping[tuple[str, date], Referral], row: Row, table: str
) -> Referral | None:
    """Find the referral of a row: by its id, or by child and date, or by child and event.

    Of referrals that share an id, the child and date of the row say whose it is.
    """
    child, referred = row["child_id"].value, when(row["referral_date"])
    name = row["referral_id"].value
    if isinstance(name, str) and "referral_id" in folder.tables["referrals"].columns:
        claims = folder.claims.get(name, set())
        if len(claims) > 1 and (child, referred) in claims:
            return kept.get((child, referred))  # type: ignore[arg-type]
        return folder.ids.get(name)
    if "referral_date" in folder.tables[table].columns:
        return kept.get((child, referred))  # type: ignore[arg-type]
    happened = when(row[FIRST_EVENT[table]])
    if not isinstance(happened, date):
        return None
    mine = [
        one
        for one in folder.kept
        if one.child == child and timedelta(0) <= happened - one.day <= timedelta(EPISODE_DAYS)
    ]
    return mine[-1] if mine else None


def _fill(folder: Folder, one: Referral) -> None:
    """Give a referral the cells of the first event of each kind, or of the latest oversight."""
    before = [one.cells[column] for column in EVENTS]
    cells = dict(one.cells)
    for table, columns in TABLES.items():
        rows = folder.beside(one, table)
        chosen = _chosen(rows, table, folder.as_of)
        typed = rows if table == "oversight" else [chosen] if chosen else []
        before += [row[column] for row in typed for column in columns if column in EVENTS]
        for column in columns:
            if not folder.carries(table, column):
                cells[column] = Cell(ABSENT)
            else:
                cells[column] = Cell(BLANK) if chosen is None else chosen[column]
    folder.before_masking[(one.child, one.day)] = before
    one.cells = masked(cells, folder.as_of)


def _chosen(rows: list[Row], table: str, as_of: date) -> Row | None:
    """Return the row that counts: the latest oversight note, or the first event.

    One note that cannot be read may be the latest. An event that cannot be read counts after one
    that has happened, and before one that has not, which is to come or blank.
    """
    column = FIRST_EVENT[table]
    dated = sorted(
        (row for row in rows if row[column].state == GIVEN),
        key=lambda row: row[column].value,  # type: ignore[arg-type,return-value]
    )
    past = [row for row in dated if when(row[column]) <= as_of]  # type: ignore[operator]
    unsure = [row for row in rows if row[column].state in (UNREADABLE, ABSENT)]
    if table == "oversight":
        return (unsure or past[::-1] or [None])[0]
    return (past or unsure or dated or rows or [None])[0]
