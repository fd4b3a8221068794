"""What the commands write for scripts and files: JSON, CSV, Parquet.

JSON and Parquet are exact. CSV is opened in spreadsheets, which run a cell that begins with ``=``,
``+``, ``-``, ``@``, a tab or a line end as a formula, whoever typed it. Such a text gets a leading
apostrophe, which spreadsheets do not show; numbers and dates stay as they are, and so does a text
that is a plain number (an identifier such as ``-12``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from triage.errors import CallError
from triage.flag_files import write_parquet
from triage.flag_texts import csv_texts, defused, in_json, json_texts

if TYPE_CHECKING:
    from triage.comparing import RuleComparison
    from triage.run import Run


_ROWS_AT_ONCE: Final = 500
QUEUE_COLUMNS: Final = (
    "position", "case", "subject", "child_id", "referral_id", "referral_date", "team",
    "restricted", "severity", "flags", "reason", "due_on", "status", "held_by", "held_until",
    "assigned_to", "boost", "snoozed_until",
)  # fmt: skip
"""The columns of the queue as CSV."""


def as_json(value: Any) -> str:
    """Return a value as JSON for a script.

    What a terminal would obey, or no file can hold, is written as an escape: the same to a script.
    """
    return in_json(value)


def output_texts(run: Run, whole: Callable[[], dict[str, Any]], form: str) -> Iterator[str]:
    """Yield a result as JSON or CSV, piece by piece: what is written or printed is never whole.

    ``whole`` makes the one object for scripts, in which flags stand as ``Flags``.
    """
    if form == "json":
        yield from json_texts(whole())
        yield "\n"
    else:
        yield from csv_texts(run.stable_flags)


def _csv(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(map(defused, row) for row in rows)
    return out.getvalue()


def queue_csv(places: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield places of the queue, as scripts are told them, as CSV, some hundreds at a time."""
    rows: list[Sequence[Any]] = [QUEUE_COLUMNS]
    for place in places:
        told = [place[name] for name in QUEUE_COLUMNS]
        rows.append([" ".join(of) if isinstance(of, list) else of for of in told])
        if len(rows) >= _ROWS_AT_ONCE:
            yield _csv(rows)
            rows = []
    yield _csv(rows)


def comparison_csv(found: Iterable[RuleComparison]) -> str:
    """Return a comparison of rules as CSV, one case that differs a row."""
    columns = ("rule", "difference", "change", "child_id", "referral_id", "referral_date")
    cases = (
        [one.rule, one.difference, change.replace("_", " "), *case.as_json().values()]
        for one in found
        for change in ("newly_flagged", "no_longer_flagged")
        for case in getattr(one, change)
    )
    return _csv([[*columns, "message"], *cases])


def output_form(path: Path, form: str) -> str:
    """Return the form in which a file is to be written: that of its ending, else ``form``.

    Asked before a run begins, so that a call that cannot be met stores nothing.

    Raises:
        CallError: when neither says a form for files, or there is no such folder.
    """
    ending = path.suffix.casefold().lstrip(".")
    form = ending if ending in ("json", "csv", "parquet") else form
    if form == "table":
        raise CallError(f"{path}: name the file .json, .csv or .parquet, or give --format.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise CallError(f"{path}: cannot be written (no such folder, or it is one itself).")
    return form


def output_folder(path: Path, form: str) -> Path | None:
    """Return the folder that flags are to be written into, None where a file is named.

    Raises:
        CallError: when flags are to be printed as well, or there is no place for the folder.
    """
    if path.suffix.casefold() in (".json", ".csv", ".parquet"):
        return None
    if form != "table":
        raise CallError(
            f"{path}: flags written into a folder are not printed too; leave --format out, or "
            "name a file."
        )
    if not path.absolute().parent.is_dir():
        raise CallError(f"{path}: cannot be written (no such folder as {path.parent}).")
    return path


def write_output(run: Run, whole: Callable[[], dict[str, Any]], path: Path, form: str) -> str:
    """Write the result to a file in the form of its ending, else in ``form``; return the form.

    ``whole`` makes the one object for scripts, where JSON is written.

    Raises:
        CallError: when the file cannot be written.
    """
    form = output_form(path, form)
    try:
        if form == "parquet":
            write_parquet(run.stable_flags, path)
        else:
            with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
                file.writelines(output_texts(run, whole, form))
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    return form


def write_text(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        CallError: when it cannot be written.
    """
    try:
        path.write_text(text, "utf-8", "backslashreplace")
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None


def write_new(path: Path, text: str) -> None:
    """Write a text file that is not there yet: somebody's work may be in one that is.

    Raises:
        CallError: when it is there, or cannot be written.
    """
    refuse_existing(path)
    write_text(path, text)


def refuse_existing(path: Path) -> None:
    """Refuse to write over a file: asked before anything is done for what is to be written.

    Raises:
        CallError: when it is there.
    """
    if path.exists():
        raise CallError(f"{path}: is there already; it was left as it is.")


def refuse_to_overwrite(output: Path, sources: Sequence[str], db: str) -> None:
    """Refuse to write a result over an input or over the store.

    Raises:
        CallError: when the output is an input, lies in an input's folder, or is the store.
    """
    target = output.resolve()
    kept = [_file_of(source) for source in sources]
    store = _file_of(db)
    if target == store or any(target == one or one in target.parents for one in kept):
        raise CallError(
            f"{output}: is an input or the store itself, which a result must not overwrite; "
            "name another file."
        )


def refuse_the_same(db: str, sources: Sequence[str]) -> None:
    """Refuse to keep the queue in a database that records are read from.

    Raises:
        CallError: when the store is one of the inputs.
    """
    if any(source == db or _file_of(source) == _file_of(db) for source in sources):
        raise CallError(
            f"{db}: is named as an input and as the store; the queue is kept in a database of its "
            "own, so name another with --db."
        )


def _file_of(name: str) -> Path:
    """Return the file behind a path or a URL such as ``sqlite:///triage.db``."""
    return Path(name.partition(":///")[2] or name).resolve()


def rejections_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rejected rows, unreadable cells and queries as CSV, to send to the records' owner."""
    return _csv([["kind", "source", "row", "column", "message"], *(row.values() for row in rows)])
