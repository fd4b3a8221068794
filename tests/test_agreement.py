"""Agreement of two reviewers: kappa by textbook and by hand, what is uncertain, what undefined."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from work_helpers import ANSWERS

from triage import agreement
from triage.agreement import FEW, Figure, Pair, Weights, by_question, by_reviewers, kappa
from triage.review_form import QUESTIONS
from triage.second import COMPARED, MEASURED, ORDERED

WEIGHTS: tuple[Weights | None, ...] = (None, "linear", "quadratic")
Table = Sequence[Sequence[int]]


def cases(table: Table) -> Any:
    """Return a table of how often two answered so and so, taken apart into a table a case."""
    size = len(table)
    found = []
    for i, row in enumerate(table):
        for j, number in enumerate(row):
            one = np.zeros((size, size), np.int64)
            one[i, j] = 1
            found += [one] * number
    return np.array(found).reshape(-1, size, size)


def plain(table: Table, weights: Weights | None) -> Fraction | None:
    """Reckon Cohen's kappa as his papers of 1960 and 1968 have it, in fractions."""
    size, n = range(len(table)), sum(map(sum, table))
    rows = [sum(table[i]) for i in size]
    columns = [sum(table[i][j] for i in size) for j in size]
    seen = expected = Fraction(0)
    for i in size:
        for j in size:
            cost = {None: int(i != j), "linear": abs(i - j), "quadratic": (i - j) ** 2}[weights]
            seen += Fraction(cost * table[i][j], n)
            expected += Fraction(cost * rows[i] * columns[j], n * n)
    return None if not expected else 1 - seen / expected


def pair(case: int, first: str, second: str, question: str = "grade", **by: str) -> Pair:
    one, other = {**ANSWERS, question: first}, {**ANSWERS, question: second}
    return Pair(case, by.get("by", "a.one"), by.get("beside", "b.two"), one, other)


def figure(pairs: list[Pair], question: str = "grade") -> Figure:
    return next(one for one in by_question(pairs) if one.question == question)


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        # Two readers of 50 proposals: (0.70 - 0.50) / (1 - 0.50).
        ([[20, 5], [10, 15]], 0.4),
        # The same 60 of 100 agreed, the marginals apart: (0.60 - 0.54) / 0.46, (0.60 - 0.46) / 0.54
        ([[45, 15], [25, 15]], 0.130434782608),
        ([[25, 35], [5, 35]], 0.259259259259),
        # Psychotic, neurotic, organic (Fleiss, Statistical methods for rates and proportions):
        # 0.89 agreed, 0.80 x 0.80 + 0.10 x 0.05 + 0.10 x 0.15 = 0.66 by chance.
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676470588235),
        # Never the same: worse than chance.
        ([[0, 5], [5, 0]], -1.0),
        # One reviewer used one answer only: no better than chance.
        ([[7, 0], [3, 0]], 0.0),
    ],
)
def test_kappa_of_the_textbooks(table: Table, wanted: float) -> None:
    assert kappa(cases(table)).value == pytest.approx(wanted)


def test_weighted_kappa_reckoned_by_hand() -> None:
    table = [[10, 2, 0], [3, 8, 2], [0, 1, 4]]
    # Rows 12, 13, 5; columns 13, 11, 6; of 30. One step apart: 8 seen, 434 / 30 by chance; two
    # steps apart: none seen, 137 / 30 by chance.
    found = [kappa(cases(table), weights).value for weights in WEIGHTS]
    by_hand = [331 / 571, 1 - 8 / ((434 + 2 * 137) / 30), 1 - 8 / ((434 + 4 * 137) / 30)]
    assert found == pytest.approx(by_hand)
    assert by_hand == pytest.approx([0.5797, 0.6610, 0.7556], abs=5e-5)


@given(
    st.integers(2, 5).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(0, 6), min_size=size, max_size=size), min_size=size, max_size=size
        )
    ),
    st.sampled_from(WEIGHTS),
)
def test_kappa_is_what_a_plain_reckoning_gives(table: Table, weights: Weights | None) -> None:
    n = sum(map(sum, table))
    wanted = plain(table, weights) if n else None
    found = kappa(cases(table), weights)
    if wanted is None:
        assert found.value is None
        assert found.why.startswith("cannot be computed")
    else:
        assert found.value == pytest.approx(float(wanted))


@pytest.mark.parametrize("question", sorted(ORDERED))
def test_weights_follow_the_order_of_the_form_not_of_the_alphabet(question: str) -> None:
    answers = QUESTIONS[question][1]
    assert list(answers) != sorted(answers)
    chance = random.Random(question)
    asked = [(chance.choice(answers), chance.choice(answers)) for _ in range(40)]
    table = [[asked.count((one, other)) for other in answers] for one in answers]
    pairs = [
        pair(n, {"DEC-01": one}, {"DEC-01": other}, question)  # type: ignore[arg-type]
        if question == "flags_useful"
        else pair(n, one, other, question)
        for n, (one, other) in enumerate(asked)
    ]
    found = figure(pairs, question)
    told = {None: found.kappa, "linear": found.linear, "quadratic": found.quadratic}
    for weights, one in told.items():
        assert one is not None
        wanted = plain(table, weights)  # type: ignore[arg-type]
        assert wanted is not None
        assert one.value == pytest.approx(float(wanted))


def test_exact_and_within_one() -> None:
    grades = QUESTIONS["grade"][1]
    pairs = [pair(n, grades[0], other) for n, other in enumerate(grades)]
    found = figure(pairs)
    assert (found.n, found.n_exact, found.n_within_one) == (4, 1, 2)
    unordered = figure(pairs, "main_reason")
    assert (unordered.n, unordered.n_exact, unordered.n_within_one) == (4, 4, None)
    assert unordered.linear is unordered.quadratic is None


def test_kappa_of_one_answer_only_cannot_be_computed() -> None:
    found = figure([pair(n, "good", "good") for n in range(50)])
    assert (found.n, found.n_exact) == (50, 50)
    for one in (found.kappa, found.linear, found.quadratic):
        assert one is not None
        assert one.value is one.low is one.high is None
        assert one.why == "cannot be computed: only one answer was used"


def test_without_any_pair_nothing_is_computed() -> None:
    for found in by_question([]):
        assert (found.n, found.n_exact, found.kappa.value) == (0, 0, None)
        assert found.kappa.why == "cannot be computed: nothing was answered by both"
    assert by_reviewers([]) == ()


def test_there_is_no_interval_of_nothing_but_agreement() -> None:
    pairs = [pair(n, grade, grade) for n, grade in enumerate(["good", "inadequate"] * 10)]
    found = figure(pairs).kappa
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.why == "no interval: all answers are the same"


def test_there_is_no_interval_where_hardly_anybody_answered_otherwise() -> None:
    pairs = [pair(n, "good", "good") for n in range(20)] + [pair(20, "good", "inadequate")]
    found = figure(pairs).kappa
    assert found.value == pytest.approx(0)
    assert found.low is found.high is None
    assert figure([pair(1, "good", "inadequate")]).kappa.low is None


def test_the_interval_is_the_same_each_time_and_narrower_with_more_pairs() -> None:
    table = [[10, 2, 0], [3, 8, 2], [0, 1, 4]]
    few, again = kappa(cases(table), "linear"), kappa(cases(table), "linear")
    assert few == again
    more = kappa(cases([[8 * n for n in row] for row in table]), "linear")
    assert more.value == pytest.approx(few.value)
    assert few.low is not None
    assert few.high is not None
    assert more.low is not None
    assert more.high is not None
    assert -1 <= few.low < more.low < few.value < more.high < few.high <= 1  # type: ignore[operator]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_each_resample_is_reckoned_as_the_whole_is(
    weights: Weights | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "RESAMPLES", 40)
    # The third answer is used by nobody, and still counts as a step.
    table = [[9, 2, 0, 1], [3, 8, 0, 2], [0, 0, 0, 0], [0, 1, 0, 4]]
    parts = cases(table)
    found = agreement._resampled(parts, weights)
    cells = parts.reshape(len(parts), -1)
    used = [place for place in range(16) if cells[:, place].any()]
    order = sorted(used, key=lambda place: tuple(cells[cells[:, place] == 1][0]))
    chance = np.random.default_rng(agreement._SEED)
    share = [cells[:, place].sum() / len(cells) for place in order]
    wanted = []
    for drawn in chance.multinomial(len(cells), share, size=40):
        again = np.zeros(16, int)
        again[order] = drawn
        wanted.append(float(plain(again.reshape(4, 4).tolist(), weights)))  # type: ignore[arg-type]
    assert found == pytest.approx(wanted)


def test_the_interval_holds_the_true_kappa_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(7)
    # Of four grades: the second reviewer agrees in 70 of 100, else is one next to the first.
    first = np.array([0.1, 0.4, 0.35, 0.15])
    second = np.array([[0.7, 0.3, 0, 0], [0.15, 0.7, 0.15, 0], [0, 0.15, 0.7, 0.15],
                       [0, 0, 0.3, 0.7]])  # fmt: skip
    truth = first[:, None] * second
    rows, columns = truth.sum(1), truth.sum(0)
    by_chance = float(rows @ columns)
    true = (float(np.trace(truth)) - by_chance) / (1 - by_chance)
    held = 0
    for _ in range(120):
        table = chance.multinomial(60, truth.ravel()).reshape(4, 4)
        found = kappa(cases(table.tolist()))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert held >= 0.88 * 120


def test_flags_are_compared_one_by_one_and_cases_stay_together() -> None:
    def useful(case: int, **said: str) -> Pair:
        rules = {name.replace("_", "-"): one for name, one in said.items()}
        return Pair(case, "a", "b", {**ANSWERS, "flags_useful": rules},
                    {**ANSWERS, "flags_useful": {**rules, "DQ-01": "no"}})  # fmt: skip

    pairs = [useful(1, DEC_01="yes", REF_08="no"), useful(2, DEC_01="partly"), useful(3)]
    found = figure(pairs, "flags_useful")
    assert (found.n, found.n_cases, found.n_exact) == (3, 2, 3)


def test_every_measured_question_has_its_figure_in_the_order_of_the_form() -> None:
    assert [one.question for one in by_question([pair(1, "good", "good")])] == list(MEASURED)
    assert set(COMPARED) < set(MEASURED) < set(QUESTIONS)


def test_too_few_pairs_are_told() -> None:
    assert FEW == 30
    assert figure([pair(n, "good", "good") for n in range(29)]).is_few
    assert not figure([pair(n, "good", "good") for n in range(30)]).is_few


def test_two_reviewers_are_one_pair_whoever_was_first() -> None:
    pairs = [
        pair(1, "good", "inadequate", by="b.two", beside="a.one"),
        pair(2, "inadequate", "good", by="a.one", beside="b.two"),
    ]
    (both,) = by_reviewers(pairs)
    assert (both.reviewers, both.n_cases) == (("a.one", "b.two"), 2)
    # a.one was the harsher one both times: each used one answer only, and never the other's.
    found = next(one for one in both.figures if one.question == "grade")
    assert (found.n_exact, found.kappa.value) == (0, 0.0)


def test_pairs_stand_by_name_whatever_their_agreement() -> None:
    worst_first = [pair(1, "good", "inadequate", by="z", beside="y"),
                   pair(2, "good", "good", by="c", beside="a"),
                   pair(3, "good", "inadequate", by="b", beside="a")]  # fmt: skip
    names = [one.reviewers for one in by_reviewers(worst_first)]
    assert names == [("a", "b"), ("a", "c"), ("y", "z")]


def test_scikit_learn_is_loaded_by_nobody_who_does_not_ask_for_kappa() -> None:
    import subprocess

    code = (
        "import sys; import triage.cli, triage.store, triage.seconding, triage.present_second; "
        "sys.exit(any(name.partition('.')[0] in ('sklearn', 'scipy') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
