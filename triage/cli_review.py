"""The commands of reviews and of the remedial actions that follow: thin doors, no logic."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from triage.options import Date, as_option, asker_of, db_option, settings_of, table_or_json

_case = click.argument("case_id", type=click.IntRange(1, 2**31 - 1), metavar="ID")
_file = click.Path(dir_okay=False, allow_dash=True)


def _call(db: str | None, person: str | None) -> dict[str, Any]:
    settings = settings_of({"db": db})
    return {"url": settings.db, "asker": asker_of(person, settings)}


@click.group()
def review() -> None:
    """Review a case: fill in the form, keep drafts, submit, and supersede with a reason.

    Example: triage review form 12 --as r.reviewer --output 12.toml
    """


@review.command("form")
@_case
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write to FILE.")
@db_option
@as_option
def review_form(case_id: int, output: str | None, db: str | None, person: str | None) -> None:
    """Start the review of a case and give its form, with what was answered so far.

    The case is yours from then on, for as long as something is done on it.

    Example: triage review form 12 --as r.reviewer --output 12.toml
    """
    from triage import outputs, reviewing

    if output:
        outputs.refuse_existing(Path(output))
    text = reviewing.form_of(**_call(db, person), case_id=case_id)
    if output:
        outputs.write_new(Path(output), text)
        click.echo(f"Wrote {output}. Fill it in, then: triage review submit {case_id} {output}")
    else:
        click.echo(text, nl=False)


@review.command("draft")
@_case
@click.argument("file", type=_file)
@db_option
@as_option
def review_draft(case_id: int, file: str, db: str | None, person: str | None) -> None:
    """Keep a form that is filled in so far; nobody else sees it.

    Example: triage review draft 12 12.toml --as r.reviewer
    """
    from triage import reviewing, store

    store.save_draft(**_call(db, person), case_id=case_id, answers=reviewing.answers_in(file))
    click.echo(f"The draft of case {case_id} is kept.")


@review.command("submit")
@_case
@click.argument("file", type=_file, required=False)
@db_option
@as_option
def review_submit(case_id: int, file: str | None, db: str | None, person: str | None) -> None:
    """Submit a review: of the form in FILE, or of your draft. It cannot be changed afterwards.

    Example: triage review submit 12 12.toml --as r.reviewer
    """
    from triage import reviewing, store

    answers = None if file is None else reviewing.answers_in(file)
    call, rule = _call(db, person), settings_of({"db": db}).second_rule
    number = store.submit_review(**call, case_id=case_id, answers=answers, second=rule)
    click.echo(f"Review {number} of case {case_id} is submitted.")


@review.command("supersede")
@_case
@click.argument("file", type=_file)
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@db_option
@as_option
def review_supersede(
    case_id: int, file: str, reason: str, db: str | None, person: str | None
) -> None:
    """Put another review in the place of the one that was submitted; both are kept.

    Example: triage review supersede 12 12.toml --reason "police record came in" --as r.reviewer
    """
    from triage import reviewing, store

    answers = reviewing.answers_in(file)
    call, rule = _call(db, person), settings_of({"db": db}).second_rule
    number = store.supersede_review(
        **call, case_id=case_id, answers=answers, why=reason, second=rule
    )
    click.echo(f"Review {number} of case {case_id} stands now.")


@review.command("show")
@_case
@click.option(
    "--unblind",
    is_flag=True,
    help="As a manager, see a first review before the second one, which you then cannot do.",
)
@db_option
@as_option
@table_or_json
def review_show(
    case_id: int, unblind: bool, db: str | None, person: str | None, form: str
) -> None:  # fmt: skip
    """Show the reviews of a case that were submitted, and your own draft.

    A first review that you may yet be the second reviewer of is not shown.

    Example: triage review show 12 --format json
    """
    from triage import outputs, present_reviews, reviewing, store

    call = _call(db, person)
    if unblind:
        store.see_first_answers(**call, case_id=case_id)
    if case_id in store.hidden_cases(**call):
        click.echo(present_reviews.HIDDEN_REVIEW, err=True)
    found = store.reviews_of(**call, case_id=case_id)
    if form == "json":
        click.echo(outputs.as_json([reviewing.review_json(one) for one in found]))
    else:
        present_reviews.show_reviews(found)


@click.group()
def action() -> None:
    """See what reviews asked for, and say what became of it.

    Example: triage action list --owner w.worker
    """


@action.command("list")
@click.option(
    "--case", "case_id", type=click.IntRange(1, 2**31 - 1), metavar="ID", help="Only of a case."
)
@click.option("--owner", metavar="NAME", help="Only what this person is to do.")
@click.option("--all", "all_of_them", is_flag=True, help="Those that are done, too.")
@db_option
@as_option
@table_or_json
def action_list(
    case_id: int | None, owner: str | None, all_of_them: bool, db: str | None,
    person: str | None, form: str,
) -> None:  # fmt: skip
    """List remedial actions, the soonest due first.

    Example: triage action list --owner w.worker
    """
    from triage import outputs, present_reviews, reviewing, store

    call = _call(db, person)
    hidden = store.hidden_cases(**call)
    if hidden and (case_id is None or case_id in hidden):
        n_hidden = 1 if case_id is not None else len(hidden)
        click.echo(present_reviews.hidden_actions(n_hidden), err=True)
    found = store.actions_of(**call, case_id=case_id, owner=owner or "", open_only=not all_of_them)
    if form == "json":
        click.echo(outputs.as_json([reviewing.action_json(one) for one in found]))
    else:
        present_reviews.show_actions(found)


@action.command("done")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--on", "done_on", type=Date(), help="When it was done [default: today].")
@click.option("--evidence", required=True, metavar="TEXT", help="What shows it.")
@db_option
@as_option
def action_done(
    number: int, done_on: dt.date | None, evidence: str, db: str | None, person: str | None
) -> None:
    """Say that a remedial action was done.

    Example: triage action done 3 --evidence "visit recorded on 6 October" --as w.worker
    """
    from triage import store

    call = _call(db, person)
    on = done_on or call["asker"].today
    store.finish_action(**call, number=number, done_on=on, evidence=evidence)
    click.echo(f"Remedial action {number} is done.")


@action.command("hand-over")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--to", required=True, metavar="NAME", help="To whom.")
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@db_option
@as_option
def action_hand_over(number: int, to: str, reason: str, db: str | None, person: str | None) -> None:
    """Hand a remedial action over to somebody outside; it no longer keeps the case open.

    Example: triage action hand-over 3 --to "Early Help" --reason "family moved" --as m.manager
    """
    from triage import store

    store.hand_over_action(**_call(db, person), number=number, to=to, why=reason)
    click.echo(f"Remedial action {number} is {to}'s.")
