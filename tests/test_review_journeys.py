"""A review from its form to the last of its actions, through the commands."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import pytest
from conftest import Triage
from stores import OwnStore
from work_helpers import ANSWERS, case_of, night, rows

TODAY = dt.datetime.now(dt.UTC).astimezone().date()
SOON = (TODAY + dt.timedelta(days=7)).isoformat()
AS_ONE = ("--as", "r.one")


@pytest.fixture
def cases(store: OwnStore, workplace: Path) -> OwnStore:
    """A store of two cases."""
    night(store, workplace, rows(2))
    return store


def fill_in(path: Path, **answers: str) -> None:
    """Write answers between the quotation marks of a form, as somebody would in an editor."""
    text = path.read_text("utf-8")
    for name, said in (ANSWERS | {"flags_useful": None, "DEC-01": "yes"} | answers).items():
        if isinstance(said, str):
            blank = f'\n{name} = ""\n'
            assert text.count(blank) == 1
            text = text.replace(blank, f'\n{name} = "{said}"\n')
    path.write_text(text, "utf-8")


def test_from_the_form_to_the_last_action(cases: OwnStore, triage: Triage) -> None:
    code, out, _ = triage("review", "form", "1", "--output", "1.toml", *AS_ONE)
    assert (code, out) == (
        0, "Wrote 1.toml. Fill it in, then: triage review submit 1 1.toml\n",
    )  # fmt: skip
    form = Path("1.toml")
    assert form.read_text("utf-8").startswith("# Review of case 1 by r.one, DEC-01\n")
    assert case_of(cases, 1)["held_by"] == "r.one"

    code, out, err = triage("review", "submit", "1", "1.toml", *AS_ONE)
    assert (code, out) == (2, "")
    assert err.count("is not answered") == 9
    assert "flags_useful.DEC-01" in err

    fill_in(form, grade="inadequate")
    assert triage("review", "draft", "1", "1.toml", *AS_ONE)[1] == (
        "The draft of case 1 is kept.\n"
    )  # fmt: skip
    code, _, err = triage("review", "submit", "1", *AS_ONE)
    assert (code, err) == (
        2,
        "triage: learning: say in words what is to be learned; it is required below good.\n",
    )
    with form.open("a") as file:
        file.write(f'\n[[actions]]\nkind = "visit"\nowner = "w.worker"\ndue_on = {SOON}\n')
    form.write_text(form.read_text().replace('learning = ""', 'learning = "read it first"'))
    code, out, _ = triage("review", "submit", "1", "1.toml", *AS_ONE)
    assert (code, out) == (0, "Review 1 of case 1 is submitted.\n")

    code, _, err = triage("review", "submit", "1", "1.toml", *AS_ONE)
    assert code == 2
    assert "case 1 is actions open: to start a review it has to be new or claimed" in err

    code, out, _ = triage("action", "list")
    assert code == 0
    assert "visit" in out
    assert "w.worker" in out
    (action,) = json.loads(triage("action", "list", "--owner", "w.worker", "--format", "json")[1])
    assert (action["kind"], action["due_on"], action["done_on"]) == ("visit", SOON, None)

    corrected = form.read_text().replace('grade = "inadequate"', 'grade = "good"')
    Path("2.toml").write_text(corrected)
    code, _, err = triage("review", "supersede", "1", "2.toml", *AS_ONE)
    assert (code, "Missing option '--reason'" in err) == (2, True)
    code, out, _ = triage(
        "review", "supersede", "1", "2.toml", "--reason", "police record came in", *AS_ONE
    )
    assert (code, out) == (0, "Review 2 of case 1 stands now.\n")
    first, second = json.loads(triage("review", "show", "1", "--format", "json", *AS_ONE)[1])
    assert (first["state"], first["answers"]["grade"]) == ("superseded", "inadequate")
    assert (second["state"], second["answers"]["grade"]) == ("submitted", "good")
    assert (second["supersedes"], second["reason"]) == (1, "police record came in")
    shown = triage("review", "show", "1", *AS_ONE)[1]
    assert "supersedes review 1: police record came in" in shown
    assert "R02 (closed too early, or change not sustained)" in shown

    as_worker = ("--as", "w.worker")
    tomorrow = (TODAY + dt.timedelta(days=1)).isoformat()
    code, _, err = triage("action", "done", "1", "--on", tomorrow, "--evidence", "x", *as_worker)
    assert (code, "has not come yet" in err) == (2, True)
    code, out, _ = triage("action", "done", "1", "--evidence", "visit recorded", *as_worker)
    assert (code, out) == (0, "Remedial action 1 is done.\n")
    assert case_of(cases, 1)["status"] == "closed"
    assert triage("action", "list")[1] == "There is nothing to be done.\n"
    assert "visit recorded" in triage("action", "list", "--all")[1]
    code, _, err = triage("action", "done", "1", "--evidence", "again", *as_worker)
    assert (code, "is done, or was handed over, already" in err) == (2, True)
    assert triage("audit", "verify")[0] == 0


def test_a_form_with_nothing_to_be_learned_or_done_closes_the_case(
    cases: OwnStore, triage: Triage
) -> None:
    triage("review", "form", "1", "--output", "1.toml", *AS_ONE)
    fill_in(Path("1.toml"))
    assert triage("review", "submit", "1", "1.toml", *AS_ONE)[0] == 0
    assert case_of(cases, 1)["status"] == "closed"


def test_an_action_is_handed_over_to_somebody_outside(cases: OwnStore, triage: Triage) -> None:
    whole = ANSWERS | {"actions": [{"kind": "step-down", "owner": "w.worker", "due_on": SOON}]}
    Path("1.json").write_text(json.dumps(whole))
    assert triage("review", "submit", "1", "1.json", *AS_ONE)[0] == 0
    hand_over = ("action", "hand-over", "1", "--to", "Early Help", "--reason", "family moved")
    code, _, err = triage(*hand_over)
    assert (code, "say who does this, with --as NAME" in err) == (2, True)
    code, out, _ = triage(*hand_over, "--as", "m.manager")
    assert (code, out) == (0, "Remedial action 1 is Early Help's.\n")
    assert "handed over to Early Help: family moved" in " ".join(
        triage("action", "list", "--all")[1].split()
    )
    assert case_of(cases, 1)["status"] == "closed"


def test_answers_come_from_the_standard_input(
    cases: OwnStore, triage: Triage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(raw: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw), "utf-8"))

    typed(b'grade = "g\xff"')
    code, _, err = triage("review", "draft", "1", "-", *AS_ONE)
    assert (code, err) == (
        2, "triage: the standard input: cannot be read (it is no text in UTF-8).\n",
    )  # fmt: skip
    typed(json.dumps(ANSWERS).encode())
    assert triage("review", "submit", "1", "-", *AS_ONE)[0] == 0


def test_a_draft_comes_back_in_the_next_form(cases: OwnStore, triage: Triage) -> None:
    odd = 'she said "no"\\\n\t\x7f\u2028é'
    Path("1.json").write_text(json.dumps({"grade": "good", "learning": odd}))
    assert triage("review", "draft", "1", "1.json", *AS_ONE)[0] == 0
    code, out, _ = triage("review", "form", "1", *AS_ONE)
    assert code == 0
    assert 'grade = "good"' in out
    Path("again.toml").write_text(out, "utf-8")
    assert triage("review", "draft", "1", "again.toml", *AS_ONE)[0] == 0
    (kept,) = json.loads(triage("review", "show", "1", "--format", "json", *AS_ONE)[1])
    assert kept["answers"]["learning"] == odd
    assert json.loads(triage("review", "show", "1", "--format", "json", "--as", "r.two")[1]) == []
    assert "There is no review of this case to be shown." in triage("review", "show", "1")[1]


WRONG_CALLS: dict[str, tuple[tuple[str, ...], str]] = {
    "no such case": (("review", "form", "77", *AS_ONE), "there is no case 77; `triage queue list`"),
    "nobody": (("review", "form", "1"), "say who does this, with --as NAME"),
    "no such file": (
        ("review", "draft", "1", "gone.toml", *AS_ONE),
        "gone.toml: cannot be read (No such file or directory)."),
    "no form": (("review", "draft", "1", "noise.toml", *AS_ONE), "noise.toml: is neither TOML nor"),
    "no text": (("review", "draft", "1", "latin.toml", *AS_ONE), "latin.toml: cannot be read (it"),
    "over a file": (
        ("review", "form", "1", "--output", "noise.toml", *AS_ONE),
        "noise.toml: is there already; it was left as it is."),
    "a number too high": (("action", "list", "--case", "9999999999"), "is not in the range"),
    "no such action": (
        ("action", "done", "7", "--evidence", "x", *AS_ONE), "there is no remedial action 7"),
    "no evidence": (
        ("action", "done", "7", "--evidence", " ", *AS_ONE), "say what shows that it was done"),
    "no review": (
        ("review", "supersede", "1", "whole.json", "--reason", "x", *AS_ONE),
        "case 1 is new: to supersede a review it has to be actions open or closed"),
}  # fmt: skip


def test_a_wrong_call_is_answered_in_a_sentence_and_stores_nothing(
    cases: OwnStore, triage: Triage
) -> None:
    Path("noise.toml").write_text("grade = good")
    Path("latin.toml").write_bytes('learning = "café"'.encode("latin-1"))
    Path("whole.json").write_text(json.dumps(ANSWERS))
    for name, (call, told) in WRONG_CALLS.items():
        code, out, err = triage(*call)
        assert (code, out) == (2, ""), name
        assert told in err, name
    assert Path("noise.toml").read_text() == "grade = good"
    assert cases.value("SELECT COUNT(*) FROM review") == 0
