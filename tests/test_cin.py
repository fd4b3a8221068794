"""The children in need census: read as an element-by-element reading does, and safely."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cin_files import COLUMNS, Plainly, census_files, tidy
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.sources import cin_stream
from triage.sources.cin import read_cin
from triage.tables import Source
from triage.vocabulary import counted

Row = dict[str, str]
BLOCKS = st.sampled_from([16, 64, 300, 1 << 20])


def read(document: bytes | str, block: int = 1 << 20) -> Source:
    content = document.encode() if isinstance(document, str) else document
    with tempfile.TemporaryDirectory() as folder, patch.object(cin_stream, "BLOCK", block):
        path = Path(folder) / "census.xml"
        path.write_bytes(content)
        return read_cin(path)


def rows_of(source: Source) -> list[tuple[int, Row]]:
    cells = {name: column.cells() for name, column in source.referrals.columns.items()}
    assert set(cells) == set(COLUMNS)
    return [
        (number, {name: cells[name][place] or "" for name in cells})
        for place, number in enumerate(source.referrals.rows.tolist())
    ]


def check_alike(document: bytes, block: int) -> None:
    plainly = Plainly(document)
    if not plainly.rows:
        with pytest.raises(InputError, match="without a CINdetails"):
            read(document, block)
        return
    source = read(document, block)
    assert rows_of(source) == plainly.rows
    expected = {f"tolerated {what}: {counted(n, 'time')}" for what, n in plainly.tolerated.items()}
    assert set(source.notes) == expected
    assert len(source.notes) == len(expected)
    assert source.sha256 == hashlib.sha256(document).hexdigest()


@given(census_files(), BLOCKS)
def test_a_file_is_read_as_element_by_element(document: bytes, block: int) -> None:
    check_alike(document, block)
