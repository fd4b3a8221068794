"""The small invented council that comes with the tool, in every form the tool reads."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from triage.sample.generator import Council, make_council
from triage.sample.writers import write_annex_a, write_cin, write_folder, write_referral_table

SHIPPED_SEED: Final = 20170630
SHIPPED_AS_OF: Final = date(2026, 9, 30)
SHIPPED_REFERRALS: Final = 1_200
SHIPPED_MONTHS: Final = 18
_CIN_FILES: Final = {
    2026: "cin_2025_26.xml",
    2027: "cin_2026_27_to_date.xml",
}


def shipped_council() -> Council:
    """The council that comes with the tool: the same cells on every machine."""
    return make_council(
        SHIPPED_REFERRALS, seed=SHIPPED_SEED, as_of=SHIPPED_AS_OF, months=SHIPPED_MONTHS
    )


def write_shipped(folder: Path) -> None:
    """Writes the shipped council into ``folder``, byte for byte the same each time.

    At the root stands a folder of tables, with decisions, allocations, contacts and early help
    over time; beside it the same referrals as one table, as census files and as an Annex A
    workbook.

    Raises:
        OSError: when a file cannot be written.
    """
    council = shipped_council()
    write_folder(council, folder)
    write_referral_table(council, folder / "one_table" / "referral_table.csv")
    for year, name in _CIN_FILES.items():
        write_cin(council, folder / "cin_census" / name, year_ending=year)
    write_annex_a(council, folder / "annex_a" / "annex_a.xlsx")
