"""Judging records partition by partition: more than memory holds, or on several machines.

The work on a partition is that of ``triage.parts``. What differs is only that rows are read where
they are judged, and read twice: once to be looked over, once to be judged. So a partition can be
done anywhere, and again when whoever did it is lost; nothing of it is kept in between.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

from triage.across import Across
from triage.calendar import check_as_of
from triage.due import in_order as due_in_order
from triage.entries import REUSED, Elsewhere
from triage.errors import CallError
from triage.flag_files import write_parquet
from triage.flags import Flags
from triage.parts import Found, Questions, cut, judge_parts
from triage.pipeline import across_asked, history, judgement, no_contacts
from triage.progress import Progress, Told, silent
from triage.raising import in_order
from triage.reading import Reading
from triage.records import input_notes, load, query_notes
from triage.ruleset import Ruleset
from triage.run import Options, Run
from triage.schema import COLUMNS, ORDER_CHECKS
from triage.sources import read_inputs
from triage.sources.guard import Admitted
from triage.sources.pieces import (
    ROWS_OF_A_PARTITION,
    Partition,
    Piece,
    admitted_files,
    deal_out,
    hands,
    partitions,
    read_pieces,
    to_deal_out,
    without_rows,
)
from triage.survey import Overview, Survey, claims, survey
from triage.tables import Problem, Source, rows_alone
from triage.threads import in_turn
from triage.vocabulary import counted

MOST_AT_ONCE: Final = 8 * ROWS_OF_A_PARTITION
"""A partition of more rows than this is dealt out anew."""

_PART: Final = "part-{:05}.parquet"
"""The file of a partition's flags, by its number."""
_BEGUN: Final = ".part-"
"""Begins the name of a file that is being written; whoever reads a folder passes such ones over."""

_TaskT = TypeVar("_TaskT")
_FoundT = TypeVar("_FoundT")


class Workers(Protocol):
    """Whoever does the work: threads of this process, or a cluster."""

    def __call__(
        self, work: Callable[[_TaskT], _FoundT], tasks: Sequence[_TaskT], /
    ) -> Iterator[_FoundT]:
        """Yield what the work comes to for each task, in the order of the tasks."""


def threads(jobs: int) -> Workers:
    """Return as many threads of this process as there are jobs."""

    def each(work: Callable[[_TaskT], _FoundT], tasks: Sequence[_TaskT], /) -> Iterator[_FoundT]:
        if jobs == 1:
            yield from map(work, tasks)
            return
        with ThreadPoolExecutor(jobs) as pool:
            yield from in_turn(lambda task: pool.submit(work, task).result, tasks, jobs)

    return each


@dataclass(frozen=True)
class Order:
    """One partition to be judged, with what it needs to know of the others.

    ``write_to`` is the file that its flags are written to; "" when they are to be given back.
    """

    pieces: Partition
    asked: Questions
    across: Across
    elsewhere: Elsewhere
    reading: Reading
    write_to: str = ""


@dataclass(frozen=True)
class Judged:
    """What became of one partition: what was found, and its rows by fate."""

    found: tuple[Found, ...]
    carried: frozenset[str]
    n_read: int
    n_collapsed: int
    n_rejected: int
    problems: tuple[Problem, ...]


def judge_partition(order: Order) -> Judged:
    """Return what the rules say of one partition.

    Raises:
        CallError: when the file for its flags cannot be written.
        InputError: when a file cannot be read.
        RuleError: when a rule cannot be evaluated.
    """
    sources = read_pieces(order.pieces, order.reading)
    loaded = load(sources, order.asked.as_of, elsewhere=order.elsewhere)
    parts = list(cut(loaded.referrals, order.across, order.asked.as_of, 1))
    found = judge_parts(parts, order.asked, 1, keeps_names=False)
    if order.write_to:
        flags = in_order([one.raised for one in found], order.asked.rules, "referral")
        stable = {rule.id for rule in order.asked.reported if rule.status == "stable"}
        _write_whole(flags.of_rules(stable), Path(order.write_to))
        found = [one.without_flags() for one in found]
    return Judged(
        tuple(found),
        loaded.referrals.carried,
        loaded.n_read,
        len(loaded.collapsed_days),
        loaded.n_rejected,
        loaded.problems,
    )


def _write_whole(flags: Flags, path: Path) -> None:
    """Write flags so that the file is whole as soon as it is there, whoever else writes it too.

    A worker taken for lost may still be at it when another has been given its partition.
    """
    begun = path.with_name(f"{_BEGUN}{uuid.uuid4().hex}")
    try:
        write_parquet(flags, begun)
        begun.replace(path)
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None


def check_partitioned(
    names: Sequence[str],
    ruleset: Ruleset,
    options: Options,
    workers: Workers,
    write_to: Path | None = None,
    progress: Progress = silent,
) -> Run:
    """Return what the rules say of Parquet files or folders of them, done partition by partition.

    With ``write_to`` the flags are written into that folder, a file a partition, and not given
    back; else they are the same, and in the same order, as if all had been read at once.

    Raises:
        CallError: for a date that cannot be judged on, no input, or a folder that is not empty.
        InputError: for an input that cannot be used.
        RuleError: for a rule that cannot be evaluated.
    """
    check_as_of(options.as_of)
    if not names:
        raise CallError("no input was given; name a file or a folder of Parquet files.")
    files = admitted_files(names)
    sources = without_rows(files, options.reading)
    with _flags_folder(write_to), _whole_children(files, options, workers, progress) as found:
        pieces, overview = found
        _refuse_unusable(files, overview, options)
        run = _judged(sources, pieces, overview, ruleset, options, workers, write_to, progress)
        for file in files:
            file.check_unchanged()
        return run


@contextmanager
def _whole_children(
    files: Sequence[Admitted], options: Options, workers: Workers, progress: Progress
) -> Iterator[tuple[list[Partition], Overview]]:
    """Give partitions of whole children, each looked over; dealt out anew where they have to be."""
    found = partitions(files)
    if all(_n_rows(one) <= MOST_AT_ONCE for one in found):
        overview = _overview(found, options, workers, progress)
        if not overview.has_child_in_two:
            yield found, overview
            return
    with tempfile.TemporaryDirectory(prefix="triage-") as folder:
        n_rows = sum(map(_n_rows, found))
        n_hands = -(-n_rows // ROWS_OF_A_PARTITION)
        told = Told(progress, "dealing rows out by child", n_rows)
        deal = partial(_deal, reading=options.reading, n_hands=n_hands, folder=folder)
        dealt: list[Piece] = []
        for some in workers(deal, to_deal_out(files)):
            dealt += some
            told.add(sum(piece.n_rows for piece in some))
        found = hands(dealt)
        yield found, _overview(found, options, workers, progress)


def _deal(pieces: Partition, reading: Reading, n_hands: int, folder: str) -> list[Piece]:
    try:
        return deal_out(pieces, reading, n_hands, folder)
    except OSError as error:
        raise CallError(
            f"{folder}: rows cannot be dealt out by child there ({error.strerror or error}); name "
            "a folder with room in TMPDIR, on a cluster one that all its workers share."
        ) from None


def _n_rows(pieces: Partition) -> int:
    return sum(piece.n_rows for piece in pieces)


def _overview(
    found: Sequence[Partition], options: Options, workers: Workers, progress: Progress
) -> Overview:
    told = Told(progress, "looking over the records", sum(map(_n_rows, found)))
    look = partial(survey, as_of=options.as_of, reading=options.reading)
    surveys: list[Survey] = []
    for pieces, one in zip(found, workers(look, found), strict=True):
        surveys.append(one)
        told.add(_n_rows(pieces))
    return Overview(surveys, options.as_of)


def _refuse_unusable(files: Sequence[Admitted], overview: Overview, options: Options) -> None:
    """Raise InputError for a file of which no row is left.

    It is read as at other times, so that what is said of it is what is said then.
    """
    for number, (_, n_usable) in overview.usable.items():
        if not n_usable:
            load(read_inputs([str(files[number].path)], options.reading, silent), options.as_of)


def _judged(
    sources: Sequence[Source],
    pieces: Sequence[Partition],
    overview: Overview,
    ruleset: Ruleset,
    options: Options,
    workers: Workers,
    write_to: Path | None,
    progress: Progress,
) -> Run:
    live = ruleset.live()
    history_from, warnings = history(overview.first_days, options)
    asked = Questions(live.of("referral"), options.as_of, options.window, history_from)
    typed_in_two = overview.typed_in_two
    ask = partial(claims, reading=options.reading, asked=typed_in_two)
    claimed = list(workers(ask, pieces if len(typed_in_two) else []))
    households, months = across_asked(asked)
    across = overview.across(households=households, rationale_months=months)
    overview.forget_rows()
    orders = [
        Order(
            one,
            asked,
            shared,
            elsewhere,
            options.reading,
            "" if write_to is None else str(write_to.absolute() / _PART.format(number)),
        )
        for number, (one, shared, elsewhere) in enumerate(
            zip(pieces, across, overview.elsewhere(claimed), strict=True)
        )
    ]
    n_rows = sum(map(_n_rows, pieces))
    told = Told(progress, f"judging {counted(n_rows, 'row')}", n_rows)
    judged: list[Judged] = []
    for order, one in zip(orders, workers(judge_partition, orders), strict=True):
        judged.append(one)
        told.add(_n_rows(order.pieces))
    progress("putting the flags in order")
    parts = [found for one in judged for found in one.found]
    problems = _in_order([problem for one in judged for problem in one.problems], sources)
    counts = (
        sum(one.n_read for one in judged),
        sum(one.n_collapsed for one in judged),
        sum(one.n_rejected for one in judged),
    )
    carried: frozenset[str] = frozenset().union(*(one.carried for one in judged))
    return Run(
        options,
        history_from,
        tuple(
            replace(source, referrals=rows_alone(source.path, n_rows))
            for source, (n_rows, _) in zip(sources, overview.usable.values(), strict=True)
        ),
        live,
        (*input_notes(sources), *query_notes(problems), *warnings),
        judgement(asked, parts, carried, counts, problems, None),
        no_contacts(live.of("contact"), None),
        due_in_order(due for part in parts for due in part.due),
        written_to="" if write_to is None else str(write_to),
    )


def _in_order(problems: Sequence[Problem], sources: Sequence[Source]) -> tuple[Problem, ...]:
    """Return problems in the order in which they are found when all is read at once."""
    inputs = {source.path: number for number, source in enumerate(sources)}
    columns = {name: place for place, name in enumerate(COLUMNS)}
    checks = {check.sentence: place for place, check in enumerate(ORDER_CHECKS)}
    kinds = {"problem": 0, "rejected": 1, "query": 2}

    def place(one: Problem) -> tuple[int, ...]:
        if one.check == REUSED:
            return (1, inputs[one.source], 0, 0, one.row)
        first = checks[one.check] if one.kind == "query" else columns.get(one.column, 0)
        first = 0 if one.kind == "rejected" else first
        return (0, inputs[one.source], kinds[one.kind], first, one.row)

    return tuple(sorted(problems, key=place))


@contextmanager
def _flags_folder(folder: Path | None) -> Iterator[None]:
    """Make the folder for the flags; it is whole when the run ends, and gone when it fails.

    Raises:
        CallError: when it holds files already, or cannot be made.
    """
    if folder is None:
        yield
        return
    is_new = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
        if any(folder.iterdir()):
            raise CallError(f"{folder}: holds files already; name a new folder for the flags.")
    except OSError as error:
        raise CallError(f"{folder}: cannot be made ({error.strerror or error}).") from None
    try:
        yield
    except BaseException:
        _remove(folder, "part-*.parquet")
        _remove(folder, f"{_BEGUN}*")
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise
    # What a lost worker had begun.
    _remove(folder, f"{_BEGUN}*")


def _remove(folder: Path, names: str) -> None:
    for path in folder.glob(names):
        path.unlink(missing_ok=True)
