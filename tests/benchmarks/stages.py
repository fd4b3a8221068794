"""Measure the stages of one check within one process: reading to writing, by the progress told.

With --profile the whole is sampled by pyinstrument as well, which makes it a little slower: a file
that ends in .html holds a page with the calls, in .json a flame graph to open in speedscope, in
anything else text.

Example: python tests/benchmarks/stages.py referral_table.csv --as-of 2026-09-30 --profile calls.txt
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
import importlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import MEGABYTE

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage: its name, its seconds of wall clock and of processor, the peak up to its end.

    The seconds of processor count processes that have ended as well; the peak, in bytes, is that
    of this process alone.
    """

    name: str
    wall: float
    cpu: float
    peak: int

    def told(self) -> str:
        """Return the stage as a line of the table."""
        return (
            f"{self.name[:44]:44}  {self.wall:8.2f}  {self.cpu:8.2f}  {self.peak / MEGABYTE:9,.0f}"
        )


class Stages:
    """The stages so far; each lasts from its announcement to the next."""

    def __init__(self) -> None:
        self.found: list[Stage] = []
        self._name: str | None = None
        self._since = (0.0, 0.0)

    def begin(self, name: str | None, *_: Any, **__: Any) -> None:
        """End the stage that runs and begin the one named; None ends the last.

        What else is told of a stage, such as how far it has come, is not looked at; a stage that
        is announced again goes on.
        """
        if name == self._name:
            return
        others = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = time.process_time() + others.ru_utime + others.ru_stime
        now = (time.perf_counter(), cpu)
        if self._name is not None:
            wall, cpu = now[0] - self._since[0], now[1] - self._since[1]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT
            self.found.append(Stage(self._name, wall, cpu, peak))
        self._name, self._since = name, now


def check(source: Path, output: Path, as_of: dt.date, stages: Stages) -> int:
    """Judge every referral of a source and write the flags; return how many rows were read."""
    stages.begin("importing")
    from triage import outputs, pipeline
    from triage.resources import shipped
    from triage.rulefiles import load_rules
    from triage.run import Options

    stages.begin("loading the rules")
    rules = load_rules(shipped("rules"))
    run = pipeline.check([str(source)], rules, Options(as_of, None), stages.begin)
    stages.begin("writing the file")
    outputs.write_output(run, run.as_json, output, "parquet")
    stages.begin(None)
    return run.rows["read"]


@contextlib.contextmanager
def profiled(path: Path | None) -> Iterator[None]:
    """Sample what runs inside and write it to a file; nothing without one."""
    if path is None:
        yield
        return
    profiler = importlib.import_module("pyinstrument").Profiler()
    with profiler:
        yield
    forms = importlib.import_module("pyinstrument.renderers")
    by_ending = {".html": forms.HTMLRenderer, ".json": forms.SpeedscopeRenderer}
    renderer = by_ending.get(path.suffix, forms.ConsoleRenderer)()
    path.write_text(profiler.output(renderer), "utf-8")


def main() -> int:
    """Print what each stage took, in the order in which they ran."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--as-of", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--profile", type=Path, metavar="FILE", help="write a profile as well")
    options = parser.parse_args()
    stages = Stages()
    with tempfile.TemporaryDirectory() as folder, profiled(options.profile):
        output = Path(folder) / "flags.parquet"
        n_referrals = check(options.source, output, options.as_of, stages)
    whole = Stage(
        f"all of {n_referrals:,} rows",
        sum(stage.wall for stage in stages.found),
        sum(stage.cpu for stage in stages.found),
        stages.found[-1].peak,
    )
    sys.stdout.write(f"{'stage':44}  {'wall, s':>8}  {'CPU, s':>8}  {'peak, MB':>9}\n")
    sys.stdout.writelines(f"{stage.told()}\n" for stage in (*stages.found, whole))
    return 0


if __name__ == "__main__":
    sys.exit(main())
