"""Where two reviews differ, and whose answers are final."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st
from second_helpers import (
    answers,
    asked,
    file_of,
    final_of,
    people,
    refused,
    reviewed,
    reviews_kept,
    said,
    status_of,
)
from stores import OwnStore
from work_helpers import asker

from triage import store as kept
from triage.errors import CallError
from triage.review_form import QUESTIONS, complete
from triage.second import (
    COMPARED,
    ORDERED,
    Given,
    Pairing,
    differences,
    final,
    in_common,
    versions,
)

MANAGER = ("--as", "m.manager")


def first(number: int, at: str = "1", **more: Any) -> Given:
    return Given(number, "first", more.get("gone", False), more.get("after"), at)


def second(number: int, **more: Any) -> Given:
    return Given(
        number, more.get("kind", "second"), more.get("gone", False), more.get("after"), "2"
    )


def test_nothing_is_final_before_a_review_is_submitted() -> None:
    assert final([], []) is None


def test_the_first_is_final_until_somebody_agrees_or_settles() -> None:
    both = [first(1), second(2)]
    assert final(both[:1], []) == 1
    assert final(both[:1], [Pairing(1, None, None, None)]) == 1
    assert final(both[:1], [Pairing(1, None, "withdrawn", None)]) == 1
    assert final(both, [Pairing(1, 2, "differs", None)]) == 1
    assert final(both, [Pairing(1, 2, "agreed", None)]) == 2
    settled = [*both, second(3, kind="moderation")]
    assert final(settled, [Pairing(1, 2, "differs", 3)]) == 3


def test_a_review_is_followed_to_the_one_in_its_place() -> None:
    chain = [first(1, gone=True), first(2, after=1)]
    assert final(chain, []) == 2
    agreed = [first(1), second(2, gone=True), second(3, after=2, gone=True), second(4, after=3)]
    assert final(agreed, [Pairing(1, 2, "agreed", None)]) == 4
    settled = [first(1), second(2), second(3, kind="moderation", gone=True),
               second(4, kind="moderation", after=3)]  # fmt: skip
    assert final(settled, [Pairing(1, 2, "differs", 3)]) == 4


def test_a_later_round_goes_before_an_earlier_one() -> None:
    rounds = [first(5, "1"), second(6), second(7, kind="moderation"), first(4, "9")]
    assert final(rounds, [Pairing(5, 6, "differs", 7)]) == 4
    again = [Pairing(5, 6, "differs", 7), Pairing(4, 8, "agreed", None)]
    assert final([*rounds, second(8)], again) == 8


def test_all_versions_of_a_review_are_known() -> None:
    chain = [first(1, gone=True), first(3, after=1, gone=True), first(7, after=3), second(9)]
    assert versions(7, chain) == {1, 3, 7}
    assert versions(9, chain) == {9}


FILLED = st.fixed_dictionaries(
    {name: st.sampled_from(QUESTIONS[name][1]) for name in COMPARED}
    | {
        "further_reasons": st.lists(st.sampled_from(["R03", "R04"]), unique=True),
        "flags_useful": st.dictionaries(st.sampled_from(["DEC-01", "DEC-02"]),
                                        st.sampled_from(["yes", "no"])),
        "learning": st.text("ab", max_size=2),
        "actions": st.just([]),
    }
)  # fmt: skip


@given(FILLED, FILLED)
def test_two_reviews_either_share_an_answer_or_differ_on_it(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    apart, shared = differences(one, other), in_common(one, other)
    assert sorted([*apart, *(name for name in COMPARED if name in shared)]) == sorted(COMPARED)
    assert differences(other, one) == apart
    assert differences(one, one) == ()
    for name in COMPARED:
        if name in shared:
            assert shared[name] == one[name] == other[name]
    assert "learning" not in shared
    assert "actions" not in shared
    assert all(
        one["flags_useful"][rule] == other["flags_useful"][rule] == said_of
        for rule, said_of in shared["flags_useful"].items()
    )


def test_every_question_with_one_answer_out_of_a_list_is_compared() -> None:
    several = {"further_reasons", "flags_useful", "learning", "actions"}
    assert set(COMPARED) == set(QUESTIONS) - several
    assert set(COMPARED) | {"flags_useful"} >= ORDERED


def test_words_and_flags_that_differ_need_no_moderation(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace, learning="one", further_reasons=["R04"])
    asked(store, 1)
    path = file_of(workplace, learning="other", flags_useful={"DEC-01": "no"})
    assert "The two agree" in said(triage, "second", "submit", "1", path, "--as", "r.second")
    assert final_of(store).answers["learning"] == "other"


def settled(own: OwnStore) -> None:
    """Bring the case to a moderation that m.one made."""
    asked(own, 1)
    harsh = answers(grade="inadequate", learning="much")
    kept.submit_second(own.url, asker("r.second", 1), 1, harsh)
    kept.settle_second(own.url, asker("m.one", 2), 1, harsh, "talked to both")


def test_what_was_settled_is_superseded_by_who_settled_it_or_a_manager_and_stays_settled(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    settled(store)
    people(triage)
    before = reviews_kept(store)
    better = file_of(workplace, grade="outstanding")
    for name in ("r.first", "r.second"):
        assert "the review of case 1 is m.one's" in refused(
            triage, "review", "supersede", "1", better, "--reason", "mine was right", "--as", name
        )
    said(triage, "review", "supersede", "1", better, "--reason", "police record", *MANAGER)
    final = final_of(store)
    assert (final.kind, final.supersedes, final.reviewer) == ("moderation", 3, "m.manager")
    assert final.answers["grade"] == "outstanding"
    assert reviews_kept(store)[:2] == before[:2]


def test_what_two_agreed_on_is_superseded_as_the_second_review(
    store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    asked(store, 1)
    kept.submit_second(store.url, asker("r.second", 1), 1, answers())
    kept.supersede_review(
        store.url, asker("r.second", 2), 1, answers(grade="outstanding"), "police record"
    )
    assert (final_of(store).kind, final_of(store).supersedes) == ("second", 2)
    # Both are compared as they were when neither had seen the other's.
    (pair,) = kept.second_pairs(store.url, asker("m.manager")).pairs
    assert (pair.first["grade"], pair.second["grade"]) == ("good", "good")


def test_a_review_that_waits_for_its_second_one_is_not_superseded(
    store: OwnStore, workplace: Path
) -> None:
    reviewed(store, workplace)
    asked(store, 1)
    with pytest.raises(CallError, match="it has to be actions open or closed"):
        kept.supersede_review(store.url, asker("r.first"), 1, answers(), "a thought")
    with pytest.raises(CallError, match="it has to be new or claimed or in review"):
        kept.begin_review(store.url, asker("r.second"), 1)
    with pytest.raises(CallError, match="not for moderation"):
        kept.settle_second(store.url, asker("r.second"), 1, answers(), "so")
    assert status_of(store) == "awaiting second review"


def test_every_kept_review_could_be_submitted_again(store: OwnStore, workplace: Path) -> None:
    reviewed(store, workplace)
    settled(store)
    for one in kept.reviews_of(store.url, asker("m.manager"), 1):
        complete(one.answers, ["DEC-01"], asker().today)


@pytest.mark.parametrize("words", ["   ", "\t"])
def test_each_act_that_wants_a_reason_wants_one_in_words(
    triage: Triage, store: OwnStore, workplace: Path, words: str
) -> None:
    reviewed(store, workplace)
    path = file_of(workplace)
    for call in (("ask", "1"), ("withdraw", "1"), ("settle", "1", path)):
        assert "give a reason" in refused(triage, "second", *call, "--reason", words, *MANAGER)
    assert status_of(store) == "closed"
