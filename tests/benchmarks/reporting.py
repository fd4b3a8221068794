"""Reports over a large store: time and memory of each, as its command makes it.

    python tests/benchmarks/reporting.py --referrals 640000
    python tests/benchmarks/reporting.py --db sqlite:///triage.db --to 2026-09-30

Without ``--db`` invented records are made and one night of them is stored, which takes some
minutes. The memory is that of all processes together, each page of it counted once, asked for five
times a second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import psutil

_TRIAGE = (sys.executable, "-m", "triage")
_KINDS = ("review", "weekly", "causes", "rules")


def _filled(folder: Path, referrals: int, day: str) -> str:
    url = f"sqlite:///{folder / 'triage.db'}"
    made = (*_TRIAGE, "sample", "make", str(folder / "council"), "--referrals", str(referrals))
    subprocess.run([*made, "--as-of", day], check=True, stdout=subprocess.DEVNULL)
    table = str(folder / "council" / "referral_table.csv")
    night = (*_TRIAGE, "nightly", table, "--as-of", day, "--window", "3", "--db", url)
    subprocess.run([*night, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return url


def _one(kind: str, url: str, day: str, who: str, folder: Path) -> tuple[float, float]:
    """Return the seconds and megabytes that a report takes."""
    call = [*_TRIAGE, "report", kind, "--no-pdf", "--out", str(folder / kind), "--db", url]
    call += ["--as", who] + (["--to", day] if kind != "rules" else [])
    began, most = time.perf_counter(), 0
    process = psutil.Popen(call, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            most = max(most, sum(one.memory_full_info().pss for one in family))
        except psutil.Error:
            pass
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"report {kind} ended with {process.returncode}")
    return time.perf_counter() - began, most / 1e6


def main() -> None:
    """Make each report, some times over, and say what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--referrals", type=int, default=640_000)
    parser.add_argument("--db", default="")
    parser.add_argument("--to", default="2026-09-30")
    parser.add_argument("--as", dest="who", default="m.manager")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        url = asked.db or _filled(folder, asked.referrals, asked.to)
        for kind in _KINDS:
            found = [_one(kind, url, asked.to, asked.who, folder) for _ in range(asked.repeats)]
            seconds = sorted(second for second, _ in found)
            click.echo(
                f"{kind}: median {seconds[len(seconds) // 2]:.1f} s ({seconds[0]:.1f} to "
                f"{seconds[-1]:.1f}), {max(megabytes for _, megabytes in found):,.0f} MB"
            )


if __name__ == "__main__":
    main()
