"""The commands of second reviews: samples, blind second answers, moderation, agreement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triage.options import (
    Date,
    as_option,
    asker_of,
    db_option,
    options,
    settings_of,
    table_or_json,
)

if TYPE_CHECKING:
    from triage.store import SecondSubmitted

_case = click.argument("case_id", type=click.IntRange(1, 2**31 - 1), metavar="ID")
_file = click.Path(dir_okay=False, allow_dash=True)
_reason = click.option("--reason", required=True, metavar="TEXT", help="Why.")
_STRATA = ("team", "grade", "severity", "outcome")


def _between(what: str) -> Callable[..., Any]:
    return options(
        click.option("--from", "first_day", type=Date(), help=f"{what} on this day or later."),
        click.option("--to", "last_day", type=Date(), help=f"{what} on this day or before."),
    )


def _call(db: str | None, person: str | None) -> dict[str, Any]:
    settings = settings_of({"db": db})
    return {"url": settings.db, "asker": asker_of(person, settings)}


@click.group()
def second() -> None:
    """Have reviews done a second time, by somebody who has not seen the first answers.

    Example: triage second draw --share 10% --by team --seed 2026-Q3 --as m.manager
    """


@second.command("draw")
@click.option("--share", metavar="PERCENT", help="How much of the reviews, as 10%; rounded up.")
@click.option("--number", type=click.IntRange(1), metavar="N", help="How many reviews.")
@click.option("--by", type=click.Choice(_STRATA), help="Draw of each of these in proportion.")
@click.option("--seed", required=True, metavar="TEXT", help="The same draws the same again.")
@_between("Submitted")
@db_option
@as_option
@table_or_json
def second_draw(
    share: str | None, number: int | None, by: Any, seed: str, first_day: dt.date | None,
    last_day: dt.date | None, db: str | None, person: str | None, form: str,
) -> None:  # fmt: skip
    """Draw a sample of submitted reviews; their cases then wait for a second review.

    Of the cases that you see and that had no second review yet. Each stratum is drawn in
    proportion, and gives at least one where the sample is large enough; `outcome` is whether the
    re-referral was avoidable. The seed, the cases drawn from and the numbers are kept.

    Example: triage second draw --share 10% --by team --seed 2026-Q3 --from 2026-07-01
    --to 2026-09-30 --as m.manager
    """
    from triage import outputs, present_second, seconding, store

    settings = settings_of({"db": db})
    days = settings.second_rule.working_days
    plan = store.Plan(seed, share, number, by, first_day, last_day, days)
    sample = store.draw_sample(settings.db, asker_of(person, settings), plan)
    if form == "json":
        click.echo(outputs.as_json(seconding.sample_json(sample)))
    else:
        present_second.show_sample(sample)
        click.echo("They wait for a second review: triage second list")


@second.command("samples")
@db_option
@as_option
@table_or_json
def second_samples(db: str | None, person: str | None, form: str) -> None:
    """List the samples that were drawn, the latest first, with what became of their cases.

    JSON gives each with the numbers of all cases that it was drawn of.

    Example: triage second samples --format json --as a.auditor
    """
    from triage import outputs, present_second, seconding, store

    found = store.samples(**_call(db, person))
    if form == "json":
        click.echo(outputs.as_json([seconding.sample_json(one) for one in found]))
    elif not found:
        click.echo("No sample was drawn yet.")
    else:
        for one in found:
            present_second.show_sample(one)


@second.command("ask")
@_case
@_reason
@db_option
@as_option
def second_ask(case_id: int, reason: str, db: str | None, person: str | None) -> None:
    """Ask for a second review of a case; its second reviewer is not told the reason.

    Example: triage second ask 12 --reason "complaint about the decision" --as m.manager
    """
    from triage import store

    settings = settings_of({"db": db})
    days = settings.second_rule.working_days
    store.ask_for_second(settings.db, asker_of(person, settings), case_id, reason, days)
    click.echo(f"Case {case_id} waits for a second review.")


@second.command("withdraw")
@_case
@_reason
@db_option
@as_option
def second_withdraw(case_id: int, reason: str, db: str | None, person: str | None) -> None:
    """Let a case go on without the second review that nobody submitted yet.

    Example: triage second withdraw 12 --reason "all who may review it have seen it" --as m.manager
    """
    from triage import store

    store.withdraw_second(**_call(db, person), case_id=case_id, why=reason)
    click.echo(f"Case {case_id} goes on without a second review.")


@second.command("list")
@db_option
@as_option
@table_or_json
def second_list(db: str | None, person: str | None, form: str) -> None:
    """List the cases that wait for a second review or for moderation, and whether for you.

    Example: triage second list --as r.second
    """
    from triage import outputs, present_second, store

    found = store.second_list(**_call(db, person))
    if form == "json":
        click.echo(outputs.as_json([present_second.waiting_json(one) for one in found]))
    else:
        present_second.show_waiting(found)


@second.command("form")
@_case
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write to FILE.")
@db_option
@as_option
def second_form(case_id: int, output: str | None, db: str | None, person: str | None) -> None:
    """Start the second review of a case and give its form; or the form to moderate two reviews.

    The form is that of the first review, whose answers you do not see. Where two reviews differ, a
    third person gets it with what both have in common, to settle it.

    Example: triage second form 12 --as r.second --output 12b.toml
    """
    from triage import outputs, seconding

    form = seconding.form_of(**_call(db, person), case_id=case_id)
    if output:
        outputs.write_new(Path(output), form.text)
        then = f"triage second {form.command} {case_id} {output}"
        click.echo(f"Wrote {output}. Fill it in, then: {then}")
    else:
        click.echo(form.text, nl=False)


@second.command("draft")
@_case
@click.argument("file", type=_file)
@db_option
@as_option
def second_draft(case_id: int, file: str, db: str | None, person: str | None) -> None:
    """Keep a second review that is filled in so far; nobody else sees it.

    Example: triage second draft 12 12b.toml --as r.second
    """
    from triage import reviewing, store

    answers = reviewing.answers_in(file)
    store.save_second_draft(**_call(db, person), case_id=case_id, answers=answers)
    click.echo(f"The draft of case {case_id} is kept.")


@second.command("submit")
@_case
@click.argument("file", type=_file, required=False)
@db_option
@as_option
def second_submit(case_id: int, file: str | None, db: str | None, person: str | None) -> None:
    """Submit a second review: of the form in FILE, or of your draft.

    Where it agrees with the first, the case goes on; where it differs, it waits for a third person.

    Example: triage second submit 12 12b.toml --as r.second
    """
    from triage import reviewing, store

    answers = None if file is None else reviewing.answers_in(file)
    done = store.submit_second(**_call(db, person), case_id=case_id, answers=answers)
    click.echo(f"Second review {done.review} of case {case_id} is submitted.")
    if done.differs:
        click.echo(
            f"The two differ on {', '.join(done.differs)}; somebody who is neither settles it: "
            f"triage second differences {case_id}"
        )
    else:
        click.echo(f"The two agree: {_now(case_id, done)}")


def _now(case_id: int, done: SecondSubmitted) -> str:
    return f"case {case_id} is {'open again' if done.status == 'new' else done.status}."


@second.command("differences")
@_case
@db_option
@as_option
@table_or_json
def second_differences(case_id: int, db: str | None, person: str | None, form: str) -> None:
    """Show two reviews of a case side by side, and what settled them.

    Example: triage second differences 12 --as m.manager
    """
    from triage import outputs, present_second, store

    both = store.second_differences(**_call(db, person), case_id=case_id)
    if form == "json":
        click.echo(outputs.as_json(present_second.side_by_side_json(both)))
    else:
        present_second.show_side_by_side(both)


@second.command("settle")
@_case
@click.argument("file", type=_file)
@_reason
@db_option
@as_option
def second_settle(case_id: int, file: str, reason: str, db: str | None, person: str | None) -> None:
    """Settle two reviews that differ by the answers in FILE, which are final; both are kept.

    Example: triage second settle 12 12c.toml --reason "talked to both" --as m.manager
    """
    from triage import reviewing, store

    answers = reviewing.answers_in(file)
    done = store.settle_second(**_call(db, person), case_id=case_id, answers=answers, why=reason)
    click.echo(f"Review {done.review} settles it: {_now(case_id, done)}")


@second.command("agreement")
@_between("Second reviews submitted")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Only of this sample.")
@db_option
@as_option
@table_or_json
def second_agreement(
    first_day: dt.date | None, last_day: dt.date | None, sample: int | None, db: str | None,
    person: str | None, form: str,
) -> None:  # fmt: skip
    """Show how well two reviewers agree: by question, and by pair for managers and auditors.

    Same answer, within one step where answers stand in order, and Cohen's kappa with its 95 %
    interval, always with n.

    Example: triage second agreement --from 2026-07-01 --as m.manager
    """
    from triage import outputs, present_second, seconding, store

    pairs = store.second_pairs(
        **_call(db, person), first_day=first_day, last_day=last_day, sample=sample
    )
    found = seconding.agreement_of(pairs)
    if form == "json":
        asked = {"from": first_day, "to": last_day, "sample": sample}
        click.echo(outputs.as_json({**asked, **seconding.agreement_json(found)}))
    else:
        present_second.show_agreement(found)
