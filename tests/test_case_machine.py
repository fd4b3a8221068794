"""Work on cases at random, by several people, with nights and clocks, beside a plain model."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
from case_model import IN_WORK, PEOPLE, READERS, Event, Model, Refused
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from stores import NewStore
from work_helpers import (
    ANSWERS,
    AS_OF,
    EVERY,
    NOON,
    RULES,
    check_whole,
    last_event,
    listed,
    night,
    row,
    to_do,
)

from triage import store as door
from triage.casework import STATUSES
from triage.errors import CallError
from triage.judging import CLEAR_CODE
from triage.pipeline import check
from triage.run import Options
from triage.store import Asker, Wanted
from triage.store.tonight import of_run

SAYS: Mapping[str, dict[str, str]] = {
    "no decision": {},
    "decided": {"decision_at": "2023-06-20", "risk_rating": "red", "threshold_level": "3"},
    "late": {"decision_at": "2023-06-26", "risk_rating": "red", "threshold_level": "3"},
    "later": {"decision_at": "2023-06-27", "risk_rating": "red", "threshold_level": "3"},
    "late and no rating": {"decision_at": "2023-06-26", "threshold_level": "3"},
    "no rating": {"decision_at": "2023-06-20", "threshold_level": "3"},
}
"""What a record says; the rules say something else of each."""
NAMES = ("R0", "R1", "R2", "R3")
TEAMS = ("North", "South")
FAR = "2099-01-01"

people = st.sampled_from(list(PEOPLE))
mostly_managers = st.sampled_from(["m.manager", "m.manager", "m.manager", *PEOPLE])
picks = st.integers(0, 59)
days = st.integers(0, 4)
HELD, DONE_WITH = ("claimed", "in review"), ("actions open", "closed")


def outcomes(folder: Path) -> dict[str, dict[str, str | None]]:
    """Return what each rule says of each kind of record, as the model wants to be told."""
    path = folder / "each.csv"
    told = [row(name, **cells) for name, cells in SAYS.items()]
    path.write_text(
        "\n".join(",".join(line) for line in [list(told[0]), *(r.values() for r in told)])
    )
    run = check([str(path)], RULES, Options(AS_OF, None))
    judged = run.referrals.judged
    found: dict[str, dict[str, str | None]] = {name: {} for name in SAYS}
    for one, codes in judged.outcomes.items():
        for name, code in zip(judged.ids, codes, strict=True):
            if code == CLEAR_CODE:
                found[name][one] = None
    for flag in of_run(run).flags.select(["referral_id", "rule", "lasting"]).to_pylist():
        found[flag["referral_id"]][flag["rule"]] = flag["lasting"]
    return found


class CaseMachine(RuleBasedStateMachine):
    """People and nights on one store, each act held against what the model says of it."""

    new_store: ClassVar[NewStore]
    outcomes: ClassVar[dict[str, dict[str, str | None]]]

    @initialize()
    def begin(self) -> None:
        self.open = contextlib.ExitStack()
        self.folder = Path(self.open.enter_context(tempfile.TemporaryDirectory()))
        self.own = self.open.enter_context(type(self).new_store(self.folder))
        self.model = Model(NOON, AS_OF)
        self.records = dict.fromkeys(NAMES[:3], ("no decision", "North", ""))
        self.n_acts = 0
        self.store_night()
        for name, (role, teams) in {"a.admin": ("administrator", ()), **PEOPLE}.items():
            door.register(self.own.url, self.asker("a.admin"), name, role, teams)

    def teardown(self) -> None:
        if hasattr(self, "own"):
            check_whole(self.own)
        if hasattr(self, "open"):
            self.open.close()

    def asker(self, name: str) -> Asker:
        return Asker(name, READERS, self.model.now)

    def events_since(self, before: int) -> list[Event]:
        asked = f"SELECT kind, case_id, rule_id FROM event WHERE id > {before} ORDER BY id"
        return [tuple(one) for one in self.own.query(asked)]  # type: ignore[misc]

    def hold(self, expected: Callable[[], list[Event]], act: Callable[[], object]) -> None:
        """Do something, which adds the model's events and no other, or is refused in both."""
        before = last_event(self.own)
        try:
            events = expected()
        except Refused:
            try:
                act()
            except CallError:
                assert self.events_since(before) == []
                return
            raise
        act()
        assert self.events_since(before) == events

    def pick(self, pick: int, statuses: Collection[str]) -> int:
        """Return the number of a case of some statuses, or now and then of any, or of none."""
        fitting = [one.number for one in self.model.cases.values() if one.status in statuses]
        if pick % 6 == 0 or not fitting:
            return 1 + pick // 6 % len(NAMES)
        return fitting[pick // 6 % len(fitting)]

    def some(self, pick: int, statuses: Collection[str]) -> list[int]:
        found = [self.pick(pick + 7 * more, statuses) for more in range(1 + pick % 3)]
        return list(dict.fromkeys(found))

    def holder(self, pick: int, who: str, number: int) -> str:
        """Return who holds a case, or now and then somebody else."""
        case = self.model.cases.get(number)
        return who if pick % 5 == 0 or case is None or not case.held_by else case.held_by

    def ask(self, name: str, who: str, **asked: Any) -> Callable[[], object]:
        return lambda: getattr(door, name)(self.own.url, self.asker(who), **asked)

    @rule(minutes=st.sampled_from([1, 20, 59, 60, 61, 200]))
    def time_goes_by(self, minutes: int) -> None:
        self.model.now += dt.timedelta(minutes=minutes)

    @rule(who=people, teams=st.sampled_from([(), ("North",), TEAMS]))
    def claim_next(self, who: str, teams: tuple[str, ...]) -> None:
        free, before = self.model.free_for(who, teams), last_event(self.own)
        found = door.claim_next(self.own.url, self.asker(who), Wanted(teams=teams))
        if found is None:
            assert free == []
            assert self.events_since(before) == []
            return
        which = ",".join(map(str, free))
        order = f'SELECT id FROM "case" WHERE id IN ({which}) ORDER BY place, id LIMIT 1'
        assert free
        assert found.id == self.own.value(order)
        assert self.events_since(before) == self.model.claim(who, found.id)

    @rule(who=people, pick=picks)
    def claim(self, who: str, pick: int) -> None:
        number = self.pick(pick, IN_WORK)
        self.hold(lambda: self.model.claim(who, number), self.ask("claim", who, case_id=number))

    @rule(who=people, pick=picks)
    def release(self, who: str, pick: int) -> None:
        number = self.pick(pick, HELD)
        by = self.holder(pick, who, number)
        self.hold(lambda: self.model.release(by, number), self.ask("release", by, case_id=number))

    @rule(who=people, pick=picks)
    def note(self, who: str, pick: int) -> None:
        number = self.pick(pick, HELD)
        by = self.holder(pick, who, number)
        act = self.ask("add_note", by, case_id=number, text="rang the school")
        self.hold(lambda: self.model.note(by, number), act)

    @rule(who=mostly_managers, pick=picks, to=people)
    def assign(self, who: str, pick: int, to: str) -> None:
        numbers = self.some(pick, IN_WORK)
        act = self.ask("assign", who, cases=numbers, to=to)
        self.hold(lambda: self.model.assign(who, numbers, to), act)

    @rule(who=mostly_managers, pick=picks)
    def close(self, who: str, pick: int) -> None:
        numbers = self.some(pick, ("new", "claimed"))
        act = self.ask("close", who, cases=numbers, why="duplicates")
        self.hold(lambda: self.model.close(who, numbers), act)

    @rule(who=mostly_managers, pick=picks, days=days)
    def snooze(self, who: str, pick: int, days: int) -> None:
        numbers, until = self.some(pick, IN_WORK), self.model.as_of + dt.timedelta(days)
        act = self.ask("snooze", who, cases=numbers, until=until, why="court")
        self.hold(lambda: self.model.snooze(who, numbers, until), act)

    @rule(who=mostly_managers, pick=picks)
    def boost(self, who: str, pick: int) -> None:
        number = self.pick(pick, (*IN_WORK, "actions open"))
        act = self.ask("boost", who, case_id=number, why="complaint")
        self.hold(lambda: self.model.boost(who, number, "complaint"), act)

    @rule(who=mostly_managers, pick=picks)
    def reopen(self, who: str, pick: int) -> None:
        number = self.pick(pick, ("closed",))
        act = self.ask("reopen", who, case_id=number, why="new information")
        self.hold(lambda: self.model.reopen(who, number), act)

    @rule(who=people, pick=picks)
    def begin_review(self, who: str, pick: int) -> None:
        number = self.pick(pick, IN_WORK)
        by = self.holder(pick, who, number)
        act = self.ask("begin_review", by, case_id=number)
        self.hold(lambda: self.model.begin(by, number), act)

    @rule(who=people, pick=picks, grade=st.sampled_from(["good", "outstanding"]))
    def draft(self, who: str, pick: int, grade: str) -> None:
        number, answers = self.pick(pick, IN_WORK), {"grade": grade}
        by = self.holder(pick, who, number)
        act = self.ask("save_draft", by, case_id=number, answers=answers)
        self.hold(lambda: self.model.draft(by, number, answers), act)

    def answers(self, useful: tuple[str, ...], n_asked: int) -> dict[str, Any]:
        """Answers that ask for so many actions, none of which was asked for before."""
        self.n_acts += 1
        asked = [to_do(owner=f"w.{self.n_acts}.{n}", due_on=FAR) for n in range(n_asked)]
        return ANSWERS | {"flags_useful": dict.fromkeys(useful, "yes"), "actions": asked}

    @rule(who=people, pick=picks, n_asked=st.integers(0, 2), left_out=st.sampled_from([0, 0, 0, 1]))
    def submit(self, who: str, pick: int, n_asked: int, left_out: int) -> None:
        number = self.pick(pick, IN_WORK)
        by, case = self.holder(pick, who, number), self.model.cases.get(number)
        useful = tuple(case.flags)[left_out:] if case is not None else ()
        answers = self.answers(useful, n_asked)
        act = self.ask("submit_review", by, case_id=number, answers=answers)
        self.hold(lambda: self.model.submit(by, number, useful, n_asked), act)

    @precondition(lambda self: any(one.reviews for one in self.model.cases.values()))
    @rule(who=people, pick=picks, n_more=st.integers(0, 1))
    def supersede(self, who: str, pick: int, n_more: int) -> None:
        number = self.pick(pick, DONE_WITH)
        case = self.model.cases.get(number)
        answers = self.answers(case.useful if case is not None else (), n_more)
        act = self.ask("supersede_review", who, case_id=number, answers=answers, why="misread")
        self.hold(lambda: self.model.supersede(who, number, n_more), act)

    def action(self, pick: int) -> int:
        """Return an action that is open, or now and then any, or none."""
        found = [number for number, one in self.model.actions.items() if one.is_open]
        return found[pick % len(found)] if found and pick % 6 else 1 + pick % 9

    @precondition(lambda self: self.model.actions)
    @rule(who=people, pick=picks)
    def finish(self, who: str, pick: int) -> None:
        action = self.action(pick)
        act = self.ask("finish_action", who, number=action, done_on=AS_OF, evidence="seen")
        self.hold(lambda: self.model.settle(who, action, "action done"), act)

    @precondition(lambda self: self.model.actions)
    @rule(who=people, pick=picks)
    def hand_over(self, who: str, pick: int) -> None:
        action = self.action(pick)
        act = self.ask("hand_over_action", who, number=action, to="Early Help", why="moved")
        self.hold(lambda: self.model.settle(who, action, "action handed over"), act)

    @rule(
        name=st.sampled_from(NAMES),
        says=st.sampled_from([*SAYS, None]),
        team=st.sampled_from(TEAMS),
        mark=st.sampled_from(["", "", "", "", "true"]),
        days=st.integers(0, 3),
    )
    def a_night_on_a_changed_record(
        self, name: str, says: str | None, team: str, mark: str, days: int
    ) -> None:
        if says is None:
            self.records.pop(name, None)
        else:
            self.records[name] = (says, team, mark)
        self.model.as_of += dt.timedelta(days)
        self.store_night()

    def store_night(self) -> None:
        before = last_event(self.own) if self.model.cases else 0
        referrals = [
            row(name, team=team, restricted=mark, **SAYS[says])
            for name, (says, team, mark) in self.records.items()
        ]
        night(self.own, self.folder, referrals, self.model.as_of)
        told = {
            name: (team, mark == "true", self.outcomes[says])
            for name, (says, team, mark) in self.records.items()
        }
        expected = self.model.night(self.model.as_of, told)
        found = self.events_since(before)
        assert Counter(found) == Counter(expected)
        assert found[-1] == expected[-1]

    @invariant()
    def every_case_stands_as_in_the_model(self) -> None:
        if not hasattr(self, "own"):
            return
        found = self.own.query(
            "SELECT id, referral_id, team, restricted, status, held_by, held_until, assigned_to, "
            'boost, snoozed_until FROM "case" ORDER BY id'
        )
        assert found == [
            (one.number, one.record, one.team, int(one.restricted), one.status, one.held_by,
             one.held_until and one.held_until.isoformat(timespec="seconds"), one.assigned_to,
             one.boost, one.snoozed_until and one.snoozed_until.isoformat())
            for one in self.model.cases.values()
        ]  # fmt: skip
        reviews = self.own.query("SELECT case_id, reviewer, state, answers FROM review ORDER BY id")
        kept = Counter((of, who, state) for of, who, state, _ in reviews if state != "draft")
        assert kept == Counter(
            (case.number, *one) for case in self.model.cases.values() for one in case.reviews
        )
        drafts = {
            (of, who): json.loads(said) for of, who, state, said in reviews if state == "draft"
        }
        assert drafts == {
            (case.number, who): said
            for case in self.model.cases.values()
            for who, said in case.drafts.items()
        }
        assert self.own.query("SELECT case_id, COUNT(*) FROM note GROUP BY case_id ORDER BY 1") == [
            (case.number, case.n_notes) for case in self.model.cases.values() if case.n_notes
        ]

    @rule(who=people)
    def lists_and_counts_are_those_of_the_model(self, who: str) -> None:
        expected = self.model.count(who)
        for put_off in (False, True):
            some = listed(self.own, self.asker(who), Wanted(statuses=STATUSES, snoozed=put_off))
            expected.subtract((one.status, str(one.team)) for one in some)
        assert not any(expected.values())
        for status in STATUSES:
            for team in TEAMS:
                n_seen = sum(
                    door.cases(
                        self.own.url, self.asker(who),
                        Wanted(statuses=(status,), teams=(team,), snoozed=put_off), limit=1,
                    ).n
                    for put_off in (False, True)
                )  # fmt: skip
                assert n_seen == self.model.count(who)[status, team]


EXAMPLES = {"sqlite": 12, "postgresql": 4}
"""Examples where a property has 25; where it has more, there are more of these too."""
UNSHRUNK = (hypothesis.Phase.reuse, hypothesis.Phase.generate)
"""To make fifty steps on a store fewer takes many minutes; each step is told as it is."""


def test_whatever_people_and_nights_do_the_store_is_as_the_model_says(
    new_store: NewStore, tmp_path: Path
) -> None:
    class OfStore(CaseMachine):
        outcomes: ClassVar = outcomes(tmp_path)

    OfStore.new_store = staticmethod(new_store)  # type: ignore[assignment]
    with new_store(tmp_path) as own:
        n_examples = EXAMPLES[own.kind] * hypothesis.settings().max_examples // 25
    settings = hypothesis.settings(
        max_examples=n_examples,
        stateful_step_count=50,
        phases=UNSHRUNK,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    run_state_machine_as_test(OfStore, settings=settings)
    assert EVERY.statuses == STATUSES
