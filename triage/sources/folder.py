"""A folder of tables: ``referrals`` and, beside it, what happened to each referral."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage.errors import InputError
from triage.schema import BELONGS_TO
from triage.tables import ChildTable, MatchBy, RawTable

KIND: Final = "folder of tables"
READABLE: Final = (".csv", ".parquet", ".xlsx", ".xls", ".txt", ".tsv")


@dataclass(frozen=True)
class _Beside:
    """A table beside the referrals: what it may carry and which date orders its rows."""

    carries: tuple[str, ...]
    event: str
    last: bool = False


BESIDE: Final = {
    "decisions": _Beside(("decision_at", *BELONGS_TO["decision_at"]), "decision_at"),
    "allocations": _Beside(("allocated_at", *BELONGS_TO["allocated_at"]), "allocated_at"),
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
    "oversight": _Beside(("last_oversight_on",), "last_oversight_on", last=True),
}
NOT_USED: Final = ("contacts", "early_help")


def table_files(folder: Path) -> dict[str, Path]:
    """Return the tables of a folder by name.

    Raises:
        InputError: when one table is there twice, as ``decisions.csv`` and ``decisions.xlsx``.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.stem.casefold()
        if path.suffix.casefold() not in READABLE or not path.is_file():
            continue
        if name in ("referrals", *BESIDE, *NOT_USED):
            if name in found:
                raise InputError(
                    f"{folder}: holds both {found[name].name} and {path.name}; leave one of them."
                )
            found[name] = path
    return found


def child_table(name: str, table: RawTable, referrals: RawTable) -> ChildTable:
    """Return a table beside the referrals with the way its rows are matched to them.

    By ``referral_id`` where both carry it, else by child and referral date, else by child and the
    date of the event.

    Raises:
        InputError: when it carries none of these.
    """
    beside = BESIDE[name]
    match: MatchBy
    if "referral_id" in table.columns and "referral_id" in referrals.columns:
        match = "referral_id"
    elif {"child_id", "referral_date"} <= table.columns.keys():
        match = "child_and_referral_date"
    elif {"child_id", beside.event} <= table.columns.keys():
        match = "child_and_event"
    else:
        raise InputError(
            f"{table.source}: cannot be joined to the referrals; give it referral_id, or child_id "
            f"with referral_date, or child_id with {beside.event}."
        )
    carries = tuple(column for column in beside.carries if column in table.columns)
    chooses: Final = "last" if beside.last else "first"
    return ChildTable(table, carries, beside.event, match, chooses)
