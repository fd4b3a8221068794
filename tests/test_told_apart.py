"""Texts and patterns told apart by the column, beside the same in plain Python."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage import judging, known
from triage.flagged import told_apart
from triage.names import equal_at, folded

ODD = ["Straße", "STRASSE", "ſocial", "Ω", "İz", "Team A", "team a", ""]


def test_texts_are_folded_as_python_folds_them() -> None:
    assert folded(pa.array(ODD, pa.string())).to_pylist() == [text.casefold() for text in ODD]


def test_a_text_that_stands_twice_equals_itself_and_no_text_equals_nothing() -> None:
    ours, theirs = pa.array(["a", "b", "b"]), pa.array(["b", "c", "b"])
    rows = np.array([0, 1, 2, 1])
    assert equal_at(ours, rows, theirs, np.array([0, 0, 2, 1])).tolist() == [
        False, True, True, False,
    ]  # fmt: skip
    none = pa.array([], pa.string())
    assert not equal_at(none, np.zeros(2, int), none, np.zeros(2, int)).any()


@pytest.mark.parametrize("radixes", [(1,), (256,), (2, 128), (256, 256), (255, 257, 16), (2,) * 21])
def test_rows_have_the_same_pattern_where_all_their_digits_are_the_same(
    radixes: tuple[int, ...],
) -> None:
    chance = np.random.default_rng(5)
    n = 3_000
    digits = [chance.integers(0, radix, n).astype(np.uint32) for radix in radixes]
    for digit, radix in zip(digits, radixes, strict=True):
        digit[-1] = radix - 1  # Each radix is reached, so that no number is too great for its kind.
    pattern, first = judging._told_apart(digits, n)
    shown = list(zip(*(digit.tolist() for digit in digits), strict=True))
    assert [shown[row] for row in first[pattern].tolist()] == shown
    assert len({*pattern.tolist()}) == len(first) == len({*shown})
    assert all(shown.index(shown[row]) == row for row in first.tolist()[:50])


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(
            st.tuples(*[st.sampled_from([0, 1, 2**40, 2**61, 2**62 - 1, -(2**62)])] * n),
            min_size=1,
            max_size=30,
        )
    )
)
def test_rows_are_numbered_as_they_are_first_shown_however_far_apart_their_codes(
    shown: list[tuple[int, ...]],
) -> None:
    number, first = told_apart([np.array(column) for column in zip(*shown, strict=True)])
    distinct = list(dict.fromkeys(shown))
    assert number.tolist() == [distinct.index(row) for row in shown]
    assert [shown[row] for row in first.tolist()] == distinct


def test_texts_are_written_in_json_as_python_writes_them() -> None:
    texts = ['say "so"', "back\\slash", "tab\t", "line\n", "é", "\x7f", "plain ~!#[]^", "", "😀"]
    assert known._in_json(pa.array(texts)).to_pylist() == [json.dumps(text) for text in texts]
