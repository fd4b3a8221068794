"""A folder of tables: ``referrals`` and, beside it, what happened to each referral."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from triage.errors import InputError
from triage.schema import BELONGS_TO, REFERRAL_COLUMNS
from triage.sources.guard import check_place
from triage.sources.headings import MOST_NAMED
from triage.tables import ChildTable, MatchBy, RawTable
from triage.vocabulary import counted, printable

KIND: Final = "folder of tables"
READABLE: Final = (".csv", ".parquet", ".xlsx", ".xls", ".txt", ".tsv")


@dataclass(frozen=True)
class _Beside:
    """A table beside the referrals: what it may carry, and which date orders its rows.

    ``carries`` goes to the referral from the row that counts for it; ``keeps`` is kept of each row.
    """

    carries: tuple[str, ...]
    event: str
    last: bool = False
    keeps: tuple[str, ...] = ()
    of_child: bool = False


def _of_referral(*columns: str) -> tuple[str, ...]:
    return tuple(column for column in columns if column in REFERRAL_COLUMNS)


BESIDE: Final = {
    "decisions": _Beside(
        _of_referral("decision_at", *BELONGS_TO["decision_at"], "feedback_at"),
        "decision_at",
        keeps=("decision_at", "decision_id", "supersedes_decision_id", "superseding_reason"),
    ),
    "allocations": _Beside(
        _of_referral("allocated_at", *BELONGS_TO["allocated_at"]),
        "allocated_at",
        keeps=(
            "allocated_at",
            "allocation_ended_at",
            "allocated_worker_id",
            "allocated_worker_role",
            "worker_is_registered",
        ),
    ),
    "assessments": _Beside(
        (
            "assessment_started_on",
            "assessment_reviewed_on",
            "assessment_authorised_on",
            "assessment_factors",
        ),
        "assessment_started_on",
    ),
    "section47s": _Beside(
        ("strategy_discussion_on", "section47_started_on", "icpc_on", "icpc_not_required"),
        "strategy_discussion_on",
    ),
    "oversight": _Beside(
        ("last_oversight_on",), "last_oversight_on", last=True, keeps=("last_oversight_on",)
    ),
    "early_help": _Beside(
        (),
        "early_help_started_on",
        keeps=("early_help_started_on", "early_help_ended_on"),
        of_child=True,
    ),
}
"""Each table that may lie beside ``referrals``, but for ``contacts``, which belong to a child."""
CONTACTS: Final = "contacts"
CONTACT_COLUMNS: Final[tuple[str, ...]] = (
    "child_id", "contact_date", "contact_id", "contact_source", "contact_outcome", "team",
    "restricted",
)  # fmt: skip

KNOWN: Final = ("referrals", *BESIDE, CONTACTS)
"""The names of the tables that a folder may hold."""


def table_files(folder: Path) -> dict[str, Path]:
    """Return the tables of a folder by name.

    Raises:
        InputError: when one table is there twice, as ``decisions.csv`` and ``decisions.xlsx``, or
            is no file: passed over, its facts would be missing without a word.
        OSError: when a link leads nowhere.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.stem.casefold()
        if path.suffix.casefold() in READABLE and name in KNOWN:
            check_place(path)
            if name in found:
                raise InputError(
                    f"{folder}: holds both {found[name].name} and {path.name}; leave one of them."
                )
            found[name] = path
    return found


def strangers(folder: Path) -> list[str]:
    """Return a sentence for each file that could hold a table and bears the name of none.

    Of very many those that are called almost as a table is are named first, the rest counted.
    """
    # Loaded where a name is unknown, since every run would wait for it.
    from rapidfuzz import fuzz, process

    found = []
    for path in sorted(folder.iterdir()):
        stem = path.stem.casefold()
        if path.suffix.casefold() not in READABLE or not path.is_file() or stem in KNOWN:
            continue
        close = process.extractOne(stem, KNOWN, scorer=fuzz.ratio, score_cutoff=70)
        found.append((path, f"; did you mean {close[0]}{path.suffix}?" if close else ""))
    more = len(found) - MOST_NAMED
    if more > 0:
        found = sorted(found, key=lambda one: not one[1])[:MOST_NAMED]
    notes = [
        printable(f"{path.name}: is none of the tables that are known, and was passed over{hint}")
        for path, hint in found
    ]
    return notes + [f"{counted(more, 'further file')} like these were passed over"][: more > 0]


def child_table(name: str, table: RawTable, referrals: RawTable) -> ChildTable:
    """Return a table beside the referrals with the way its rows are matched to them.

    By ``referral_id`` where both carry it, else by child and referral date, else by child and the
    date of the event.

    Raises:
        InputError: when it carries none of these.
    """
    beside = BESIDE[name]
    match: MatchBy
    if beside.of_child:
        match = "child"
    elif "referral_id" in table.columns and "referral_id" in referrals.columns:
        match = "referral_id"
    elif {"child_id", "referral_date"} <= table.columns.keys():
        match = "child_and_referral_date"
    elif {"child_id", beside.event} <= table.columns.keys():
        match = "child_and_event"
    else:
        if not table.columns and not len(table):
            raise InputError(f"{table.source}: is empty; export it again, or take it away.")
        named = "referral_id" in table.columns
        why = "the referrals have no referral_id" if named else "it names no referral"
        raise InputError(
            f"{table.source}: cannot be joined, since {why}; give it child_id with referral_date, "
            f"or with {beside.event}{'' if named else ', or referral_id'}."
        )
    carries, keeps = (
        tuple(column for column in columns if column in table.columns)
        for columns in (beside.carries, beside.keeps)
    )
    chooses: Final = "last" if beside.last else "first"
    return ChildTable(table, carries, beside.event, match, chooses, name=name, keeps=keeps)


def lacks(name: str, table: RawTable) -> str:
    """Return why a table of what belongs to a child alone cannot be used, if so.

    It is passed over and named, since what it holds is no part of any referral.
    """
    event = "contact_date" if name == CONTACTS else BESIDE[name].event
    missing = [column for column in ("child_id", event) if column not in table.columns]
    if not missing or (name != CONTACTS and not BESIDE[name].of_child):
        return ""
    file = Path(table.source).name
    return f"{file}: was passed over, since it has no column {' and '.join(missing)}"


def contact_table(table: RawTable) -> RawTable:
    """Return a table of contacts with the columns that count in it."""
    columns = {name: table.columns[name] for name in CONTACT_COLUMNS if name in table.columns}
    return replace(table, columns=columns)


def passed_over(table: RawTable, known: tuple[str, ...]) -> list[str]:
    """Return a sentence for each column of a table that has no meaning there."""
    name = Path(table.source).name
    return [
        f"{name}: column {column} belongs to another table and was ignored"
        for column in table.columns
        if column not in known
    ]
