"""What an address of the queue asks for: the filter, how it is sorted, which page.

What an address says wrongly is left out, and told on the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from triage.casework import OPEN, STATUSES
from triage.store import SORT_KEYS, SortKey, Wanted
from triage.vocabulary import SEVERITIES, cut
from triage.web.render import query

PER_PAGE: Final = 50
WORK: Final = "work"
"""What the order of work is called where the queue can be sorted."""
_MOST_LETTERS: Final = 200
_MOST_PAGES: Final = 10**6
_SEVERAL: Final[dict[str, str]] = {
    "status": "Status", "team": "Team", "severity": "Severity",
}  # fmt: skip
_ONE: Final[dict[str, str]] = {
    "rule": "Rule", "subject": "Of a", "assigned_to": "Assigned to", "held_by": "Held by",
}  # fmt: skip
_MARKS: Final[dict[str, str]] = {"overdue": "Overdue", "snoozed": "Put off"}
_KNOWN: Final[dict[str, Sequence[str]]] = {
    "status": STATUSES, "severity": SEVERITIES, "subject": ("referral", "contact"),
    "overdue": ("yes",), "snoozed": ("yes",),
}  # fmt: skip
NAMES: Final = {**_SEVERAL, **_ONE, **_MARKS}
"""The parts of a filter by their names in an address, and in words."""

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """A filter as pairs of name and value, how its cases are sorted and which page is shown.

    ``wrong`` says of what was left out why it was.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    sort: SortKey | None = None
    is_falling: bool = False
    page: int = 1
    wrong: tuple[str, ...] = ()

    @property
    def wanted(self) -> Wanted:
        """Return which cases are asked for; without a status those that are open."""
        return Wanted(
            statuses=self.all_of("status") or OPEN,
            teams=self.all_of("team"),
            severities=self.all_of("severity"),
            is_overdue="yes" in self.all_of("overdue"),
            snoozed="yes" in self.all_of("snoozed"),
            **{name: "".join(self.all_of(name)) for name in _ONE},
        )

    def all_of(self, name: str) -> tuple[str, ...]:
        """Return the values of a part of the filter."""
        return tuple(value for of, value in self.pairs if of == name)

    @property
    def values(self) -> dict[str, Any]:
        """Return the filter as the fields of a form."""
        one = {name: "".join(self.all_of(name)) for name in _ONE}
        return {**one, **{name: list(self.all_of(name)) for name in (*_SEVERAL, *_MARKS)}}

    @property
    def sorting(self) -> str:
        """Return how the cases are sorted, as an address says it."""
        return WORK if self.sort is None else f"{'-' if self.is_falling else ''}{self.sort}"

    @property
    def filter_query(self) -> str:
        """Return the filter alone as the end of an address."""
        return query(self.pairs)

    def address(self, *, page: int = 1, sort: str | None = None) -> str:
        """Return the address of a page of the queue by the same filter."""
        sorting = self.sorting if sort is None else sort
        more = [("sort", sorting)] if sorting not in (WORK, "") else []
        at = [("page", str(page))] if page > 1 else []
        return f"/queue{query([*self.pairs, *more, *at])}"

    def without(self, name: str, value: str) -> str:
        """Return the address of the queue without a part of the filter."""
        left = tuple(pair for pair in self.pairs if pair != (name, value))
        return replace(self, pairs=left).address()

    @property
    def tags(self) -> list[dict[str, str]]:
        """Return each part of the filter in words, with the address without it."""
        return [
            {"text": in_words(name, value), "href": self.without(name, value)}
            for name, value in self.pairs
        ]

    @property
    def words(self) -> str:
        """Return the filter in a sentence's words."""
        said = [in_words(name, value) for name, value in self.pairs]
        return ", ".join(said) if said else "all that are open"


def in_words(name: str, value: str) -> str:
    """Return a part of a filter in words."""
    return NAMES[name] if name in _MARKS else f"{NAMES[name]}: {value}"


@dataclass
class _Reading:
    pairs: Pairs = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def take(self, name: str, value: str) -> None:
        """Take a part of a filter, or say why it is left out."""
        known = _KNOWN.get(name)
        if known is not None and value not in known:
            self.wrong.append(
                f"{NAMES[name]} ‘{cut(value)}’ was left out: known are {', '.join(known)}."
            )
        elif len(value) > _MOST_LETTERS or not value.isprintable():
            self.wrong.append(f"{NAMES[name]} was left out: it cannot be read.")
        elif name not in _SEVERAL and any(of == name for of, _ in self.pairs):
            self.wrong.append(f"{NAMES[name]} ‘{cut(value)}’ was left out: there is another.")
        elif (name, value) not in self.pairs:
            self.pairs.append((name, value))


def asked_of(pairs: Iterable[tuple[str, Any]]) -> Asked:
    """Return what is asked for by pairs of name and value; what is none of a filter is left out."""
    found = _Reading()
    sort, number = WORK, "1"
    for name, value in pairs:
        text = value.strip() if isinstance(value, str) else ""
        if name in NAMES and text:
            found.take(name, text)
        elif name == "sort" and text:
            sort = text
        elif name == "page":
            number = text
    # The parts stand in one order, so that the same filter has one address.
    order = list(NAMES)
    found.pairs.sort(key=lambda pair: order.index(pair[0]))
    key = next((one for one in SORT_KEYS if one == sort.removeprefix("-")), None)
    if key is None and sort != WORK:
        found.wrong.append(f"The queue cannot be sorted by ‘{cut(sort)}’.")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 1
    return Asked(
        tuple(found.pairs),
        key,
        sort.startswith("-"),
        min(max(page, 1), _MOST_PAGES),
        tuple(found.wrong),
    )


def pages(asked: Asked, n: int) -> dict[str, Any] | None:
    """Return the links to the other pages of a list; None where there is but one."""
    last = max(1, -(-n // PER_PAGE))
    if last == 1:
        return None
    here = min(asked.page, last)
    shown = sorted({1, *range(max(1, here - 1), min(last, here + 1) + 1), last})
    items: list[dict[str, Any]] = []
    before = 0
    for number in shown:
        if number > before + 1:
            items.append({"ellipsis": True})
        items.append(
            {"number": number, "href": asked.address(page=number), "current": number == here}
        )
        before = number
    found: dict[str, Any] = {"items": items, "landmarkLabel": "Pages of the queue"}
    if here > 1:
        found["previous"] = {"href": asked.address(page=here - 1)}
    if here < last:
        found["next"] = {"href": asked.address(page=here + 1)}
    return found
