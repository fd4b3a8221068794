"""Progress: shown on a terminal to whoever waits, and nowhere else."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import AS_OF, ROWS
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.progress import Told, rows_told, silent
from triage.reading import USUAL
from triage.sources import read_inputs

HIDE, SHOW, ERASE = "\x1b[?25l", "\x1b[?25h", "\x1b[2K"

SOON = "import time, triage.progress as p; p.SHOWN_AFTER = 0.05\n"
"""Lets a script begin to show its stage after a twentieth of a second."""
JUDGING = """
with p.stages(quiet={quiet}) as progress:
    told = p.Told(progress, "judging 4,000 referrals", 4_000)
    for _ in range(4):
        time.sleep(0.15)
        told.add(1_000)
    time.sleep(0.3)
    progress({last!r})
    time.sleep(0.25)
"""
COMMAND = """
import sys, triage.pipeline
from triage.__main__ import run
from triage.errors import InputError
check = triage.pipeline.check

def slowly(names, ruleset, options, progress=p.silent, **more):
    for done in range(4):
        progress("judging 3 referrals", done, 3)
        time.sleep(0.1)
    {then}

triage.pipeline.check = slowly
sys.exit(run(sys.argv[1:]))
"""
CHECK = ("check", "records.csv", "--as-of", AS_OF, "--format", "json")


@dataclass(frozen=True)
class Shown:
    """What a script sent to the terminal as messages, what it printed, and how it ended."""

    terminal: str
    printed: str
    code: int

    @property
    def left(self) -> str:
        """What is left on the terminal when all is over: what follows the last line taken back."""
        return self.terminal.rpartition(ERASE)[2]

    @property
    def frames(self) -> list[str]:
        """The line as it was shown from time to time, without colours."""
        return [re.sub(r"\x1b\[[0-9;]*m", "", one) for one in self.terminal.split(ERASE)]


def on_terminal(
    script: str, *arguments: str, columns: int = 120, term: str = "xterm-256color"
) -> Shown:
    """Run a script whose standard error is a terminal, and whose output is piped."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    told_otherwise = ("TRIAGE_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(told_otherwise)}
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment | {"TERM": term, "PYTHONIOENCODING": "utf-8"},
    )
    os.close(slave)
    with ThreadPoolExecutor(1) as reader:
        said = reader.submit(_read_all, master)
        printed, _ = process.communicate(timeout=60)
        terminal = said.result(timeout=60)
    os.close(master)
    return Shown(terminal.decode(), printed.decode(), process.returncode)


def _read_all(master: int) -> bytes:
    found = b""
    while True:
        try:
            more = os.read(master, 65_536)
        except OSError:  # the terminal's last writer has gone
            return found
        if not more:
            return found
        found += more


@pytest.fixture
def records(workplace: Path) -> Path:
    path = workplace / "records.csv"
    path.write_text("\n".join(ROWS) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def shown() -> Shown:
    """What a run shows that judges, and then puts the flags in order."""
    return on_terminal(SOON + JUDGING.format(quiet=False, last="putting the flags in order"))


class TestOnATerminal:
    def test_a_run_of_more_than_two_seconds_shows_its_stage_with_rows(self) -> None:
        script = """
import time, triage.progress as p
with p.stages(quiet=False) as progress:
    progress("judging 640,000 referrals", 0, 640_000)
    time.sleep(1.8)
    progress("judging 640,000 referrals", 320_000, 640_000)
    time.sleep(0.8)
"""
        shown = on_terminal(script)
        assert "judging 640,000 referrals" in shown.terminal
        assert "320,000 of 640,000 rows" in shown.terminal
        rate = re.findall(r"rows, ([0-9,]+) a second, \d+:\d\d left", shown.terminal)[-1]
        assert 0 < int(rate.replace(",", "")) <= 177_778

    def test_a_run_of_less_shows_nothing(self) -> None:
        script = "import time, triage.progress as p; p.SHOWN_AFTER = 60\n"
        script += JUDGING.format(quiet=False, last="writing")
        assert on_terminal(script) == Shown("", "", 0)

    def test_rows_rate_and_time_left_follow_the_rows_done(self, shown: Shown) -> None:
        frames = shown.frames
        done = [int(one[0].replace(",", "")) for frame in frames
                if (one := re.findall(r"([0-9,]+) of 4,000 rows", frame))]  # fmt: skip
        assert done == sorted(done)
        assert len(set(done)) > 1
        assert any(" a second, 0:00 left" in frame for frame in frames)

    def test_a_stage_without_rows_has_none_of_those_before_it(self, shown: Shown) -> None:
        of_last = [frame for frame in shown.frames if "putting the flags" in frame]
        assert of_last
        assert not any("rows" in frame or "left" in frame for frame in of_last)

    def test_the_terminal_is_left_as_it_was(self, shown: Shown) -> None:
        assert shown.code == 0
        assert shown.terminal.count(HIDE) == shown.terminal.count(SHOW) == 1
        assert shown.terminal.index(SHOW) > shown.terminal.index(HIDE)
        assert shown.left == ""

    @pytest.mark.parametrize("columns", [60, 80, 120, 250])
    def test_it_is_one_line_that_keeps_its_figures_in_any_width(self, columns: int) -> None:
        shown = on_terminal(
            SOON + JUDGING.format(quiet=False, last=f"reading {'long/' * 60}"), columns=columns
        )
        lines = [line for frame in shown.frames for line in re.split(r"[\r\n]", frame)]
        lines = [re.sub(r"\x1b\[[0-9;?]*\w", "", line) for line in lines]
        assert max(map(len, lines)) <= columns
        assert all(frame.count("\n") == 0 for frame in shown.frames[:-1] if SHOW not in frame)
        assert any(re.search(r"4,000 of 4,000 rows, .* a second, 0:00 left 0:0", line)
                   for line in lines)  # fmt: skip

    def test_a_file_cannot_send_markup_or_commands_by_its_name(self) -> None:
        name = "reading [/red] [bold]odd\x1b[2J\n\x07.csv"
        shown = on_terminal(SOON + JUDGING.format(quiet=False, last=name))
        assert "reading [/red] [bold]odd [2J  .csv" in shown.terminal
        assert "\x1b[2J" not in shown.terminal
        assert "Traceback" not in shown.terminal
        assert shown.left == ""

    def test_what_is_printed_meanwhile_goes_where_it_was_to(self) -> None:
        script = SOON + JUDGING.format(quiet=False, last="writing") + "    print('a result')\n"
        shown = on_terminal(script)
        assert shown.printed == "a result\n"
        assert "a result" not in shown.terminal

    def test_a_terminal_that_cannot_take_a_line_back_is_told_nothing(self) -> None:
        script = SOON + JUDGING.format(quiet=False, last="writing")
        assert on_terminal(script, term="dumb") == Shown("", "", 0)


class TestOfACommand:
    def test_a_check_shows_its_stage_and_prints_its_result_alone(self, records: Path) -> None:
        then = "return check(names, ruleset, options, progress, **more)"
        shown = on_terminal(SOON + COMMAND.format(then=then), *CHECK)
        assert shown.code == 0
        assert "judging 3 referrals" in shown.terminal
        assert shown.left == ""
        assert shown.printed.startswith("{\n")
        assert shown.printed.endswith("}\n")

    @pytest.mark.parametrize(
        ("then", "code", "said"),
        [
            ("raise InputError('x.csv: is damaged; export it again.')", 3,
             "triage: x.csv: is damaged; export it again."),
            # The line is ended first in which the terminal shows ^C.
            ("raise KeyboardInterrupt", 130, "\r\ntriage: stopped; nothing was stored."),
            ("raise ZeroDivisionError('of nothing')", 2,
             "triage: something went wrong that should not have (ZeroDivisionError: of nothing). "
             "Please report it; TRIAGE_DEBUG=1 shows where."),
        ],
    )  # fmt: skip
    def test_an_error_leaves_its_one_sentence_and_the_cursor(
        self, records: Path, then: str, code: int, said: str
    ) -> None:
        shown = on_terminal(SOON + COMMAND.format(then=then), *CHECK, columns=200)
        assert (shown.code, shown.printed) == (code, "")
        assert "judging 3 referrals" in shown.terminal
        assert shown.terminal.count(HIDE) == shown.terminal.count(SHOW) == 1
        assert shown.terminal.index(SHOW) > shown.terminal.index(HIDE)
        assert shown.left == f"{said}\r\n"

    def test_quiet_says_nothing_on_a_terminal_either(self, records: Path) -> None:
        then = "return check(names, ruleset, options, progress, **more)"
        shown = on_terminal(SOON + COMMAND.format(then=then), *CHECK, "--quiet")
        assert (shown.code, shown.terminal) == (0, "")
        assert shown.printed.startswith("{\n")

    def test_nothing_is_said_where_messages_are_piped(self, records: Path) -> None:
        then = "return check(names, ruleset, options, progress, **more)"
        done = subprocess.run(
            [sys.executable, "-c", SOON + COMMAND.format(then=then), *CHECK],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("{\n")

    def test_parts_of_a_country_are_counted(self, workplace: Path) -> None:
        script = SOON + "import sys; from triage.__main__ import run; sys.exit(run(sys.argv[1:]))"
        made = ("sample", "make", "made", "--referrals", "60000", "--parts", "6")
        shown = on_terminal(script, *made)
        assert shown.code == 0
        assert re.search(r"making referrals .*0,000 of 60,000 rows, ", shown.terminal)
        assert shown.left == ""

    def test_the_password_in_a_url_is_not_shown(self) -> None:
        stages: list[str] = []
        with pytest.raises(InputError):
            read_inputs(["postgresql://me:secret@127.0.0.1:1/none"], USUAL, stages.append)
        assert stages == ["reading a database"]


class TestRowsTold:
    @given(
        done=st.integers(0, 10**12),
        total=st.integers(0, 10**12),
        seconds=st.floats(0, 10**7, allow_nan=False),
    )
    def test_it_counts_and_is_never_negative(self, done: int, total: int, seconds: float) -> None:
        told = rows_told(done, total, seconds)
        assert told.startswith(f"{done:,} of {total:,} rows")
        assert "-" not in told
        assert (" left" in told) == (done > 0 and seconds > 0)

    @given(seconds=st.integers(1, 10**6), rate=st.integers(1, 10**6), left=st.integers(0, 10**6))
    def test_time_left_is_the_rest_at_the_rate_so_far(
        self, seconds: int, rate: int, left: int
    ) -> None:
        done, total = rate * seconds, rate * (seconds + left)
        clock = rows_told(done, total, seconds).split(", ")[-1].removesuffix(" left")
        assert f"rows, {rate:,} a second" in rows_told(done, total, seconds)
        parts = [int(part) for part in clock.split(":")]
        assert sum(part * 60**power for power, part in enumerate(reversed(parts))) == left
        assert all(part < 60 for part in parts[1:])

    @pytest.mark.parametrize(
        ("done", "total", "seconds", "expected"),
        [
            (0, 0, 5.0, "0 of 0 rows"),
            (0, 640_000, 5.0, "0 of 640,000 rows"),
            (10, 640_000, 0.0, "10 of 640,000 rows"),
            (320_000, 640_000, 2.0, "320,000 of 640,000 rows, 160,000 a second, 0:02 left"),
            (1_000, 61_000, 1.0, "1,000 of 61,000 rows, 1,000 a second, 1:00 left"),
            (1_000, 3_726_000, 1.0, "1,000 of 3,726,000 rows, 1,000 a second, 1:02:05 left"),
            (5, 5, 1.0, "5 of 5 rows, 5 a second, 0:00 left"),
            (6, 5, 1.0, "6 of 5 rows, 6 a second, 0:00 left"),
        ],
    )
    def test_examples(self, done: int, total: int, seconds: float, expected: str) -> None:
        assert rows_told(done, total, seconds) == expected


class TestTold:
    def test_rows_are_told_in_order_from_several_threads_and_none_is_lost(self) -> None:
        told: list[tuple[str, int, int | None]] = []

        def progress(stage: str, done: int = 0, total: int | None = None, /) -> None:
            told.append((stage, done, total))

        counted = Told(progress, "judging", 40_000)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(counted.add, [5] * 8_000))
        assert told == [("judging", done, 40_000) for done in range(0, 40_001, 5)]

    def test_a_stage_begins_with_no_row_done(self) -> None:
        told: list[int] = []
        Told(lambda _stage, done=0, _total=None, /: told.append(done), "judging", 7)
        assert told == [0]

    def test_nobody_is_told_where_nobody_listens(self) -> None:
        assert silent("judging", 1, 2) is None
        Told(silent, "judging", 2).add(1)
