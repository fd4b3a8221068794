"""Several things at once on one machine, where each of them lets go of the interpreter's lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

MANY_ROWS: Final = 50_000
"""Fewer rows than this are done by one thread: a second costs more than it brings."""

_ItemT = TypeVar("_ItemT")
_FoundT = TypeVar("_FoundT")


def at_once(
    work: Callable[[_ItemT], _FoundT], items: Iterable[_ItemT], n_rows: int
) -> list[_FoundT]:
    """Return what the work comes to for each item, in their order; ``n_rows`` says how much it is.

    Raises:
        Exception: what the work raises, of the first item that does.
    """
    if n_rows < MANY_ROWS:
        return list(map(work, items))
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, items))


def in_turn(
    submit: Callable[[_ItemT], Callable[[], _FoundT]], items: Iterable[_ItemT], in_hand: int
) -> Iterator[_FoundT]:
    """Yield what becomes of each item, in their order, so many of them submitted at a time.

    ``submit`` begins the work on an item and gives what waits for its result.
    """
    waiting: deque[Callable[[], _FoundT]] = deque()
    for item in items:
        if len(waiting) == in_hand:
            yield waiting.popleft()()
        waiting.append(submit(item))
    while waiting:
        yield waiting.popleft()()
