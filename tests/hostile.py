"""Makers of files that a hostile person, or a broken export, would send: texts, XML and places."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable
from pathlib import Path

HEADING = "child_id,referral_date,team\n"
ROW = "A,2023-05-01,North\n"
GOOD = HEADING + ROW + "B,2023-06-01,South\n"
MEGABYTE = 1 << 20
GIGABYTE = 1 << 30

Maker = Callable[[Path], Path]


def written(content: bytes | str, name: str = "table.csv") -> Maker:
    """Return the maker of a file with so much in it."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def late(make: Callable[[], Maker]) -> Maker:
    """Return a maker that is itself made only when it is asked for, as what is large should be."""
    return lambda folder: make()(folder)


def sparse(start: bytes, size: int = 4 * GIGABYTE, name: str = "table.csv") -> Maker:
    """Return the maker of a file that begins well and is one long hole from there on."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(start)
        os.truncate(path, size)
        return path

    return make


def many_columns(number: int) -> Maker:
    """Return the maker of a table with so many columns beside those that it needs."""
    names = ",".join(f"c{place}" for place in range(number))
    return written(f"child_id,referral_date,{names}\nA,2023-05-01{',1' * number}\n")


def many_rows(row: str, number: int) -> Maker:
    """Return the maker of a good table that is followed by one row over and over."""
    return written(GOOD + row * number)


def pipe(folder: Path) -> Path:
    """Make a pipe that nobody writes to."""
    path = folder / "table.csv"
    os.mkfifo(path)
    return path


def a_socket(folder: Path) -> Path:
    """Make a socket; its path has to be short, so it is bound from within the folder."""
    path = folder / "table.csv"
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)
    return path


def there(path: str) -> Maker:
    """Return the maker of nothing: what is asked for is there already."""
    return lambda folder: Path(path)


def link(target: str) -> Maker:
    """Return the maker of a symbolic link."""

    def make(folder: Path) -> Path:
        path = folder / "table.csv"
        path.symlink_to(target)
        return path

    return make


def packed_with_gzip(folder: Path) -> Path:
    """Make a good table packed with gzip."""
    return written(gzip.compress(GOOD.encode()), "table.csv.gz")(folder)


def folder_of(**tables: Maker | str) -> Maker:
    """Return the maker of a folder of tables, named after what they hold."""

    def make(folder: Path) -> Path:
        whole = folder / "extract"
        whole.mkdir()
        for name, content in tables.items():
            if isinstance(content, str):
                (whole / f"{name}.csv").write_text(content, "utf-8")
            else:
                content(whole).rename(whole / f"{name}.csv")
        return whole

    return make


def folder_of_strangers(number: int, name: str = "file{}.csv") -> Maker:
    """Return the maker of a good folder among very many other files."""

    def make(folder: Path) -> Path:
        whole = folder_of(referrals=GOOD)(folder)
        for place in range(number):
            os.close(os.open(whole / name.format(place), os.O_CREAT | os.O_WRONLY, 0o600))
        return whole

    return make


def xml(inside: str, before: str = "", encoding: str = "utf-8") -> Maker:
    """Return the maker of a census file with something before its root and in its first child."""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n{before}\n<Message><Children><Child>'
        "<ChildIdentifiers><LAchildID>A</LAchildID><PersonBirthDate>2010-01-01</PersonBirthDate>"
        f"</ChildIdentifiers>{inside}<CINdetails><CINreferralDate>2023-05-01</CINreferralDate>"
        "</CINdetails></Child></Children></Message>"
    )
    return written(text.encode(encoding), "census.xml")


def laughs(levels: int = 9, encoding: str = "utf-8") -> Maker:
    """Return the maker of the billion laughs: each entity ten times the one before."""
    entities = '<!ENTITY l0 "lol">' + "".join(
        f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, levels + 1)
    )
    return xml(f"<UPN>&l{levels};</UPN>", f"<!DOCTYPE Message [{entities}]>", encoding)


def quadratic(size: int = 100_000, times: int = 20_000) -> Maker:
    """Return the maker of one long entity that is named very often."""
    before = f'<!DOCTYPE Message [<!ENTITY a "{"a" * size}">]>'
    return xml(f"<UPN>{'&a;' * times}</UPN>", before)


def external(target: str) -> Maker:
    """Return the maker of an entity that stands for a file elsewhere."""
    before = f'<!DOCTYPE Message [<!ENTITY x SYSTEM "{target}">]>'
    return xml("<UPN>&x;</UPN>", before)


def nested(levels: int) -> Maker:
    """Return the maker of elements inside each other, so many levels deep."""
    return xml("<a>" * levels + "</a>" * levels)


def with_attributes(number: int) -> Maker:
    """Return the maker of one element with very many attributes."""
    return xml("<UPN " + " ".join(f'a{place}="1"' for place in range(number)) + "/>")
