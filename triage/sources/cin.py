"""The children in need census (DfE): XML, streamed, tolerant, and open about what it tolerated.

None of the census files that circulate keeps to any year's published schema, so a reader that
insisted on it would read nobody's file. Namespaces, a missing header, ``GenderCurrent`` for
``Sex``, true and false for 1 and 0, stray text and unknown blocks are all read past and counted.

The bytes go block by block through four modules: ``cin_stream`` (a file that is not plain XML is
written anew), ``cin_pieces`` (each distinct tag understood once), ``cin_tree`` (what lies in what)
and ``cin_records`` (children, episodes, their cells); ``cin_tolerated`` counts. Libraries that turn
XML into tables, such as xml2arrow, need to be told every path beforehand, so they cannot see what
lies beside those paths, and what is not seen cannot be counted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from pathlib import Path

from pydantic_core import PydanticCustomError

from triage.calendar import BIRTHS_FROM, DATES_UNTIL, EVENTS_FROM
from triage.cells import read_moment
from triage.errors import InputError
from triage.sources.cin_episodes import Cells, episodes
from triage.sources.cin_pieces import NotPlain, system_memory
from triage.sources.cin_records import Reader
from triage.sources.cin_shape import KIND
from triage.sources.cin_stream import as_they_stand, damaged, read_blocks, written_anew
from triage.tables import Source


def read_cin(path: Path) -> Source:
    """Return the referrals of a census file, one row a ``CINdetails`` block.

    Of several assessments or section 47 enquiries in one episode, the first to start is the one
    judged; further ones are counted. Rows are numbered by the child's place in the file, from 1.

    Raises:
        InputError: when the XML is damaged, has entities of its own, is another return than the
            census, or goes beyond the size, depth or number of names of any.
        OSError: when the file cannot be opened.
    """
    with system_memory():
        return _source(path)


def _source(path: Path) -> Source:
    try:
        reader, sha256 = _read(path, is_anew=False)
    except NotPlain:
        try:
            reader, sha256 = _read(path, is_anew=True)
        except NotPlain:
            raise damaged(path, "its elements do not lie in one another") from None
    if not reader.n_episodes:
        raise InputError(
            f"{path}: is a census message without a CINdetails block, so it holds no referral; "
            "expected a children in need census."
        )
    cells = Cells(reader.records())
    table = episodes(str(path), cells, reader.tolerated)
    return Source(
        str(path),
        KIND,
        sha256,
        table,
        notes=reader.tolerated.notes(),
        earliest_referral=BIRTHS_FROM,
        census_day=_census_day(cells),
    )


def _read(path: Path, *, is_anew: bool) -> tuple[Reader, str]:
    """Return what a file holds, and its SHA-256."""
    digest = hashlib.sha256()
    reader = Reader(path, is_anew=is_anew)
    rest, wait_for = b"", 0
    with path.open("rb") as file:
        blocks = read_blocks(file, digest)
        for block in written_anew(path, blocks) if is_anew else as_they_stand(blocks):
            rest += block
            if len(rest) >= wait_for:
                rest = reader.read(rest)
                wait_for = 2 * len(rest)
    reader.finish(rest)
    return reader, digest.hexdigest()


def _census_day(cells: Cells) -> dt.date | None:
    """Return the day a census looks back from: its reference date, else the end of its year."""
    try:
        return read_moment(cells.lone("CollectionDetails", "reference_date"), BIRTHS_FROM).date()
    except PydanticCustomError:
        year = cells.lone("CollectionDetails", "year")
    if re.fullmatch("[0-9]{4}", year) and EVENTS_FROM.year <= int(year) <= DATES_UNTIL.year:
        return dt.date(int(year), 3, 31)
    return None
