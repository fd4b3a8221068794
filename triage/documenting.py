"""The page beside a folder of rules, with its catalogue as it should be now."""

from __future__ import annotations

from pathlib import Path

from triage.catalogue import catalogue, firing, new_page, written_into
from triage.demonstration import sample
from triage.pipeline import check_sources, read_sources
from triage.rulefiles import load_rules
from triage.run import Options


def written_page(folder: Path) -> tuple[Path, str, str]:
    """Return the page beside the rules of a folder, its text as it is, and as it should be.

    The rules are run on the invented council to say how often each flags.

    Raises:
        RuleError: when a rule file is wrong.
        CallError: when there is no such folder, or the page has no place for the catalogue.
    """
    rules = load_rules(folder)
    council = sample()
    sources = read_sources([str(council.folder)], Options(council.as_of))
    runs = [
        check_sources(sources, rules, Options(council.as_of, window, council.history_from))
        for window in (3, None)
    ]
    path = folder / "README.md"
    before = path.read_text("utf-8") if path.is_file() else ""
    page = before or new_page("Rules")
    return path, before, written_into(page, catalogue(rules, firing(*runs)), str(path))
