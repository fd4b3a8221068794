"""Reports as the pages keep them: each in a folder of its own, with whose view it was made from.

A report tells what its maker could see. So it is shown only to whoever sees as much now: the teams
and the restricted records of its maker, or more.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from triage.errors import CallError, ConflictError, MissingError
from triage.reporting import NAMES, Asked, Name, make_report
from triage.rights import Viewer
from triage.store import Asker
from triage.vocabulary import printable

TABLES: Final = "tables.zip"
"""The name under which all tables of a report are given in one file."""
_ABOUT: Final = "made.json"
_FOLDER: Final = re.compile(rf"(?:{'|'.join(NAMES)})-\d{{4}}-\d\d-\d\d-\d{{1,6}}")
_LOCK: Final = ".making.lock"
_UNFINISHED: Final = ".unfinished"
_PRIVATE: Final = 0o700
_SINCE_THEN: Final = (1980, 1, 1, 0, 0, 0)
"""The date of each file in an archive, so that the same tables are the same bytes."""


@dataclass(frozen=True)
class Kept:
    """A report that was made: by whom, when, and how wide their view was; None is all teams."""

    folder: str
    name: str
    to: str
    published: bool
    by: str
    at: str
    teams: tuple[str, ...] | None
    restricted: bool
    files: tuple[str, ...] = ()

    def is_for(self, who: Viewer) -> bool:
        """Return whether somebody sees at least as much as its maker did."""
        if not who.may("make reports") or (self.restricted and not who.sees_restricted):
            return False
        if who.teams is None:
            return True
        return self.teams is not None and who.teams.issuperset(self.teams)


def reports_for(place: Path, who: Viewer) -> list[Kept]:
    """Return the reports of a folder that somebody may open, the latest first."""
    found = [one for one in _all(place) if one.is_for(who)]
    return sorted(found, key=lambda one: (one.at, one.folder), reverse=True)


def _all(place: Path) -> Iterator[Kept]:
    try:
        folders = sorted(one.name for one in place.iterdir())
    except OSError:
        return
    for folder in folders:
        if _FOLDER.fullmatch(folder) and (kept := _read(place / folder)) is not None:
            yield kept


def _read(folder: Path) -> Kept | None:
    """Return what is kept beside a report; None where it cannot be read: then it is nobody's."""
    try:
        told = json.loads((folder / _ABOUT).read_text("utf-8"))
        teams = told["teams"]
        files = sorted(
            one.name for one in folder.iterdir()
            if one.is_file() and not one.is_symlink() and one.name != _ABOUT
        )  # fmt: skip
        if (folder / "tables").is_dir():
            files.append(TABLES)
        return Kept(
            folder.name, str(told["name"]), str(told["to"]), bool(told["published"]),
            str(told["by"]), str(told["at"]),
            None if teams is None else tuple(map(str, teams)), told["restricted"] is not False,
            tuple(files),
        )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def make_kept(
    url: str, asker: Asker, who: Viewer, name: Name, asked: Asked, to: dt.date, place: Path
) -> Kept:
    """Make a report into a new folder, which is there only once the report is whole.

    Raises:
        ConflictError: when another report is being made.
        CallError: when whoever asks may not, the day lies after the last run, or the files cannot
            be written.
        StoreError: when there is no store, or no run in it.
    """
    with _alone(place):
        unfinished = place / _UNFINISHED
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(_PRIVATE)
            make_report(url, asker, name, asked, unfinished)
            folder = _new(place, f"{name}-{to}")
            teams = None if who.teams is None else tuple(sorted(who.teams))
            kept = Kept(
                folder, name, to.isoformat(), asked.publish, who.name, asker.at, teams,
                who.sees_restricted,
            )  # fmt: skip
            about = asdict(kept)
            del about["files"]
            (unfinished / _ABOUT).write_text(json.dumps(about, indent=2), "utf-8")
            unfinished.rename(place / folder)
        except OSError as error:
            raise CallError(f"the report cannot be kept ({error.strerror or error}).") from None
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return kept


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the folder of reports, in which one is made at a time."""
    lock = FileLock(place / _LOCK, timeout=0)
    try:
        place.mkdir(_PRIVATE, parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ConflictError(
            "another report is being made; wait some seconds and ask again."
        ) from None
    except OSError as error:
        raise CallError(
            f"the folder of reports cannot be written ({error.strerror or error})."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _new(place: Path, begins: str) -> str:
    number = 1
    while (place / f"{begins}-{number}").exists():
        number += 1
    return f"{begins}-{number}"


def file_of(place: Path, who: Viewer, folder: str, file: str) -> tuple[Kept, bytes]:
    """Return a file of a report that somebody may open, by the names that their list shows.

    Raises:
        MissingError: when their list shows none such.
    """
    known = {one.folder: one for one in reports_for(place, who)}
    kept = known.get(folder)
    if kept is None or file not in kept.files:
        raise MissingError("there is no such report.")
    try:
        if file == TABLES:
            return kept, _archive(place / folder / "tables")
        return kept, (place / folder / file).read_bytes()
    except OSError:
        raise MissingError("there is no such report.") from None


def _archive(tables: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(tables.iterdir()):
            if path.is_file() and not path.is_symlink():
                archive.writestr(zipfile.ZipInfo(path.name, _SINCE_THEN), path.read_bytes())
    return out.getvalue()


def opened_json(kept: Kept, file: str, data: bytes) -> dict[str, Any]:
    """Return what the trail keeps of a file that was opened."""
    return {"report": kept.folder, "file": printable(file),
            "sha256": hashlib.sha256(data).hexdigest()}  # fmt: skip
