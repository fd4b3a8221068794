"""The commands that look into an input before it is judged: thin doors, no logic."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triage.options import (
    judged_options,
    keep_page,
    options_of,
    rules_option,
    ruleset_of,
    settings_of,
    table_or_json,
)

if TYPE_CHECKING:
    from triage.sources.proposing import Proposal


@click.group()
def sources() -> None:
    """Find out what an input holds, and how its headings are to be read.

    Nothing is stored.

    Example: triage sources map our_report.csv
    """


@sources.command("describe")
@click.argument("names", nargs=-1, required=True, metavar="SOURCE...")
@judged_options
@rules_option
@table_or_json
def sources_describe(names: tuple[str, ...], form: str, **asked: Any) -> None:
    """Say what an extract can answer, what it cannot, and which column to ask for next.

    Columns and rules are counted; no child is named.

    Example: triage sources describe census.xml decisions.csv --as-of 2026-09-30
    """
    from triage import outputs, present_sources
    from triage.describing import describe
    from triage.pipeline import check

    settings = settings_of(asked)
    found = describe(check(names, ruleset_of(settings), options_of(asked, settings)))
    if form == "json":
        click.echo(outputs.as_json(found.as_json()))
    else:
        present_sources.show_description(found, present_sources.console())


@sources.command("forms")
@click.option("--write", "write", type=click.Path(path_type=Path, dir_okay=False), metavar="PAGE",
              help="Write the table into this page, between its marks.")  # fmt: skip
@click.option("--check", "check", type=click.Path(path_type=Path, dir_okay=False), metavar="PAGE",
              help="Write nothing; exit 1 when the table in this page is stale.")  # fmt: skip
@click.pass_context
def sources_forms(context: click.Context, write: Path | None, check: Path | None) -> None:
    """Show which rules each form of records lets be judged, on the invented council in each form.

    The table stands in a page between <!-- forms:begin --> and <!-- forms:end -->.

    Example: triage sources forms --write README.md
    """
    from triage.errors import CallError
    from triage.forms import as_markdown, forms, written_page

    if write and check:
        raise CallError("give --write or --check, not both.")
    page = write or check
    if page is None:
        click.echo(as_markdown(forms()))
        return
    before, after = written_page(page)
    by = f"triage sources forms --write {page}"
    keep_page(context, page, before, after, by=by, is_check=check is not None)


@sources.command("map")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="MAPPING",
              help="Write it there [default: beside FILE, where it is found].")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace a mapping that is there already.")
def sources_map(file: Path, output: Path | None, overwrite: bool) -> None:
    """Propose what the columns of FILE mean, and write that as a mapping beside it.

    Headings, dates and codes of a council's own are told from their words and from the values.
    What cannot be told is asked on a terminal, else marked "?" in the mapping. No value of an
    identifier, a date or a written text is printed or written.

    Example: triage sources map our_report.csv
    """
    from triage import present, present_mapping
    from triage.outputs import refuse_to_overwrite, write_text
    from triage.sources.any_table import grid_to_map
    from triage.sources.mapping import beside_of, refuse_existing
    from triage.sources.mapping_text import mapping_text
    from triage.sources.proposing import propose

    target = output or beside_of(file)
    refuse_to_overwrite(target, [str(file)], settings_of({}).db)
    if not overwrite:
        refuse_existing(target)
    proposal = propose(grid_to_map(file), str(file))
    if sys.stdin.isatty():
        proposal = _asked(proposal)
    write_text(target, mapping_text(file.name, proposal.columns))
    present_mapping.show_proposal(proposal, present.console())
    click.echo(present_mapping.what_next(file, target, proposal), err=True)


def _asked(proposal: Proposal) -> Proposal:
    """Put each question to the person at the terminal; one that is skipped stays open."""
    from triage.present_mapping import spoken_question
    from triage.sources.proposing import SKIP, answers

    for question in proposal.questions:
        if question in proposal.questions:
            choice = click.Choice(answers(question))
            answer = click.prompt(spoken_question(question), type=choice, default=SKIP, err=True)
            proposal = proposal.answered(question, answer)
    return proposal
