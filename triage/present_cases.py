"""Cases, runs, the trail and people on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from triage.casefile import case_told
from triage.present import add_row, shown_value, table_of
from triage.vocabulary import counted, printable
from triage.wording import spoken

if TYPE_CHECKING:
    from triage.casefile import CaseFile
    from triage.review import Place, Queue
    from triage.rights import Person
    from triage.store import TrailEvent


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
