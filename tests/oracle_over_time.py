"""A folder of tables read row by row, and what the rules ask of many rows of one referral.

Part of ``oracle_more``; nothing here is imported from the product. A count or a span of days that
is not known exactly is kept as the smallest and the largest it can be. ``NONE`` says that there is
nothing to count, which is another thing than not knowing it: every comparison with it is false.
"""

from __future__ import annotations

import itertools
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
    both,
    either,
    elapsed,
    months_before,
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
    if row["referral_id"].state == GIVEN:
        name = row["referral_id"].value
        if (child, referred) in folder.claims.get(name, ()):  # type: ignore[arg-type]
            return kept.get((child, referred))  # type: ignore[arg-type]
        return folder.ids.get(name)  # type: ignore[arg-type]
    if isinstance(referred, date):
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
        typed = chosen or (rows[0] if rows else None)
        before += [typed[column] for column in columns if typed and column in EVENTS]
        for column in columns:
            if not folder.carries(table, column):
                cells[column] = Cell(ABSENT)
            else:
                cells[column] = Cell(BLANK) if chosen is None else chosen[column]
    folder.before_masking[(one.child, one.day)] = before
    one.cells = masked(cells, folder.as_of)


def _chosen(rows: list[Row], table: str, as_of: date) -> Row | None:
    column = FIRST_EVENT[table]
    dated = [row for row in rows if row[column].state == GIVEN]
    if table == "oversight":
        dated = [row for row in dated if when(row[column]) <= as_of]  # type: ignore[operator]
        dated.reverse()
    if dated:
        pick = max if table == "oversight" else min
        return pick(dated, key=lambda row: row[column].value)  # type: ignore[arg-type,return-value]
    unsure = [row for row in rows if row[column].state != GIVEN]
    return min(unsure, key=lambda row: row[column].state != UNREADABLE, default=None)


# --------------------------------------------------------------------------------------------
# Allocations over time
# --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Allocation:
    """One row of allocations that has begun, or may have; an end before its start is unknown."""

    row: Row
    start: When
    end: When


def allocations(folder: Folder, one: Referral) -> list[Allocation]:
    """Return the allocations begun by the day of judgement; an end after it has not come."""
    found = []
    for row in folder.beside(one, "allocations"):
        start, end = when(row["allocated_at"]), when(row["allocation_ended_at"])
        if start == NONE or (isinstance(start, date) and start > folder.as_of):
            continue
        if isinstance(end, date) and end > folder.as_of:
            end = NONE
        elif isinstance(end, date) and isinstance(start, date) and end < start:
            end = None
        found.append(Allocation(row, start, end))
    return found


def working_days_without_worker(folder: Folder, one: Referral) -> Span:
    """Find the longest time from a worker's end to the next start, or to closure or judgement.

    Every unknown date is tried at its extremes.
    """
    if not folder.carries("allocations", "allocated_at", "allocation_ended_at"):
        return None
    found = allocations(folder, one)
    if not found:
        return NONE
    longest = [
        _longest_gap([held for held in chosen if held is not None], stop)
        for chosen in itertools.product(*(_possible(each, folder.as_of) for each in found))
        for stop in _possible_stops(folder, one)
    ]
    low = min(0 if isinstance(days, str) else days for days in longest)
    high = max(0 if isinstance(days, str) else days for days in longest)
    return NONE if all(isinstance(days, str) for days in longest) else span_of(low, high)


def _possible(held: Allocation, as_of: date) -> list[tuple[date, date] | None]:
    """Return the times, extremes only, in which an allocation may have been held."""
    if isinstance(held.start, date):
        if isinstance(held.end, date):
            return [(held.start, max(held.start, held.end))]
        return [(held.start, FAR_FUTURE)] + ([(held.start, held.start)] if not held.end else [])
    last = held.end if isinstance(held.end, date) else as_of
    ends = [last] if isinstance(held.end, date) else [FAR_FUTURE]
    ends += [last, FAR_PAST] if held.end is None else []
    return [None] + [(start, max(start, end)) for end in ends for start in (FAR_PAST, last)]


def _possible_stops(folder: Folder, one: Referral) -> list[date | None]:
    """Return until when a case without a worker waits; None where it does not wait."""
    closed, nfa = when(one.cells["closed_on"]), one.nfa
    if isinstance(closed, date):
        return [closed]
    stops: list[date | None] = [folder.as_of] if nfa is not True else [None]
    if nfa is None or (closed is None and one.cells["closed_on"].state != ABSENT):
        stops.append(None)
    return stops


def _longest_gap(held: list[tuple[date, date]], stop: date | None) -> float | str:
    gaps: list[float] = []
    reach: date | None = None
    for start, end in sorted(held):
        if reach is not None and start > reach:
            gaps.append(elapsed(reach, start))
        reach = end if reach is None else max(reach, end)
    if reach is not None and reach < FAR_FUTURE and stop is not None:
        gaps.append(elapsed(reach, stop))
    return max(gaps, default=NONE)  # type: ignore[type-var]


def n_workers(folder: Folder, one: Referral, months: int) -> Span:
    """Count the most workers to whom the case was newly allocated within so many months."""
    if not folder.carries(
        "allocations", "allocated_at", "allocation_ended_at", "allocated_worker_id"
    ):
        return None
    found = allocations(folder, one)
    if not found:
        return NONE
    undated = [each for each in found if each.start is None]
    dated = [each for each in found if isinstance(each.start, date)]
    low = high = 0
    for last in [each.start for each in dated] or [FAR_PAST]:
        window = [each for each in dated if months_before(last, months) <= each.start <= last]  # type: ignore[arg-type,operator]
        low = max(low, _distinct(window)[0], bool(window))
        high = max(high, _distinct(window + undated)[1])
    return span_of(low, high)


def _distinct(found: Iterable[Allocation]) -> tuple[int, int]:
    """Count the workers named, and those that there may be with each blank name another one."""
    names = [each.row["allocated_worker_id"].value for each in found]
    known = len({name for name in names if name is not None})
    return known, known + names.count(None)


def is_held_by_nobody_named(folder: Folder, one: Referral, desks: Iterable[str]) -> Truth:
    """Say whether every allocation is to a desk: a name or role of the list, or the team itself."""
    if not folder.carries("allocations", "allocated_at"):
        return None
    words = {desk.lower() for desk in desks}
    found = allocations(folder, one)
    if not found:
        return False
    team = one.known("team")
    certain: list[Truth] = []
    for each in found:
        worker, role = (
            each.row[column].value for column in ("allocated_worker_id", "allocated_worker_role")
        )
        names = [text.lower() for text in (worker, role) if isinstance(text, str)]
        is_desk: Truth
        if words.intersection(names) or (isinstance(team, str) and team.lower() in names):
            is_desk = True
        else:
            is_desk = None if worker is None else False
        # An allocation whose date cannot be read may not have happened.
        certain.append(is_desk if each.start is not None or is_desk is False else None)
    if all(each.start is None for each in found):
        return False if all(truth is False for truth in certain) else None
    dated = [truth for truth, each in zip(certain, found, strict=True) if each.start is not None]
    doubtful = [
        None if truth is False else True
        for truth, each in zip(certain, found, strict=True)
        if each.start is None and truth is False
    ]
    return both(*dated, *doubtful)


def has_unregistered_worker_on_section47(folder: Folder, one: Referral) -> Truth:
    """Say whether a worker who is not registered held the case after the enquiry's first day."""
    began = when(one.cells["section47_started_on"])
    if began == NONE:
        return False
    if not folder.carries("allocations", "worker_is_registered"):
        return None
    parts: list[Truth] = []
    for each in allocations(folder, one):
        registered = each.row["worker_is_registered"].value
        held: Truth = None
        if isinstance(began, date):
            lasts = each.end == NONE or each.row["allocation_ended_at"].state == ABSENT
            if lasts or (isinstance(each.start, date) and each.start > began):
                held = True
            elif isinstance(each.end, date):
                held = each.end > began
        happened = None if each.start is None else True
        not_registered = None if registered is None else registered is False
        parts.append(both(happened, held, not_registered))
    return either(*parts)


# --------------------------------------------------------------------------------------------
# Decisions, early help
# --------------------------------------------------------------------------------------------


def n_replaced_without_reason(folder: Folder, one: Referral) -> Span:
    """Count the decisions that replace another without a reason; a blank cell replaces none.

    A decision whose date cannot be read is one, as an example of DEC-12 says.
    """
    if "decisions" not in folder.tables:
        return None
    parts = []
    for row in folder.beside(one, "decisions"):
        made = when(row["decision_at"])
        replaces, reason = row["supersedes_decision_id"].state, row["superseding_reason"].state
        parts.append(
            both(
                made is None or (isinstance(made, date) and made <= folder.as_of),
                None if replaces == ABSENT else replaces == GIVEN,
                None if reason == ABSENT else reason == BLANK,
            )
        )
    return span_of(parts.count(True), len(parts) - parts.count(False))


def days_without_early_help(folder: Folder, one: Referral) -> Span:
    """Count the days from closure to the child's next early help, or to judgement."""
    closed = when(one.cells["closed_on"])
    if closed == NONE or not isinstance(closed, date):
        return NONE if closed == NONE else None
    if not folder.carries("early_help", "child_id", "early_help_started_on"):
        return None
    low = high = (folder.as_of - closed).days
    for row in folder.of_child("early_help", one.child):
        start, end = when(row["early_help_started_on"]), when(row["early_help_ended_on"])
        if start is None:
            low = 0
        elif isinstance(start, date) and start <= folder.as_of:
            if start >= closed:
                low, high = (min(bound, (start - closed).days) for bound in (low, high))
            elif start >= one.day:
                lasted = end == NONE or row["early_help_ended_on"].state == ABSENT
                if lasted or (isinstance(end, date) and end >= closed):
                    low = high = 0
                elif end is None:
                    low = 0
    return span_of(low, high)


# --------------------------------------------------------------------------------------------
# Contacts
# --------------------------------------------------------------------------------------------


@dataclass
class Contact:
    """A child and a day with a contact: the one that stands for the day, and its progress."""

    child: str
    day: date
    contact_id: str
    progressed: Truth


def contacts(folder: Folder) -> list[Contact]:
    """Return the judged contacts: one a child and day, the first that reached a social worker."""
    accepted: list[tuple[str, date, Row]] = []
    owners: dict[str, tuple[str, date]] = {}
    for row in folder.tables["contacts"].rows if "contacts" in folder.tables else []:
        child, day, typed = row["child_id"].value, when(row["contact_date"]), row["contact_id"]
        if isinstance(child, str) and isinstance(day, date):
            if typed.state == GIVEN:
                owner = owners.setdefault(typed.value, (child, day))  # type: ignore[arg-type]
                if owner != (child, day):
                    row["contact_id"] = Cell(BLANK)
            accepted.append((child, day, row))
    days: dict[tuple[str, date], list[Row]] = {}
    for child, day, row in accepted:
        days.setdefault((child, day), []).append(row)
    found = []
    for (child, day), rows in days.items():
        if day > folder.as_of:
            continue
        rows.sort(key=lambda row: row["contact_date"].value.time())  # type: ignore[union-attr]
        reached = [row for row in rows if row["contact_outcome"].value in PROGRESS]
        chosen = (reached or rows)[0]
        typed = chosen["contact_id"].value
        name = typed if isinstance(typed, str) else f"{child}/{day.isoformat()}/1"
        parts = [_progressed(folder, child, day, row) for row in rows]
        found.append(Contact(child, day, name, either(*parts)))
    return found


def _progressed(folder: Folder, child: str, day: date, row: Row) -> Truth:
    """Say whether a contact reached a social worker; without an outcome, by the referrals."""
    outcome = row["contact_outcome"]
    if outcome.state in (GIVEN, UNREADABLE):
        return outcome.value in PROGRESS if outcome.state == GIVEN else None
    for one in folder.kept:
        if one.child != child or one.day > folder.as_of:
            continue
        if one.day >= day:
            return None
        closed = when(one.cells["closed_on"])
        was_open = closed == NONE or closed is None or closed > day  # type: ignore[operator]
        if was_open and one.nfa is not True:
            return None
    return False


def ref_13(folder: Folder, all_contacts: Sequence[Contact], this: Contact) -> Truth:
    """3 contacts or more in 6 months, none of which reached a social worker."""
    first = months_before(this.day, 6)
    mine = [c for c in all_contacts if c.child == this.child and first <= c.day <= this.day]
    unseen = first < folder.contacts_from
    n_contacts = span_of(len(mine), INFINITE if unseen else len(mine))
    low = sum(contact.progressed is True for contact in mine)
    high = INFINITE if unseen else sum(contact.progressed is not False for contact in mine)
    return both(at_least(n_contacts, 3), at_most(span_of(low, high), 0))
