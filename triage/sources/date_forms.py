"""In which form a column's dates are written, told from the whole column and never guessed.

A single ``03/05/22`` may be three different days. A column of them usually proves its form: one
first part above 12 is no month. Where it does not, or where values contradict each other, the form
is ``ASK`` and a person says it in the mapping.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import BIRTHS_FROM, DATES_UNTIL
from triage.tables import LOST, RawColumn, encode

ASK: Final = "?"
ISO: Final = "iso"
DAY_FIRST: Final = "day-first"
MONTH_FIRST: Final = "month-first"
YEAR_FIRST: Final = "year-first"
EXCEL: Final = "excel"

FORMS: Final = {
    ISO: "2022-05-03, 2022/05/03 or 20220503",
    DAY_FIRST: "3/5/2022 is 3 May; also 03.05.22, 3 May 2022, 03-May-22",
    MONTH_FIRST: "5/3/2022 is 3 May",
    YEAR_FIRST: "22/05/03 is 3 May 2022",
    EXCEL: "44684 is 3 May 2022, the day number of a spreadsheet",
}
"""Each form a column may have, by example. Years of two digits: 00 to 50 are 2000 to 2050."""

NULL_WORDS: Final = frozenset({"null", "(null)", "<null>", "nan", "nat"})
"""What a database writes for a cell that holds nothing."""
_NO_DATE: Final = NULL_WORDS | {
    "n/a", "na", "none", "nil", "-", "--", "tbc", "unknown", "not known", "not recorded",
    "not applicable",
}  # fmt: skip

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june",
            "jul july", "aug august", "sep sept september", "oct october", "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_TIMED: Final = (
    r"^(?P<date>.*?)(?:(?:[Tt]|[ ,]+)(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?: ?[AaPp]\.?[Mm]\.?)?))?$"
)
_PARTS: Final = re.compile(r"([0-9]{1,4})([/.\-])([0-9]{1,2})\2([0-9]{1,4})")
_NAMED: Final = re.compile(
    r"(?:[a-z]{3,9},? )?([0-9]{1,2})(?:st|nd|rd|th)?[ \-/.]{0,2}([a-z]{3,9})[ \-/.,]{0,2}"
    r"([0-9]{4}|[0-9]{2})"
)
_NAMED_MONTH_FIRST: Final = re.compile(r"([a-z]{3,9})\.? {1,2}([0-9]{1,2}),? ([0-9]{4})")
_CLOCK: Final = re.compile(
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:\.[0-9]+)? ?(?:([ap])\.?m\.?)?"
)
_DATE_SHAPED: Final = re.compile(r"[0-9]{1,4}[/.\- ][0-9]{1,2}[/.\- ][0-9]{1,4}|[0-9]{8}")
_LONGEST: Final = 40
_DAY_ZERO: Final = dt.date(1899, 12, 30)
_OWN_DAY_FIRST: Final = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}(?: [0-9]{2}:[0-9]{2})?")
_NEARLY_ALL: Final = 0.9
_PROOF: Final = 0.01
"""Share of the rows that must rule a form out before another is taken as the only one."""

_Readings = dict[str, dt.date]


@dataclass(frozen=True)
class DatesSeen:
    """What a column's cells say of its dates.

    ``share`` of the cells that hold something look like dates. ``form`` is one of ``FORMS``, or
    ``ASK``, with the ``choices`` a person has; "" where there are no dates.
    """

    share: float
    form: str = ""
    choices: tuple[str, ...] = ()
    because: str = ""


NO_DATES: Final = DatesSeen(0.0)


@dataclass(frozen=True)
class _Kind:
    """What one written date can be: the forms it may have, and whether it could mislead.

    A month in letters, or a year of four digits in front, reads the same in every form.
    """

    forms: frozenset[str]
    is_plain: bool = True
    has_letters: bool = False

    @property
    def proves_nothing(self) -> bool:
        return self.has_letters or self.forms == {ISO}


def _date(year: str, month: str | int, day: str) -> dt.date | None:
    number = int(year)
    if len(year) <= 2:
        number += 2000 if number <= DATES_UNTIL.year - 2000 else 1900
    try:
        date = dt.date(number, int(month), int(day))
    except ValueError:
        return None
    return date if BIRTHS_FROM <= date <= DATES_UNTIL else None


def _given(**found: dt.date | None) -> _Readings:
    return {form.replace("_", "-"): date for form, date in found.items() if date is not None}


@lru_cache(maxsize=65_536)
def _readings(text: str) -> tuple[_Readings, _Kind]:
    """Return the day that a written date is in each form it may have."""
    if len(text) > _LONGEST:
        return {}, _Kind(frozenset())
    if match := _PARTS.fullmatch(text):
        one, _, two, three = match.groups()
        if len(one) == 4 and len(three) <= 2:
            found = _given(iso=_date(one, two, three))
            return found, _Kind(frozenset(found))
        if len(one) <= 2 and len(three) == 4:
            found = _given(day_first=_date(three, two, one), month_first=_date(three, one, two))
            return found, _Kind(frozenset(found))
        found = {}
        if len(one) <= 2 and len(three) == 2:
            found = _given(day_first=_date(three, two, one), month_first=_date(three, one, two))
        if len(one) == 2 and len(three) <= 2:
            found |= _given(year_first=_date(one, two, three))
        return found, _Kind(frozenset(found), is_plain=False)
    if re.fullmatch(r"[0-9]{8}", text):
        found = _given(
            iso=_date(text[:4], text[4:6], text[6:]),
            day_first=_date(text[4:], text[2:4], text[:2]),
            month_first=_date(text[4:], text[:2], text[2:4]),
        )
        return found, _Kind(frozenset(found), is_plain=False)
    if re.fullmatch(r"[1-5][0-9]{4}(?:\.[0-9]+)?", text):
        date = _DAY_ZERO + dt.timedelta(days=int(text[:5]))
        found = _given(excel=date if date <= DATES_UNTIL else None)
        return found, _Kind(frozenset(found), is_plain=False)
    return _in_letters(text.casefold())


def _in_letters(text: str) -> tuple[_Readings, _Kind]:
    date = None
    if match := _NAMED.fullmatch(text):
        day, name, year = match.groups()
        date = _date(year, _MONTHS.get(name, 0), day)
    elif match := _NAMED_MONTH_FIRST.fullmatch(text):
        name, day, year = match.groups()
        date = _date(year, _MONTHS.get(name, 0), day)
    found = dict.fromkeys((DAY_FIRST, MONTH_FIRST, YEAR_FIRST, EXCEL), date) if date else {}
    return {form: day for form, day in found.items() if day}, _Kind(
        frozenset(found), has_letters=bool(found)
    )


@dataclass(frozen=True)
class _Written:
    """A column's texts parted into a date and a time, each distinct one held once."""

    dates: RawColumn
    clocks: tuple[str | None, ...]
    times: RawColumn


def _parted(texts: Sequence[str | None]) -> _Written:
    array = pa.array(["" if text is LOST else text for text in texts], pa.string())
    parted = pc.extract_regex(array, _TIMED)
    dates = encode(pc.if_else(pc.is_valid(parted), pc.struct_field(parted, 0), array))
    times = encode(pc.struct_field(parted, 1))
    clocks = tuple(_clock(str(text)) for text in times.texts)
    return _Written(dates, clocks, times)


def _clock(text: str) -> str | None:
    """Return a time of day as THH:MM[:SS], "" where there is none, None where it is no time."""
    if not text:
        return ""
    match = _CLOCK.fullmatch(text.casefold())
    if not match:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if match[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[4] == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return f"T{hour:02}:{minute:02}" + (f":{second:02}" if match[3] else "")


def dates_seen(column: RawColumn) -> DatesSeen:
    """Return whether a column holds dates, and in which form, from every one of its cells."""
    rows = np.bincount(column.codes, minlength=len(column.texts))
    written = _parted(column.texts)
    is_told = np.array(
        [bool(text) and str(text).casefold() not in _NO_DATE for text in column.texts], bool
    )
    has_clock = np.array([clock is not None for clock in written.clocks], bool)[written.times.codes]
    n_told = int(rows[is_told].sum())
    if not n_told:
        return NO_DATES
    good = np.where(is_told & has_clock, rows, 0)
    n_of = np.bincount(written.dates.codes, good, len(written.dates.texts)).astype(np.int64)
    kinds: Counter[_Kind] = Counter()
    n_shaped = 0
    for text, n in zip(written.dates.texts, n_of.tolist(), strict=True):
        if not n:
            continue
        found, kind = _readings(str(text))
        if found:
            kinds[kind] += n
        elif _DATE_SHAPED.fullmatch(str(text)):
            n_shaped += n
    n_dates = kinds.total()
    share = (n_dates + n_shaped) / n_told
    n_other = n_told - n_dates
    if n_dates and n_other <= max(1, n_told * (1 - _NEARLY_ALL)) and n_other * 2 <= n_dates:
        return _told(kinds, share)
    choices = _all_forms(kinds) or tuple(FORMS)
    return DatesSeen(share, ASK, choices, f"only {n_dates:,} of {n_told:,} cells read as dates")


def _told(kinds: Counter[_Kind], share: float) -> DatesSeen:
    """Return the one form that fits every date of a column, else a question."""
    n_dates = kinds.total()
    telling = Counter({kind: n for kind, n in kinds.items() if not kind.proves_nothing})
    if not telling:
        form = DAY_FIRST if any(kind.has_letters for kind in kinds) else ISO
        return DatesSeen(share, form, because=f"all {n_dates:,} dates read as {form}")
    fitting = frozenset.intersection(*(kind.forms for kind in telling))
    if fitting <= {DAY_FIRST, MONTH_FIRST} and DAY_FIRST in fitting:
        is_plain = all(kind.is_plain for kind in telling)
        if is_plain or (len(fitting) == 1 and _is_proved(DAY_FIRST, telling)):
            return DatesSeen(share, DAY_FIRST, because=f"all {n_dates:,} dates read as day-first")
    if fitting == {YEAR_FIRST} and _is_proved(YEAR_FIRST, telling):
        return DatesSeen(share, YEAR_FIRST, because=f"all {n_dates:,} dates read as year-first")
    choices = tuple(form for form in FORMS if form in fitting)
    if len(choices) > 1:
        return DatesSeen(share, ASK, choices, f"the dates fit {' and '.join(choices)} alike")
    if fitting <= {MONTH_FIRST, EXCEL} and fitting:
        because = f"the dates fit {choices[0]} alone, which is not taken for granted"
        return DatesSeen(share, ASK, choices, because)
    choices = _all_forms(kinds)
    return DatesSeen(share, ASK, choices, f"some dates are {', others '.join(choices)}")


def _is_proved(form: str, telling: Counter[_Kind]) -> bool:
    """Return whether every other form is ruled out by more dates than a slip of the pen makes."""
    others = frozenset().union(*(kind.forms for kind in telling)) - {form}
    least = max(1.0, telling.total() * _PROOF)
    return all(
        sum(n for kind, n in telling.items() if other not in kind.forms) >= least
        for other in others
    )


def _all_forms(kinds: Counter[_Kind]) -> tuple[str, ...]:
    found = {form for kind in kinds for form in kind.forms}
    return tuple(form for form in FORMS if form in found)


def as_iso(column: RawColumn, form: str, earliest: dt.date) -> RawColumn:
    """Return a column with its dates written in ISO; what does not fit the form stays as typed.

    A text that has no such form, or lies before ``earliest``, is left for the schema to refuse
    with what was typed. In a column that is month-first, a date that can only be day-first is
    marked, since it would be read as one.
    """
    written = _parted(column.texts)
    days = [_day(str(text), form, earliest) for text in written.dates.texts]
    texts = [
        text if text is LOST else _moment(text, days[date], written.clocks[time], form)
        for text, date, time in zip(
            column.texts, written.dates.codes.tolist(), written.times.codes.tolist(), strict=True
        )
    ]
    return RawColumn(column.codes, texts)


def _day(text: str, form: str, earliest: dt.date) -> tuple[str, str] | None:
    """Return the day of a written date in ISO, with the time of day its fraction stands for."""
    found, kind = _readings(text)
    date = found.get(form) or (found.get(ISO) if kind.forms == {ISO} else None)
    if date is None and kind.has_letters:
        date = found.get(DAY_FIRST)
    if date is None or date < earliest:
        return None
    fraction = float(f"0.{text.partition('.')[2]}") if form == EXCEL and "." in text else 0.0
    seconds = min(round(fraction * 86_400), 86_399)
    clock = f"T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else ""
    return date.isoformat(), clock


def _moment(text: str, day: tuple[str, str] | None, clock: str | None, form: str) -> str:
    if day is None or clock is None:
        misleads = form == MONTH_FIRST and _OWN_DAY_FIRST.fullmatch(text)
        return f"{text} (not month-first)" if misleads else text
    return day[0] + (clock or day[1])
