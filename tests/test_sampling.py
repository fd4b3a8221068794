"""Samples: the same seed draws the same cases, and each stratum gives its part."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import CallError
from triage.sampling import (
    NO_RE_REFERRAL,
    NO_TEAM,
    WHOLE,
    allocated,
    drawn,
    place_of,
    seed_of,
    share_of,
    size_of,
    stratum_of,
)

SEED = "2026-Q3"
NAMES = st.text("ABCDEFG", min_size=1, max_size=2)
SIZES = st.dictionaries(NAMES, st.integers(0, 400), max_size=8)
FRAMES = st.dictionaries(NAMES, st.sets(st.integers(1, 10**6), min_size=1, max_size=40),
                         min_size=1, max_size=6)  # fmt: skip
SEEDS = st.text("ab1-", min_size=1, max_size=5)
SHARES = st.integers(1, 100).map(lambda percent: Fraction(percent, 100))


@given(FRAMES, st.integers(0, 200), SEEDS, st.randoms(use_true_random=False))
def test_the_same_seed_draws_the_same_in_whatever_order_the_cases_come(
    frame: dict[str, set[int]], n: int, seed: str, chance: object
) -> None:
    before = drawn(frame, n, seed)
    names = list(frame)
    chance.shuffle(names)  # type: ignore[attr-defined]
    mixed = {}
    for name in names:
        mixed[name] = list(frame[name])
        chance.shuffle(mixed[name])  # type: ignore[attr-defined]
    assert drawn(mixed, n, seed) == before


@given(FRAMES, st.integers(0, 200), SEEDS)
def test_a_sample_is_of_its_strata_and_of_its_size(
    frame: dict[str, set[int]], n: int, seed: str
) -> None:
    found = drawn(frame, n, seed)
    assert set(found) == set(frame)
    assert all(set(cases) <= frame[name] for name, cases in found.items())
    assert all(len(set(cases)) == len(cases) for cases in found.values())
    assert sum(map(len, found.values())) == min(n, sum(map(len, frame.values())))


@given(st.sets(st.integers(1, 10**6), min_size=2, max_size=60), st.integers(1, 60), SEEDS)
def test_a_case_keeps_its_place_when_others_come_and_go(cases: set[int], n: int, seed: str) -> None:
    n = min(n, len(cases) - 1)
    (before,) = drawn({WHOLE: cases}, n, seed).values()
    left_out = max(cases, key=lambda case: place_of(seed, case))
    assert drawn({WHOLE: cases - {left_out}}, n, seed) == {WHOLE: before}
    gone = before[0]
    (after,) = drawn({WHOLE: cases - {gone}}, n, seed).values()
    assert set(before) - {gone} <= set(after)


@given(st.sets(st.integers(1, 10**6), min_size=1, max_size=60), SEEDS)
def test_a_larger_sample_holds_the_smaller_one(cases: set[int], seed: str) -> None:
    before: set[int] = set()
    for n in range(len(cases) + 1):
        (found,) = drawn({WHOLE: cases}, n, seed).values()
        assert before <= set(found)
        before = set(found)


def test_the_place_of_a_case_is_a_hash_that_anybody_can_reckon() -> None:
    assert place_of(SEED, 12) == hashlib.sha256(b"2026-Q3\x1f12").digest()
    assert place_of("1", 23) != place_of("12", 3)


def test_another_seed_draws_others() -> None:
    frame = {WHOLE: range(1, 1001)}
    assert len({drawn(frame, 10, str(seed))[WHOLE] for seed in range(50)}) == 50


def test_each_case_is_drawn_about_as_often_as_any_other() -> None:
    seeds, cases, n = 2000, range(1, 21), 5
    times = dict.fromkeys(cases, 0)
    for seed in range(seeds):
        for case in drawn({WHOLE: cases}, n, str(seed))[WHOLE]:
            times[case] += 1
    expected = seeds * n / len(cases)
    spread = math.sqrt(expected * (1 - n / len(cases)))
    assert all(abs(number - expected) < 4.5 * spread for number in times.values())


@given(SIZES, st.integers(0, 2000))
def test_the_parts_add_up_and_none_is_more_than_there_is(sizes: dict[str, int], n: int) -> None:
    found = allocated(sizes, n)
    assert sum(found.values()) == min(n, sum(sizes.values()))
    assert set(found) == {name for name, size in sizes.items() if size}
    assert all(0 <= number <= sizes[name] for name, number in found.items())


@given(SIZES, st.integers(0, 2000))
def test_each_part_is_proportional_but_for_those_that_would_go_without(
    sizes: dict[str, int], n: int
) -> None:
    found = allocated(sizes, n)
    whole = sum(sizes.values())
    n = min(n, whole)
    parts = {name: Fraction(n * sizes[name], whole) for name in found}
    n_tiny = sum(part < 1 for part in parts.values())
    for name, number in found.items():
        assert number <= max(1, math.ceil(parts[name]))
        assert number >= math.floor(parts[name]) - n_tiny


@given(SIZES, st.integers(0, 2000))
def test_every_stratum_gives_one_where_the_sample_is_large_enough(
    sizes: dict[str, int], n: int
) -> None:
    found = allocated(sizes, n)
    if n >= len(found):
        assert all(found.values())


@given(SIZES, st.integers(0, 2000))
def test_without_tiny_strata_these_are_the_largest_remainders(
    sizes: dict[str, int], n: int
) -> None:
    whole = sum(sizes.values())
    n = min(n, whole)
    parts = {name: Fraction(n * size, whole) for name, size in sizes.items() if size}
    if any(part < 1 for part in parts.values()):
        return
    # Reckoned apart: whole parts first, then one by one to whoever is furthest behind.
    wanted = {name: math.floor(part) for name, part in parts.items()}
    for _ in range(n - sum(wanted.values())):
        wanted[min(sorted(parts), key=lambda name: wanted[name] - parts[name])] += 1
    assert allocated(sizes, n) == wanted


@pytest.mark.parametrize(
    ("sizes", "n", "wanted"),
    [
        ({"N": 60, "S": 30, "E": 10}, 10, {"N": 6, "S": 3, "E": 1}),
        ({"N": 97, "S": 2, "E": 1}, 10, {"N": 8, "S": 1, "E": 1}),
        ({"N": 1000, "S": 1, "E": 1, "W": 1}, 4, {"N": 1, "S": 1, "E": 1, "W": 1}),
        ({"N": 5, "S": 5, "E": 5}, 2, {"E": 1, "N": 1, "S": 0}),
        ({"N": 5, "S": 0}, 9, {"N": 5}),
        ({}, 3, {}),
    ],
)
def test_parts_reckoned_by_hand(sizes: dict[str, int], n: int, wanted: dict[str, int]) -> None:
    assert allocated(sizes, n) == wanted


@given(st.integers(1, 10_000), SHARES)
def test_a_share_is_rounded_up_so_that_there_is_always_one(n: int, share: Fraction) -> None:
    found = size_of(n, share=share, number=None)
    assert found - 1 < share * n <= found <= n
    assert found >= 1


def test_a_number_is_at_most_what_there_is() -> None:
    assert size_of(7, share=None, number=20) == 7
    assert size_of(30, share=None, number=20) == 20


def test_either_a_share_or_a_number_is_to_be_given() -> None:
    for share, number in ((None, None), (Fraction(1, 10), 3)):
        with pytest.raises(CallError, match="--share 10%, or --number 20"):
            size_of(10, share=share, number=number)


def test_shares_as_people_write_them() -> None:
    assert share_of("10%") == Fraction(1, 10)
    assert share_of(" 12.5 % ") == Fraction(1, 8)
    assert share_of("100%") == 1
    for wrong in ("", "10", "0%", "101%", "-5%", "ten%", "1e1%", "0.1", "%", "10%%"):
        with pytest.raises(CallError, match="above 0% and up to 100%"):
            share_of(wrong)


def test_a_seed_is_something_that_can_be_written_down_again() -> None:
    assert seed_of(" Summer dip sample ") == "Summer dip sample"
    for wrong in ("", "   ", "a\nb", "\x00", "x" * 101):
        with pytest.raises(CallError, match="--seed"):
            seed_of(wrong)


def test_the_strata_of_a_case() -> None:
    answers = {"grade": "good", "is_re_referral": "partly", "avoidable": "unclear"}
    of_team = {"team": "North", "severity": "high", "answers": answers}
    assert stratum_of("team", **of_team) == "North"
    assert stratum_of("team", **{**of_team, "team": None}) == NO_TEAM
    assert stratum_of("severity", **of_team) == "high"
    assert stratum_of("grade", **of_team) == "good"
    assert stratum_of("outcome", **of_team) == "unclear"
    none = {**answers, "is_re_referral": "no"}
    assert stratum_of("outcome", **{**of_team, "answers": none}) == NO_RE_REFERRAL
    assert stratum_of(None, **of_team) == WHOLE
