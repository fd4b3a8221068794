"""Why do they come back? What reviewers say, and what the records alone can bear.

From the records: the time to a return, by how the referral before had ended and by need, and which
endings re-referrals follow. None of it shows what brings children back; that is said on the page.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from triage.calendar import spoken_date, to_date, to_day
from triage.report.comparison import comparison_section
from triage.report.counting import NOT_RECORDED, Counting
from triage.report.document import (
    Block,
    Bound,
    Bullets,
    Cell,
    Chart,
    Column,
    Count,
    Document,
    Section,
    Series,
    Share,
    Statistic,
    Table,
    Words,
)
from triage.report.population import Population, population_of
from triage.report.published import Neighbour
from triage.report.records import GIVEN, YES, Records, Truth, Whole
from triage.report.standing import standing_of, what_is_lacking
from triage.report.survival import MONTH, survival
from triage.review_form import REASONS
from triage.vocabulary import CLOSURE_REASONS, PRIMARY_NEEDS

_MONTHS_SHOWN: Final = 12
_UNTIL: Final = 360
"""Days up to which a return is followed in tables and charts."""
_FEWEST: Final = 30
"""A group of fewer is not drawn by itself: its band would say nothing."""
_NFA: Final = "no further action at referral"
_OPEN: Final = "not ended"
_OTHER: Final = "others, too few to be shown apart"


def causes_document(records: Records, to: dt.date, councils: Sequence[Neighbour] = ()) -> Document:
    """Return what is known of why children come back, up to a day."""
    population = population_of(records)
    counting = Counting()
    sections = (
        Section("What this can and cannot say", (_bounds(), *what_is_lacking(records, counting))),
        _reasons(records, counting, to),
        _returns(population, counting, to, from_closure=False),
        _returns(population, counting, to, from_closure=True),
        _endings(population, counting, to),
        comparison_section(population, counting, to, councils),
    )
    return Document(
        "causes",
        f"Why do they come back? As of {spoken_date(to)}",
        "Reviewers' reasons over time; how soon children return, after what; which endings "
        "re-referrals follow; and the council's rates beside published ones.",
        standing_of(records, records.run.history_from, to),
        sections,
        tuple(counting.sums),
    )


def _bounds() -> Bullets:
    return Bullets(
        (
            Words("Reviewers' reasons are judgements about single cases, made by people who read "
                  "the record afterwards. They are counts of what was said."),
            Words("Curves and shares from the records show what went along with a return, not what "
                  "brought it about: families whose referral ends in one way differ from others in "
                  "much that no record holds. Nothing here is adjusted for such differences."),
            Words("A child with several referrals counts several times, so bands are somewhat too "
                  "narrow. Differences within each other's bands are not to be read as such."),
        )
    )  # fmt: skip


def _reasons(records: Records, counting: Counting, to: dt.date) -> Section:
    """Return the main reasons that reviewers gave, by the month in which the review came in."""
    months = _months(to)
    found: Counter[tuple[str, str]] = Counter()
    for one in records.reviewed:
        code = str(one.answers["main_reason"])
        month = one.submitted_on.isoformat()[:7]
        if code != "none" and one.submitted_on <= to and month in months:
            found[code, month] += 1
    n_all = sum(found.values())
    words = Words(
        f"{{}} reviews that came in from {months[0]} to {months[-1]} give a reason.",
        (Count("reviews with a reason, by month", n_all),),
    )
    if not found:
        return Section("Reviewers' reasons over time", (words,))
    whole = Count("reviews with a reason, by month", n_all)
    by_reason = counting.split(
        whole, "reason", {code: sum(found[code, m] for m in months) for code in REASONS}
    )
    by_month = counting.split(
        whole, "month", {m: sum(found[code, m] for code in REASONS) for m in months}
    )
    cells = {
        (code, m): Count(f"{whole.key} | {code} in {m}", found[code, m])
        for code in REASONS
        for m in months
    }
    for code in REASONS:
        counting.add(by_reason[code], [cells[code, m] for m in months])
    for m in months:
        counting.add(by_month[m], [cells[code, m] for code in REASONS])
    rows: list[tuple[Cell, ...]] = [
        (f"{code} {said}", *(cells[code, m] for m in months), by_reason[code])
        for code, said in REASONS.items()
    ]
    rows.append(("All", *by_month.values(), whole))
    columns = (Column("Main reason", "text"), *(Column(m) for m in months), Column("All"))
    table = Table(
        "reasons-by-month", "Main reasons by the month of the review", columns, tuple(rows),
        has_total=True,
    )  # fmt: skip
    turned_rows: tuple[tuple[Cell, ...], ...] = tuple(
        (m, *(cells[code, m] for code in REASONS)) for m in months
    )
    most = sorted(REASONS, key=lambda code: (-by_reason[code].n, code))[:4]
    turned = Table(
        "reasons-over-time", "Reviews by main reason, month by month",
        (Column("Month", "text"), *(Column(code) for code in REASONS)), turned_rows,
    )  # fmt: skip
    series = tuple(
        Series(list(REASONS).index(code) + 1, f"{code} {REASONS[code]}") for code in most
    )
    chart = Chart(
        "chart-reasons-over-time", "The four most frequent main reasons, month by month", "lines",
        turned, series, "Reviews",
        "Lines of the four reasons named most often; all reasons stand in the table beside.",
    )  # fmt: skip
    return Section("Reviewers' reasons over time", (words, table, chart))


def _months(to: dt.date) -> list[str]:
    year, month = to.year, to.month
    found = []
    for _ in range(_MONTHS_SHOWN):
        found.append(f"{year}-{month:02}")
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found[::-1]


def ending_of(population: Population) -> list[str]:
    """Return how each referral ended, in words."""
    nfa, closed = population.column("nfa"), population.state("closed_on")
    reasons = population.text("closure_reason")
    found = []
    for is_nfa, state, reason in zip(nfa.tolist(), closed.tolist(), reasons.tolist(), strict=True):
        if is_nfa == YES:
            found.append(_NFA)
        elif reason is not None:
            found.append(f"{reason} {CLOSURE_REASONS.get(str(reason), '')}".strip())
        else:
            found.append(f"closed, reason {NOT_RECORDED}" if state == GIVEN else _OPEN)
    return found


def _returns(
    population: Population, counting: Counting, to: dt.date, *, from_closure: bool
) -> Section:
    """Return how soon children were referred again, by how the one before ended and by need."""
    start = population.column("closed_on") if from_closure else population.day
    is_in = population.is_seen & (start <= to_day(to))
    if from_closure:
        is_in &= population.state("closed_on") == GIVEN
    following = _following(population)
    has_next = following >= 0
    next_day = population.day[np.maximum(following, 0)]
    # A referral inside the episode is no return after its closure.
    is_in &= ~(has_next & (next_day < start)) if from_closure else np.ones(len(start), bool)
    end = np.minimum(np.where(has_next, next_day, population.as_of), to_day(to))
    returned = has_next & (next_day <= to_day(to))
    days = np.maximum(end - start, 0)
    what = "the closure" if from_closure else "the referral"
    name = "closure" if from_closure else "referral"
    needs = [
        NOT_RECORDED if code is None else f"{code} {PRIMARY_NEEDS.get(str(code), '')}".strip()
        for code in population.text("primary_need")
    ]
    blocks: list[Block] = [
        Words(
            f"Followed from {what} to the child's next referral, or to {spoken_date(to)} where "
            "there was none; {} are followed, and {} of them came back in that time.",
            (Count(f"followed from {name}", int(is_in.sum())),
             Count(f"returned from {name}", int((returned & is_in).sum()))),
        )
    ]  # fmt: skip
    for by, texts in (("ending", ending_of(population)), ("need", needs)):
        blocks += _curves(counting, name, by, np.array(texts, object), is_in, days, returned)
    return Section(f"Time from {what} to the next referral", tuple(blocks))


def _following(population: Population) -> Whole:
    """Return the place of each child's next referral, -1 where there is none."""
    following = np.full(len(population), -1, np.int64)
    has_one = population.previous >= 0
    following[population.previous[has_one]] = np.flatnonzero(has_one)
    return following


def _curves(
    counting: Counting,
    name: str, by: str, texts: np.ndarray[tuple[int], np.dtype[np.object_]], is_in: Truth,
    days: Whole, returned: Truth,
) -> list[Block]:  # fmt: skip
    """Return the curves of each group as a table, and a chart of them."""
    sizes = Counter(texts[is_in].tolist())
    groups = [group for group, n in sorted(sizes.items()) if n >= _FEWEST]
    rest = is_in & ~np.isin(texts, groups)
    chosen = [(group, is_in & (texts == group)) for group in groups]
    if rest.any():
        chosen.append((_OTHER, rest))
    rows: list[tuple[Cell, ...]] = []
    for group, which in chosen:
        curve = survival(days[which], returned[which])
        whole = Count(f"from {name} by {by}: {group}", curve.n)
        before: tuple[Count, Count] | None = None
        for mark in curve.marks(_UNTIL, MONTH):
            key = f"from {name} by {by}: {group}, day {mark.day}"
            counts = (
                Count(f"{key}, followed", mark.n_at_risk),
                Count(f"{key}, returned", mark.n_returned),
                Count(f"{key}, newly returned", mark.n_new_returned),
                Count(f"{key}, newly not followed", mark.n_new_left),
            )
            left = Count(f"{key}, not followed", mark.n_left)
            counting.add(whole, (counts[0], counts[1], left))
            if before is not None:
                counting.add(counts[1], (before[0], counts[2]))
                counting.add(left, (before[1], counts[3]))
            before = (counts[1], left)
            shares = (None if one is None else 100 * one
                      for one in (mark.share, mark.low, mark.high))  # fmt: skip
            rows.append(
                (group, str(mark.day), counts[0], counts[1],
                 *(Statistic(one, counts) for one in shares))
            )  # fmt: skip
    if not rows:
        return []
    columns = (
        Column(by.capitalize(), "text"), Column("Days", "text"), Column("Followed still"),
        Column("Returned by then"), Column("Not returned, %", "number"),
        Column("from", "number"), Column("to", "number"),
    )  # fmt: skip
    title = f"Not referred again, by days from the {name}, by {by}"
    table = Table(
        f"returns-{name}-{by}", title, columns, tuple(rows),
        ("Kaplan and Meier's estimate with a 95 % band (log-log). Who is followed no longer counts "
         "up to then.",),
    )  # fmt: skip
    series = tuple(
        Series(4, group, low=5, high=6, only=(group,))
        for group, _ in sorted(chosen, key=lambda one: -int(one[1].sum()))[:4]
    )
    chart = Chart(
        f"chart-returns-{name}-{by}", f"{title}: the largest groups", "steps", table, series,
        "Not returned, %", "Falling steps for each of the largest groups, with bands; all groups "
        "stand in the table beside.", x=1,
    )  # fmt: skip
    return [chart]


def _endings(population: Population, counting: Counting, to: dt.date) -> Section:
    """Return which endings re-referrals follow, beside all endings."""
    texts = ending_of(population)
    upto = population.is_seen & (population.day <= to_day(to))
    ended = [texts[place] for place in np.flatnonzero(upto).tolist() if texts[place] != _OPEN]
    comes_back = upto & (population.re_referral == YES)
    before = [texts[place] for place in population.previous[comes_back].tolist()]
    followed = [one for one in before if one != _OPEN]
    kinds = sorted({*ended, *followed})
    of_all, of_back = Counter(ended), Counter(followed)
    whole = Count("endings", len(ended))
    back = Count("re-referrals after an ending", len(followed))
    all_parts = counting.split(whole, "ending", {kind: of_all[kind] for kind in kinds})
    back_parts = counting.split(back, "ending", {kind: of_back[kind] for kind in kinds})
    rows: list[tuple[Cell, ...]] = [
        (
            kind, all_parts[kind], Share(all_parts[kind], whole), back_parts[kind],
            Share(back_parts[kind], back), Bound(back_parts[kind], back, "low"),
            Bound(back_parts[kind], back, "high"),
        )
        for kind in kinds
    ]  # fmt: skip
    rows.append(("All", whole, Share(whole, whole), back, Share(back, back), "", ""))
    columns = (
        Column("Ending", "text"), Column("Endings"), Column("Share of endings", "share"),
        Column("Re-referrals after it"), Column("Share of re-referrals", "share"),
        Column("Share of re-referrals: from", "share"),
        Column("Share of re-referrals: to", "share"),
    )  # fmt: skip
    table = Table(
        "endings", "Endings, and the re-referrals that follow them", columns, tuple(rows),
        (f"Of all records from {spoken_date(to_date(population.start))} on. Where an ending's "
         "share of re-referrals lies above its share of all endings, by more than the interval, it "
         "is followed by a return more often than others: a reason to look, no proof.",),
        has_total=True,
    )  # fmt: skip
    unended = Words(
        "{} further re-referrals came while the previous referral had not ended, and follow none.",
        (Count("re-referrals before an ending", len(before) - len(followed)),),
    )
    only = tuple(kinds)
    chart = Chart(
        "chart-endings", "Share of all endings, and of the re-referrals that follow", "bars", table,
        (Series(2, "Share of endings", only=only), Series(4, "Share of re-referrals", only=only)),
        "%", "Two bars for each ending; the table beside has their values and intervals.",
    )  # fmt: skip
    return Section("Which endings are followed by a return", (table, unended, chart))
