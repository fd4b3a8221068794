"""Kills the command at a chosen point of its work in the store, however fast the machine is.

The product is imported once, in a process that does nothing else; each command runs in a fork of
it, which ends itself by SIGKILL when so many functions of the store have been called.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


class Killed:
    """A process in whose forks commands run, to their end or to a chosen point."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).absolute())],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def calls(self, *arguments: str | Path) -> int:
        """Run a command to its end; return how many functions of the store it called."""
        code, n_calls = self._run(-1, arguments)
        assert code == 0
        return n_calls

    def at(self, n_calls: int, *arguments: str | Path) -> bool:
        """Run a command up to a call; return whether it was killed there."""
        code, _ = self._run(n_calls, arguments)
        return code == -signal.SIGKILL

    def _run(self, last: int, arguments: tuple[str | Path, ...]) -> tuple[int, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([last, [*map(str, arguments)]]) + "\n")
        self._process.stdin.flush()
        code, n_calls = json.loads(self._process.stdout.readline())
        return code, n_calls

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _in_a_fork(last: int, arguments: list[str]) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as told:
            said = told.read()
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), int(said or 0)
    n_calls = 0

    def count(frame: Any, what: str, _: Any) -> None:
        nonlocal n_calls
        if what == "call" and f"{os.sep}store{os.sep}" in frame.f_code.co_filename:
            n_calls += 1
            if n_calls == last:
                os.kill(os.getpid(), signal.SIGKILL)

    from triage.__main__ import run

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.setprofile(count)
    code = run(arguments)
    sys.setprofile(None)
    os.write(writing, str(n_calls).encode())
    os._exit(code)


def _main() -> None:
    for name in ("alembic.command", "mako.exceptions", "psycopg", "triage.cli", "triage.keeping"):
        importlib.import_module(name)

    for line in sys.stdin:
        answer = _in_a_fork(*json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
