"""Reports, from the store to a folder of files; that one was made is kept in the trail."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from triage import store
from triage.errors import CallError
from triage.report.document import Document
from triage.report.records import Records
from triage.report.shown import Shown
from triage.store import Asker
from triage.vocabulary import counted

Name = Literal["review", "weekly", "causes", "rules"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)


@dataclass(frozen=True)
class Asked:
    """What is asked of a report: up to which day (none: that of the last run), and how it is told.

    ``months`` are the window of the three-month review; ``councils`` a file of published figures of
    others. ``publish`` suppresses small numbers. ``with_pdf`` None makes a PDF where that can be.
    """

    to: dt.date | None = None
    months: int = 3
    councils: Path | None = None
    publish: bool = False
    with_pdf: bool | None = None


@dataclass(frozen=True)
class Made:
    """The files of a report, each with its SHA-256, and how many figures were suppressed."""

    name: str
    files: Mapping[str, str]
    n_hidden: int | None


def make_report(url: str, asker: Asker, name: Name, asked: Asked, folder: Path) -> Made:
    """Make a report and write its files into a folder; that it was made is kept in the trail.

    Raises:
        CallError: when whoever asks may not, the day lies after the last run, or the files cannot
            be written.
        StoreError: when there is no store, or no run in it.
    """
    records = store.records_of(url, asker)
    shown = shown_of(document_of(name, records, asked), publish=asked.publish)
    from triage.report.forms import written
    from triage.report.pdf import is_there

    with_pdf = is_there() if asked.with_pdf is None else asked.with_pdf
    files = written(shown, with_pdf=with_pdf)
    _write(folder, files)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    told = {"to": shown.document.standing.last_day.isoformat(), "publish": asked.publish,
            "files": digests}  # fmt: skip
    store.keep_made(url, asker, name, told)
    return Made(name, digests, shown.n_hidden if asked.publish else None)


def document_of(name: Name, records: Records, asked: Asked) -> Document:
    """Return a report as a document.

    Raises:
        CallError: when it is asked for a day after the last run's.
    """
    as_of = records.run.as_of
    to = asked.to or as_of
    if to > as_of:
        raise CallError(
            f"--to {to}: the records end on {as_of}, the day of the last run; ask for that day or "
            "an earlier one."
        )
    from triage.report.causes import causes_document
    from triage.report.published import neighbours
    from triage.report.review import review_document
    from triage.report.rule_use import rules_document
    from triage.report.weekly import weekly_document

    councils = neighbours(asked.councils) if asked.councils is not None else ()
    builders: dict[Name, Callable[[], Document]] = {
        "review": lambda: review_document(records, to, asked.months),
        "weekly": lambda: weekly_document(records, to),
        "causes": lambda: causes_document(records, to, councils),
        "rules": lambda: rules_document(records),
    }
    return builders[name]()


def shown_of(document: Document, *, publish: bool) -> Shown:
    """Return what is shown of a document: everything, or what may be published."""
    if not publish:
        return Shown(document)
    from triage.report.suppression import hidden

    sections = tuple(one for one in document.sections if not one.is_annex)
    published = replace(document, sections=sections)
    return Shown(published, hidden(published), is_published=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise CallError(f"{folder}: cannot be written ({error.strerror or error}).") from None


def made_told(made: Made, folder: Path) -> str:
    """Return what was made, for people."""
    tables = [name for name in made.files if name.startswith("tables/")]
    others = [name for name in made.files if not name.startswith("tables/")]
    said = [f"Wrote {', '.join(others)} and {counted(len(tables), 'table')} into {folder}."]
    if made.n_hidden is None:
        said.append("Small numbers are shown: it is for use inside the authority.")
    else:
        said.append(
            f"Small numbers are suppressed: {counted(made.n_hidden, 'figure')} not shown, and no "
            "annex."
        )
    return "\n".join(said)


def made_json(made: Made, folder: Path) -> dict[str, Any]:
    """Return what was made, for a script."""
    return {"report": made.name, "folder": str(folder), "files": dict(made.files),
            "suppressed": made.n_hidden}  # fmt: skip
