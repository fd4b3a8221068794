"""Progress on a terminal: the stage a run is at. Nothing when piped or when asked to be quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING, Final, Protocol

from triage.vocabulary import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

SHOWN_AFTER: Final = 2.0
"""Seconds before anything is shown: what is over sooner needs no progress."""
WITH_A_BAR: Final = 100
"""Columns of a terminal from which on a bar is shown beside the figures."""


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
    line = _Line()
    begin = Timer(SHOWN_AFTER, line.show)
    begin.daemon = True
    begin.start()
    try:
        yield line.tell
    finally:
        begin.cancel()
        begin.join()
        line.clear()


class _Line:
    """The line that is shown, put together from what was told last."""

    def __init__(self) -> None:
        self._began = self._stage_began = time.monotonic()
        self._stage, self._done, self._rows = "starting", 0, ""
        self._total: int | None = None
        self._live: Live | None = None

    def tell(self, stage: str, done: int = 0, total: int | None = None, /) -> None:
        """Take the stage, and the rows done of it where they are counted."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_began = stage, now
        self._done, self._total = done, total
        self._rows = "" if total is None else rows_told(done, total, now - self._stage_began)

    def show(self) -> None:
        """Begin to show the line, unless the terminal cannot take one back."""
        # Loaded now, since a run that is over sooner never shows anything.
        from rich.console import Console
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        console = Console(stderr=True)
        if not console.is_interactive:
            return
        spinner = Spinner("dots")

        def shown() -> Table:
            # What a file is called may be markup, or a command to the terminal.
            stage = Text(printable(self._stage), no_wrap=True, overflow="ellipsis")
            bar = ProgressBar(self._total, self._done, width=20, pulse=self._total is None)
            elapsed = _clock(int(time.monotonic() - self._began))
            cells: list[RenderableType] = [spinner, stage, bar, self._rows, elapsed]
            if console.width < WITH_A_BAR:
                cells.remove(bar)
            table = Table.grid(padding=(0, 1))
            for cell in cells:
                # Only the stage gives way where there is too little room.
                table.add_column(no_wrap=cell is not stage)
            table.add_row(*cells)
            return table

        live = Live(
            console=console,
            get_renderable=shown,
            transient=True,
            refresh_per_second=8,
            # What is printed meanwhile is a result, and no part of what is shown.
            redirect_stdout=False,
        )
        live.start()
        self._live = live

    def clear(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()


def rows_told(done: int, total: int, seconds: float) -> str:
    """Return how many rows are done, how fast, and how long the rest will take at that rate."""
    told = f"{done:,} of {total:,} rows"
    if done <= 0 or seconds <= 0:
        return told
    left = round(max(total - done, 0) * seconds / done)
    return f"{told}, {done / seconds:,.0f} a second, {_clock(left)} left"


def _clock(seconds: int) -> str:
    """Return a time as minutes and seconds, or from an hour on with the hours before them."""
    minutes = f"{seconds // 60 % 60}:{seconds % 60:02}"
    return minutes if seconds < 3600 else f"{seconds // 3600}:{minutes:0>5}"
