"""Progress on a terminal: the stage a run is at. Nothing when piped or when asked to be quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Final, Protocol

SHOWN_AFTER: Final = 2.0
"""Seconds before anything is shown: what is over sooner needs no progress."""


class Progress(Protocol):
    """What is told of a run: the stage it is at, and how many of how many rows are done."""

    def __call__(self, stage: str, done: int = 0, total: int | None = None, /) -> None:
        """Take the stage, and the rows done of it where they are counted."""


def silent(stage: str, done: int = 0, total: int | None = None, /) -> None:
    """Tell nobody."""


class Told:
    """A stage whose rows are counted, by several threads at once."""

    def __init__(self, progress: Progress, stage: str, total: int) -> None:
        self._progress, self._stage, self._total = progress, stage, total
        self._done = 0
        self._lock = Lock()
        progress(stage, 0, total)

    def add(self, rows: int) -> None:
        """Tell that so many further rows are done."""
        with self._lock:
            self._done += rows
            self._progress(self._stage, self._done, self._total)


@contextmanager
def stages(*, quiet: bool) -> Iterator[Progress]:
    """Show the stage that is reported, with rows, rate and time left, on standard error.

    Only on a terminal, and only once a run has taken two seconds.
    """
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    shown = Progress(*columns, console=Console(stderr=True), transient=True)
    task = shown.add_task("starting", total=None, told="")
    stage_began = time.monotonic()
    last = ""
    begin = Timer(SHOWN_AFTER, shown.start)
    begin.daemon = True

    def tell(stage: str, done: int = 0, total: int | None = None, /) -> None:
        nonlocal stage_began, last
        now = time.monotonic()
        if stage != last:
            last, stage_began = stage, now
        told = "" if total is None else rows_told(done, total, now - stage_began)
        shown.update(task, description=stage, completed=done, total=total, told=told)

    begin.start()
    try:
        yield tell
    finally:
        begin.cancel()
        begin.join()
        shown.stop()


def rows_told(done: int, total: int, seconds: float) -> str:
    """Return how many rows are done, how fast, and how long the rest will take at that rate."""
    told = f"{done:,} of {total:,} rows"
    if not done or seconds <= 0:
        return told
    rate = done / seconds
    left = round((total - done) / rate)
    return f"{told}, {rate:,.0f} a second, {left // 60}:{left % 60:02} left"
