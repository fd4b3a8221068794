"""What a command loads: only what it needs, so that a small check answers at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_CODE = """
import sys
from triage.__main__ import run
code = run(sys.argv[2:])
loaded = [name for name in sys.argv[1].split(",") if name in sys.modules]
print(code, *loaded, file=sys.stderr)
"""
_OF_OTHER_SOURCES = (
    "rapidfuzz",
    "python_calamine",
    "sqlalchemy",
    "xml.sax",
    "triage.sources.cin",
    "triage.sources.mapping_file",
    "triage.sources.guard_workbook",
    "triage.comparing",
    "holidays.countries",
)
_HEAVY = ("numpy", "pandas", "pyarrow", "pydantic", "rich", "yaml", "holidays")


def loaded_by(modules: tuple[str, ...], *arguments: str | Path) -> str:
    """Return the exit code of a command, and which of some modules it loaded."""
    call = [sys.executable, "-c", _CODE, ",".join(modules), *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    return done.stderr.strip().splitlines()[-1]


def test_a_check_of_a_table_loads_nothing_that_only_other_sources_need(records: Path) -> None:
    assert loaded_by(_OF_OTHER_SOURCES, "check", records, "--as-of", "2023-06-30") == "0"


@pytest.mark.parametrize("asked", [["--help"], ["check", "--help"], []])
def test_help_loads_nothing_that_only_a_run_needs(asked: list[str]) -> None:
    assert loaded_by(_HEAVY, *asked) == "0"
