"""The sheets of a workbook: Annex A, referrals with what lies beside them, or events alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from triage.errors import InputError
from triage.reading import Reading
from triage.sources import annex_a, extracts
from triage.sources.any_table import how_to_map
from triage.sources.grid import Grid
from triage.sources.guard import EXPECTED
from triage.sources.headings import is_referral_heading, looks_like
from triage.sources.referral_table import table_source, without_carried
from triage.tables import Extract, Input, Source
from triage.vocabulary import cut

if TYPE_CHECKING:
    from triage.sources.workbook import Sheet

KIND: Final = "workbook of tables"


@dataclass(frozen=True)
class _Table:
    """A sheet that holds a table we know: of events, or of referrals where ``extract`` is None."""

    sheet: Sheet
    label: str
    grid: Grid
    extract: Extract | None


def input_of_sheets(path: Path, digest: str, sheets: list[Sheet], reading: Reading) -> Input:
    """Return what a workbook holds.

    Referrals stand on one sheet; tables of decisions and the like may stand on others.

    Raises:
        InputError: when referrals stand on several sheets, or no sheet holds a table we know.
    """
    lists, said = annex_a.lists_of_sheets(path, sheets)
    if 3 in lists:
        return annex_a.annex_a_source(path, digest, lists, said, reading)
    tables = [found for sheet in sheets if (found := _table(path, digest, sheet, len(sheets)))]
    of_referrals = [one for one in tables if one.extract is None]
    beside = [one.extract for one in tables if one.extract is not None]
    notes = _passed_over(path, sheets, tables)
    if len(of_referrals) > 1:
        names = ", ".join(one.sheet.name for one in of_referrals)
        raise InputError(
            f"{path}: referrals stand on several sheets ({names}); put them on one, or save each "
            "as a file and give them together."
        )
    if of_referrals:
        one = of_referrals[0]
        return _with_beside(table_source(path, digest, one.grid.table(one.label)), beside, notes)
    annex_a.refuse_without_list_3(path, lists)
    if beside:
        return _together(beside, notes)
    first = next((row for sheet in sheets for row in sheet.rows if sum(map(bool, row)) > 2), [])
    raise InputError(
        f"{path}: looks like {looks_like(first)}; {EXPECTED}.{how_to_map(path, first)}"
    )


def _table(path: Path, digest: str, sheet: Sheet, n_sheets: int) -> _Table | None:
    """Return the table of a sheet, known by its headings, and by the sheet's name if it has one."""
    heading_at = sheet.heading_at(
        lambda row: is_referral_heading(row) or extracts.is_extract_heading(row)
    )
    if heading_at is None:
        return None
    grid = sheet.grid(heading_at)
    label = str(path) if n_sheets == 1 else f"{path} [{sheet.name}]"
    name = path.stem if n_sheets == 1 else sheet.name
    return _Table(sheet, label, grid, extracts.extract_of(path, digest, grid, label, name))


def _passed_over(path: Path, sheets: list[Sheet], tables: list[_Table]) -> tuple[str, ...]:
    used = {id(one.sheet) for one in tables}
    others = [
        cut(sheet.name) for sheet in sheets if id(sheet) not in used and any(map(any, sheet.rows))
    ]
    if not others or not tables:
        return ()
    named = f"sheet {others[0]} holds" if len(others) == 1 else f"sheets {', '.join(others)} hold"
    return (f"{path.name}: {named} no table that is known, and was passed over",)


def _with_beside(source: Source, beside: list[Extract], notes: tuple[str, ...]) -> Source:
    """Return referrals with the tables of the other sheets."""
    referrals, said = source.referrals, [*notes]
    children = [child for extract in beside for child in extract.children]
    for child in children:
        name = child.table.source
        referrals, note = without_carried(referrals, child, referrals.source, name)
        said += note
    contacts = [extract.contacts for extract in beside if extract.contacts is not None]
    if len(contacts) > 1:
        raise InputError(f"{source.path}: contacts stand on several sheets; put them on one.")
    return replace(
        source,
        kind=KIND if beside else source.kind,
        referrals=referrals,
        children=tuple(children),
        contacts=contacts[0] if contacts else None,
        notes=(*source.notes, *(note for extract in beside for note in extract.notes), *said),
    )


def _together(extracts_: list[Extract], notes: tuple[str, ...]) -> Extract:
    """Return the tables of events on several sheets as one extract."""
    first = extracts_[0]
    kinds = dict.fromkeys(one.kind.removeprefix(extracts.KIND) for one in extracts_)
    contacts = [one.contacts for one in extracts_ if one.contacts is not None]
    if len(contacts) > 1:
        raise InputError(f"{first.path}: contacts stand on several sheets; put them on one.")
    return replace(
        first,
        kind=extracts.KIND + " and ".join(kinds),
        n_rows=sum(one.n_rows for one in extracts_),
        children=tuple(child for one in extracts_ for child in one.children),
        contacts=contacts[0] if contacts else None,
        notes=(*(note for one in extracts_ for note in one.notes), *notes),
        as_referrals=first.as_referrals if len(extracts_) == 1 else None,
    )
