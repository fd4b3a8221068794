"""What the commands under ``triage sources`` print of what an extract can answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console

from triage.describing import FAMILIES, MOST_TOLD, OF_ANY_CONTACT
from triage.present import add_row, console, table_of
from triage.schema import COLUMNS, REFERRAL_COLUMNS
from triage.sources.folder import BESIDE
from triage.subject import LOOK_BACK_MONTHS
from triage.vocabulary import counted, printable
from triage.wording import spoken

if TYPE_CHECKING:
    from triage.describing import Description, Family, History, Told
    from triage.held import ColumnHeld, InputHeld
    from triage.unlocking import Unlock

__all__ = ["console"]

SHOWN_NOTES: Final = 10


def show_description(found: Description, out: Console) -> None:
    """Print what an extract can answer, what it cannot, and what to ask for next."""
    of, about = found.referrals, found.contacts
    out.print(
        f"[bold]{of.n_evaluable} of {counted(len(of.results), 'rule')} about referrals can be "
        f"judged[/bold], and {about.n_evaluable} of {len(about.results)} about contacts."
    )
    _show_history(found.history, out)
    out.print()
    _show_next(found, out)
    out.print()
    _show_families(found.families, out)
    for told in (of, about):
        out.print()
        _show_told(told, out)
    for one in found.inputs:
        out.print()
        _show_input(one, out)
    if found.absent:
        out.print()
        out.print(f"Not carried: {', '.join(found.absent)}.", markup=False)
    if found.joins:
        out.print()
    for joined in found.joins:
        out.print(printable(joined.sentence()), markup=False)
    if found.notes:
        out.print()
    for note in found.notes[:SHOWN_NOTES]:
        out.print(printable(f"note: {note}"), markup=False)
    if len(found.notes) > SHOWN_NOTES:
        out.print(f"… and {counted(len(found.notes) - SHOWN_NOTES, 'more note')}.")


def _show_history(history: History, out: Console) -> None:
    start = spoken(history.from_)
    if history.to is None:
        out.print(f"History from {start}, and no referral up to the date of judgement.")
        return
    out.print(
        f"History from {start} to {spoken(history.to)}, {counted(history.months, 'whole month')}."
    )
    window = history.window_from
    asked = "every referral" if window is None else f"every referral since {spoken(window)}"
    look_back = f"the {LOOK_BACK_MONTHS} months before"
    if history.window_has_look_back:
        out.print(f"For {asked}, {look_back} it are covered.")
    else:
        out.print(
            f"Not for {asked} are {look_back} it covered: where no earlier one is found, rules of "
            "re-referral cannot tell."
        )
    out.print(
        f"Of {counted(history.n_judged, 'judged referral')} {history.n_with_look_back:,} "
        f"{'has' if history.n_with_look_back == 1 else 'have'} them covered."
    )


def _show_next(found: Description, out: Console) -> None:
    """Print what to ask the supplier of the records for next."""
    of, best = found.referrals, found.referrals.best
    if not of.unlocks and not found.contacts.unlocks:
        out.print("[bold]Ask for nothing more[/bold]: no column would let another rule be judged.")
        return
    out.print("[bold]What to ask for next[/bold]")
    for one in best:
        out.print(printable(f"  {_asked(one)}"), markup=False)
    others = of.unlocks[len(best) : MOST_TOLD]
    if others:
        out.print("Then:")
    for one in others:
        out.print(printable(f"  {_asked(one)}"), markup=False)
    left = len(of.unlocks) - len(best) - len(others)
    if left > 0:
        out.print(f"  … and {counted(left, 'further column')}; --format json names them.")
    if of.tables:
        told = ", ".join(f"{_table(one.table)} {len(one.rules)} more" for one in of.tables)
        out.print(f"As whole tables: {told}.")
    for one in found.contacts.best:
        out.print(printable(f"About contacts: {_asked(one)}"), markup=False)


def _asked(one: Unlock) -> str:
    """Return what is asked for in words, with the rules that it would let be judged."""
    names = " with ".join(_meant(name) for name in one.columns)
    if one.columns == OF_ANY_CONTACT:
        names = f"a table of contacts ({' with '.join(one.columns)})"
    return f"{names}: {counted(len(one.rules), 'more rule')} ({', '.join(one.rules)})"


def _meant(name: str) -> str:
    """Return a column with its meaning, and its table where it cannot stand in the main one."""
    if name == "rationale_hash":
        return "rationale (the written rationale; of the text only its length and a hash are kept)"
    homes = [table for table, beside in BESIDE.items() if name in (*beside.carries, *beside.keeps)]
    is_beside = name not in REFERRAL_COLUMNS and homes
    table = f", in a table of {_table(homes[0])}" if is_beside else ""
    return f"{name} ({COLUMNS[name].meaning}{table})"


def _table(name: str) -> str:
    return name.replace("_", " ")


def _show_families(families: Sequence[Family], out: Console) -> None:
    table = table_of(
        "Family", "About", "Can be judged", "Flag", "Clear", "Cannot tell",
        right=("Can be judged", "Flag", "Clear", "Cannot tell"),
    )  # fmt: skip
    for one in families:
        add_row(
            table,
            one.name,
            FAMILIES.get(one.name, "the council's own"),
            f"{one.n_evaluable} of {one.n_rules}",
            f"{one.n_flag:,}",
            f"{one.n_clear:,}",
            f"{one.n_cannot_tell:,}",
        )
    out.print(table)


def _show_told(told: Told, out: Console) -> None:
    """Print how each rule ended, and of those that cannot be judged what they lack."""
    out.print(f"[bold]Rules[/bold] on {counted(told.rows['judged'], f'judged {told.subject}')}")
    table = table_of(
        "Rule", "Title", "Flag", "Clear", "Cannot tell", "Lacks",
        right=("Flag", "Clear", "Cannot tell"),
    )  # fmt: skip
    for result in told.results:
        lacks = ", ".join(result.missing_columns)
        add_row(
            table,
            result.rule.id,
            result.rule.about.title,
            f"{result.n_flag:,}",
            f"{result.n_clear:,}",
            f"{result.n_cannot_tell:,}",
            lacks if result.can_flag else f"not evaluable without {lacks}",
        )
    out.print(table)


def _show_input(one: InputHeld, out: Console) -> None:
    """Print the columns of one input, table by table."""
    out.print(printable(f"{one.path}: {one.kind}, {counted(one.n_rows, 'row')}"), markup=False)
    table = table_of(
        "Table", "Column", "Rows", "Blank", "Unreadable", "Holds",
        right=("Rows", "Blank", "Unreadable"),
    )  # fmt: skip
    last = ""
    for column in one.columns:
        add_row(
            table,
            column.table if column.table != last else "",
            column.column,
            f"{column.n_rows:,}",
            _share(column, column.n_blank),
            _share(column, column.n_unreadable),
            _holds(column),
        )
        last = column.table
    out.print(table)


def _share(column: ColumnHeld, number: int) -> str:
    """Return a number of cells as a share of the rows, so that a few are never shown as none."""
    share = 100 * column.share(number)
    if number and share < 0.1:
        return "< 0.1%"
    return f"{share:.1f}%"


def _holds(column: ColumnHeld) -> str:
    """Return what a column holds in words: its span, its codes, or how many different values."""
    if column.codes is not None:
        return ", ".join(f"{code} {n:,}" for code, n in column.codes.items())
    if column.n_distinct is not None:
        return f"{column.n_distinct:,} different"
    if column.first is None:
        return "no date"
    return column.first if column.first == column.last else f"{column.first} to {column.last}"
