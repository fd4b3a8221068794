"""Runs the command in a process of its own, under hard limits, and measures what it took.

The product is imported once, in a process that does nothing else; each command runs in a fork of
it, so that a case costs no second of imports and the peak of its memory is its own. (The peak of a
process started from a large one counts the large one's memory as well.) A case that goes wrong is
ended by the system, and cannot hurt the machine.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_MEGABYTES = 300
"""Memory above that of a small good table."""
MOST_SECONDS = 10
ADDRESSES = 3 << 30
"""Address space of a contained process: far above what is allowed, far below what hurts."""
WRITTEN = 1 << 30
SECONDS = 40
NOBODY = 65534
ROWS_A_STEP = 40
AS_OF = "2023-06-30"


@dataclass(frozen=True)
class Outcome:
    """What became of a contained command."""

    code: int
    out: str
    err: str
    megabytes: float
    seconds: float
    cpu: float


class Contained:
    """A process that holds the product, and runs each command in a fork of itself."""

    def __init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_")}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def run(self, *arguments: str | Path, folder: Path, **asked: Any) -> Outcome:
        """Run the command in a folder.

        ``afresh`` starts a new interpreter, as a user would; ``user`` runs it as another user;
        ``killed_at`` ends it without warning at its so many-th step in the store.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"arguments": [str(one) for one in arguments], "folder": str(folder), **asked}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))

    def check(self, *sources: str | Path, folder: Path, **asked: Any) -> Outcome:
        """Run ``triage check`` on some sources."""
        return self.run("check", *sources, "--as-of", AS_OF, folder=folder, **asked)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def keeps_to_bounds(outcome: Outcome, start: float) -> None:
    """Hold a command to the memory and the time that a hostile file may cost."""
    assert outcome.megabytes < start + MOST_MEGABYTES
    assert outcome.cpu < MOST_SECONDS
    assert "Traceback" not in outcome.err + outcome.out
    assert "went wrong" not in outcome.err


def is_refused(outcome: Outcome, start: float, said: str) -> None:
    """Expect one sentence on stderr, nothing on stdout and exit 3, within bounds."""
    keeps_to_bounds(outcome, start)
    assert outcome.code == 3, outcome.err
    assert outcome.out == ""
    assert said in outcome.err
    (line,) = outcome.err.splitlines()
    assert line.startswith("triage: ")
    assert line.endswith(".")
    assert line.isprintable()


def serve() -> None:
    """Run what is asked for, line by line, until there is nothing more."""
    import_everything()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run_one(**json.loads(line))) + "\n")
        sys.stdout.flush()


def import_everything() -> None:
    """Import what a command may need, so that a fork needs nothing more from the disk."""
    import pkgutil
    from importlib import import_module

    import triage

    for encoding in ("cp1252", "utf_16", "utf_16_be", "utf_16_le"):
        import_module(f"encodings.{encoding}")
    for module in pkgutil.walk_packages(triage.__path__, "triage."):
        if "__main__" not in module.name and "migrations" not in module.name:
            import_module(module.name)
    import_module("triage.__main__")
    for name in imported_by_a_check():
        with contextlib.suppress(ImportError):
            import_module(name)
    # The calendar loads a module by itself, which has no name to be imported by.
    from triage.calendar import bank_holidays

    bank_holidays()


def imported_by_a_check() -> list[str]:
    """Return what a check has imported in the end: some of it when it is first asked for.

    A command that runs as a user without rights cannot import anything more by then.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        from triage.__main__ import run

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "referrals.csv"
            path.write_text("child_id,referral_date\nA,2023-05-01\n", "utf-8")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            run(["check", str(path), "--as-of", AS_OF])
        with os.fdopen(writing, "w", encoding="utf-8") as told:
            told.write("\n".join(sys.modules))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        names = told.read().split("\n")
    os.waitpid(child, 0)
    return names


def run_one(
    arguments: list[str],
    folder: str,
    *,
    afresh: bool = False,
    user: int | None = None,
    killed_at: int | None = None,
) -> dict[str, Any]:
    """Run one command in a fork, and return what came of it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            if killed_at is not None:
                kill_at(killed_at)
            _run_inside(arguments, folder, out.fileno(), err.fileno(), afresh, user)
        signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
        signal.alarm(SECONDS)
        _, status, used = os.wait4(child, 0)
        signal.alarm(0)
        seconds = time.monotonic() - began
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read(20_000_000).decode("utf-8", "replace"))
    return {
        "code": os.waitstatus_to_exitcode(status),
        "out": said[0],
        "err": said[1],
        "megabytes": used.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20),
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
    }


def kill_at(step: int) -> None:
    """Have this process killed at a step: a statement, a commit, or some rows sent to a server."""
    import psycopg
    import sqlalchemy as sa

    steps, rows = itertools.count(1), itertools.count(1)
    write_row = psycopg.Copy.write_row

    def go(*_told: Any) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(copy: Any, row: Any) -> None:
        if next(rows) % ROWS_A_STEP == 0:
            go()
        write_row(copy, row)

    psycopg.Copy.write_row = write  # type: ignore[method-assign]
    sa.event.listen(sa.Engine, "before_cursor_execute", go)
    sa.event.listen(sa.Engine, "commit", go)


def _run_inside(
    arguments: list[str], folder: str, out: int, err: int, afresh: bool, user: int | None
) -> None:
    code = 70
    try:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if user is not None and os.getuid() == 0:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        if afresh:
            os.execv(sys.executable, [sys.executable, "-m", "triage", *arguments])
        from triage.__main__ import run

        code = run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
