"""What the commands print: tables for people, plain when piped, and flags as files."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from triage.due import Due
from triage.flags import Flag
from triage.run import RuleResult, Run
from triage.schema_nights import QUEUE_COLUMNS
from triage.vocabulary import counted, printable
from triage.wording import spoken

if TYPE_CHECKING:
    from triage.store import Changes, Oversight

SHOWN_FLAGS: Final = 15
PIPED_WIDTH: Final = 160
WITHHELD: Final = "(restricted)"


def console() -> Console:
    """Return where results go: coloured tables on a terminal, plain text when piped."""
    if sys.stdout.isatty():
        return Console()
    return Console(width=PIPED_WIDTH, no_color=True, highlight=False)


def table_of(*headings: str, right: Sequence[str] = ()) -> Table:
    """Return an empty table with headings, those in ``right`` set to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain text: nothing in a record is taken for markup or terminal control."""
    table.add_row(*(Text(printable(cell)) for cell in cells))


def show_run(run: Run, out: Console) -> None:
    """Print what a check found: rows, rules, the first flags, and what could not be judged."""
    rows = run.rows
    window = run.options.window
    asked = "all referrals" if window is None else f"the last {counted(window, 'month')}"
    out.print(
        f"[bold]As of {spoken(run.options.as_of)}[/bold], {asked} and older open ones; "
        f"history from {spoken(run.history_from)}."
    )
    out.print(
        f"{counted(rows['read'], 'row')} read: {rows['judged']:,} judged, "
        f"{rows['history_only']:,} history only, {rows['after_as_of']:,} after that date, "
        f"{rows['collapsed']:,} collapsed as duplicates, {rows['rejected']:,} rejected."
    )
    for one in run.joins:
        if one.n_rows:
            out.print(Text(printable(one.sentence())))
    out.print()
    _show_results(run.results, out)
    out.print()
    if run.written_to:
        n_flags = sum(result.n_flag for result in run.results)
        out.print(Text(f"{counted(n_flags, 'flag')} written to {printable(run.written_to)}."))
    else:
        _show_flags(run.flags, out)
    _show_contacts(run, out)
    _show_trial(run, out)
    if run.due:
        out.print()
        show_due(run.due, run.options.as_of, out, may_see=False, limit=SHOWN_FLAGS)
    _show_notes(run, out)


def _show_results(results: Sequence[RuleResult], out: Console) -> None:
    table = table_of(
        "Rule", "Title", "Severity", "Flag", "Clear", "Cannot tell", "Lacks",
        right=("Flag", "Clear", "Cannot tell"),
    )  # fmt: skip
    for result in results:
        lacks = ", ".join(result.missing_columns)
        if not result.can_flag and set(QUEUE_COLUMNS).issuperset(result.missing_columns):
            lacks = "judged by `nightly`, on the cases of the queue"
        elif not result.can_flag:
            lacks = f"not evaluable without {lacks}"
        add_row(
            table,
            result.rule.id,
            result.rule.about.title,
            result.rule.severity,
            f"{result.n_flag:,}",
            f"{result.n_clear:,}",
            f"{result.n_cannot_tell:,}",
            lacks,
        )
    out.print(table)


def _show_flags(flags: Sequence[Flag], out: Console, date: str = "Referred") -> None:
    if not flags:
        out.print("No flags.")
        return
    table = table_of("Severity", "Rule", "Child", date, "Team", "Why")
    for flag in flags[:SHOWN_FLAGS]:
        add_row(
            table,
            flag.severity,
            flag.rule,
            WITHHELD if flag.restricted else flag.child_id,
            flag.referral_date.isoformat(),
            flag.team or "",
            flag.message,
        )
    out.print(table)
    more = len(flags) - SHOWN_FLAGS
    if more > 0:
        out.print(f"… and {counted(more, 'further flag')}; --format csv or json gives them all.")


def _show_contacts(run: Run, out: Console) -> None:
    """Print what the rules say of contacts, where there are any."""
    rows = run.contacts.rows
    if not rows["read"]:
        return
    out.print()
    out.print(
        f"[bold]Contacts[/bold]: {counted(rows['read'], 'row')} read: {rows['judged']:,} judged, "
        f"{rows['history_only']:,} history only, {rows['after_as_of']:,} after that date, "
        f"{rows['collapsed']:,} collapsed as one day's, {rows['rejected']:,} rejected."
    )
    _show_results(run.contacts.results_of("stable"), out)
    out.print()
    _show_flags(run.contact_flags, out, "Contact")


def _show_trial(run: Run, out: Console) -> None:
    """Print what the rules on trial say, which reaches no queue."""
    if not run.trial_results:
        return
    out.print()
    out.print("[bold]On trial[/bold]: judged and shown here, never in the queue.")
    _show_results(run.trial_results, out)
    out.print()
    _show_flags(run.trial_flags, out, "Date")


def due_json(one: Due, *, may_see: bool) -> dict[str, Any]:
    """Return what falls due for a script; of a restricted record without whose it is."""
    shown = one.as_json()
    if one.restricted and not may_see:
        shown |= dict.fromkeys(("child_id", "referral_id", "referral_date", "message"))
    return shown


def left_standing(left: Mapping[str, int]) -> str:
    """Return the warning for open flags of rules that are no longer there to judge them."""
    named = ", ".join(f"{rule} ({counted(n, 'open flag')})" for rule, n in left.items())
    return (
        f"triage: warning: {named}: not among the rules of this run, so what it flagged stands. "
        "Make a rule retired rather than delete its file."
    )


def back_in_time(as_of: dt.date, last: dt.date) -> str:
    """Return the warning for a run that judges an earlier day than the one before it."""
    return (
        f"triage: warning: this run judges as of {spoken(as_of)}, the last one as of "
        f"{spoken(last)}; the queue now stands as on the earlier day."
    )


def not_tonight(as_of: dt.date, today: dt.date) -> str:
    """Return the sentence for a list that is not of today."""
    return (
        f"triage: this is what the last run saw, as of {spoken(as_of)}; today is {spoken(today)}. "
        "`triage nightly` brings it up to date."
    )


def show_due(
    items: Sequence[Due], as_of: dt.date, out: Console, *, may_see: bool, limit: int = 0
) -> None:
    """Print what falls due by the next working day, the earliest first."""
    if not items:
        out.print(f"Nothing falls due by the next working day after {spoken(as_of)}.")
        return
    out.print(
        f"[bold]Due by the next working day after {spoken(as_of)}[/bold]: {len(items):,}, late if "
        "not done by then"
    )
    table = table_of("Due", "Rule", "Child", "Team", "What")
    for one in items[: limit or len(items)]:
        is_hidden = one.restricted and not may_see
        add_row(
            table,
            f"{one.due_on:%a} {one.due_on.isoformat()}",
            one.rule,
            WITHHELD if is_hidden else one.child_id,
            one.team or "",
            "" if is_hidden else one.message,
        )
    out.print(table)
    more = len(items) - limit
    if limit and more > 0:
        out.print(f"… and {more:,} more; `triage due` lists what the last nightly run saw.")


def _show_notes(run: Run, out: Console) -> None:
    rejected = [p for p in run.problems if p.kind == "rejected"]
    dealt_with = {(p.source, p.row) for p in rejected}
    problems = [
        p
        for p in run.problems
        if p.kind == "problem"
        and not (p.column == "referral_date" and (p.source, p.row) in dealt_with)
    ]
    if rejected or problems:
        out.print()
        out.print(
            f"{counted(run.rows['rejected'], 'row')} rejected, "
            f"{counted(len(problems), 'cell')} not readable:"
        )
        for problem in (*rejected[:3], *problems[:3]):
            where = f"{problem.source} row {problem.row}, {problem.column}"
            out.print(printable(f"  {where}: {problem.message}"), markup=False)
        left = len(rejected[3:]) + len(problems[3:])
        if left:
            out.print(f"  … and {counted(left, 'more line')}")
    if run.notes:
        out.print()
        for note in run.notes:
            out.print(printable(f"note: {note}"), markup=False)


def show_changes(changes: Changes, oversight: Oversight, run_id: int, out: Console) -> None:
    """Print what a nightly run changed in the queue, by the rules for records and for cases."""
    out.print()
    out.print(f"[bold]Run {run_id} stored.[/bold]")
    told = {f"on {subject}s": change for subject, change in changes.items()}
    told["on overdue reviews and actions"] = oversight.change
    for what, change in told.items():
        if what == "on referrals" or any(change.as_json().values()):
            out.print(
                f"Flags {what}: {change.new:,} new, {change.still_flagged:,} still there, "
                f"{change.changed:,} changed, {change.cleared:,} cleared, "
                f"{change.reopened:,} raised again."
            )


def shown_value(value: Any) -> str:
    """Return a fact or a limit as a table shows it."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return " / ".join(map(str, value))
    return spoken(value)
