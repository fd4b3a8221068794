"""Several processes that begin at the same moment, as people do who work on one store."""

from __future__ import annotations

import multiprocessing as mp
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from threading import BrokenBarrierError
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

_SECONDS_TO_START = 300
_everybody: Any = None


def at_once(
    work: Callable[..., ResultT],
    asked: Sequence[tuple[Any, ...]],
    beside: Callable[[], object] = lambda: None,
) -> list[ResultT]:
    """Do some work once for each of what is asked, each in a process of its own.

    All begin when the last one is there; ``beside`` is done here meanwhile. What went wrong in one
    of them is raised here.
    """
    context = mp.get_context("forkserver")
    context.set_forkserver_preload(["work_helpers"])
    barrier = context.Barrier(len(asked) + 1)
    with ProcessPoolExecutor(
        len(asked), mp_context=context, initializer=_meet, initargs=(barrier,)
    ) as pool:
        working = [pool.submit(_begin, work, *one) for one in asked]
        for one in working:
            one.add_done_callback(lambda done: done.exception() and barrier.abort())
        with suppress(BrokenBarrierError):
            barrier.wait(_SECONDS_TO_START)
            beside()
        return [one.result() for one in working]


def _meet(barrier: Any) -> None:
    global _everybody
    _everybody = barrier


def _begin(work: Callable[..., ResultT], *asked: Any) -> ResultT:
    _everybody.wait(_SECONDS_TO_START)
    return work(*asked)
