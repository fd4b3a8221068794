"""What `triage sources map` prints: what each heading was taken for, and what it asks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from triage.present import add_row, table_of
from triage.sources.date_forms import FORMS
from triage.sources.extracts import kinds_of
from triage.sources.headings import is_referral_heading
from triage.sources.mapping import beside_of
from triage.vocabulary import counted, cut, printable

if TYPE_CHECKING:
    from triage.sources.proposing import Proposal, Question

_FEW: Final = 6


def show_proposal(proposal: Proposal, out: Console) -> None:
    """Print each heading with what it was taken for, how sure that is, why, and what is asked."""
    table = table_of("Heading", "Means", "Sure", "Why", "Asked", right=("Sure",))
    for heading, column in proposal.columns.items():
        asked = [one for one in proposal.questions if one.heading == heading]
        sure = f"{column.confidence:.0%}" if column.means and column.confidence is not None else ""
        means = " and ".join(column.means) or "(left out)"
        if column.dates and column.dates in FORMS:
            means += f", {column.dates}"
        add_row(table, cut(heading), means, sure, column.because, asked_in_short(asked))
    out.print(table)
    out.print()
    out.print(printable(reads_as(proposal)), markup=False)


def asked_in_short(questions: list[Question]) -> str:
    """Return what is asked of one column, in a few words."""
    words = [cut(one.word) for one in questions if one.word is not None]
    told = ["form of its dates"] if len(words) < len(questions) else []
    if words:
        more = f" and {len(words) - _FEW} more" if len(words) > _FEW else ""
        told.append("what stands for " + ", ".join(words[:_FEW]) + more)
    return "; ".join(told)


def reads_as(proposal: Proposal) -> str:
    """Return what the table would be read as by the mapping, and what is still to be answered."""
    meant = proposal.meant
    if is_referral_heading(meant):
        told = "So mapped it is a table of referrals."
    elif kinds := kinds_of(meant):
        told = f"So mapped it is a table of {' and '.join(kinds)}, to give beside the referrals."
    else:
        lacking = [name for name in ("child_id", "referral_date") if name not in meant]
        told = (
            f"As it stands it cannot be read: no column was taken for {' or '.join(lacking)}; "
            "write so under means of the one that is."
            if lacking
            else "As it stands it cannot be read."
        )
    n = len(proposal.questions)
    if n:
        told += f' {counted(n, "question")} {"is" if n == 1 else "are"} left, marked "?".'
    return told


def spoken_question(question: Question) -> str:
    """Return a question as a person is asked it."""
    heading = cut(question.heading)
    if question.word is not None:
        return f"'{heading}': what does '{cut(question.word)}' stand for?"
    forms = "; ".join(f"{form} ({FORMS[form]})" for form in question.choices)
    return f"'{heading}': how are its dates written? {forms}"


def what_next(file: Path, target: Path, proposal: Proposal) -> str:
    """Return what was written, and how the table is then read."""
    asks = ", answer what is marked" if proposal.questions else ""
    use = "" if target == beside_of(file) else f" --mapping {target}"
    return f"Wrote {target}. Read it through{asks}, then: triage check {file}{use}"
