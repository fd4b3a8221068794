"""Why do they come back? What reviewers say, and what the records alone can bear.

From the records: the time to a return, by how the referral before had ended and by need, and which
endings re-referrals follow. None of it shows what brings children back; that is said on the page.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Final

from triage.calendar import spoken_date
from triage.report.comparison import comparison_section
from triage.report.counting import Counting
from triage.report.document import (
    Bullets,
    Cell,
    Chart,
    Column,
    Count,
    Document,
    Section,
    Series,
    Table,
    Words,
)
from triage.report.population import population_of
from triage.report.published import Neighbour
from triage.report.records import Records
from triage.report.returns import endings_section, returns_section
from triage.report.standing import standing_of, what_is_lacking
from triage.review_form import REASONS

_MONTHS_SHOWN: Final = 12


def causes_document(records: Records, to: dt.date, councils: Sequence[Neighbour] = ()) -> Document:
    """Return what is known of why children come back, up to a day."""
    population = population_of(records)
    counting = Counting()
    sections = (
        Section("What this can and cannot say", (_bounds(), *what_is_lacking(records, counting))),
        _reasons(records, counting, to),
        returns_section(population, counting, to, from_closure=False),
        returns_section(population, counting, to, from_closure=True),
        endings_section(population, counting, to),
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
