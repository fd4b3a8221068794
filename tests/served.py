"""Servers in processes of their own, as people start them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

_SECONDS = 90


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Served:
    """A server that runs, and where."""

    process: subprocess.Popen[str]
    port: int
    out: Path
    err: Path

    @property
    def at(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of its log."""
        lines = self.err.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def stop(self, by: int = signal.SIGTERM) -> int:
        """Tell it to stop; return its exit code."""
        self.process.send_signal(by)
        return self.process.wait(_SECONDS)


@contextmanager
def served(folder: Path, *arguments: str, port: int = 0, **environment: str) -> Iterator[Served]:
    """Run a command that serves, until browsers can connect, and kill it afterwards."""
    port = port or free_port()
    command = [sys.executable, "-m", "triage", *arguments, "--port", str(port)]
    known = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    out, err = folder / "out.txt", folder / "err.txt"
    with out.open("w") as said, err.open("w") as logged:
        process = subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=logged, text=True, stdin=subprocess.DEVNULL,
            env=known | {"PYTHONPATH": str(Path(__file__).parents[1])} | environment,
        )  # fmt: skip
    found = Served(process, port, out, err)
    try:
        _wait_until_served(found)
        yield found
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(_SECONDS)


def _wait_until_served(found: Served) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        assert found.process.poll() is None, found.err.read_text("utf-8")
        try:
            if httpx2.get(f"{found.at}/health", timeout=5).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise AssertionError(found.err.read_text("utf-8"))
