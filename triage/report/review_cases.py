"""The later sections of the three-month review: what went before, delays, actions, cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from triage.calendar import to_date
from triage.report.counting import (
    NOT_RECORDED,
    Counting,
    bars_of,
    by_table,
    shares_table,
    tally,
)
from triage.report.document import Bullets, Cell, Column, Count, Section, Share, Table, Words
from triage.report.population import (
    ALLOCATION_DAYS,
    CANNOT_TELL,
    DECISION_DAYS,
    STANDS,
)
from triage.report.records import BLANK, NO, UNKNOWN, YES
from triage.report.reviewing import Reviewing, places_of
from triage.report.shown import rest
from triage.review_form import ACTIONS, REASONS
from triage.vocabulary import (
    CLOSURE_REASONS,
    NEEDS_THAT_SAY_NOTHING,
    PRIMARY_NEEDS,
    REFERRAL_SOURCES,
)

_BANDS: Final = (
    (30, "0 to 30 days"), (90, "31 to 90 days"), (180, "91 to 180 days"),
    (10**9, "more than 180 days"),
)  # fmt: skip
_NOT_CLOSED: Final = "not closed before the re-referral"
_NFA_NO_DATE: Final = "no further action, and no date of closure"
STEP_DOWN: Final = "RC9"


def before_section(of: Reviewing, counting: Counting, whole: Count) -> Section:
    """Return what the previous referrals of the re-referrals had in common."""
    tables = [
        shares_table(
            counting, name, title, what, whole,
            tally((kind(of, place) for place in of.places), order),
        )
        for name, title, what, kind, order in (
            ("previous-nfa", "Was the previous referral ended with no further action?",
             "No further action", _previous_nfa, ("yes", "no", CANNOT_TELL)),
            ("previous-closure", "Why the previous episode was closed", "Reason for closure",
             _previous_closure, None),
            ("previous-closed", "Days from the previous closure to the re-referral", "Days",
             _since_closure,
             (*(text for _, text in _BANDS), _NFA_NO_DATE, _NOT_CLOSED, CANNOT_TELL)),
            ("previous-need", "Does the re-referral bear the same primary need?", "Same need",
             _same_need, ("yes", "no", CANNOT_TELL)),
        )
    ]  # fmt: skip
    step_down = Count(
        f"{whole.key} | Reason for closure: {_reason(STEP_DOWN)}",
        sum(_previous_closure(of, place) == _reason(STEP_DOWN) for place in of.places),
    )
    words = Words(
        "Of {} re-referrals, {} followed a step-down to early help (RC9), {} of them. The extracts "
        "of some councils cannot show a step-down; then none is counted.",
        (whole, step_down, Share(step_down, whole)),
    )
    chart = bars_of(
        "chart-since-closure", "Days from the previous closure to the re-referral", tables[2], [1],
        "Re-referrals",
    )  # fmt: skip
    return Section("What had gone before", (words, *tables, chart))


def _previous_nfa(of: Reviewing, place: int) -> str:
    nfa = int(of.population.column("nfa")[of.population.previous[place]])
    return {YES: "yes", NO: "no"}.get(nfa, CANNOT_TELL)


def _previous_closure(of: Reviewing, place: int) -> str:
    """Return why the previous episode was closed, or that it was not by then.

    One closed after the re-referral was open still when that came, whatever its reason was later.
    """
    if not_yet := _not_closed(of, place):
        return not_yet
    code = of.population.text("closure_reason")[of.population.previous[place]]
    return NOT_RECORDED if code is None else _reason(str(code))


def _not_closed(of: Reviewing, place: int) -> str:
    """Return that the previous episode was not closed before the re-referral; nothing if it was.

    Nothing as well where its date of closure is not known. What was no further action is not open,
    though nobody may have entered a date.
    """
    before = of.population.previous[place]
    is_unknown = of.population.state("closed_on")[before] == UNKNOWN
    if is_unknown or of.population.days_since_closure[place] >= 0:
        return ""
    is_blank = of.population.state("closed_on")[before] == BLANK
    return _NFA_NO_DATE if is_blank and of.population.column("nfa")[before] == YES else _NOT_CLOSED


def _reason(code: str) -> str:
    return f"{code} {CLOSURE_REASONS.get(code, '')}".strip()


def _since_closure(of: Reviewing, place: int) -> str:
    gap = int(of.population.days_since_closure[place])
    if gap >= 0:
        return next(text for most, text in _BANDS if gap <= most)
    return _not_closed(of, place) or CANNOT_TELL


def _same_need(of: Reviewing, place: int) -> str:
    need = of.population.text("primary_need")
    now, before = need[place], need[of.population.previous[place]]
    if now is None or before is None or {now, before} & NEEDS_THAT_SAY_NOTHING:
        return CANNOT_TELL
    return "yes" if now == before else "no"


def delays_section(of: Reviewing, counting: Counting, whole: Count) -> Section:
    """Return how long the re-referrals waited for a decision and for a worker."""
    decisions = shares_table(
        counting, "decisions", f"Management decision within {DECISION_DAYS} working day of the "
        "referral", "Decision", whole,
        tally((of.population.decision[p] for p in of.places), STANDS),
    )  # fmt: skip
    allocations = shares_table(
        counting, "allocations", f"Allocation within {ALLOCATION_DAYS} working day of the "
        "decision, or of the referral where no decision is recorded", "Allocation", whole,
        tally((of.population.allocation[p] for p in of.places), STANDS),
    )  # fmt: skip
    return Section("Delays", (decisions, allocations))


def actions_section(of: Reviewing, counting: Counting) -> Section:
    """Return the remedial actions that reviews asked for, and whether they were done in time."""
    as_of = to_date(of.population.as_of)
    kinds = {
        "Done in time": lambda one: one.done_on is not None and one.done_on <= one.due_on,
        "Done late": lambda one: one.done_on is not None and one.done_on > one.due_on,
        "Handed over": lambda one: one.done_on is None and one.is_handed_over,
        "Open, not due": lambda one: _is_open(one) and one.due_on >= as_of,
        "Open, overdue": lambda one: _is_open(one) and one.due_on < as_of,
    }
    whole = Count("actions", len(of.actions))
    by_state = counting.split(
        whole, "state", {name: sum(map(is_so, of.actions)) for name, is_so in kinds.items()}
    )
    groups = [kind for kind in ACTIONS if any(one.kind == kind for one in of.actions)]

    def count(is_so: Callable[..., bool]) -> Callable[[str], int]:
        return lambda kind: sum(one.kind == kind and is_so(one) for one in of.actions)

    measures = [("Asked for", whole, count(lambda one: True))]
    measures += [(name, by_state[name], count(is_so)) for name, is_so in kinds.items()]
    table = by_table(
        counting, "actions", "Remedial actions by what was asked for", "Action", groups, measures
    )
    for group, row in zip((*groups, None), table.rows, strict=True):
        whole_of = row[1]
        assert isinstance(whole_of, Count)
        if group is not None:
            parts = tuple(cell for cell in row[2:] if isinstance(cell, Count))
            counting.add(whole_of, parts)
    words = Words(
        "Reviews of these re-referrals asked for {} remedial actions: {} were done in time, {} "
        "late, {} were handed over, and {} are open, {} of them overdue.",
        (whole, by_state["Done in time"], by_state["Done late"], by_state["Handed over"],
         counting.whole("actions open", [by_state["Open, not due"], by_state["Open, overdue"]]),
         by_state["Open, overdue"]),
    )  # fmt: skip
    return Section("Remedial actions", (words, table) if groups else (words,))


def _is_open(one: object) -> bool:
    return getattr(one, "done_on", None) is None and not getattr(one, "is_handed_over", False)


def by_group_section(
    of: Reviewing, counting: Counting, whole: Count, rated: tuple[Count, Count, Count]
) -> Section:
    """Return re-referrals by team, by primary need and by source; never by worker."""
    tables: list[Table] = []
    for name, what, column, words in (
        ("by-team", "Team", "team", {}),
        ("by-need", "Primary need", "primary_need", PRIMARY_NEEDS),
        ("by-source", "Referral source", "referral_source", REFERRAL_SOURCES),
    ):
        tables.append(_by(of, counting, name, what, column, words, (*rated, whole)))
    chart = bars_of(
        "chart-by-team", "Share of referrals that are re-referrals, by team", tables[0], [7],
        "Share, %",
    )  # fmt: skip
    return Section("By team, need and source", (*tables, chart))


def _by(
    of: Reviewing, counting: Counting, name: str, what: str, column: str,
    words: dict[str, str], wholes: tuple[Count, ...],
) -> Table:  # fmt: skip
    texts = of.population.text(column)

    named: dict[object, str] = {None: NOT_RECORDED}

    def group(place: int) -> str:
        code = texts[place]
        if code not in named:
            named[code] = f"{code} {words.get(str(code), '')}".strip()
        return named[code]

    everyone, told = places_of(of.referrals), places_of(of.covered)
    found = [place for place in told if of.population.re_referral[place] == YES]
    reviewed = [place for place in of.places if place in of.answers]
    avoidable = [p for p in reviewed if of.answers[p].answers["avoidable"] == "avoidable"]
    lists = (everyone, told, found, of.places, reviewed, avoidable)
    counted = [Counter(map(group, places)) for places in lists]
    groups = list(tally(map(group, everyone)))
    titles = ("Referrals", "Look-back covered", "Of these re-referrals", "All re-referrals",
              "Reviewed", "Avoidable")  # fmt: skip
    totals = (*wholes, Count("reviewed", len(reviewed)),
              Count("reviewed | avoidable: avoidable", len(avoidable)))  # fmt: skip
    measures = [
        (title, total, lambda group, of_group=of_group: of_group[group])
        for title, total, of_group in zip(titles, totals, counted, strict=True)
    ]
    return by_table(
        counting, name, f"Re-referrals by {what.lower()}", what, groups, measures,
        shares=[("Re-referral rate", 2, 1)],
        notes=("The rate is of the referrals whose look-back is covered, with its 95 % interval. "
               "Differences within each other's intervals are not to be read as differences.",),
        nested=[(0, 1), (3, 2), (3, 4), (4, 5)],
    )  # fmt: skip


def learning_sections(of: Reviewing, counting: Counting) -> Sequence[Section]:
    """Return how many reviews name something to be learned, by main reason, and what they name."""
    found = [(place, one) for place, one in of.answers.items() if one.answers.get("learning")]
    whole = Count("reviews that name learning", len(found))
    reviewed = Count("reviewed", len(of.answers))
    counting.add(reviewed, [whole, rest(whole, reviewed)])
    names = {code: f"{code} {words}" for code, words in REASONS.items()} | {
        "none": "no re-referral"
    }
    themes = tally(names[str(one.answers["main_reason"])] for _, one in found)
    if not found:
        return (Section("Learning", (Words("No review names something to be learned."),)),)
    table = shares_table(
        counting, "learning", "Reviews that name something to be learned, by main reason",
        "Main reason", whole, themes,
    )  # fmt: skip
    mains = Counter(str(one.answers["main_reason"]) for one in of.answers.values())
    for code in {str(one.answers["main_reason"]) for _, one in found}:
        key = ("reviewed | is_re_referral: no" if code == "none"
               else f"reviewed with a reason | main reason: {code}")  # fmt: skip
        theme = Count(f"{whole.key} | Main reason: {names[code]}", themes[names[code]])
        main = Count(key, mains[code])
        counting.add(main, [theme, rest(theme, main)])
    items = tuple(
        Words("{}: case {}. {}", (names[str(one.answers["main_reason"])], str(of.number(place)),
                                  str(one.answers["learning"])))
        for place, one in sorted(
            found, key=lambda item: (str(item[1].answers["main_reason"]), of.number(item[0]) or 0)
        )
    )  # fmt: skip
    return (
        Section("Learning by theme", (table,)),
        Section(
            "Annex: what reviewers wrote",
            (Words("In the reviewers' own words; read them before you pass this on."),
             Bullets(items)),
            is_annex=True,
        ),
    )  # fmt: skip


def annex(of: Reviewing) -> Section:
    """Return each re-referral by the number of its case, in the order of referral."""
    rows: list[tuple[Cell, ...]] = []
    days = of.population.day
    teams = of.population.text("team")
    for place in sorted(of.places, key=lambda place: (int(days[place]), of.number(place) or 0)):
        number = of.number(place)
        one = of.answers.get(place)
        answers = {} if one is None else one.answers
        team = teams[place]
        rows.append(
            (
                "no case" if number is None else str(number),
                to_date(int(days[place])),
                NOT_RECORDED if team is None else str(team),
                of.route(place),
                ", ".join(of.records.flags.get(number or 0, ())),
                "" if one is None else one.submitted_on,
                str(answers.get("main_reason", "")),
                str(answers.get("grade", "")),
                str(answers.get("avoidable", "")),
            )
        )
    columns = (
        Column("Case", "text"), Column("Referred on", "date"), Column("Team", "text"),
        Column("What became of it", "text"), Column("Rules that flagged it", "text"),
        Column("Reviewed on", "date"), Column("Main reason", "text"), Column("Grade", "text"),
        Column("Avoidable", "text"),
    )  # fmt: skip
    table = Table("cases", "Every re-referral, by the number of its case", columns, tuple(rows))
    return Section("Annex: every re-referral", (table,), is_annex=True)
