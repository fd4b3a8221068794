"""The database at work behind what is reckoned: one thread asks it, in order, one thing at a time.

A server, and what reads and writes Arrow, let go of the interpreter's lock. So a night can put its
flags into words while the store is read, and chain its trail while the flags are written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa

_MOST: Final = 8
"""What is asked and not done yet; more would hold on to all that is still to be written."""

_AskedP = ParamSpec("_AskedP")
_FoundT = TypeVar("_FoundT")


class Behind:
    """A connection that is asked behind what is done here; whoever needs it here waits for that."""

    def __init__(
        self, connection: sa.Connection, pool: ThreadPoolExecutor, *, is_read_apart: bool
    ) -> None:
        self._connection = connection
        self._pool = pool
        # SQLite lets go of the lock at each of its many steps, and would wait for it as often.
        self._is_server = connection.dialect.name == "postgresql"
        self._reads_here = not (self._is_server or is_read_apart)
        self._asked: deque[Future[Any]] = deque()
        self._failure: BaseException | None = None

    @property
    def connection(self) -> sa.Connection:
        """Return the connection when all that was asked is done.

        Raises:
            Exception: what the first thing that failed raised.
        """
        self._wait(0)
        return self._connection

    def read(self, work: Callable[[sa.Connection], _FoundT]) -> Future[_FoundT]:
        """Have something read after all that was asked before.

        Raises:
            Exception: what something asked before raised; nothing was done after it.
        """
        if self._reads_here:
            found: Future[_FoundT] = Future()
            found.set_result(work(self.connection))
            return found
        return self._ask(work)

    def write(
        self,
        work: Callable[Concatenate[sa.Connection, _AskedP], None],
        *args: _AskedP.args,
        **named: _AskedP.kwargs,
    ) -> None:
        """Have something written after all that was asked before.

        Raises:
            Exception: what something asked before raised; nothing was done after it.
        """
        if self._is_server:
            self._ask(work, *args, **named)
        else:
            work(self.connection, *args, **named)

    def _ask(
        self,
        work: Callable[Concatenate[sa.Connection, _AskedP], _FoundT],
        *args: _AskedP.args,
        **named: _AskedP.kwargs,
    ) -> Future[_FoundT]:
        self._wait(_MOST - 1)

        def done() -> _FoundT:
            if self._failure is not None:
                raise self._failure
            try:
                return work(self._connection, *args, **named)
            except BaseException as failure:
                self._failure = failure
                raise

        begun = self._pool.submit(done)
        self._asked.append(begun)
        return begun

    def _wait(self, n_left: int) -> None:
        while len(self._asked) > n_left:
            self._asked.popleft().result()


@contextmanager
def behind(connection: sa.Connection, *, is_read_apart: bool = False) -> Iterator[Behind]:
    """Have a server asked in another thread until the block ends, and all of it is done.

    SQLite is asked at once, but to read it where that is done by another process.

    Raises:
        Exception: what the first thing that failed raised.
    """
    pool = ThreadPoolExecutor(1)
    asked = Behind(connection, pool, is_read_apart=is_read_apart)
    try:
        yield asked
        _ = asked.connection
    finally:
        # What has begun is waited for: nobody else may use the connection meanwhile.
        pool.shutdown(cancel_futures=True)
