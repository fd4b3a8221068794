"""A digest as one HTML page: nothing loaded from elsewhere, readable without colour or style."""

from __future__ import annotations

from html import escape
from typing import Final

from triage.digest import Digest, Table

_STYLE: Final = """\
body { font-family: Arial, sans-serif; font-size: 16px; line-height: 1.4; color: #000;
  background: #fff; margin: 1em; max-width: 48em; }
h1 { font-size: 1.4em; }
table { border-collapse: collapse; margin: 1.2em 0; }
caption { font-weight: bold; text-align: left; padding-bottom: 0.3em; }
th, td { border-bottom: 1px solid #595959; padding: 0.25em 0.9em 0.25em 0; text-align: left;
  vertical-align: top; font-weight: normal; }
thead th { border-bottom: 2px solid #000; font-weight: bold; }
.number { text-align: right; }
a { color: #000; text-decoration: underline; }
p { overflow-wrap: break-word; }
"""
_LINKED: Final = ("https://", "http://")
"""How an address begins that may be followed from a page; any other is shown as text."""


def as_html(whole: Digest) -> str:
    """Return a digest as a whole page; every text in it is escaped."""
    parts = "\n".join(
        f"<p>{escape(part)}</p>" if isinstance(part, str) else _table(part) for part in whole.parts
    )
    title = escape(whole.title)
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{parts}\n</main>\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{_of_number(table, place)}>{escape(heading)}</th>'
        for place, heading in enumerate(table.headings)
    )
    rows = "\n".join(
        f"<tr>{_row(table, row, table.links[place] if table.links else '')}</tr>"
        for place, row in enumerate(table.rows)
    )
    return (
        f"<table>\n<caption>{escape(table.caption)}</caption>\n<thead>\n<tr>{heads}</tr>\n"
        f"</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(table: Table, row: tuple[str, ...], link: str) -> str:
    name = escape(row[0])
    if link.startswith(_LINKED):
        name = f'<a href="{escape(link)}">{name}</a>'
    cells = "".join(
        f"<td{_of_number(table, place)}>{escape(cell)}</td>"
        for place, cell in enumerate(row[1:], 1)
    )
    return f'<th scope="row">{name}</th>{cells}'


def _of_number(table: Table, place: int) -> str:
    return "" if place < table.n_names else ' class="number"'
