"""What one call costs: time, processor time and memory, taken in a process of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

MEGABYTE = 1_000_000
_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@dataclasses.dataclass(frozen=True)
class Measured:
    """Seconds of wall clock and of processor (user and system, every thread), and bytes.

    ``peak`` is the most memory resident above what was resident before the call; ``size`` is what
    the returned value holds. Modules are imported, and ``first`` is called, before the start.
    """

    wall: float
    cpu: float
    peak: int
    size: int
    summary: Any = None

    @property
    def above(self) -> int:
        """Return the bytes the call needed beyond what it returned."""
        return max(0, self.peak - self.size)


def measure(
    call: Callable[..., Any],
    *arguments: Any,
    first: Callable[[], object] | None = None,
    summary: Callable[[Any], Any] | None = None,
) -> Measured:
    """Run ``call(*arguments)`` in a fresh process and return what it cost.

    ``call``, ``first`` and ``summary`` are functions of a module, so that the new process can
    import them. ``summary`` turns the returned value into something small to send back.

    Raises:
        RuntimeError: when the call failed there; its traceback is the message.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, call, arguments, first, summary))
    process.start()
    there.close()
    try:
        found = here.recv()
    except EOFError:
        found = "the process ended without an answer"
    process.join()
    if isinstance(found, str):
        raise RuntimeError(found)
    measured: Measured = found
    return measured


def _run(
    answer: Connection,
    call: Callable[..., Any],
    arguments: tuple[Any, ...],
    first: Callable[[], object] | None,
    summary: Callable[[Any], Any] | None,
) -> None:
    try:
        if first is not None:
            first()
        with contextlib.suppress(OSError):
            _RESET.write_text("5")
        before = _peak()
        wall, cpu = time.perf_counter(), time.process_time()
        value = call(*arguments)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = _peak() - before
        said = None if summary is None else summary(value)
        answer.send(Measured(wall, cpu, peak, size_of(value), said))
    except BaseException:  # noqa: BLE001 - whatever went wrong there is told here
        answer.send(traceback.format_exc())


def _peak() -> int:
    """Return the most bytes resident so far; since the last reset where the system can reset."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def size_of(value: Any) -> int:
    """Return the bytes of the arrays and texts that a value holds, each object counted once."""
    seen: set[int] = set()
    total = 0
    left = [value]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            total += one.nbytes
            if one.dtype == object:
                left.extend(one.ravel().tolist())
        elif dataclasses.is_dataclass(one):
            left.extend(getattr(one, field.name) for field in dataclasses.fields(one))
        elif isinstance(one, Mapping):
            total += sys.getsizeof(one)
            left.extend(one.keys())
            left.extend(one.values())
        elif isinstance(one, list | tuple | set | frozenset):
            total += sys.getsizeof(one)
            left.extend(one)
        elif isinstance(one, str | bytes):
            total += sys.getsizeof(one)
    return total
