"""Second reviews on a terminal: samples, what waits, two reviews side by side, agreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console

from triage.agreement import FEW, Figure, Kappa
from triage.casefile import case_told
from triage.present import add_row, console, table_of
from triage.present_reviews import said_of
from triage.review_form import QUESTIONS
from triage.second import MEASURED
from triage.seconding import Agreement
from triage.store import Sample, SideBySide, Waiting
from triage.vocabulary import counted, printable

_SHOWN_CASES: Final = 20


def show_sample(sample: Sample) -> None:
    """Print a sample: how it was drawn, of how many, and what became of its cases."""
    out = console()
    asked = sample.share if sample.share is not None else str(sample.number)
    by = f", by {sample.by}" if sample.by else ""
    between = f", reviewed {sample.first_day or ''} to {sample.last_day or ''}".rstrip()
    when = between if sample.first_day or sample.last_day else ""
    told = (
        f"Sample {sample.id}: {len(sample.cases):,} of {counted(sample.size, 'review')} drawn "
        f"({asked} asked{by}{when}), seed {sample.seed}, by {sample.drawn_by}, {sample.drawn_at}."
    )
    out.print(printable(told), markup=False)
    if sample.strata is None:
        out.print("  How many of each were drawn is shown when their second reviews are in.")
    elif sample.by:
        table = table_of(sample.by.capitalize(), "Reviews", "Drawn", right=("Reviews", "Drawn"))
        for one in sample.strata:
            add_row(table, one.stratum, f"{one.size:,}", f"{one.drawn:,}")
        out.print(table)
    shown = ", ".join(map(str, sample.cases[:_SHOWN_CASES]))
    more = len(sample.cases) - _SHOWN_CASES
    out.print(f"  Cases {shown}{f' and {more:,} more' if more > 0 else ''}.", markup=False)
    became = ", ".join(f"{state} {n:,}" for state, n in sorted(sample.states.items()))
    out.print(f"  What became of them: {became}.", markup=False)


def waiting_json(one: Waiting) -> dict[str, Any]:
    """Return a case that waits for a second reviewer or for moderation, for a script."""
    return {
        **case_told(one.case), "step": one.step, "asked_at": one.asked_at,
        "begun_by": one.begun_by, "differs": list(one.differs), "why_not": one.why_not or None,
        "why": one.why, "reason": one.reason, "sample": one.sample, "came_from": one.came_from,
    }  # fmt: skip


def show_waiting(found: Sequence[Waiting]) -> None:
    """Print what waits for a second review or for moderation, and why not for whoever asks."""
    out = console()
    if not found:
        out.print("No case waits for a second review.")
        return
    table = table_of("Case", "Child", "Team", "Severity", "Due", "Waits for", "For you")
    for one in found:
        step = f"moderation of {', '.join(one.differs)}" if one.differs else one.step
        for_you = f"no: {one.why_not}" if one.why_not else "yes"
        add_row(
            table, str(one.case.id), one.case.child_id, one.case.team or "", one.case.severity,
            str(one.case.due_on), step, for_you,
        )  # fmt: skip
    out.print(table)


def side_by_side_json(both: SideBySide) -> dict[str, Any]:
    """Return two reviews of a case for a script."""
    settled = both.moderation
    return {
        "case": both.case,
        "first_by": both.first.reviewer,
        "second_by": both.second.reviewer,
        "settled_by": settled and settled.reviewer,
        "settled_why": settled and settled.reason,
        "differs": list(both.differs),
        "answers": {
            name: {
                "first": both.first.answers[name],
                "second": both.second.answers[name],
                "settled": settled and settled.answers[name],
            }
            for name in QUESTIONS
        },
    }


def show_side_by_side(both: SideBySide) -> None:
    """Print two reviews of a case beside each other, and what settled them if so."""
    out = console()
    settled = both.moderation
    headings = [f"First, {both.first.reviewer}", f"Second, {both.second.reviewer}"]
    if settled is not None:
        headings.append(f"Settled, {settled.reviewer}")
    table = table_of("", "Question", *map(printable, headings))
    for name, (asked, _) in QUESTIONS.items():
        sides = [one.answers[name] for one in (both.first, both.second, settled) if one is not None]
        mark = "differs" if name in both.differs else ""
        add_row(table, mark, asked, *map(said_of, sides))
    out.print(table)
    if settled is not None:
        out.print(printable(f"Settled because: {settled.reason}"), markup=False)
    elif both.differs:
        out.print("It waits for somebody who is neither of the two: triage second settle")
    else:
        out.print("They agree on every question that is compared.")


def show_agreement(found: Agreement) -> None:
    """Print how well two reviewers agree, by question and by pair of reviewers."""
    out = console()
    whys = found.reasons
    out.print(
        f"[bold]Two reviews of {counted(found.n_cases, 'case')}[/bold]: {whys['sample']:,} drawn "
        f"in a sample, {whys['grade']:,} for the grade, {whys['asked']:,} asked for."
    )
    if not found.n_cases:
        return
    _show_figures(found.figures, out)
    if found.pairs is None:
        out.print("Which two agree how well is shown to managers and auditors.")
    for pair in found.pairs or ():
        out.print()
        names = f"{' and '.join(pair.reviewers)}, {counted(pair.n_cases, 'case')}"
        out.print(printable(names), markup=False, style="bold")
        _show_figures(pair.figures, out)
    out.print()
    out.print(
        "Kappa is 0 where two agree as often as by chance, and 1 where they agree always; in "
        "brackets its 95 % interval."
    )
    if any(one.is_few for one in found.figures):
        out.print(f"With n below {FEW} a kappa says little, whatever it is.")
    if found.pairs:
        out.print("Pairs stand in the order of the alphabet; nothing here ranks anybody.")


def _show_figures(figures: Sequence[Figure], out: Console) -> None:
    table = table_of(
        "Question", "n", "Same", "Within one", "Kappa", "Linear", "Quadratic", "Note",
        right=("n",),
    )  # fmt: skip
    for one in figures:
        within = "" if one.n_within_one is None else _part(one.n_within_one, one.n)
        add_row(
            table, _SHORT[one.question], f"{one.n:,}", _part(one.n_exact, one.n), within,
            _told(one.kappa), _told(one.linear), _told(one.quadratic), _note(one),
        )  # fmt: skip
    out.print(table)


_SHORT: Final = dict(
    zip(
        MEASURED,
        (
            "a re-referral in substance", "main reason", "previous closure right",
            "threshold right", "risk identified", "management oversight", "avoidable", "grade",
            "each flag useful",
        ),
        strict=True,
    )
)  # fmt: skip


def _part(n: int, of: int) -> str:
    return f"{n:,} ({100 * n / of:.0f} %)" if of else ""


def _told(kappa: Kappa | None) -> str:
    if kappa is None:
        return ""
    if kappa.value is None:
        return "cannot be computed"
    if kappa.low is None or kappa.high is None:
        return f"{kappa.value:.2f}"
    return f"{kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f})"


def _note(one: Figure) -> str:
    notes = [one.kappa.why.removeprefix("cannot be computed: ")]
    if one.is_few:
        notes.append(f"n below {FEW}")
    return "; ".join(note for note in notes if note)
