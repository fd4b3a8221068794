"""The demo on the invented council, and invented records of any size."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage.errors import CallError
from triage.progress import Progress, silent
from triage.resources import shipped
from triage.vocabulary import counted

WHAT_NEXT: Final = """\
All of this is invented: it describes no real child. To look further:
  triage queue list --db {url}
  triage queue show 1 --db {url}
  triage rules show DEC-01
On your own records: triage check referrals.csv"""


@dataclass(frozen=True)
class Sample:
    """The council that comes with the product, and the date its records stand at."""

    folder: Path
    as_of: dt.date
    history_from: dt.date


def sample() -> Sample:
    """Return the council that comes with the product."""
    from triage.calendar import minus_months
    from triage.sample.shipped import SHIPPED_AS_OF, SHIPPED_MONTHS

    return Sample(
        shipped("sample_data"), SHIPPED_AS_OF, minus_months(SHIPPED_AS_OF, SHIPPED_MONTHS)
    )


def fresh_folder(into: str | None) -> Path:
    """Make and return a folder for the demo; an earlier one is left as it is.

    Raises:
        CallError: when the folder is there already, or cannot be made.
    """
    names = [into] if into else ["triage-demo", *(f"triage-demo-{n}" for n in range(2, 1000))]
    for name in names:
        folder = Path(name)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise CallError(
                f"{folder}: cannot be made ({error.strerror or error}); give --into FOLDER."
            ) from None
        return folder
    raise CallError(f"{names[0]}: is there already; give --into a folder that is not.")


def make_sample(
    folder: Path,
    n_referrals: int,
    *,
    months: int,
    seed: int,
    as_of: dt.date,
    dirty: bool,
    forms: Sequence[str],
    progress: Progress = silent,
) -> list[Path]:
    """Write an invented council in the forms asked for; return what was written.

    Raises:
        CallError: when the folder cannot be written, the dates lie outside the calendar, or there
            are more referrals than are made at once.
    """
    from triage.sample import writers
    from triage.sample.generator import make_council
    from triage.sample.parts import MOST_REFERRALS

    if n_referrals > MOST_REFERRALS:
        raise CallError(
            f"one council has at most {MOST_REFERRALS:,} referrals; for {n_referrals:,} give "
            f"--parts {-(-n_referrals // MOST_REFERRALS)} or more."
        )
    progress(f"making {counted(n_referrals, 'referral')}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        council = make_council(n_referrals, seed=seed, as_of=as_of, months=months, dirty=dirty)
        written = []
        for form in dict.fromkeys(forms):
            match form:
                case "table" | "parquet":
                    path = folder / f"referral_table.{'csv' if form == 'table' else 'parquet'}"
                    writers.write_referral_table(council, path)
                case "folder":
                    path = folder / "tables"
                    writers.write_folder(council, path)
                case "cin":
                    path = folder / "cin_census.xml"
                    writers.write_cin(council, path)
                case "ssd":
                    from triage.sample.writers_ssd import write_ssd

                    path = folder / "ssd.sqlite"
                    path.unlink(missing_ok=True)
                    write_ssd(council, f"sqlite:///{path}")
                case _:
                    path = folder / "annex_a.xlsx"
                    writers.write_annex_a(council, path)
            written.append(path)
    except (OSError, ValueError) as error:
        raise _not_made(folder, error) from None
    return written


def make_sample_in_parts(
    folder: Path,
    n_referrals: int,
    n_parts: int,
    *,
    months: int,
    seed: int,
    as_of: dt.date,
    dirty: bool,
    forms: Sequence[str],
    progress: Progress = silent,
) -> Path:
    """Write the referral tables of many invented councils, a Parquet file each; return the folder.

    It is there only when all of them are.

    Raises:
        CallError: when another form than the table is asked for, the referrals do not fit the
            parts, the folder is there already or cannot be written, or the dates lie outside the
            calendar.
    """
    from triage.sample.parts import FOLDER, sizes, write_parts

    others = [form for form in dict.fromkeys(forms) if form not in ("table", "parquet")]
    if others:
        raise CallError(
            f"--form {others[0]} is not written in parts, only the referral table is; leave "
            "--parts or --form away."
        )
    try:
        sizes(n_referrals, n_parts)
    except ValueError as error:
        raise CallError(f"{error}; change --referrals or --parts.") from None
    place = folder / FOLDER
    if place.exists():
        raise CallError(f"{place}: is there already; take it away, or name another folder.")
    done = 0
    progress("making referrals", done, n_referrals)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{FOLDER}-") as name:
            making = Path(name) / FOLDER
            making.mkdir()
            for size in write_parts(
                making, n_referrals, n_parts, seed=seed, as_of=as_of, months=months, dirty=dirty
            ):
                done += size
                progress("making referrals", done, n_referrals)
            making.rename(place)
    except (OSError, ValueError) as error:
        raise _not_made(folder, error) from None
    return place


def _not_made(folder: Path, error: Exception) -> CallError:
    return CallError(f"{folder}: the sample could not be made ({error}).")
