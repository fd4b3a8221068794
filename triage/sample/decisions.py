"""Management decisions and first allocations: made mostly in time, some late, some weak."""

from __future__ import annotations

import numpy as np

from triage.sample import calibration as cal
from triage.sample import words
from triage.sample.chance import Ints, Rng, Truths, happens, pick, pick_in_bins, whole
from triage.sample.referrals import Columns
from triage.sample.workdays import BLANK, Days, WorkingDays

_MANAGERS_A_TEAM = 3
_END_OF_DAY = 24 * 60 - 1


class Staff:
    """The council's workers: managers first, then a pool for each team, numbered from 1.

    After the pools stand one family support worker a team, and what is no person at all: the
    duty tray, and each team under its own name.
    """

    def __init__(self, rng: Rng, referrals: int, months: int) -> None:
        """Sizes the pools to the number of referrals a year and draws each worker's role."""
        a_year = referrals * 12 / max(months, 1)
        self.pool = max(3, int(a_year / cal.REFERRALS_PER_WORKER_A_YEAR / len(words.TEAMS)))
        self.managers = _MANAGERS_A_TEAM * len(words.TEAMS)
        workers = self.pool * len(words.TEAMS)
        role = pick(rng, workers, list(cal.WORKER_ROLE_MIX.values())) + len(words.MANAGER_ROLES)
        agency = rng.permutation(workers) < cal.AGENCY_SHARE * workers
        manager_role = np.arange(self.managers) % _MANAGERS_A_TEAM
        service_manager = words.MANAGER_ROLES.index("Service Manager")
        unregistered = words.ROLES.index("Family Support Worker")
        teams = len(words.TEAMS)
        self.support_start = self.managers + 2 + workers
        self.duty = self.support_start + teams
        self.role = np.concatenate(
            (
                [BLANK], manager_role, [service_manager], role, np.full(teams, unregistered),
                np.full(1 + teams, words.ROLE_DUTY),
            )
        )  # fmt: skip
        self.agency = np.zeros(len(self.role), dtype=bool)
        self.agency[self.managers + 2 : self.support_start] = agency
        self.registered = self.role != unregistered

    @property
    def names(self) -> list[str]:
        """The identifier of each number as typed; number 0 is nobody."""
        width = 4 if self.duty < 10_000 else 6
        people = [f"W{number:0{width}d}" for number in range(1, self.duty)]
        return ["", *people, words.DUTY, *words.TEAMS]

    def manager(self, rng: Rng, team: Ints) -> Ints:
        """A manager of each team."""
        return (1 + team * _MANAGERS_A_TEAM + pick(rng, len(team), (0.5, 0.3, 0.2))).astype(
            np.int32
        )

    @property
    def service_manager(self) -> int:
        """The one service manager's number."""
        return self.managers + 1

    def worker(self, rng: Rng, team: Ints) -> Ints:
        """A worker of each team's pool."""
        chosen = np.floor(rng.random(len(team)) * self.pool).astype(np.int32)
        return (self.managers + 2 + team * self.pool + chosen).astype(np.int32)

    def other_worker(self, rng: Rng, team: Ints, not_this: Ints) -> Ints:
        """A worker of each team's pool who is not the one given."""
        first = self.managers + 2 + team * self.pool
        place = not_this - first
        in_pool = (place >= 0) & (place < self.pool)
        choices = np.where(in_pool, self.pool - 1, self.pool)
        chosen = np.floor(rng.random(len(team)) * choices).astype(np.int32)
        chosen += in_pool & (chosen >= place)
        return (first + chosen).astype(np.int32)

    def registered_instead(self, worker: Ints) -> Ints:
        """The worker, or for one of a pool who is not registered the next in it who is."""
        first, pool = self.managers + 2, self.pool
        numbers = np.arange(len(self.role))
        in_pool = (numbers >= first) & (numbers < self.support_start)
        start = first + (numbers - first) // pool * pool
        instead = numbers.copy()
        for _ in range(pool):
            wanted = in_pool & ~self.registered[instead]
            if not wanted.any():
                break
            after = start + (instead - start + 1) % pool
            instead = np.where(wanted, after, instead)
        return instead[worker].astype(np.int32)


def decide(rng: Rng, rows: Columns, staff: Staff, wd: WorkingDays) -> Columns:
    """Draws every referral's management decision as if time never stopped.

    The columns of a referral whose decision was never made are all ``BLANK``. What lies after
    ``as_of`` is taken out later, in one place.
    """
    size = len(rows["day"])
    nfa = rows["nfa"] == 1
    lag = pick_in_bins(rng, size, cal.DECISION_LAG_WORKING_DAYS)
    day = wd.after(rows["day"], lag)
    too_early = happens(rng, size, cal.DECISION_BEFORE_REFERRAL_SHARE)
    day = np.where(too_early, rows["day"] - whole(rng, size, 1, 5), day).astype(np.int32)
    minute = minute_after(rng, rows["minute"], same_day=day == rows["day"])
    recorded = wd.after(day, pick_in_bins(rng, size, cal.RECORDING_LAG_WORKING_DAYS))
    recorded_minute = minute_after(rng, minute, same_day=recorded == day)
    recorded = np.where(happens(rng, size, cal.RECORDING_MISSING_SHARE), BLANK, recorded)

    outcome = pick(rng, size, list(cal.OUTCOME_MIX.values()))
    at_once = np.where(
        happens(rng, size, 0.97),
        words.OUTCOMES.index("nfa"),
        words.OUTCOMES.index("information_and_advice"),
    )
    outcome = np.where(nfa, at_once, outcome).astype(np.int32)
    maker, role = _makers(rng, rows["team"], staff)
    risk, threshold = _judgements(rng, outcome, nfa)
    rationale = pick_in_bins(rng, size, cal.RATIONALE_CHARACTERS)
    rationale = np.where(happens(rng, size, cal.RATIONALE_BLANK_SHARE), BLANK, rationale)
    history = pick(rng, size, list(cal.HISTORY_MIX.values()))
    decision = {
        "decided": day,
        "decided_minute": minute,
        "recorded": recorded.astype(np.int32),
        "recorded_minute": recorded_minute,
        "maker": maker,
        "maker_role": role,
        "outcome": outcome,
        "threshold": threshold,
        "risk": risk,
        "rationale": rationale.astype(np.int32),
        "history": np.array([1, 0, BLANK], dtype=np.int32)[history],
    }
    missing = happens(rng, size, cal.DECISION_MISSING_SHARE)
    return {name: np.where(missing, BLANK, column) for name, column in decision.items()}


def allocate(rng: Rng, rows: Columns, decision: Columns, staff: Staff, wd: WorkingDays) -> Columns:
    """Draws first allocations; now and then the worker is the one who made the decision.

    A referral that ends with no further action is not allocated. The clock of an allocation is
    the decision, or the referral where no decision was ever made.
    """
    size = len(rows["day"])
    start = np.where(decision["decided"] >= rows["day"], decision["decided"], rows["day"])
    day = wd.after(start.astype(np.int32), pick_in_bins(rng, size, cal.ALLOCATION_LAG_WORKING_DAYS))
    minute = minute_after(rng, decision["decided_minute"], same_day=day == start)
    worker = staff.worker(rng, rows["team"])

    decided = decision["decided"] != BLANK
    by_worker = decided & (decision["maker"] > staff.service_manager)
    own_work = by_worker & happens(rng, size, cal.SELF_APPROVED_BY_WORKER_SHARE)
    by_manager = decided & ~by_worker & happens(rng, size, cal.SELF_APPROVED_BY_MANAGER_SHARE)
    worker = np.where(own_work | by_manager, decision["maker"], worker)

    allocation = {
        "allocated": day,
        "allocated_minute": minute,
        "worker": worker.astype(np.int32),
        "worker_role": staff.role[worker].astype(np.int32),
        "agency": staff.agency[worker].astype(np.int32),
        "registered": staff.registered[worker].astype(np.int32),
    }
    none = (rows["nfa"] == 1) | happens(rng, size, cal.ALLOCATION_MISSING_SHARE)
    return {name: np.where(none, BLANK, column) for name, column in allocation.items()}


def _makers(rng: Rng, team: Ints, staff: Staff) -> tuple[Ints, Ints]:
    """Who decided, and the role that was typed in, blank now and then."""
    size = len(team)
    kind = pick(rng, size, list(cal.DECISION_MAKER_MIX.values()))
    maker = np.select(
        [kind == 0, kind == 1],
        [staff.manager(rng, team), np.full(size, staff.service_manager)],
        staff.worker(rng, team),
    ).astype(np.int32)
    role = np.where(happens(rng, size, cal.ROLE_BLANK_SHARE), BLANK, staff.role[maker])
    return maker, role.astype(np.int32)


def _judgements(rng: Rng, outcome: Ints, nfa: np.ndarray) -> tuple[Ints, Ints]:
    """Risk rating (position in RATINGS) and threshold level (1 to 4), either blank at times."""
    size = len(outcome)
    is_grave = (outcome == words.OUTCOMES.index("strategy_discussion")) | (
        outcome == words.OUTCOMES.index("section47")
    )
    is_assessed = outcome == words.OUTCOMES.index("assessment")
    risk = np.select(
        [nfa, is_grave, is_assessed],
        [
            pick(rng, size, (0.83, 0.15, 0.02)),
            pick(rng, size, (0.02, 0.33, 0.65)),
            pick(rng, size, (0.40, 0.52, 0.08)),
        ],
        pick(rng, size, (0.85, 0.14, 0.01)),
    )
    threshold = np.select(
        [nfa, is_grave, is_assessed],
        [pick(rng, size, (0.5, 0.45, 0.05)) + 1, np.full(size, 4), np.full(size, 3)],
        np.full(size, 2),
    )
    risk = np.where(happens(rng, size, cal.RISK_RATING_BLANK_SHARE), BLANK, risk)
    threshold = np.where(happens(rng, size, cal.THRESHOLD_BLANK_SHARE), BLANK, threshold)
    return risk.astype(np.int32), threshold.astype(np.int32)


def minute_after(rng: Rng, earlier: Ints, *, same_day: Truths) -> Days:
    """A minute of the working day, not before ``earlier`` on the same day; no time stays so."""
    size = len(earlier)
    office_hours = whole(rng, size, 8 * 60 + 30, 18 * 60)
    soon_after = np.minimum(earlier + whole(rng, size, 5, 240), _END_OF_DAY)
    minute = np.where(same_day, soon_after, office_hours)
    return np.where(earlier == BLANK, BLANK, minute).astype(np.int32)
