"""A document as one HTML page: nothing loaded from elsewhere, no script, readable on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from triage.report.document import Block, Bullets, Chart, Column, Section, Table, Words
from triage.report.shown import Shown
from triage.report.texts import readable, small_numbers, standing_of, table_texts

_LETTERS_ACROSS: Final = 112
"""So many letters of a table stand side by side on upright paper; a wider one lies across it."""
_LETTERS_OF_NARROW: Final = 60
"""A narrower table takes part of the width, lest its title be broken to its own."""
_LONG_WORD: Final = 24
"""Longer words may be broken anywhere, so that they do not push the rest off the paper."""


@dataclass
class _Numbered:
    """How many tables and charts a page has so far, where each table stands, and who draws."""

    draw: Callable[[Chart, int], str]
    n_charts: int = 0
    tables: dict[str, int] = field(default_factory=dict)


def page_of(shown: Shown, draw: Callable[[Chart, int], str]) -> str:
    """Return a document as a whole page, its charts drawn as told; every text in it is escaped."""
    document = shown.document
    numbered = _Numbered(draw)
    sections = [
        {
            "id": f"section-{place}",
            "title": section.title,
            "is_annex": section.is_annex,
            "blocks": list(_blocks(section, shown, numbered)),
        }
        for place, section in enumerate(document.sections, 1)
    ]
    text = (
        _templates()
        .get_template("report.html.j2")
        .render(
            title=document.title,
            running_title=Markup(_css_text(document.title)),
            summary=document.summary,
            as_of=document.standing.as_of.isoformat(),
            notice=small_numbers(shown),
            sections=sections,
            standing=standing_of(shown),
        )
    )
    return text.rstrip("\n") + "\n"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("triage.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: readable(value) if type(value) is str else value,
    )


def _css_text(text: str) -> str:
    """Return a text for a style sheet, in which neither quotes nor tags can end it."""
    letters = " ".join(readable(text).split())
    return "".join(one if one.isalnum() or one == " " else f"\\{ord(one):x} " for one in letters)


def _blocks(section: Section, shown: Shown, numbered: _Numbered) -> Iterator[dict[str, Any]]:
    for block in section.blocks:
        yield from _block(block, shown, numbered)


def _block(block: Block, shown: Shown, numbered: _Numbered) -> Iterator[dict[str, Any]]:
    match block:
        case Words():
            yield {"kind": "words", "text": shown.words(block)}
        case Bullets():
            yield {"kind": "bullets", "items": [shown.words(one) for one in block.items]}
        case Chart():
            numbered.n_charts += 1
            drawn = numbered.draw(block, numbered.n_charts)
            yield {
                "kind": "chart",
                "number": numbered.n_charts,
                "title": block.title,
                "svg": Markup(drawn),
            }
            yield from _block(block.table, shown, numbered)
        case Table(name=name) if name in numbered.tables:
            yield {"kind": "again", "number": numbered.tables[name], "title": block.title}
        case Table():
            numbered.tables[block.name] = len(numbered.tables) + 1
            yield _table(block, shown, numbered.tables[block.name])


def _table(table: Table, shown: Shown, number: int) -> dict[str, Any]:
    texts = table_texts(table, shown)
    last = len(texts) - 1
    across = sum(
        _letters(column, [row[place] for row in texts])
        for place, column in enumerate(table.columns)
    )
    return {
        "kind": "table",
        "number": number,
        "title": table.title,
        "size": _size(across),
        "columns": [
            {"heading": one.heading, "class": _class(one, one.heading)} for one in table.columns
        ],
        "rows": [
            {
                "is_total": table.has_total and place == last,
                "cells": [
                    (_class(column, text), text)
                    for column, text in zip(table.columns, row, strict=True)
                ],
            }
            for place, row in enumerate(texts)
        ],
        "notes": table.notes,
    }


def _size(across: int) -> str:
    if across > _LETTERS_ACROSS:
        return "wide"
    return "narrow" if across < _LETTERS_OF_NARROW else "even"


def _class(column: Column, text: str) -> str:
    name = {"text": "text", "date": "date"}.get(column.kind, "number")
    return f"{name} long" if _longest_word(text) > _LONG_WORD else name


def _letters(column: Column, texts: list[str]) -> int:
    """Return about how many letters wide a column must be on paper."""
    if column.kind == "text":
        lengths = sorted(map(len, texts)) or [0]
        words = max(map(_longest_word, texts), default=0)
        inside = max(min(words, _LONG_WORD), min(lengths[len(lengths) * 9 // 10], 30))
    else:
        inside = max(map(len, texts), default=0)
    return max(inside, _longest_word(column.heading)) + 2


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)
