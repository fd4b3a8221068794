"""How one council's table is read: which column each of its headings means, its dates and codes.

A mapping is a TOML file that lies beside the table (``report.mapping.toml`` beside ``report.csv``)
or is named. ``triage sources map`` proposes one; people mend it. Nothing in it is guessed: a
question that is still open (``"?"``) stops the reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from triage.errors import CallError, InputError
from triage.reading import Reading
from triage.schema import COLUMNS
from triage.sources.grid import Grid
from triage.sources.headings import folded
from triage.tables import RawColumn
from triage.vocabulary import cut

if TYPE_CHECKING:
    # Most tables have no mapping; what reads one is loaded where there is one.
    from triage.sources.mapping_file import ColumnMapping

ENDING: Final = ".mapping.toml"
"""A mapping bears the name of its table, with this behind."""


@dataclass(frozen=True)
class TableMapping:
    """A mapping as its file has it; ``is_beside`` says that it lies beside the table."""

    path: Path
    columns: Mapping[str, ColumnMapping]
    is_beside: bool = True
    hash: str = ""
    """The beginning of the file's SHA-256, in brackets, for whoever must know what was used."""

    def of(self, heading: str) -> tuple[str, ColumnMapping] | None:
        """Return what is said of a heading, with the heading as the mapping writes it."""
        typed = heading.strip()
        if typed in self.columns:
            return typed, self.columns[typed]
        plain = folded(typed)
        close = [known for known in self.columns if plain and folded(known) == plain]
        return (close[0], self.columns[close[0]]) if len(close) == 1 else None

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return the headings that mean something."""
        return tuple(heading for heading, column in self.columns.items() if column.means)

    @property
    def not_used(self) -> str:
        """Return the note on a table that a named mapping does not fit, or that maps nothing."""
        why = "its headings are not in the table" if self.wanted else "no heading means anything"
        return f"the mapping {self.path} was not used: {why}"

    def fits(self, headings: Sequence[str]) -> bool:
        """Return whether a heading row is that of a table this mapping was made for.

        Half of the headings that mean something must be there.
        """
        found = {known[0] for known in map(self.of, headings) if known and known[1].means}
        return bool(found) and 2 * len(found) >= len(self.wanted)

    def is_for(self, heading: str) -> bool:
        """Return whether a heading means something here."""
        found = self.of(heading)
        return found is not None and bool(found[1].means)

    def applied(self, grid: Grid, label: str) -> Grid:
        """Return a table with its headings, dates and codes as the tool knows them.

        A table that a named mapping does not fit is returned as it is, with a note.

        Raises:
            CallError: for a question that is still open.
            InputError: when the mapping beside the table is that of another one.
        """
        if not self.fits(grid.headings):
            if self.is_beside and self.wanted:
                raise InputError(
                    f"{label}: {self.path} is the mapping of another table: fewer than half of "
                    "its headings are here; make it anew with "
                    f"`triage sources map {label} --overwrite`."
                )
            return replace(grid, notes=(*grid.notes, self.not_used))
        self._refuse_questions(grid)
        found = [self.of(heading) for heading in grid.headings]
        _refuse_twice(found, label)
        headings = tuple(known[1].heading if known else "" for known in found)
        columns = tuple(
            _changed(column, known[1]) if known and known[1].means else column
            for column, known in zip(grid.columns, found, strict=True)
        )
        return replace(
            grid, headings=headings, columns=columns, notes=(*grid.notes, *self._notes(grid))
        )

    def _refuse_questions(self, grid: Grid) -> None:
        from triage.sources.mapping_file import open_questions

        here = {known[0] for known in map(self.of, grid.headings) if known}
        problems = [
            sentence
            for heading in self.columns
            if heading in here
            for sentence in open_questions(heading, self.columns[heading])
        ]
        if problems:
            raise CallError("\n".join(f"{self.path}: {problem}" for problem in problems))

    def _notes(self, grid: Grid) -> list[str]:
        """Return what is to be said of headings that are on one side only, a sentence a kind."""
        found = [(heading.strip(), self.of(heading)) for heading in grid.headings]
        here = {known[0] for _, known in found if known}
        told = {
            "left out by the mapping": [
                heading for heading, known in found if heading and known and not known[1].means
            ],
            "not in the mapping, ignored": [
                heading for heading, known in found if heading and not known
            ],
            "in the mapping, not in the table": [
                heading for heading in self.wanted if heading not in here
            ],
        }
        return [f"read by the mapping {self.path}{self.hash}"] + [
            f"{what}: " + ", ".join(f"'{cut(heading)}'" for heading in headings)
            for what, headings in told.items()
            if headings
        ]


def _refuse_twice(found: Sequence[tuple[str, ColumnMapping] | None], label: str) -> None:
    """Refuse a table in which one mapped heading stands over two columns."""
    seen: set[str] = set()
    for known in found:
        if known and known[1].means:
            if known[0] in seen:
                raise InputError(
                    f"{label}: two columns are headed '{cut(known[0])}'; leave one of them out, so "
                    "that it is plain which one counts."
                )
            seen.add(known[0])


def _changed(column: RawColumn, mapping: ColumnMapping) -> RawColumn:
    from triage.sources.code_words import replaced
    from triage.sources.date_forms import as_iso

    name = mapping.means[0]
    codes = {word.casefold(): code for word, code in mapping.codes.items()}
    if codes or mapping.kind == "codes":
        column = RawColumn(column.codes, [replaced(name, text, codes) for text in column.texts])
    if mapping.dates is not None:
        column = as_iso(column, mapping.dates, COLUMNS[name].reads.earliest)
    return column


def mapping_for(path: Path, reading: Reading) -> TableMapping | None:
    """Return the mapping by which a table is read: the one beside it, else the one that is named.

    Raises:
        CallError: when it is not there, or wrong.
    """
    beside = beside_of(path)
    if beside.is_file():
        from triage.sources.mapping_file import load_columns

        return TableMapping(beside, load_columns(beside), hash=_hash(beside))
    return named_mapping(reading)


def beside_of(path: Path) -> Path:
    """Return where the mapping of a table lies, if it has one."""
    return path.with_name(path.stem + ENDING)


def named_mapping(reading: Reading) -> TableMapping | None:
    """Return the mapping that the settings name, by its path or from the folder of mappings."""
    name = reading.mapping
    if not name:
        return None
    from triage.sources.mapping_file import did_you_mean, load_columns

    path = Path(name)
    if path.suffix != ".toml":
        path = reading.mappings / f"{name}.toml"
        if not path.is_file():
            known = sorted(file.stem for file in reading.mappings.glob("*.toml"))
            raise CallError(f"there is no mapping {path}{did_you_mean(name, known)}")
    elif not path.is_file():
        raise CallError(f"there is no mapping {path}; check the path.")
    return TableMapping(path, load_columns(path), is_beside=False, hash=_hash(path))


def _hash(path: Path) -> str:
    return f" (SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}…)"


def refuse_existing(target: Path) -> None:
    """Refuse to write a mapping where one is already.

    Raises:
        CallError: when the file is there.
    """
    if target.exists():
        raise CallError(
            f"{target}: is there already and may hold answers; give --overwrite to replace it, or "
            "--output to write elsewhere."
        )
