"""Nights in the store: nothing twice, nothing lost, nothing cleared that was not judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import AS_OF, Triage, mend
from stores import ON_POSTGRESQL, ON_SQLITE, OwnStore

from triage.store import verify_trail

QUEUE_TABLES = ("case", "flag", "referral", "rule_text", "ruleset_rule")
LATE_DECISION = "A,2023-05-10,R2,false,,,2023-05-15,North,"
DECIDED_LATE = "C,2023-06-20,R4,false,,,2023-06-26,South,true"
EVENTS = "SELECT * FROM event ORDER BY id"


def nightly(triage: Triage, records: Path, *more: str, as_of: str = AS_OF) -> dict[str, int]:
    code, out, err = triage("nightly", records, "--as-of", as_of, "--format", "json", *more)
    assert code == 0, err
    queue: dict[str, int] = json.loads(out)["queue"]
    return queue


def flags(store: OwnStore) -> dict[tuple[str, str], tuple[str, str]]:
    found = store.query(
        'SELECT c.referral_id, f.rule_id, f.state, f.message FROM flag f JOIN "case" c '
        "ON c.id = f.case_id"
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in found}


def case_of(store: OwnStore, referral: str) -> dict[str, object]:
    names = ("status", "severity", "boost", "due_on")
    (row,) = store.query(
        f"SELECT {', '.join(names)} FROM \"case\" WHERE referral_id = '{referral}'"
    )
    return dict(zip(names, row, strict=True))


def told(store: OwnStore, run: int) -> list[str]:
    found = store.query(f"SELECT kind FROM event WHERE run_id = {run} ORDER BY id")
    return [kind for (kind,) in found]


def test_a_second_night_on_the_same_records_changes_nothing_but_the_run_log(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    first = nightly(triage, records)
    before, events = store.rows(*QUEUE_TABLES), store.query(EVENTS)
    assert first["new"] == len(before["flag"]) > 0
    second = nightly(triage, records)
    assert second == {
        "new": 0, "still_flagged": first["new"], "changed": 0, "cleared": 0, "reopened": 0,
    }  # fmt: skip
    assert store.rows(*QUEUE_TABLES) == before
    assert store.query(EVENTS)[: len(events)] == events
    assert told(store, 2) == ["run stored"]


def test_one_mended_record_clears_its_flag_and_touches_nothing_else(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    before = store.rows(*QUEUE_TABLES)
    mend(records, LATE_DECISION, LATE_DECISION.replace("2023-05-15", "2023-05-11"))
    change = nightly(triage, records)
    assert (change["cleared"], change["new"], change["changed"], change["reopened"]) == (1, 0, 0, 0)
    after = store.rows(*QUEUE_TABLES)
    differing = [row for row in after["flag"] if row not in before["flag"]]
    assert [(row["rule_id"], row["state"]) for row in differing] == [("DEC-02", "cleared")]
    assert after["case"] == before["case"]
    assert told(store, 2) == ["flag cleared", "run stored"]


def test_a_case_nobody_touched_closes_with_its_last_flag_and_comes_back_when_flagged_again(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    first = case_of(store, "R4")
    assert (first["status"], first["boost"]) == ("new", None)
    on_time = DECIDED_LATE.replace("06-26", "06-21")
    mend(records, DECIDED_LATE, on_time)
    assert nightly(triage, records)["cleared"] == 1
    assert case_of(store, "R4") == first | {"status": "closed"}
    assert told(store, 2) == ["flag cleared", "case closed", "run stored"]
    mend(records, on_time, DECIDED_LATE)
    assert nightly(triage, records, as_of="2023-07-03")["reopened"] == 1
    again = {"status": "new", "boost": "came back", "due_on": "2023-07-10"}
    assert case_of(store, "R4") == first | again
    assert told(store, 3) == ["flag raised again", "case reopened", "run stored"]


def test_a_changed_record_that_is_still_flagged_counts_as_changed(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    mend(records, LATE_DECISION, LATE_DECISION.replace("2023-05-15", "2023-05-16"))
    change = nightly(triage, records)
    assert (change["changed"], change["new"], change["cleared"]) == (1, 0, 0)
    assert "16 May 2023" in flags(store)["R2", "DEC-02"][1]
    assert case_of(store, "R2")["boost"] is None, "a flag that changes is no new one"


def test_a_flag_that_is_added_to_an_open_case_brings_it_forward_once(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    on_time = LATE_DECISION.replace("2023-05-15", "2023-05-11")
    mend(records, LATE_DECISION, on_time)
    nightly(triage, records)
    assert case_of(store, "R2")["boost"] is None
    mend(records, on_time, LATE_DECISION)
    assert nightly(triage, records)["new"] == 1
    assert case_of(store, "R2")["boost"] == "a flag was added"
    assert told(store, 2) == ["flag raised", "case boosted", "run stored"]
    mend(records, LATE_DECISION, on_time)
    nightly(triage, records)
    mend(records, on_time, LATE_DECISION)
    assert nightly(triage, records)["reopened"] == 1
    assert told(store, 4) == ["flag raised again", "run stored"]


def close(triage: Triage, store: OwnStore, referral: str) -> None:
    number = store.value(f"SELECT id FROM \"case\" WHERE referral_id = '{referral}'")
    code, _, err = triage("queue", "close", str(number), "--reason", "known", "--as", "m.manager")
    assert code == 0, err


def test_a_case_that_somebody_closed_stays_closed_until_a_flag_is_raised_on_it(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    close(triage, store, "R2")
    later = LATE_DECISION.replace("2023-05-15", "2023-05-16")
    mend(records, LATE_DECISION, later)
    assert nightly(triage, records)["changed"] == 1
    assert case_of(store, "R2")["status"] == "closed"
    on_time = LATE_DECISION.replace("2023-05-15", "2023-05-11")
    mend(records, later, on_time)
    assert nightly(triage, records)["cleared"] == 1
    assert case_of(store, "R2")["status"] == "closed"
    mend(records, on_time, LATE_DECISION)
    assert nightly(triage, records)["reopened"] == 1
    found = case_of(store, "R2")
    assert (found["status"], found["boost"]) == ("new", "came back")


def test_the_passing_of_a_day_is_no_change_though_the_sentence_moves_on(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    before = flags(store)["R3", "DEC-01"][1]
    change = nightly(triage, records, as_of="2023-07-03")
    assert change["changed"] == change["cleared"] == 0
    assert flags(store)["R3", "DEC-01"][1] != before


def test_a_review_becomes_overdue_though_nothing_else_has_changed(
    triage: Triage, workplace: Path, store: OwnStore
) -> None:
    path = workplace / "records.csv"
    heading, late = "child_id,referral_date,decision_at", "2023-06-20,2023-06-26"
    path.write_text(f"{heading}\nX,{late}\n")
    nightly(triage, path)
    path.write_text(f"{heading}\nX,{late}\nY,{late}\n")
    nightly(triage, path, as_of="2023-07-05")
    assert triage("queue", "boost", "2", "--reason", "asked for", "--as", "m.manager")[0] == 0
    order = 'SELECT id FROM "case" ORDER BY place, id'
    assert store.query(order) == [(2,), (1,)]
    for as_of, numbers in (("2023-07-10", [(1,), (2,)]), ("2023-07-06", [(2,), (1,)])):
        nightly(triage, path, as_of=as_of)
        assert store.query(order) == numbers
    told = store.query("SELECT told FROM run ORDER BY id DESC LIMIT 3")
    assert told == told[:1] * 3, "these nights brought nothing"


def test_what_cannot_be_judged_tonight_stands(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    before = flags(store)
    lines = [line.split(",") for line in records.read_text("utf-8").splitlines()]
    place = lines[0].index("decision_at")
    records.write_text("\n".join(",".join(c for n, c in enumerate(x) if n != place) for x in lines))
    assert nightly(triage, records)["cleared"] == 0
    assert all(flags(store)[key][0] == "open" for key in before)


def test_a_flag_whose_referral_leaves_the_window_stands(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    mend(records, LATE_DECISION, "A,2023-05-10,R2,false,2023-06-01,RC7,2023-05-15,North,")
    nightly(triage, records)
    assert nightly(triage, records, as_of="2024-06-30")["cleared"] == 0
    assert flags(store)["R2", "DEC-02"][0] == "open"


def test_each_flag_points_at_the_text_of_the_rule_that_raised_it(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    rows = store.query(
        "SELECT f.rule_id, t.rule_id, t.text FROM flag f JOIN rule_text t ON t.hash=f.rule_hash"
    )
    assert rows
    assert all(flag == rule and text.startswith(f"id: {rule}") for flag, rule, text in rows)


@pytest.mark.parametrize("act", ["UPDATE event SET kind = 'x'", "DELETE FROM event"])
def test_events_can_only_be_added(triage: Triage, records: Path, store: OwnStore, act: str) -> None:
    nightly(triage, records)
    with pytest.raises(Exception, match="only be added"):
        store.execute(act)


@ON_SQLITE
def test_an_event_cannot_be_put_in_the_place_of_another(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    with pytest.raises(Exception, match="only be added"):
        store.execute("REPLACE INTO event SELECT * FROM event WHERE id = 1")


@ON_POSTGRESQL
def test_all_events_together_cannot_be_taken_away(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    with pytest.raises(Exception, match="only be added"):
        store.execute("TRUNCATE event")


def test_the_store_says_who_ran_when_on_what_and_by_which_rules(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    nightly(triage, records)
    run = json.loads(triage("runs", "--format", "json")[1])[0]
    assert run["started_at"] <= run["finished_at"]
    assert all(run[name] for name in ("who", "version", "ruleset_hash"))
    assert len(run["inputs"][0]["sha256"]) == 64
    assert run["settings"]["window"] == "3"
    assert run["rows"]["read"] == 4


def test_the_trail_ends_with_the_run_and_tells_nothing_of_a_child(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    text = records.read_text("utf-8").replace("\nA,", "\nChild of this house,")
    records.write_text(text, "utf-8")
    nightly(triage, records)
    run = json.loads(triage("runs", "--format", "json")[1])[0]
    *others, (kind, actor, case, detail) = store.query(
        "SELECT kind, actor, case_id, detail FROM event ORDER BY id"
    )
    assert (kind, actor, case) == ("run stored", "system:nightly", None)
    assert json.loads(detail) == {
        "who": run["who"], "as_of": AS_OF, "rules": run["ruleset_hash"],
        "inputs": [run["inputs"][0]["sha256"]],
    }  # fmt: skip
    known = {one["id"] for one in run["rules"]}
    assert all(json.loads(detail).keys() == {"flags"} for *_, detail in others)
    assert {one for *_, detail in others for one in json.loads(detail)["flags"]} <= known
    verdict = verify_trail(store.url)
    assert (verdict.n_events, verdict.damage) == (len(others) + 1, "")


def test_a_date_that_is_only_told_beside_a_finding_moves_its_sentence_and_no_more(
    triage: Triage, workplace: Path, store: OwnStore
) -> None:
    path = workplace / "records.csv"
    path.write_text(
        "child_id,referral_date,decision_at,risk_rating,threshold_level\n"
        "A,2023-06-01,2023-06-05,,3\n"
    )
    nightly(triage, path)
    mend(path, "2023-06-05", "2023-06-02")
    change = nightly(triage, path)
    assert (change["cleared"], change["changed"], change["still_flagged"]) == (1, 0, 1)
    (message,) = [text for (_, rule), (_, text) in flags(store).items() if rule == "DEC-04"]
    assert message == "The decision of 2 June 2023 records no risk rating."
