"""What the Standard Safeguarding Dataset tells beside the referrals, but for who was allocated.

Assessments with their factors, section 47 enquiries with their conferences, early help, contacts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from triage import vocabulary as v
from triage.sources import ssd_cells as cells
from triage.sources import ssd_columns as columns
from triage.sources.folder import BESIDE
from triage.sources.grid import FIRST_ROW, row_numbers
from triage.sources.ssd_referrals import (
    Built,
    Dataset,
    nobody,
    source_codes,
    unreadable_outcomes,
)
from triage.sources.ssd_tables import (
    ASSESSMENTS,
    CONFERENCES,
    CONTACTS,
    EARLY_HELP,
    ENQUIRIES,
    FACTORS,
    Fetched,
)
from triage.tables import LOST, ChildTable, MatchBy, RawColumn, RawTable, Rows

_KEYS = ("referral_id", "child_id", "referral_date")
_BY_REFERRAL = "joined by their referral alone"


def build_events(
    dataset: Dataset, referrals: RawTable
) -> Iterator[tuple[ChildTable, tuple[str, ...]]]:
    """Yield each table of events that is there, with what is to be said of it.

    Where the referrals bear no identifier, none that a row names can be found: rows are joined by
    child and date, as those that name none.
    """
    for name, build in (
        ("assessments", _assessments),
        ("section47s", _enquiries),
        ("early_help", _early_help),
    ):
        built = build(dataset)
        if built is None:
            continue
        table = built.table
        if "referral_id" not in referrals.columns:
            rest = {name: column for name, column in table.columns.items() if name != "referral_id"}
            table = replace(table, columns=rest)
        yield child_table(name, table), built.notes


def child_table(name: str, table: RawTable) -> ChildTable:
    """Return a table as one that lies beside the referrals under a name."""
    beside = BESIDE[name]
    carries, keeps = (
        tuple(column for column in among if column in table.columns)
        for among in (beside.carries, beside.keeps)
    )
    by: MatchBy = "child" if beside.of_child else "referral_id"
    return ChildTable(table, carries, beside.event, by, name=name, keeps=keeps)


def _renamed(fetched: Fetched, names: dict[str, str]) -> dict[str, RawColumn]:
    """Return the columns that are there under their canonical names, identifiers without -1."""
    return {
        name: fetched.columns[field].mapped(cells.identifier)
        if name.endswith("_id")
        else fetched.columns[field]
        for name, field in names.items()
        if field in fetched.columns
    }


def _assessments(dataset: Dataset) -> Built | None:
    assessments = dataset.tables.get(ASSESSMENTS.name)
    if assessments is None:
        return None
    made = _renamed(
        assessments,
        {
            "referral_id": "cina_referral_id",
            "child_id": "cina_person_id",
            "assessment_started_on": "cina_assessment_start_date",
            "assessment_authorised_on": "cina_assessment_auth_date",
        },
    )
    notes = list(nobody(assessments, "cina_person_id", _BY_REFERRAL))
    factors = dataset.tables.get(FACTORS.name)
    if factors is not None and "cina_assessment_id" in assessments.columns:
        made["assessment_factors"], said = _factors(assessments, factors)
        notes += said
    table = RawTable(
        dataset.source(ASSESSMENTS.name),
        row_numbers(assessments.n_rows),
        made,
        found_by="referral_id",
    )
    return Built(table, tuple(notes))


def _factors(assessments: Fetched, factors: Fetched) -> tuple[RawColumn, list[str]]:
    """Return the factors of each assessment; those of several rows of one are put together."""
    keys = factors.columns["cinf_assessment_id"].mapped(cells.identifier)
    codes = factors.columns["cinf_assessment_factors_json"].mapped(cells.factors)
    ours = assessments.columns["cina_assessment_id"].mapped(cells.identifier)
    row = columns.first_rows(keys, ours)
    column = columns.taken(codes, row)
    first = columns.first_rows(keys, keys)
    more = np.flatnonzero((first >= 0) & (first != np.arange(factors.n_rows)))
    if len(more):
        column = _with_more(column, row, codes, first, more)
    n_lost = columns.count(columns.where(codes, columns.is_lost))
    notes = []
    if n_lost:
        notes.append(
            f"{FACTORS.name}: the factors of {v.counted(n_lost, 'row')} could not be read; unknown"
        )
    return column, notes


def _with_more(
    column: RawColumn, row: Rows, codes: RawColumn, first: Rows, more: Rows
) -> RawColumn:
    """Return the factors with those of further rows of the same assessment put to them."""
    whole: dict[int, str | None] = {}
    for place in more.tolist():
        own = int(first[place])
        so_far = whole.get(own, codes.texts[codes.codes[own]])
        further = codes.texts[codes.codes[place]]
        if so_far is LOST or further is LOST:
            whole[own] = LOST
        else:
            both = (*so_far.split(";"), *further.split(";"))
            whole[own] = ";".join(dict.fromkeys(code for code in both if code))
    place_of_text = {own: len(column.texts) + number for number, own in enumerate(whole)}
    changed = np.array([place_of_text.get(own, -1) for own in row.tolist()], np.int64)
    merged = np.where(changed >= 0, changed, column.codes).astype(np.int32)
    return RawColumn(merged, [*column.texts, *whole.values()])


def _enquiries(dataset: Dataset) -> Built | None:
    """Return the section 47 enquiries, each with the conference that it led to.

    The start of an enquiry is the strategy discussion at which it was initiated. An enquiry that
    ended in no further action needed no conference: so the dataset's own script fills Annex A.
    """
    enquiries = dataset.tables.get(ENQUIRIES.name)
    if enquiries is None:
        return None
    made = _renamed(
        enquiries,
        {
            "referral_id": "s47e_referral_id",
            "child_id": "s47e_person_id",
            "strategy_discussion_on": "s47e_s47_start_date",
            "section47_started_on": "s47e_s47_start_date",
        },
    )
    if {"s47e_s47_nfa", "s47e_s47_end_date"} <= enquiries.columns.keys():
        made["icpc_not_required"] = columns.paired(
            enquiries.columns["s47e_s47_nfa"], enquiries.columns["s47e_s47_end_date"], _not_required
        )
    notes = list(nobody(enquiries, "s47e_person_id", _BY_REFERRAL))
    table = RawTable(
        dataset.source(ENQUIRIES.name), row_numbers(enquiries.n_rows), made, found_by="referral_id"
    )
    conferences = dataset.tables.get(CONFERENCES.name)
    if conferences is not None:
        table, said = _with_conferences(table, enquiries, conferences)
        notes += said
    return Built(table, tuple(notes))


def _not_required(nfa: str, ended: str) -> str | None:
    """Return whether a conference was not required, blank while the enquiry lasts."""
    if not nfa or not ended:
        return ""
    said = cells.truth(nfa)
    return LOST if said is None else "true" if said else "false"


def _with_conferences(
    table: RawTable, enquiries: Fetched, conferences: Fetched
) -> tuple[RawTable, list[str]]:
    """Return the enquiries with the first conference of each.

    A conference goes to the enquiry that it names, else to the latest one of its referral that had
    begun by then. Of a referral without an enquiry it stands in a row of its own below the others.
    """
    empty = columns.blank(conferences.n_rows)
    date = conferences.columns["icpc_icpc_date"]
    day, is_dated = columns.day_numbers(date)
    referral = conferences.columns.get("icpc_referral_id", empty).mapped(cells.identifier)
    enquiry = conferences.columns.get("icpc_s47_enquiry_id", empty).mapped(cells.identifier)
    ids = enquiries.columns.get("s47e_s47_enquiry_id", columns.blank(len(table)))
    named = columns.first_rows(ids.mapped(cells.identifier), enquiry)
    place = np.where(named >= 0, named, _latest_begun(table, referral, day, is_dated, named < 0))
    order = np.lexsort((np.where(is_dated, day, np.iinfo(np.int64).max), place))
    order = order[place[order] >= 0]
    order = order[np.r_[True, place[order][1:] != place[order][:-1]][: len(order)]]
    first = np.full(len(table), -1, np.int64)
    first[place[order]] = order
    has_referral = columns.where(referral, bool)
    alone = np.flatnonzero((place < 0) & has_referral)
    n_unused = columns.count((place < 0) & ~has_referral)
    notes = []
    if n_unused:
        notes.append(
            f"{conferences.name}: {v.counted(n_unused, 'row')} of neither an enquiry nor a "
            "referral; not used"
        )
    held = columns.followed(columns.taken(date, first), columns.taken(date, alone))
    below = columns.blank(len(alone))
    made = {name: columns.followed(column, below) for name, column in table.columns.items()}
    if "referral_id" in made:
        made["referral_id"] = columns.followed(
            table.columns["referral_id"], columns.taken(referral, alone)
        )
    rows = np.arange(FIRST_ROW, FIRST_ROW + len(table) + len(alone), dtype=np.int64)
    if len(alone):
        notes.append(
            f"{conferences.name}: {v.counted(len(alone), 'conference')} of a referral without an "
            f"enquiry, from row {len(table) + FIRST_ROW:,} of {table.source} on"
        )
    return replace(table, rows=rows, columns=made | {"icpc_on": held}), notes


def _latest_begun(
    table: RawTable,
    referral: RawColumn,
    day: Rows,
    is_dated: columns.Truths,
    sought: columns.Truths,
) -> Rows:
    """Return the latest enquiry of each sought conference's referral begun by then, or the first.

    -1 where the referral has no enquiry.
    """
    found = np.full(len(day), -1, np.int64)
    if "referral_id" not in table.columns:
        return found
    own = table.columns["referral_id"]
    start, is_started = columns.day_numbers(table.columns["strategy_discussion_on"])
    of_referral: dict[str, list[int]] = {}
    wanted = {referral.texts[code] for code in np.unique(referral.codes[sought]).tolist()} - {""}
    for row, code in enumerate(own.codes.tolist()):
        if own.texts[code] in wanted:
            of_referral.setdefault(own.texts[code] or "", []).append(row)
    for place in np.flatnonzero(sought).tolist():
        rows = of_referral.get(referral.texts[referral.codes[place]] or "", [])
        begun = [
            row for row in rows if is_started[row] and is_dated[place] and start[row] <= day[place]
        ]
        if rows:
            found[place] = max(begun, key=lambda row: int(start[row])) if begun else rows[0]
    return found


def _early_help(dataset: Dataset) -> Built | None:
    episodes = dataset.tables.get(EARLY_HELP.name)
    if episodes is None:
        return None
    made = _renamed(
        episodes,
        {
            "child_id": "earl_person_id",
            "early_help_started_on": "earl_episode_start_date",
            "early_help_ended_on": "earl_episode_end_date",
        },
    )
    table = RawTable(dataset.source(EARLY_HELP.name), row_numbers(episodes.n_rows), made)
    return Built(table, tuple(nobody(episodes, "earl_person_id", "not used")))


def build_contacts(dataset: Dataset) -> Built | None:
    """Return the contacts, with what became of each by the flags of its outcome."""
    contacts = dataset.tables.get(CONTACTS.name)
    if contacts is None:
        return None
    made = _renamed(
        contacts,
        {
            "contact_id": "cont_contact_id",
            "child_id": "cont_person_id",
            "contact_date": "cont_contact_date",
        },
    )
    notes = list(nobody(contacts, "cont_person_id", "rejected"))
    sources, said = source_codes(dataset, contacts, "contact_source", "cont_contact_source")
    made |= sources
    notes += said
    outcome = contacts.columns.get("cont_contact_outcome_json")
    if outcome is not None:
        made["contact_outcome"] = outcome.mapped(cells.contact_outcome)
        notes += unreadable_outcomes(contacts.name, "cont_contact_outcome_json", outcome)
    table = RawTable(
        dataset.source(CONTACTS.name), row_numbers(contacts.n_rows), made, found_by="contact_id"
    )
    return Built(table, tuple(notes))
