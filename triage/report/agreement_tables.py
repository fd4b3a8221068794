"""How far reviewers agree, as a section of a report: by question, never by name when published."""

from __future__ import annotations

from triage.agreement import FEW, Figure, Kappa, by_question
from triage.report.counting import Counting
from triage.report.document import Cell, Column, Count, Section, Share, Statistic, Table, Words
from triage.report.reviewing import Reviewing
from triage.report.shown import rest
from triage.review_form import QUESTIONS
from triage.second import USEFUL

_COLUMNS = (
    Column("Question", "text"), Column("Pairs of answers"), Column("Same answer"),
    Column("Same answer, share", "share"), Column("Same or next"), Column("Kappa", "number"),
    Column("Kappa: from", "number"), Column("Kappa: to", "number"),
    Column("Kappa, linear weights", "number"), Column("Remark", "text"),
)  # fmt: skip


def agreement_section(of: Reviewing, counting: Counting) -> Section:
    """Return how far first and second reviewers agreed on the re-referrals of the window."""
    numbers = {of.number(place) for place in of.places}
    pairs = [pair for pair in of.records.pairs if pair.case in numbers]
    whole = Count("second reviews submitted", len(pairs))
    words = Words("{} cases have two reviews, made without sight of each other.",
                  (whole,))  # fmt: skip
    if not pairs:
        return Section("Agreement between reviewers", (words,))
    table = Table(
        "agreement", "How far two reviewers agreed, by question", _COLUMNS,
        tuple(_row(figure, counting, whole) for figure in by_question(pairs)),
        ("Kappa is Cohen's, 0 for what chance alone would bring and 1 for full agreement, with its "
         f"95 % interval. Below {FEW} pairs it says little.",),
    )  # fmt: skip
    return Section("Agreement between reviewers", (words, table))


def _row(figure: Figure, counting: Counting, whole: Count) -> tuple[Cell, ...]:
    # Each pair answers each question once, and says of each flag whether it was useful.
    n = Count("answers on flags", figure.n) if figure.question == USEFUL else whole
    same = Count(f"agreement {figure.question} same", figure.n_exact)
    near: Cell = ""
    if figure.n_within_one is not None:
        near = Count(f"agreement {figure.question} near", figure.n_within_one)
        counting.add(n, [near, rest(near, n)])
        counting.add(near, [same, rest(same, near)])
    remarks = [figure.kappa.why, f"fewer than {FEW} pairs" if figure.is_few else ""]
    return (
        QUESTIONS[figure.question][0],
        n,
        same,
        Share(same, n),
        near,
        _number(figure.kappa.value, n, same),
        _number(figure.kappa.low, n, same),
        _number(figure.kappa.high, n, same),
        "" if figure.linear is None else _kappa(figure.linear, n, same),
        "; ".join(filter(None, remarks)),
    )


def _kappa(kappa: Kappa, n: Count, same: Count) -> Cell:
    return _number(kappa.value, n, same)


def _number(value: float | None, n: Count, same: Count) -> Cell:
    return Statistic(value, (n, same), digits=2)
