"""A second process beside a large report."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from report_documents import published, within

from triage.report import second_hand
from triage.report.forms import written
from triage.report.shown import Shown
from triage.report.workbook import workbook_of


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every report is large, and there are two processors."""
    monkeypatch.setattr(second_hand, "_MANY_CELLS", 0)
    monkeypatch.setattr(second_hand, "_MANY_CHARTS", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("made", [within, published])
def test_a_report_made_by_two_is_that_made_by_one(
    made: Callable[[], Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_two = written(made(), with_pdf=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert by_two == written(made(), with_pdf=False)


def die(_shown: Shown) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


@pytest.mark.usefixtures("large")
def test_where_the_second_process_is_killed_the_first_makes_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = iter([die, workbook_of])
    shown = within()

    class OnceKilled(second_hand.ProcessPoolExecutor):
        def submit(self, act: Any, /, *given: Any, **more: Any) -> Any:
            return super().submit(next(asked, act) if act is workbook_of else act, *given, **more)

    monkeypatch.setattr(second_hand, "ProcessPoolExecutor", OnceKilled)
    alone = written(shown, with_pdf=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert alone == written(shown, with_pdf=False)
