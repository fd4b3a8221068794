"""Nights in the store: nothing twice, nothing lost, nothing cleared that was not judged."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from conftest import AS_OF, Triage, mend

from triage.store import connection
from triage.store.tables import HEAD_REVISION, metadata

QUEUE_TABLES = ("case", "flag", "event", "referral", "rule_text", "ruleset_rule")
LATE_DECISION = "A,2023-05-10,R2,false,,,2023-05-15,North,"


def nightly(triage: Triage, records: Path, *more: str, as_of: str = AS_OF) -> dict[str, int]:
    code, out, err = triage("nightly", records, "--as-of", as_of, "--format", "json", *more)
    assert code == 0, err
    queue: dict[str, int] = json.loads(out)["queue"]
    return queue


def dump(tables: tuple[str, ...] = QUEUE_TABLES) -> dict[str, list[Any]]:
    with sqlite3.connect("triage.db") as store:
        return {name: store.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


def flags() -> dict[tuple[str, str], tuple[str, str]]:
    with sqlite3.connect("triage.db") as store:
        found = store.execute(
            'SELECT c.referral_id, f.rule_id, f.state, f.message FROM flag f JOIN "case" c '
            "ON c.id = f.case_id"
        ).fetchall()
    return {(row[0], row[1]): (row[2], row[3]) for row in found}


def case_status() -> dict[str, str]:
    with sqlite3.connect("triage.db") as store:
        return dict(store.execute('SELECT referral_id, status FROM "case"').fetchall())


def test_a_second_night_on_the_same_records_changes_nothing_but_the_run_log(
    triage: Triage, records: Path
) -> None:
    first = nightly(triage, records)
    before = dump()
    assert first["new"] == len(before["flag"]) > 0
    second = nightly(triage, records)
    assert second == {
        "new": 0, "still_flagged": first["new"], "changed": 0, "cleared": 0, "reopened": 0,
    }  # fmt: skip
    assert dump() == before


def test_one_mended_record_clears_its_flag_and_touches_nothing_else(
    triage: Triage, records: Path
) -> None:
    nightly(triage, records)
    before = dump()
    mend(records, LATE_DECISION, LATE_DECISION.replace("2023-05-15", "2023-05-11"))
    change = nightly(triage, records)
    assert (change["cleared"], change["new"], change["changed"], change["reopened"]) == (1, 0, 0, 0)
    after = dump()
    differing = [new for old, new in zip(before["flag"], after["flag"], strict=True) if old != new]
    assert [(row[2], row[5]) for row in differing] == [("DEC-02", "cleared")]
    assert after["case"] == before["case"]
    assert after["event"][: len(before["event"])] == before["event"]
    assert len(after["event"]) == len(before["event"]) + 1


def test_a_case_nobody_touched_closes_with_its_last_flag_and_comes_back_when_flagged_again(
    triage: Triage, records: Path
) -> None:
    nightly(triage, records)
    assert case_status()["R3"] == "new"
    undecided = "B,2023-06-01,R3,false,,,,South,"
    decided = undecided.replace(",,,,South", ",,,2023-06-02,South")
    mend(records, undecided, decided)
    nightly(triage, records)
    standing = {rule: state for (referral, rule), (state, _) in flags().items() if referral == "R3"}
    closed = set(standing.values()) == {"cleared"}
    assert case_status()["R3"] == ("closed" if closed else "new")
    mend(records, decided, undecided)
    assert nightly(triage, records)["reopened"] == sum(s == "cleared" for s in standing.values())
    assert case_status()["R3"] == "new"


def test_a_changed_record_that_is_still_flagged_counts_as_changed(
    triage: Triage, records: Path
) -> None:
    nightly(triage, records)
    mend(records, LATE_DECISION, LATE_DECISION.replace("2023-05-15", "2023-05-16"))
    change = nightly(triage, records)
    assert (change["changed"], change["new"], change["cleared"]) == (1, 0, 0)
    assert "16 May 2023" in flags()["R2", "DEC-02"][1]


def test_the_passing_of_a_day_is_no_change_though_the_sentence_moves_on(
    triage: Triage, records: Path
) -> None:
    nightly(triage, records)
    before = flags()["R3", "DEC-01"][1]
    change = nightly(triage, records, as_of="2023-07-03")
    assert change["changed"] == change["cleared"] == 0
    assert flags()["R3", "DEC-01"][1] != before


def test_what_cannot_be_judged_tonight_stands(triage: Triage, records: Path) -> None:
    nightly(triage, records)
    before = flags()
    lines = [line.split(",") for line in records.read_text("utf-8").splitlines()]
    place = lines[0].index("decision_at")
    records.write_text("\n".join(",".join(c for n, c in enumerate(x) if n != place) for x in lines))
    assert nightly(triage, records)["cleared"] == 0
    assert all(flags()[key][0] == "open" for key in before)


def test_a_flag_whose_referral_leaves_the_window_stands(triage: Triage, records: Path) -> None:
    mend(records, LATE_DECISION, "A,2023-05-10,R2,false,2023-06-01,RC7,2023-05-15,North,")
    nightly(triage, records)
    assert nightly(triage, records, as_of="2024-06-30")["cleared"] == 0
    assert flags()["R2", "DEC-02"][0] == "open"


def test_each_flag_points_at_the_text_of_the_rule_that_raised_it(
    triage: Triage, records: Path
) -> None:
    nightly(triage, records)
    with sqlite3.connect("triage.db") as store:
        rows = store.execute(
            "SELECT f.rule_id, t.rule_id, t.text FROM flag f JOIN rule_text t ON t.hash=f.rule_hash"
        ).fetchall()
    assert rows
    assert all(flag == rule and text.startswith(f"id: {rule}") for flag, rule, text in rows)


@pytest.mark.parametrize(
    "act",
    [
        "UPDATE event SET kind = 'x'",
        "DELETE FROM event",
        "REPLACE INTO event SELECT id, at, 'nobody', kind, run_id, case_id, rule_id, detail "
        "FROM event WHERE id = 1",
    ],
)
def test_events_can_only_be_added(triage: Triage, records: Path, act: str) -> None:
    nightly(triage, records)
    with (
        sqlite3.connect("triage.db") as store,
        pytest.raises(sqlite3.IntegrityError, match="only be added"),
    ):
        store.execute(act)


def test_the_store_says_who_ran_when_on_what_and_by_which_rules(
    triage: Triage, records: Path
) -> None:
    nightly(triage, records)
    run = json.loads(triage("runs", "--format", "json")[1])[0]
    assert run["started_at"] <= run["finished_at"]
    assert all(run[name] for name in ("who", "version", "ruleset_hash"))
    assert len(run["inputs"][0]["sha256"]) == 64
    assert run["settings"]["window"] == "3"
    assert run["rows"]["read"] == 4


def migrated(file: Path) -> tuple[sa.Engine, Config]:
    config = Config()
    config.set_main_option("script_location", str(connection._MIGRATIONS))
    return sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool), config


def test_migrations_make_exactly_the_tables_that_the_code_describes(tmp_path: Path) -> None:
    engine, config = migrated(tmp_path / "new.db")
    with engine.begin() as opened:
        config.attributes["connection"] = opened
        command.upgrade(config, "head")
        assert compare_metadata(MigrationContext.configure(opened), metadata) == []
        command.downgrade(config, "base")
        assert sa.inspect(opened).get_table_names() == ["alembic_version"]
        command.upgrade(config, "head")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD_REVISION


def test_a_store_of_the_first_version_keeps_every_case_flag_and_event(
    triage: Triage, records: Path, workplace: Path
) -> None:
    first = nightly(triage, records)
    before = dump()
    engine, config = migrated(workplace / "triage.db")
    with engine.begin() as opened:
        config.attributes["connection"] = opened
        command.downgrade(config, "0001")
    code, _, err = triage("queue", "list")
    assert (code, "the store is at revision 0001" in err) == (4, True)
    again = nightly(triage, records)
    assert (again["new"], again["still_flagged"]) == (0, first["new"])
    after = dump()
    for table in ("case", "flag", "referral", "event"):
        assert after[table] == before[table]
    with sqlite3.connect("triage.db") as store:
        assert store.execute("PRAGMA foreign_key_check").fetchall() == []
        with pytest.raises(sqlite3.IntegrityError, match="only be added"):
            store.execute("DELETE FROM event")


def test_a_date_that_is_only_told_beside_a_finding_moves_its_sentence_and_no_more(
    triage: Triage, workplace: Path
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
    (message,) = [text for (_, rule), (_, text) in flags().items() if rule == "DEC-04"]
    assert message == "The decision of 2 June 2023 records no risk rating."
