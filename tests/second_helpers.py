"""Reviews that are done twice: what tests of second reviews share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Triage
from stores import OwnStore
from work_helpers import ANSWERS, Row, asker, night, rows

from triage import store

LATER = "2050-01-04"
"""A day on which an action may be due, whenever the tests run."""


def answers(**changes: Any) -> dict[str, Any]:
    """Return the answers of a review, changed here and there."""
    return {**ANSWERS, **changes}


def action(owner: str = "w.worker", kind: str = "visit", due_on: str = LATER) -> Row:
    return {"kind": kind, "owner": owner, "due_on": due_on}


def file_of(folder: Path, **changes: Any) -> Path:
    """Write a filled-in form."""
    path = folder / "answers.json"
    path.write_text(json.dumps(answers(**changes)), "utf-8")
    return path


def flagged(own: OwnStore, folder: Path, n: int = 1, **cells: str) -> None:
    """Bring so many cases into a store, numbered from 1."""
    night(own, folder, rows(n, **cells))


def submitted(own: OwnStore, case: int, who: str = "r.first", **changes: Any) -> int:
    """Submit a first review; return its number."""
    return store.submit_review(own.url, asker(who), case, answers(**changes))


def reviewed(own: OwnStore, folder: Path, n: int = 1, **changes: Any) -> None:
    """Bring so many cases into a store, each reviewed with the same answers."""
    flagged(own, folder, n)
    for case in range(1, n + 1):
        submitted(own, case, **changes)


def asked(own: OwnStore, *cases: int) -> None:
    """Let cases wait for a second review."""
    for case in cases:
        store.ask_for_second(own.url, asker("m.manager"), case, "a complaint")


def said(triage: Triage, *arguments: str | Path) -> str:
    """Return what a command prints, which has to succeed."""
    code, out, err = triage(*arguments)
    assert code == 0, err
    return out


def told(triage: Triage, *arguments: str | Path) -> Any:
    """Return what a command gives to scripts."""
    return json.loads(said(triage, *arguments, "--format", "json"))


def refused(triage: Triage, *arguments: str | Path) -> str:
    """Return why a command is refused."""
    code, out, err = triage(*arguments)
    assert (code, out) == (2, "")
    return err


def people(triage: Triage) -> None:
    """Register one of each who takes part."""
    for name, role in (
        ("a.administrator", "administrator"), ("r.first", "reviewer"), ("r.second", "reviewer"),
        ("r.third", "reviewer"), ("m.manager", "team manager"), ("a.auditor", "auditor"),
        ("w.worker", "reviewer"),
    ):  # fmt: skip
        said(triage, "people", "add", name, "--role", role, "--as", "a.administrator")


def status_of(own: OwnStore, case: int = 1) -> str:
    found: str = own.value(f'SELECT status FROM "case" WHERE id = {case}')
    return found


def reviews_kept(own: OwnStore) -> list[tuple[Any, ...]]:
    """Return the reviews as they are kept."""
    return own.query("SELECT * FROM review ORDER BY id")


def final_of(own: OwnStore, case: int = 1, who: str = "m.manager") -> store.Review:
    """Return the review of a case whose answers are final."""
    (found,) = (
        one for one in store.reviews_of(own.url, asker(who), case) if one.is_final
    )  # fmt: skip
    return found
