"""How one typed cell is read: dates, true and false, whole numbers, codes.

Cells are text, exactly as typed; an empty text is a blank cell. A cell that cannot be read raises
one sentence that says what was typed and what is wrong.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from triage import vocabulary as v
from triage.calendar import DATES_UNTIL, EVENTS_FROM

Kind = Literal["text", "code", "event", "birth", "flag", "number", "codes"]

_FORMS = "write YYYY-MM-DD, YYYY-MM-DDTHH:MM or DD/MM/YYYY"
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?")
_DAY_FIRST = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})(?: ([0-9]{2}):([0-9]{2}))?")
LARGEST_NUMBER: Final = 2**53
"""Whole numbers above this lose exactness in the engine, so they are refused on reading."""


def _unreadable(text: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("unreadable", "{sentence}", {"sentence": f"'{v.cut(text)}' {why}"})


def read_moment(text: str, earliest: dt.date) -> dt.datetime:
    """Return the date, or date and time, that a cell holds; never month-first.

    Raises:
        PydanticCustomError: when the text has none of the forms, names a day that does not
            exist, or lies outside ``earliest`` to 31 December 2050.
    """
    if match := _ISO.fullmatch(text):
        year, month, day, *clock = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year, *clock = match.groups()
    else:
        raise _unreadable(text, f"is not a date in a form that is read; {_FORMS}")
    try:
        hour, minute, second = (int(part or 0) for part in (*clock, "0")[:3])
        moment = dt.datetime(int(year), int(month), int(day), hour, minute, second)
    except ValueError:
        raise _unreadable(text, f"is not a date that exists; {_FORMS}") from None
    if not earliest <= moment.date() <= DATES_UNTIL:
        raise _unreadable(text, f"lies outside {earliest.year} to {DATES_UNTIL.year}")
    return moment


def _flag(text: str) -> bool:
    word = text.casefold()
    if word in v.TRUE_WORDS:
        return True
    if word in v.FALSE_WORDS:
        return False
    raise _unreadable(text, "is neither true nor false; write true or false, yes or no, 1 or 0")


def _number(text: str) -> int:
    whole = text.partition(".")[0]
    if re.fullmatch(r"[0-9]{1,16}(?:\.0+)?", text) and int(whole) <= LARGEST_NUMBER:
        return int(whole)
    raise _unreadable(text, "is not a whole number of 0 or more")


def _code(text: str, codes: tuple[str, ...]) -> str:
    typed = text.casefold()
    if re.fullmatch(r"[0-9]+\.0+", typed):
        typed = typed.partition(".")[0]
    for code in codes:
        if code.casefold() == typed:
            return code
    raise _unreadable(text, f"is not in the list {', '.join(codes)}")


def _codes(text: str, codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_code(part.strip(), codes) for part in text.split(";") if part.strip())


@dataclass(frozen=True)
class Reads:
    """How a column is read: its kind, its other headings, its codes and the first date it holds.

    As a part of ``Annotated`` it is the pydantic validator of the column too.
    """

    kind: Kind
    aliases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    earliest: dt.date = EVENTS_FROM

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate a typed cell before pydantic checks the type of its value."""
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def read(self, cell: Any) -> Any:
        """Return the value of a typed cell, None when it is blank.

        Raises:
            PydanticCustomError: with a sentence that says what was typed and what is wrong.
        """
        if not isinstance(cell, str):
            return cell
        text = cell.strip()
        if not text:
            return None
        match self.kind:
            case "event" | "birth":
                return read_moment(text, self.earliest)
            case "flag":
                return _flag(text)
            case "number":
                return _number(text)
            case "code":
                return _code(text, self.codes)
            case "codes":
                return _codes(text, self.codes)
            case _:
                if text.upper() in v.SPREADSHEET_ERRORS:
                    raise _unreadable(text, "is an error of the spreadsheet, not a value")
                return text
