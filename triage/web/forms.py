"""A form that goes back to whoever filled it in: what they typed, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Path, Query
from starlette.datastructures import FormData

MOST_NUMBER: Final = 2**31 - 1
"""The greatest number that anything in the store has."""
Number = Annotated[int, Path(ge=1, le=MOST_NUMBER)]
"""A number in an address; another one is an address that is not there."""
AskedNumber = Annotated[int | None, Query(ge=0, le=MOST_NUMBER)]


def number_typed(typed: str) -> int | None:
    """Return the number that somebody typed or chose; None where it is none of anything."""
    is_number = typed.isascii() and typed.isdigit() and len(typed) <= len(str(MOST_NUMBER))
    return int(typed) if is_number and 0 < int(typed) <= MOST_NUMBER else None


@dataclass
class Form:
    """The fields of a form by name, and what is wrong with them, each with the field it is of."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, form: FormData, lists: Iterable[str] = ()) -> Form:
        """Return what was typed; ``lists`` are the fields of which several may be chosen."""
        several = set(lists)
        found: dict[str, Any] = {name: form.getlist(name) for name in several}
        for name, value in form.multi_items():
            if name not in several and isinstance(value, str):
                found[name] = value.strip().replace("\r\n", "\n")
        return cls(found)

    def text(self, name: str, missing: str = "") -> str:
        """Return a field as it was typed; without one, what is ``missing`` is wrong with it."""
        value = str(self.values.get(name, ""))
        if missing and not value:
            self.wrong(name, missing)
        return value

    def day(self, name: str, missing: str = "") -> dt.date | None:
        """Return the day of a field, typed as 2026-10-09, or 9/10/2026, day first."""
        typed = self.text(name, missing)
        if not typed:
            return None
        for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %B %Y", "%d %b %Y"):
            try:
                return dt.datetime.strptime(typed, form).date()
            except ValueError:
                continue
        self.wrong(name, "Enter a day, such as 9/10/2026")
        return None

    def wrong(self, name: str, said: str) -> None:
        """Keep that something is wrong with a field; with none, that it is so of the whole form."""
        self.errors.append((name, said))

    def error(self, name: str) -> str:
        """Return what is wrong with a field."""
        return next((said for of, said in self.errors if of == name), "")

    @property
    def is_right(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.errors
