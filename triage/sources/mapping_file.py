"""A mapping file: what it may say of each heading, and every mistake in it told at once."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from triage.errors import CallError
from triage.schema import COLUMNS
from triage.sources.code_words import ASK, parts
from triage.sources.date_forms import FORMS
from triage.sources.headings import RATIONALE, columns_meant
from triage.vocabulary import cut

KNOWN: Final = (*(name for name in COLUMNS if name != "rationale_hash"), RATIONALE)
"""The columns that a heading may mean."""
_DATED: Final = ("event", "birth")
_LARGEST: Final = 4 << 20


def _as_text(typed: Any) -> Any:
    """Return a true, a false or a number of TOML as the text one would type in a cell."""
    if isinstance(typed, bool):
        return "true" if typed else "false"
    return str(typed) if isinstance(typed, int) else typed


def _as_names(typed: Any) -> Any:
    return ((typed,) if typed else ()) if isinstance(typed, str) else typed


Form = Literal["iso", "day-first", "month-first", "year-first", "excel", "?"]
Code = Annotated[str, BeforeValidator(_as_text)]


class ColumnMapping(BaseModel):
    """What is done with one column: what it means, how its dates are written, its codes.

    ``confidence``, ``because`` and ``shapes`` say how it was found; they change nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    means: Annotated[tuple[str, ...], BeforeValidator(_as_names)] = ()
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    because: str = ""
    shapes: tuple[str, ...] = ()
    dates: Form | None = None
    codes: dict[str, Code] = {}

    @property
    def heading(self) -> str:
        """Return the heading under which what it means is understood, "" when it is left out."""
        if len(self.means) < 2:
            return "".join(self.means)
        return _SHARED.get(frozenset(self.means), "")

    @property
    def kind(self) -> str:
        """Return how the column that it means is read."""
        return COLUMNS[self.means[0]].kind if self.means and self.means[0] in COLUMNS else "text"


class _MappingFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, ColumnMapping] = Field(min_length=1)


def _shared_headings() -> dict[frozenset[str], str]:
    """Return the known headings that stand for several columns, by those columns."""
    aliases = (alias for spec in COLUMNS.values() for alias in spec.reads.aliases)
    meant = {alias: columns_meant(alias) for alias in aliases}
    return {frozenset(names): alias for alias, names in meant.items() if len(names) > 1}


_SHARED: Final = _shared_headings()


def load_columns(path: Path) -> dict[str, ColumnMapping]:
    """Return what a mapping file says of each heading.

    Raises:
        CallError: when it cannot be read or is wrong, with the key, for every mistake at once.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise CallError(f"{path}: is larger than any mapping; make it anew, or take it away.")
        found = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise CallError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CallError(f"{path}: is not valid TOML ({cut(str(error))}).") from None
    try:
        columns = _MappingFile.model_validate(found).columns
    except ValidationError as error:
        told = [_sentence(problem) for problem in error.errors()]
        raise CallError("\n".join(f"{path}: {sentence}" for sentence in told)) from None
    problems = [
        sentence for heading, column in columns.items() for sentence in _mistakes(heading, column)
    ] + _means_twice(columns)
    if problems:
        raise CallError("\n".join(f"{path}: {problem}" for problem in problems))
    return columns


def _sentence(problem: Any) -> str:
    """Return what is wrong with a key, in words."""
    key = ".".join(_key(str(part)) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        model = _MappingFile if len(problem["loc"]) == 1 else ColumnMapping
        return f"unknown key {key}{did_you_mean(str(problem['loc'][-1]), list(model.model_fields))}"
    if key == "columns":
        return 'holds no [columns."heading"]; make one with `triage sources map FILE`'
    if key.endswith(".dates"):
        return f"{key}: {problem['input']!r} is no form of dates; known are {', '.join(FORMS)}"
    return f"{key}: {problem['msg'][:1].lower()}{problem['msg'][1:]}, not {problem['input']!r}"


def _key(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{cut(part)}"'


def _mistakes(heading: str, column: ColumnMapping) -> list[str]:
    """Return what is wrong with what a column is said to mean, its dates and its codes."""
    key = f"columns.{_key(heading)}"
    unknown = [name for name in column.means if name not in KNOWN]
    if unknown:
        return [
            f"{key}.means: there is no column {cut(name)!r}{did_you_mean(name, KNOWN)}"
            for name in unknown
        ]
    if column.means and not column.heading:
        known = " or ".join(" with ".join(sorted(names)) for names in _SHARED)
        return [f"{key}.means: one heading may mean several columns only as {known}"]
    found = []
    if column.dates and column.means and column.kind not in _DATED:
        found.append(f"{key}.dates: {column.means[0]} holds no dates")
    plain: dict[str, str] = {}
    for word, code in column.codes.items():
        if plain.setdefault(word.casefold(), code) != code:
            found.append(f"{key}.codes: {cut(word)!r} stands for two codes; leave one")
        elif column.means and code not in ("", ASK) and (why := _unreadable(column, code)):
            found.append(f"{key}.codes.{_key(word)}: {why}")
    return found


def _unreadable(column: ColumnMapping, code: str) -> str:
    """Return why a code is none of its column, if so."""
    name = column.means[0]
    if name not in COLUMNS:
        return ""
    try:
        COLUMNS[name].reads.read(";".join(parts(name, code)))
    except ValueError as error:
        return str(error)
    return ""


def _means_twice(columns: Mapping[str, ColumnMapping]) -> list[str]:
    first: dict[str, str] = {}
    found = []
    for heading, column in columns.items():
        for name in column.means:
            if name in first:
                found.append(
                    f"'{cut(first[name])}' and '{cut(heading)}' both mean {name}; leave one of "
                    'them out with means = ""'
                )
            first.setdefault(name, heading)
    return found


def did_you_mean(typed: str, known: Sequence[str]) -> str:
    """Return a hint for something typed that is not known: the nearest, else all there are."""
    close = difflib.get_close_matches(typed, known, 1)
    if close:
        return f"; did you mean {close[0]}?"
    if known:
        return f"; known are {', '.join(known)}"
    return "; make it with `triage sources map FILE`"


def open_questions(heading: str, column: ColumnMapping) -> list[str]:
    """Return a sentence for each question of a column that is still open, with the choices."""
    if not column.means:
        return []
    found = []
    if column.dates == ASK:
        forms = "; ".join(f'"{form}" ({example})' for form, example in FORMS.items())
        found.append(
            f"column '{cut(heading)}': how its dates are written is not known; set dates to one of "
            f'{forms}; or set means = "" to leave the column out'
        )
    asked = [word for word, code in column.codes.items() if code == ASK]
    if asked:
        found.append(
            f"column '{cut(heading)}': {', '.join(repr(cut(word)) for word in asked)} "
            f"{'stands' if len(asked) == 1 else 'stand'} for nothing yet; under codes write one of "
            f'{", ".join(choices_of(column.means[0]))} for each, or "" for not known'
        )
    return found


def choices_of(name: str) -> tuple[str, ...]:
    """Return the codes that a word of a column may stand for."""
    if name in COLUMNS and COLUMNS[name].kind == "flag":
        return ("true", "false")
    return COLUMNS[name].reads.codes if name in COLUMNS else ()
