"""Small readers of what the sample generator writes, shared by its tests."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineWorkbook

from triage.sample import Council


def days_of(cells: pd.Series) -> np.ndarray:
    days = pd.to_datetime(cells.str[:10]).to_numpy().astype("datetime64[D]")
    return days.astype("int64").astype(np.int32)


def children_of(council: Council) -> Counter[str]:
    return Counter(council.referrals["child_id"])


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def census_rows(path: Path) -> list[dict[str, str]]:
    rows = []
    for child in ET.parse(path).getroot().iter("Child"):
        identifier = child.findtext("ChildIdentifiers/LAchildID") or ""
        for episode in child.iter("CINdetails"):
            rows.append({"id": identifier} | {e.tag: e.text or "" for e in episode.iter()})
    return rows


def sheet_rows(path: Path, sheet: str) -> list[list[object]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()
