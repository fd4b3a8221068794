"""A second process for a large report: it makes the workbook, and charts, beside the page."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import Final

from triage.report.charts import svg
from triage.report.document import Chart
from triage.report.shown import Shown
from triage.report.workbook import workbook_of

_MANY_CELLS: Final = 50_000
_MANY_CHARTS: Final = 12
"""It takes more cells of tables, or charts, than this for a process of its own to be worth it."""


class Hands:
    """Who makes the parts of a report: this process, or this one and another.

    Either way they are the same to the byte; and where the other is gone, this one makes all.
    """

    def __init__(self, shown: Shown, beside: ProcessPoolExecutor | None) -> None:
        self._shown = shown
        self._book: Future[bytes] | None = None
        self._charts: Future[dict[int, str]] | None = None
        self._given: range | tuple[()] = ()
        if beside is None:
            return
        self._book = beside.submit(workbook_of, replace(shown, texts={}))
        charts = _charts(shown)
        if len(charts) > _MANY_CHARTS:
            # The other has a workbook to make as well, and has to begin at all.
            self._given = range(len(charts) * 3 // 5 + 1, len(charts) + 1)
            bare = replace(shown.document, sections=(), sums=())
            some = {number: charts[number - 1] for number in self._given}
            self._charts = beside.submit(_drawn, some, replace(shown, document=bare, texts={}))

    def workbook(self) -> bytes:
        """Return the workbook."""
        if self._book is not None:
            with suppress(BrokenProcessPool):
                return self._book.result()
        return workbook_of(self._shown)

    def chart(self, chart: Chart, number: int) -> str:
        """Return a chart of the page."""
        if self._charts is not None and number in self._given:
            with suppress(BrokenProcessPool):
                return self._charts.result()[number]
        return svg(chart, self._shown, number)


def _drawn(charts: Mapping[int, Chart], shown: Shown) -> dict[int, str]:
    return {number: svg(chart, shown, number) for number, chart in charts.items()}


@contextmanager
def hands(shown: Shown) -> Iterator[Hands]:
    """Give who makes a report's parts: two where it is large and there are processors for two."""
    if not _is_large(shown) or (os.cpu_count() or 1) < 2:
        yield Hands(shown, None)
        return
    # A process that has threads, as a server has, cannot be copied as it stands.
    alone = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(1, get_context("spawn"), alone) as beside:
        try:
            yield Hands(shown, beside)
        finally:
            beside.shutdown(cancel_futures=True)


def _is_large(shown: Shown) -> bool:
    n_cells = sum(len(table.rows) * len(table.columns) for table in shown.document.tables())
    return n_cells > _MANY_CELLS or len(_charts(shown)) > _MANY_CHARTS


def _charts(shown: Shown) -> list[Chart]:
    return [one for one in shown.document.blocks() if isinstance(one, Chart)]
