"""The three-month review: every re-referral of a window, and what became of its review.

In 2017 the council answered Ofsted with a review of all re-referrals of the last three months; this
is the document of one.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Final

from triage.calendar import spoken_date
from triage.report.agreement_tables import agreement_section
from triage.report.counting import Counting, bars_of, shares_table, tally
from triage.report.document import (
    Block,
    Bound,
    Cell,
    Column,
    Count,
    Document,
    Section,
    Share,
    Table,
    Words,
)
from triage.report.population import MONTHS, population_of, window
from triage.report.records import NO, NOT_TOLD, YES, Records
from triage.report.review_cases import (
    actions_section,
    annex,
    before_section,
    by_group_section,
    delays_section,
    learning_sections,
)
from triage.report.reviewing import AGAIN, REVIEWED, ROUTES, Reviewing
from triage.report.shown import rest
from triage.report.standing import standing_of, what_is_lacking
from triage.review_form import QUESTIONS, REASONS

_RESULTS: Final = (
    "is_re_referral", "avoidable", "grade", "closure_right", "threshold_right",
    "risk_identified", "oversight",
)  # fmt: skip
"""The questions whose answers are shown each in a table of its own."""
_MOST_PAIRS: Final = 15


def review_document(records: Records, to: dt.date, months: int = 3) -> Document:
    """Return the review of every re-referral of the months up to a day."""
    first, last = window(to, months)
    of = Reviewing(records, population_of(records), first, last)
    counting = Counting()
    referrals = Count("referrals", int(of.referrals.sum()))
    told = of.population.re_referral[of.referrals]
    kinds = counting.split(
        referrals, "re-referral",
        {"yes": int((told == YES).sum()), "no": int((told == NO).sum()),
         "cannot tell": int((told == NOT_TOLD).sum())},
    )  # fmt: skip
    whole = kinds["yes"]
    n_covered = int((of.population.re_referral[of.covered] == YES).sum())
    found = counting.split(
        whole, "look-back", {"covered": n_covered, "not covered": whole.n - n_covered}
    )
    covered = counting.whole(
        "referrals whose look-back is covered", [found["covered"], kinds["no"]]
    )
    rated = (referrals, covered, found["covered"])
    sections = (
        _at_a_glance(of, counting, kinds, rated),
        _results(of, counting, whole),
        _reasons(of, counting),
        before_section(of, counting, whole),
        delays_section(of, counting, whole),
        actions_section(of, counting),
        agreement_section(of, counting),
        by_group_section(of, counting, whole, rated),
        *learning_sections(of, counting),
        annex(of),
    )
    months_told = f"{months} months" if months != 1 else "month"
    return Document(
        "review",
        f"Review of re-referrals, {months_told} to {spoken_date(last)}",
        "Every re-referral of the window: how it came into the review, what reviewers found, and "
        "what was put right.",
        standing_of(records, first, last),
        sections,
        tuple(counting.sums),
    )


def _at_a_glance(
    of: Reviewing, counting: Counting, kinds: Mapping[str, Count], rated: tuple[Count, Count, Count]
) -> Section:
    whole = kinds["yes"]
    referrals, covered, found = rated
    routes = shares_table(
        counting, "population", "How each re-referral came into the review, or why not",
        "What became of it", whole, tally(map(of.route, of.places), ROUTES),
    )  # fmt: skip
    seconds = _seconds(of, counting, whole)
    lead = Words(
        f"From {spoken_date(of.first)} to {spoken_date(of.last)} {{}} referrals were made. {{}} of "
        f"them were re-referrals, within {MONTHS} months of a previous referral of the same child. "
        "That is a rate of {} (95 % interval {} to {}): {} of the {} whose look-back of "
        f"{MONTHS} months the records cover.",
        (
            referrals,
            whole,
            Share(found, covered),
            Bound(found, covered, "low"),
            Bound(found, covered, "high"),
            found,
            covered,
        ),
    )
    untold = Words(
        "Of {} referrals it cannot be told, because the records begin on "
        f"{spoken_date(of.records.run.history_from)} and do not reach back {MONTHS} months before "
        "them. The rate leaves out all that came so early, those found to be re-referrals as well: "
        "else it would be too high.",
        (kinds["cannot tell"],),
    )
    lacking = what_is_lacking(of.records, counting)
    return Section("At a glance", (lead, untold, routes, seconds, *lacking))


def _seconds(of: Reviewing, counting: Counting, whole: Count) -> Table:
    """Return how many were sampled, reviewed a second time, and moderated."""
    numbers = {of.number(place) for place in of.places}
    mine = [one for one in of.records.seconds if one.case in numbers]
    drawn = Counter(one.why for one in mine)
    rows: list[tuple[Cell, ...]] = []
    put = Count("put to a second review", len(mine))
    why = counting.split(
        put, "why",
        {"sample": drawn["sample"], "grade": drawn["grade"], "asked": drawn["asked"]},
    )  # fmt: skip
    submitted = [one for one in mine if one.is_in]
    differing = [one for one in submitted if one.outcome != "agreed"]
    came_in = Count("second reviews submitted", len(submitted))
    counting.add(put, [came_in, Count("second reviews not submitted", len(mine) - len(submitted))])
    outcome = counting.split(
        came_in, "outcome",
        {"agreed": len(submitted) - len(differing), "differed": len(differing)},
    )  # fmt: skip
    n_settled = sum(one.is_settled for one in differing)
    settled = counting.split(
        outcome["differed"], "moderated", {"yes": n_settled, "no": len(differing) - n_settled}
    )
    rows = [
        ("Put to a second reviewer", put),
        ("of them drawn in a sample", why["sample"]),
        ("of them for their grade", why["grade"]),
        ("of them asked for", why["asked"]),
        ("Second review submitted", came_in),
        ("Both agreed", outcome["agreed"]),
        ("Differed, and moderated", settled["yes"]),
        ("Differed, not moderated yet", settled["no"]),
    ]
    return Table(
        "second-reviews", "Second reviews", (Column("What", "text"), Column("Number")), tuple(rows)
    )


def _results(of: Reviewing, counting: Counting, whole: Count) -> Section:
    reviewed = Count("reviewed", len(of.answers))
    routes = f"{whole.key} | What became of it"
    counting.add(
        reviewed,
        [Count(f"{routes}: {name}", sum(of.route(place) == name for place in of.places))
         for name in (REVIEWED, AGAIN)],
    )  # fmt: skip
    words = Words(
        "{} of {} re-referrals have final answers. Those that wait for a second review or its "
        "moderation are not among them, since their answers may still change.",
        (reviewed, whole),
    )
    tables = [
        shares_table(
            counting, f"result-{name.replace('_', '-')}", QUESTIONS[name][0], "Answer", reviewed,
            tally((str(one.answers[name]) for one in of.answers.values()), QUESTIONS[name][1]),
            by=name,
        )
        for name in _RESULTS
    ]  # fmt: skip
    if not of.answers:
        return Section("What reviewers found", (words,))
    grades = tables[_RESULTS.index("grade")]
    chart = bars_of("chart-grades", "Grades of practice", grades, [2], "Share of reviews, %")
    return Section("What reviewers found", (words, *tables, chart))


def _reasons(of: Reviewing, counting: Counting) -> Section:
    """Return why children came back, by reviewers: main and further reasons, and which go along."""
    named = [
        {str(one.answers["main_reason"]), *one.answers["further_reasons"]} - {"none"}
        for one in of.answers.values()
    ]
    main = Counter(str(one.answers["main_reason"]) for one in of.answers.values())
    whole = Count("reviewed with a reason", sum(map(bool, named)))
    if named:
        # Who is no re-referral in substance has no reason, and the other way round.
        none = Count("reviewed | is_re_referral: no", len(named) - whole.n)
        counting.add(Count("reviewed", len(named)), [whole, none])
    mains = counting.split(whole, "main reason", {code: main[code] for code in REASONS})
    n_any = Counter(code for codes in named for code in codes)
    any_of = {code: Count(f"reason {code}", n_any[code]) for code in REASONS}
    for code, count in any_of.items():
        counting.add(count, [mains[code], rest(mains[code], count)])
    rows: list[tuple[Cell, ...]] = [
        (
            f"{code} {words}", mains[code], Share(mains[code], whole),
            any_of[code], Share(any_of[code], whole),
        )
        for code, words in REASONS.items()
    ]  # fmt: skip
    columns = (
        Column("Reason", "text"), Column("Main reason"), Column("Main reason, share", "share"),
        Column("Named at all"), Column("Named at all, share", "share"),
    )  # fmt: skip
    table = Table(
        "reasons", "Why children came back, by reviewers", columns, tuple(rows),
        ("A review has one main reason and may name further ones, so the last two columns add up "
         "to more than all.",),
    )  # fmt: skip
    pairs = Counter(
        (one, other) for codes in named for one in codes for other in codes if one < other
    )
    most = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:_MOST_PAIRS]
    overlap = Table(
        "reasons-together", "Reasons that were named together most often",
        (Column("Reasons", "text"), Column("Reviews")),
        tuple((f"{a} with {b}", Count(f"reasons {a} and {b}", n)) for (a, b), n in most),
    )  # fmt: skip
    for (a, b), n in most:
        both = Count(f"reasons {a} and {b}", n)
        for code in (a, b):
            counting.add(any_of[code], [both, rest(both, any_of[code])])
    chart = bars_of("chart-reasons", "Main reasons", table, [1], "Reviews")
    blocks: tuple[Block, ...] = (
        Words("{} reviews give a reason.", (whole,)), table, chart, *([overlap] if most else ()),
    )  # fmt: skip
    return Section("Reasons", blocks)
