"""What a digest says: the figures of the queue, in text and HTML, and nothing of any child."""

from __future__ import annotations

import datetime as dt
import html
import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import OwnStore, in_a_file
from work_helpers import ANSWERS, DECIDED, asker, night, row, rows, to_do

from triage import store as stored
from triage.casework import OPEN
from triage.digest import Digest, Figures, Night, Pressing, Table, as_text, digest
from triage.digest_html import as_html
from triage.store import Wanted, night_figures
from triage.vocabulary import SEVERITIES
from triage.webhook import body_of

VOID = {"meta"}
LATER = dt.date(2023, 7, 31)


class Page(HTMLParser):
    """A page taken apart: its tags, the texts in them, and whether each is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style" and data.strip():
            self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def a_night(team: str = "North", **more: Any) -> Night:
    counts = Counter({("flags", "new"): 3, ("open", "new", "high"): 2, ("overdue reviews",): 1})
    pressing = (
        Pressing(12, "high", "new", ("DEC-02", "REF-01"), dt.date(2026, 9, 29), is_overdue=True),
        Pressing(7, "high", "claimed", ("ALL-06",), dt.date(2026, 10, 7), is_overdue=False),
    )
    of_team = Figures(team, counts, pressing)
    whole = Figures(None, counts, pressing)
    day = dt.date(2026, 9, 30)
    return Night(**{
        "run": 12, "as_of": day, "finished_at": "2026-10-01T04:31:00+00:00", "last_run": 12,
        "queue_as_of": day, "whole": whole, "teams": (of_team,), **more,
    })  # fmt: skip


EXPECTED = """\
Re-referral triage: North
=========================

Run 12, as of 30 September 2026.

What the run changed

  What                                               How many
  Flags raised                                              3
  Flags of which the record now says something else         0
  Flags raised again                                        0
  Flags cleared                                             0
  Cases opened                                              0
  Cases that came back                                      0
  Cases closed, as no flag holds any more                   0

Open cases

  Status  Critical  High  Medium  Low  All
  new            0     2       0    0    2
  all            0     2       0    0    2

Overdue, and put off

  What                                                How many
  Reviews overdue                                            1
  Remedial actions overdue                                   0
  Cases put off until a later day, not counted above         0

The list: triage queue list --team North

The most pressing cases that wait for review

  Case  Severity  Review due                  Status   Rules
  12    high      29 September 2026, overdue  new      DEC-02 REF-01
  7     high      7 October 2026              claimed  ALL-06

To open the first of them: triage queue show 12

This tells nothing of a child but the case's number; restricted cases are left out.
"""


def test_a_digest_reads_so() -> None:
    found = a_night()
    made = digest(found, found.of("North"))
    assert made.subject == "Re-referral triage, North: 3 new flags, 1 review overdue"
    assert as_text(made) == EXPECTED


def test_a_run_that_others_came_after_is_told_so() -> None:
    found = a_night(last_run=14, queue_as_of=dt.date(2026, 10, 2))
    text = as_text(digest(found, found.whole))
    assert "Run 14 came after it: the queue below is as of 2 October 2026." in text


def test_the_digest_of_all_teams_has_a_row_a_team() -> None:
    found = a_night()
    text = as_text(digest(found, found.whole))
    assert "triage queue list\n" in text
    assert "  North          3     2         0                1                0\n" in text


def test_text_and_page_are_made_of_the_same() -> None:
    found = a_night()
    made = digest(found, found.whole)
    text, page = as_text(made), as_html(made)
    for part in made.parts:
        said = (
            [part] if isinstance(part, str) else [part.caption, *part.headings, *sum(part.rows, ())]
        )
        for one in said:
            assert one in text
            assert f">{html.escape(one)}<" in page


def test_the_page_can_be_read_without_style_colour_or_network() -> None:
    found = a_night()
    page = as_html(digest(found, found.whole, "https://triage.council.example/cases/{case}"))
    taken = Page(page)
    assert page.startswith("<!DOCTYPE html>")
    assert taken.of("html") == [{"lang": "en-GB"}]
    assert len(taken.of("table")) == len(taken.of("caption")) == len(taken.of("thead")) == 5
    assert {th["scope"] for th in taken.of("th")} == {"col", "row"}
    assert len(taken.of("h1")) == len(taken.of("title")) == len(taken.of("main")) == 1
    assert [a["href"] for a in taken.of("a")] == [
        "https://triage.council.example/cases/12", "https://triage.council.example/cases/7",
    ]  # fmt: skip
    assert {"script", "img", "link", "iframe", "object", "form"}.isdisjoint(
        t for t, _ in taken.tags
    )
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    greys = {word.rstrip(";") for word in style.split() if word.startswith("#")}
    assert greys == {"#000;".rstrip(";"), "#fff", "#595959"}


@pytest.mark.parametrize("link", ["javascript:alert({case})", "council/{case}", "data:,{case}"])
def test_only_a_web_address_becomes_a_link(link: str) -> None:
    found = a_night()
    assert Page(as_html(digest(found, found.whole, link))).of("a") == []
    assert link.replace("{case}", "12") in as_text(digest(found, found.whole, link))


@given(st.text(max_size=120))
def test_a_team_of_any_name_changes_nothing_but_its_name(team: str) -> None:
    found = a_night(team)
    for whose in (found.teams[0], found.whole):
        made = digest(found, whose)
        text, page = as_text(made), as_html(made)
        plain_night = a_night("North")
        plain = digest(
            plain_night, plain_night.teams[0] if whose.team is not None else plain_night.whole
        )
        assert text.count("\n") == as_text(plain).count("\n")
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        assert made.subject.isprintable()
        assert Page(page).tags == Page(as_html(plain)).tags
        if whose.team is not None:
            assert f"Re-referral triage: {whose.name}" in Page(page).texts
        text.encode()
        page.encode()


def test_the_webhook_is_told_the_same_figures() -> None:
    told = json.loads(body_of(a_night().as_json()))
    assert (told["kind"], told["run"], told["as_of"]) == ("run stored", 12, "2026-09-30")
    assert told["flags"] == {"new": 3, "changed": 0, "reopened": 0, "cleared": 0}
    assert told["open"]["new"] == {"critical": 0, "high": 2, "medium": 0, "low": 0}
    assert told["overdue_reviews"] == 1
    assert told["pressing"][0] == {
        "case": 12, "severity": "high", "status": "new", "rules": ["DEC-02", "REF-01"],
        "due_on": "2026-09-29", "is_overdue": True,
    }  # fmt: skip
    assert [one["team"] for one in told["teams"]] == ["North"]


@pytest.mark.parametrize(
    ("counts", "has_news"),
    [
        ({}, False),
        ({("flags", "cleared"): 2, ("cases", "closed"): 1, ("open", "new", "high"): 4}, False),
        ({("flags", "new"): 1}, True),
        ({("flags", "changed"): 1}, True),
        ({("flags", "reopened"): 1}, True),
        ({("overdue reviews",): 1}, True),
        ({("overdue actions",): 1}, True),
        ({("put off",): 1}, False),
    ],
)
def test_news_is_what_is_new_or_overdue(counts: dict[Any, int], has_news: bool) -> None:
    assert Figures("North", Counter(counts)).has_news == has_news


def test_the_figures_are_those_of_the_lists(store: OwnStore, workplace: Path) -> None:
    """Of cases that wait, are held, put off, reviewed and overdue, of two teams and of none."""
    referrals = [
        *rows(6), *(row(f"S{n}", team="South") for n in range(4)), row("T1", team=""),
        row("X1", restricted="yes"), row("X2", team="South", restricted="yes"),
    ]  # fmt: skip
    night(store, workplace, referrals)
    by_name = {one.referral_id: one.id for one in stored.cases(
        store.url, asker(readers=["r.reviewer"]), Wanted(), limit=None).cases}  # fmt: skip
    who, at = asker(), store.url
    stored.claim(at, who, by_name["R00000"])
    stored.snooze(at, who, [by_name["R00001"]], dt.date(2023, 9, 1), "a reason")
    for name, due_on in (("R00002", "2023-07-07"), ("S0", "2023-07-10"), ("S1", "2023-12-01")):
        stored.begin_review(at, who, by_name[name])
        stored.submit_review(
            at, who, by_name[name],
            {**ANSWERS, "flags_useful": {"DEC-01": "yes"}, "actions": [to_do(due_on=due_on)]},
        )  # fmt: skip
    night(store, workplace, [*referrals, row("S9", team="South")], LATER)
    found = night_figures(at)
    assert [one.team for one in found.teams] == ["North", "South", ""]
    for figures in (found.whole, *found.teams):
        if figures.team == "":
            continue
        teams = () if figures.team is None else (figures.team,)
        for status in OPEN:
            for severity in SEVERITIES:
                wanted = Wanted(statuses=(status,), teams=teams, severities=(severity,))
                listed = stored.cases(at, asker(), wanted)
                assert figures.counts["open", status, severity] == listed.n, (status, severity)
        put_off = stored.cases(at, asker(), Wanted(teams=teams, snoozed=True))
        assert figures.counts[("put off",)] == put_off.n
        waiting = stored.cases(at, asker(), Wanted(statuses=OPEN[:3], teams=teams)).cases
        assert [one.case for one in figures.pressing] == [one.id for one in waiting][:10]
        assert [one.rules for one in figures.pressing] == [one.rules for one in waiting][:10]
        n_late = sum(one.due_on < LATER for one in waiting)
        assert figures.counts[("overdue reviews",)] == n_late > 0
    assert found.of("North").counts[("overdue actions",)] == 1
    assert found.of("South").counts[("overdue actions",)] == 1
    assert found.of("South").counts["flags", "new"] == 1
    assert found.of("North").counts["cases", "opened"] == 0
    assert found.whole.counts == sum((one.counts for one in found.teams), Counter())
    assert found.whole.n_open() == 11


def test_what_a_run_did_is_counted_of_that_run(store: OwnStore, workplace: Path) -> None:
    first = [row("R1"), row("R2"), row("S1", team="South"), row("X", restricted="yes")]
    night(store, workplace, first)
    night(
        store,
        workplace,
        [row("R1", **DECIDED), row("R2"), row("S1", team="South"), row("S2", team="South")],
    )
    night(
        store,
        workplace,
        [
            row("R1"),
            row("R2", decision_at="2023-06-29"),
            row("S1", team="South"),
            row("S2", team="South"),
        ],
    )
    by_run = [night_figures(store.url, number) for number in (1, 2, 3)]
    assert [one.last_run for one in by_run] == [3, 3, 3]
    north = [
        {key: n for key, n in one.of("North").counts.items() if key[0] in ("flags", "cases")}
        for one in by_run
    ]
    assert north[0] == {("flags", "new"): 2, ("cases", "opened"): 2}
    assert north[1] == {("flags", "cleared"): 1, ("cases", "closed"): 1}
    assert north[2][("flags", "reopened")] == 1
    assert north[2][("cases", "reopened")] == 1
    assert north[2][("flags", "new")] >= 1, "a late decision without a rating"
    south = [one.of("South").counts["flags", "new"] for one in by_run]
    assert south == [1, 1, 0]


def test_restricted_cases_leave_no_trace(store: OwnStore, workplace: Path) -> None:
    open_ones = [*rows(3), row("S1", team="South")]
    night(store, workplace, open_ones)
    before = night_figures(store.url)
    more = [row(f"X{n}", team=team, restricted="yes") for n, team in enumerate(("North", "Secret"))]
    night(store, workplace, [*open_ones, *more])
    after = night_figures(store.url)
    assert [one.team for one in after.teams] == [one.team for one in before.teams]
    for old, new in zip((before.whole, *before.teams), (after.whole, *after.teams), strict=True):
        assert {key: n for key, n in new.counts.items() if key[0] == "open" and n} == {
            key: n for key, n in old.counts.items() if key[0] == "open" and n
        }
        assert new.pressing == old.pressing
        assert not new.has_news


NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=8
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=3, max_size=3), teams=st.lists(NAMES, min_size=2, max_size=2))
def test_nothing_of_a_child_is_told(
    names: list[str], teams: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither an identifier of the records nor a word that somebody wrote of a case."""
    folder = tmp_path_factory.mktemp("told")
    marks = [f"Qz{number}{name}" for number, name in enumerate(names)]
    with in_a_file(folder) as own:
        referrals = [
            row(f"{mark}ref{n}", child_id=f"{mark}child{n}", team=teams[n % 2].strip() or "North",
                restricted="yes" if n == 5 else "")
            for n in range(6) for mark in marks
        ]  # fmt: skip
        night(own, folder, referrals)
        said = [f"{mark}said" for mark in marks]
        waiting = stored.cases(own.url, asker(), Wanted()).cases
        stored.boost(own.url, asker(), waiting[0].id, said[0])
        stored.add_note(own.url, asker(), waiting[1].id, said[1])
        stored.begin_review(own.url, asker(), waiting[2].id)
        stored.submit_review(
            own.url, asker(), waiting[2].id,
            {**ANSWERS, "learning": said[2], "actions": [to_do(owner=f"{marks[0]}owner")]},
        )  # fmt: skip
        night(own, folder, referrals, LATER)
        found = night_figures(own.url, most_pressing=200)
    told = [body_of(found.as_json()).decode(), json.dumps(found.as_json(), ensure_ascii=False)]
    for figures in (found.whole, *found.teams):
        made: Digest = digest(found, figures)
        told += [made.subject, as_text(made), as_html(made), html.unescape(as_html(made))]
    for text in told:
        assert "Qz" not in text
        assert "r.reviewer" not in text
    assert found.whole.n_open() == 15, "the restricted ones are not counted"
    assert any(isinstance(part, Table) and "pressing" in part.caption for part in made.parts)
