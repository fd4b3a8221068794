"""A council's own words for census codes and for yes and no, as its settings give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from triage.tables import ChildTable, Extract, Input, RawTable

Words = Mapping[str, Mapping[str, str]]


def with_words(table: RawTable, words: Words) -> RawTable:
    """Return a table in which each word of the council's own is the value that it stands for.

    ``words`` gives, by column, the value of each word; words match without regard to case and to
    the space around and between them.
    """
    columns = dict(table.columns)
    for name in words.keys() & columns.keys():
        means = {_plain(word): value for word, value in words[name].items()}
        columns[name] = columns[name].mapped(
            lambda text, means=means: means.get(_plain(text), text)  # type: ignore[misc]
        )
    return replace(table, columns=columns)


def input_with_words(found: Input, words: Words) -> Input:
    """Return an input with the council's own words understood in every table of it."""
    if not words:
        return found

    def child(one: ChildTable) -> ChildTable:
        return replace(one, table=with_words(one.table, words))

    def maybe(table: RawTable | None) -> RawTable | None:
        return None if table is None else with_words(table, words)

    children, contacts = tuple(map(child, found.children)), maybe(found.contacts)
    if isinstance(found, Extract):
        whole = maybe(found.as_referrals)
        return replace(found, children=children, contacts=contacts, as_referrals=whole)
    referrals = with_words(found.referrals, words)
    return replace(found, referrals=referrals, children=children, contacts=contacts)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
