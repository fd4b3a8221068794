"""Invented documents with every kind of block, and with texts that want to be something else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from triage.report.document import (
    Bound,
    Bullets,
    Chart,
    Column,
    Count,
    Document,
    Remark,
    Section,
    Series,
    Share,
    Standing,
    Statistic,
    Table,
    Words,
)
from triage.report.page import page_of
from triage.report.second_hand import Hands
from triage.report.shown import Shown

AWKWARD = (
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "{} {0} {name}",
    "a | b `c` *d* _e_ [f](https://example.org) $x^2$",
    "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogoch" * 2,
    "Zoë & Łukasz “North” 北区 – £5",
    '@someone@example.org www.example.org "quoted" id="x" \x0bcontrol',
    "-12+3",
    "__init__ &amp; </table></svg> url(#a)",
)
HIDDEN_KEYS = (
    "case South", "case West", "case", "month 5", "case South late", "survive 8", "case West none"
)  # fmt: skip

TEAMS = (
    ("North", 4120, 1236, 88),
    ("Disabled Children and Young People's Service, East and South East", 812, 203, 4),
    ("South", 3, 1, 0),
    ("West", 5, 2, 1),
    ("Out of hours", 0, 0, 0),
    ("=Unknown <b>team</b> $x_1$", 96, 31, 7),
)
MONTHS = tuple(dt.date(2024 + (3 + n) // 12, (3 + n) % 12 + 1, 1) for n in range(24))


def count(key: str, n: int) -> Count:
    return Count(key, n)


def _by_team() -> Table:
    rows = []
    for name, n, late, none in TEAMS:
        whole, part = count(f"case {name}", n), count(f"case {name} late", late)
        rows.append(
            (
                name, whole, part, Share(part, whole), Bound(part, whole, "low"),
                Bound(part, whole, "high"), count(f"case {name} none", none),
                Statistic(2.5 + n % 7, (whole,)) if n else Statistic(None, (whole,)), None,
            )
        )  # fmt: skip
    whole = count("case", sum(n for _, n, _, _ in TEAMS))
    part = count("case late", sum(n for _, _, n, _ in TEAMS))
    rows.append(
        (
            "All teams", whole, part, Share(part, whole), Bound(part, whole, "low"),
            Bound(part, whole, "high"), count("case none", 100), Statistic(4.25, (whole,)), None,
        )
    )  # fmt: skip
    return Table(
        "by-team",
        "Re-referrals by team",
        (
            Column("Team", "text"), Column("Re-referrals"), Column("Decided late"),
            Column("Decided late", "share"), Column("95% interval from", "share"),
            Column("to", "share"), Column("No decision"),
            Column("Median days", "number"), Column("England", "number"),
        ),
        tuple(rows),
        ("A decision is late after one working day.", "Teams are those at the referral <today>."),
        has_total=True,
    )  # fmt: skip


def _by_month() -> Table:
    rows = []
    for place, month in enumerate(MONTHS):
        whole = count(f"month {place}", 120 + place % 5)
        part = count(f"month {place} back", 20 + place * 7 % 13 + (22 if place == 14 else 0))
        mark = Remark("above the upper limit", (part,)) if place == 14 else ""
        rows.append(
            (
                month, whole, Share(part, whole), Bound(part, whole, "low"),
                Bound(part, whole, "high"), Statistic(21.5), Statistic(32.5 + place % 5 / 10),
                Statistic(10.5 - place % 5 / 10), mark,
            )
        )  # fmt: skip
    return Table(
        "by-month",
        "Re-referrals by month",
        (
            Column("Month", "date"), Column("Referrals"), Column("Re-referred", "share"),
            Column("From", "share"), Column("To", "share"), Column("Centre", "share"),
            Column("Upper limit", "share"), Column("Lower limit", "share"),
            Column("Special cause", "text"),
        ),
        tuple(rows),
    )  # fmt: skip


def _by_quarter() -> Table:
    rows = [
        (team, f"Q{quarter % 4 + 1} {2023 + quarter // 4}", count(f"{team} {quarter}", n))
        for team, of in (("North", 31), ("South", 18), ("West", 44))
        for quarter, n in enumerate((of, of + 4, of + 9 * (of % 3), of - 7, of + 2, of + 12))
        if (team, quarter) != ("South", 2)
    ]
    columns = (Column("Team", "text"), Column("Quarter", "text"), Column("Cases", "count"))
    return Table("by-quarter", "Cases by quarter", columns, tuple(rows))


def _survival() -> Table:
    rows = []
    for group, falls in (("Closed after assessment", 0.93), ("Closed after a plan", 0.97)):
        part = 1.0
        for day in range(0, 366, 30 if falls < 0.95 else 45):
            of = (count(f"survive {day // 30}", 9),)
            rows.append(
                (
                    group, Statistic(day, digits=0), Statistic(100 * part, of),
                    Statistic(100 * part - day / 60, of), Statistic(min(100, 100 * part + 2), of),
                )
            )  # fmt: skip
            part *= falls
    columns = (
        Column("Group", "text"), Column("Days since closure", "number"),
        Column("Not yet re-referred", "share"), Column("From", "share"), Column("To", "share"),
    )  # fmt: skip
    return Table("survival", "Time to re-referral", columns, tuple(rows))


def charts() -> tuple[Chart, ...]:
    """One chart of each kind, and one with nothing in it."""
    team, month, quarter, survival = _by_team(), _by_month(), _by_quarter(), _survival()
    groups = ("Closed after assessment", "Closed after a plan")
    return (
        Chart(
            "late", "Decided late, by team", "bars", team,
            (Series(3, "Decided late", low=4, high=5),), "percent of re-referrals",
            "Bars of the share decided late in each team; North is highest at 30.0%.",
        ),
        Chart(
            "counts", "Re-referrals and late decisions", "bars", team,
            (Series(1, "Re-referrals"), Series(2, "_Decided late $now$"), Series(6, "No decision")),
            "re-referrals", 'Bars of counts in each team. <b>"bold"</b> & more.',
        ),
        Chart(
            "trend", "Re-referrals over time", "lines", month,
            (Series(2, "Re-referred", low=3, high=4), Series(5, "Target", is_reference=True)),
            "percent of referrals", "A line by month with its interval; May 2025 is highest.",
        ),
        Chart(
            "quarters", "Cases by quarter and team", "lines", quarter,
            tuple(Series(2, one, only=(one,)) for one in ("North", "South", "West")),
            "cases", "Three lines by quarter; West is highest throughout.", x=1,
        ),
        Chart(
            "survival", "Time to re-referral", "steps", survival,
            tuple(Series(2, one, low=3, high=4, only=(one,)) for one in groups),
            "percent not yet re-referred", "Two falling curves; after assessment falls faster.",
            x=1,
        ),
        Chart(
            "control", "Re-referrals, control chart", "control", month,
            (
                Series(2, "Re-referred"), Series(5, "Centre", is_reference=True),
                Series(6, "Upper limit", is_reference=True),
                Series(7, "Lower limit", is_reference=True),
            ),
            "percent of referrals", "One month, June 2025, lies above the upper limit.", marked=8,
        ),
        Chart(
            "nothing", "A chart of nothing", "lines", empty_table(), (Series(1, "Cases"),), "cases",
            "There is nothing to draw.",
        ),
    )  # fmt: skip


def empty_table() -> Table:
    columns = (Column("Team", "text"), Column("Cases"), Column("Cases", "share"))
    return Table("nothing", "A table of nothing", columns, ())


def awkward_table() -> Table:
    columns = (Column("=Text", "text"), Column("<b>On</b>", "date"), Column("| Note", "text"))
    day = dt.date(2026, 2, 28)
    rows = tuple((text, day, AWKWARD[-place - 1]) for place, text in enumerate(AWKWARD))
    return Table("history", "Awkward texts | <i>all</i>", columns, rows)


def long_table(n: int = 60) -> Table:
    columns = (
        Column("Case", "text"), Column("Referred on", "date"), Column("Team", "text"),
        Column("Days", "number"), Column("What was found", "text"),
    )  # fmt: skip
    words = "No decision was recorded within one working day of the referral; it was made later."
    rows = tuple(
        (
            f"R{n:05}",
            dt.date(2026, 1, 1) + dt.timedelta(n),
            TEAMS[n % 6][0],
            Statistic(n / 2),
            words,
        )
        for n in range(n)
    )
    return Table("cases", "Cases to look at", columns, rows)


def document(title: str = "Re-referrals & reviews <2026>") -> Document:
    """Everything that a document can hold."""
    drawn = charts()
    whole, part = count("case", 5036), count("case late", 1473)
    late = (whole, part, Share(part, whole))
    sections = (
        Section(
            "What was found",
            (
                Words("Of {} re-referrals {} were decided late ({}).", late),
                Words("The longest name is {}, the note {}.", (AWKWARD[4], AWKWARD[1])),
                Bullets((Words("South had {}.", (count("case South", 3),)), Words("- not a list"))),
                drawn[0], drawn[1],
            ),
        ),
        Section("Over time", (*drawn[2:5], drawn[5])),
        Section("Nothing <at> all", (drawn[6], Words("1. Not a list. # Nor a heading."))),
        Section("Awkward", (awkward_table(),)),
        Section("Single cases", (long_table(),), is_annex=True),
    )  # fmt: skip
    return Document(
        "re-referrals", title, "What happened to children who came back.", standing(), sections
    )


def standing() -> Standing:
    return Standing(
        as_of=dt.date(2026, 6, 30),
        first_day=dt.date(2025, 4, 1),
        last_day=dt.date(2026, 3, 31),
        run=12,
        inputs=(("referrals <2026>.csv", "a1" * 32), ("=decisions.xlsx", "b2" * 32)),
        ruleset="c3" * 32,
        version="0.1.0",
        event=345,
        head="d4" * 32,
        seen_by="All cases but those that are restricted",
    )


def within(title: str = "Re-referrals & reviews <2026>") -> Shown:
    """The document as people in the authority see it."""
    return Shown(document(title))


def published(hidden: tuple[str, ...] = HIDDEN_KEYS) -> Shown:
    """The document as it may be published, with what is hidden in it."""
    whole = document()
    sections = tuple(one for one in whole.sections if not one.is_annex)
    return Shown(replace(whole, sections=sections), frozenset(hidden), is_published=True)


def whole_page(shown: Shown) -> str:
    """Return a document as a page that one process makes."""
    return page_of(shown, Hands(shown, None).chart)


def with_other_secrets(shown: Shown) -> Shown:
    """The same with other numbers where something is hidden: nothing that is shown may differ."""
    own = shown.document
    return replace(shown, document=replace(own, sections=tuple(map(_other, own.sections))))


def _other(section: Section) -> Section:
    return replace(section, blocks=tuple(map(_other_block, section.blocks)))


def _other_block(block: object) -> object:
    match block:
        case Chart():
            return replace(block, table=_other_block(block.table))
        case Table():
            rows = tuple(tuple(map(_other_cell, row)) for row in block.rows)
            return replace(block, rows=rows)
        case Words():
            return replace(block, cells=tuple(map(_other_cell, block.cells)))
        case Bullets():
            return Bullets(tuple(map(_other_block, block.items)))
    return block


def _other_cell(cell: object) -> object:
    match cell:
        case Count(key, n) if key in HIDDEN_KEYS:
            return Count(key, n + 40)
        case Share() | Bound():
            return replace(cell, part=_other_cell(cell.part), whole=_other_cell(cell.whole))
        case Remark(text, of) if any(one.key in HIDDEN_KEYS for one in of):
            return Remark(text + " by far", of)
        case Statistic(value, of) if value is not None and any(
            one.key in HIDDEN_KEYS for one in of
        ):
            return replace(cell, value=value + 17, of=tuple(map(_other_cell, of)))
    return cell
