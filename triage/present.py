"""What the commands print: tables for people, plain when piped, and flags as files."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from triage.casefile import case_told
from triage.due import Due
from triage.flags import Flag
from triage.run import RuleResult, Run
from triage.vocabulary import counted, printable
from triage.wording import spoken

if TYPE_CHECKING:
    from triage.casefile import CaseFile
    from triage.review import Place, Queue
    from triage.rights import Person
    from triage.store import Changes, TrailEvent

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
        if not result.can_flag:
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


def show_changes(changes: Changes, run_id: int, out: Console) -> None:
    """Print what a nightly run changed in the queue."""
    out.print()
    out.print(f"[bold]Run {run_id} stored.[/bold]")
    for subject, change in changes.items():
        if subject == "referral" or any(change.as_json().values()):
            out.print(
                f"Flags on {subject}s: {change.new:,} new, {change.still_flagged:,} still there, "
                f"{change.changed:,} changed, {change.cleared:,} cleared, "
                f"{change.reopened:,} raised again."
            )


def place_json(place: Place) -> dict[str, Any]:
    """Return a case of the queue for a script."""
    told = {"position": place.position, "reason": place.reason, **case_told(place.case)}
    return {**told, "flags": list(place.case.rules)}


def show_queue(places: Queue, out: Console) -> None:
    """Print the queue in its order, with the reason for each place."""
    if not places:
        out.print("The queue is empty." if not places.n else "There is no such page.")
        return
    table = table_of(
        "#", "Case", "Child", "Referred", "Team", "Flags", "Why here", "Status", right=("#",)
    )
    for place in places:
        case = place.case
        contact = " (contact)" if case.subject == "contact" else ""
        who = case.held_by or case.assigned_to
        add_row(
            table,
            str(place.position),
            str(case.id),
            case.child_id,
            f"{case.referral_date}{contact}",
            case.team or "",
            " ".join(case.rules),
            place.reason,
            f"{case.status}, {who}" if who else case.status,
        )
    out.print(table)
    more = places.n - places[len(places) - 1].position
    if more > 0:
        out.print(f"… and {counted(more, 'further case')}; --limit 0 lists them all.")


def show_case(whole: CaseFile, out: Console) -> None:
    """Print a case: each flag with its because and what to check, the timeline, the history."""
    case = whole.case
    out.print(
        f"[bold]Case {case.id}[/bold]: "
        + escape(
            printable(
                f"child {case.child_id}, {case.subject} {case.referral_id} of "
                f"{spoken(case.referral_date)}, {case.team or 'no team recorded'}; "
                f"{case.status}, review due {spoken(case.due_on)}"
            )
        )
    )
    for found in whole.whole.flags:
        about = whole.rules[found.rule].about
        out.print()
        state = "" if found.state == "open" else f" ({found.state})"
        out.print(f"[bold]{found.rule} {about.title}[/bold] ({found.severity}){state}")
        out.print(f"  {printable(found.message)}", markup=False)
        facts = ", ".join(f"{k} = {shown_value(v)}" for k, v in found.evidence.items())
        out.print(f"  because: {printable(facts)}", markup=False)
        out.print(f"  rule's reference: {'; '.join(about.references)}", markup=False)
        for question in about.reviewer_checks:
            out.print(f"  check: {question}", markup=False)
        for harmless in about.benign_explanations:
            out.print(f"  may be harmless: {harmless}", markup=False)
    out.print()
    out.print("[bold]Referrals of this child[/bold]")
    if not whole.whole.timeline:
        out.print("  none up to the last run")
    table = table_of("Referred", "Source", "Need", "NFA", "Closed", "Why closed", "Case", "Flags")
    for entry in whole.whole.timeline:
        told = entry.referral
        here = " <- this case" if entry.case_id == case.id else ""
        add_row(
            table,
            str(told["referral_date"]),
            told["referral_source"] or "",
            told["primary_need"] or "",
            "" if told["nfa"] is None else spoken(told["nfa"]),
            str(told["closed_on"] or ""),
            told["closure_reason"] or "",
            str(entry.case_id or ""),
            " ".join(entry.flags) + here,
        )
    out.print(table)
    out.print()
    if whole.whole.notes:
        out.print("[bold]Notes[/bold]")
        for note in whole.whole.notes:
            out.print(printable(f"  {note['at']}  {note['by']}: {note['text']}"), markup=False)
        out.print()
    out.print("[bold]History[/bold]")
    for event in whole.whole.events:
        happened = f"{event['kind']} {event['rule'] or ''}"
        out.print(printable(f"  {event['at']}  {event['actor']}  {happened}"), markup=False)


def shown_value(value: Any) -> str:
    """Return a fact or a limit as a table shows it."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return " / ".join(map(str, value))
    return spoken(value)


def show_runs(runs: Sequence[dict[str, Any]], out: Console) -> None:
    """Print the runs, the latest first."""
    table = table_of(
        "Run", "Finished", "As of", "Who", "Read", "Judged", "New", "Cleared", "Inputs"
    )
    for run in runs:
        add_row(
            table,
            str(run["id"]),
            run["finished_at"],
            run["as_of"],
            run["who"],
            f"{run['rows']['read']:,}",
            f"{run['rows']['judged']:,}",
            f"{run['queue']['new']:,}",
            f"{run['queue']['cleared']:,}",
            ", ".join(source["path"] for source in run["inputs"]),
        )
    out.print(table)


def show_trail(events: Sequence[TrailEvent], out: Console) -> None:
    """Print what happened, the latest last."""
    table = table_of("Event", "When", "Who", "What", "Case", "Rule", "Detail", right=("Event",))
    for event in events:
        add_row(
            table,
            str(event.id),
            event.at,
            event.actor,
            event.kind,
            str(event.case or ""),
            event.rule or "",
            ", ".join(f"{name} {value}" for name, value in event.detail.items()),
        )
    out.print(table)


def person_json(person: Person) -> dict[str, Any]:
    """Return somebody who is registered, for a script."""
    return {
        "name": person.name,
        "role": person.role,
        "teams": list(person.teams),
        "is_active": person.is_active,
    }


def show_people(people: Sequence[Person], out: Console) -> None:
    """Print who is registered."""
    if not people:
        out.print("Nobody is registered: anybody may work here, under any name.")
        return
    table = table_of("Name", "Role", "Teams", "")
    for person in people:
        teams = ", ".join(person.teams) or "all"
        add_row(table, person.name, person.role, teams, "" if person.is_active else "struck off")
    out.print(table)
