"""The Standard Safeguarding Dataset in a real PostgreSQL, and one council in both databases."""

from __future__ import annotations

import datetime as dt
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import Triage
from ssd_helpers import beside, cells, records

from triage.errors import InputError
from triage.pipeline import check
from triage.reading import USUAL
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options, Run
from triage.sample import Council, make_council, writers
from triage.sample.writers_ssd import write_ssd
from triage.sources import ssd
from triage.sources.ssd import read_ssd

AS_OF = dt.date(2026, 9, 30)
EPISODES = """
    CREATE TABLE {schema}.ssd_cin_episodes (
        cine_referral_id int PRIMARY KEY, cine_person_id varchar(48), cine_referral_date timestamp
    );
    INSERT INTO {schema}.ssd_cin_episodes VALUES
        (10, 'A', '2023-05-01'), (9, '-1', '2023-05-02 14:30:00.5'), (8, 'B ', NULL);
"""
Run_ = Callable[[str], None]


@pytest.fixture
def database(postgresql_url: str) -> Iterator[tuple[str, Run_]]:
    """The URL of an empty database of our own, and what runs statements in it."""
    name = f"ssd_{uuid.uuid4().hex}"
    server = sa.make_url(postgresql_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    own = server.set(database=name)

    def run(statements: str) -> None:
        made = sa.create_engine(own, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with made.connect() as connection:
            for statement in statements.split(";"):
                if statement.strip():
                    connection.exec_driver_sql(statement.replace("%", "%%"))

    yield own.set(drivername="postgresql").render_as_string(hide_password=False), run
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("schema", ["public", "ssd_development", '"Ssd Live"'])
def test_the_dataset_is_found_in_whichever_schema_has_it(
    database: tuple[str, Run_], schema: str
) -> None:
    url, run = database
    run(f"CREATE SCHEMA IF NOT EXISTS {schema};" + EPISODES.format(schema=schema))
    source = read_ssd(url, USUAL)
    names = ("referral_id", "child_id", "referral_date")
    assert sorted(records(source.referrals, *names)) == [
        ("10", "A", "2023-05-01"),
        ("8", "B", ""),
        ("9", "", "2023-05-02T14:30:00"),
    ]
    assert source.sha256 == read_ssd(url, USUAL).sha256


def test_of_several_schemas_one_has_to_be_chosen(
    database: tuple[str, Run_], triage: Triage
) -> None:
    url, run = database
    for schema in ("live", "trial"):
        run(f"CREATE SCHEMA {schema};" + EPISODES.format(schema=schema))
    run("UPDATE trial.ssd_cin_episodes SET cine_person_id = 'T'")
    code, out, err = triage("check", url)
    assert (code, out) == (3, "")
    assert "lies in several schemas (live, trial); choose one by ?schema=live" in err
    mark = "&" if "?" in url else "?"
    chosen = read_ssd(f"{url}{mark}schema=trial", USUAL)
    assert set(cells(chosen.referrals, "child_id")) == {"T"}
    assert "schema=trial" in chosen.path
    code, _, err = triage("check", f"{url}{mark}schema=other")
    assert code == 3
    assert "schema other holds no table" in err


def test_the_schema_one_connects_to_goes_before_others(database: tuple[str, Run_]) -> None:
    url, run = database
    run("CREATE SCHEMA old;" + EPISODES.format(schema="old") + EPISODES.format(schema="public"))
    run("UPDATE old.ssd_cin_episodes SET cine_person_id = 'OLD'")
    assert "OLD" not in cells(read_ssd(url, USUAL).referrals, "child_id")


def test_columns_of_any_type_are_read_as_text(database: tuple[str, Run_]) -> None:
    url, run = database
    run(
        """
        CREATE TABLE ssd_cin_episodes (
            cine_referral_id uuid, cine_person_id numeric(10, 0), cine_referral_date timestamptz,
            cine_referral_nfa boolean, cine_referral_outcome_json jsonb, cine_close_date date
        );
        INSERT INTO ssd_cin_episodes VALUES (
            '00000000-0000-0000-0000-000000000007', 7, '2023-07-01 23:30:00Z', true, '{}',
            '2023-08-01'
        );
        CREATE TABLE ssd_contacts (
            cont_contact_id bigint, cont_person_id int, cont_contact_date timestamptz,
            cont_contact_outcome_json json
        );
        INSERT INTO ssd_contacts VALUES
            (1, 7, '2023-01-01 00:00:00Z', '{"NEW_REFERRAL_FLAG": "Y"}'), (2, 7, NULL, NULL);
        """
    )
    source = read_ssd(url, USUAL)
    assert {name: column.cells() for name, column in source.referrals.columns.items()} == {
        "child_id": ["7"],
        "referral_date": ["2023-07-02T00:30:00"],
        "referral_id": ["00000000-0000-0000-0000-000000000007"],
        "closed_on": ["2023-08-01"],
        "nfa": ["true"],
    }
    assert source.contacts is not None
    assert records(source.contacts, "contact_id", "contact_date", "contact_outcome") == [
        ("1", "2023-01-01", "referral"),
        ("2", "", ""),
    ]


def test_reading_is_one_snapshot_in_which_nothing_can_be_written(
    database: tuple[str, Run_],
) -> None:
    url, run = database
    run(EPISODES.format(schema="public"))
    count = "SELECT count(*) FROM ssd_cin_episodes"
    with ssd._connection(ssd.address_of(url)) as connection:
        assert connection.exec_driver_sql(count).scalar() == 3
        run("DELETE FROM ssd_cin_episodes")
        assert connection.exec_driver_sql(count).scalar() == 3
        with pytest.raises(sa.exc.InternalError, match="read-only transaction"):
            connection.exec_driver_sql("DELETE FROM ssd_cin_episodes")


def test_a_table_that_may_not_be_read_is_named(database: tuple[str, Run_], triage: Triage) -> None:
    url, run = database
    user = f"reader_{uuid.uuid4().hex}"
    run(
        EPISODES.format(schema="public")
        + f"""
        CREATE TABLE ssd_person (pers_person_id text, pers_dob date);
        CREATE ROLE {user} LOGIN;
        GRANT SELECT ON ssd_cin_episodes TO {user}
        """
    )
    reader = sa.make_url(url).set(username=user, password="hush")
    name = reader.render_as_string(hide_password=False)
    code, out, err = triage("check", name)
    run(f"DROP OWNED BY {user}; DROP ROLE {user}")
    assert (code, out) == (3, "")
    assert "table ssd_person cannot be read (permission denied for table ssd_person)" in err
    assert "ask for the right to read the tables" in err
    assert "hush" not in err
    code, _, err = triage("check", name)
    assert code == 3
    assert "cannot be opened" in err
    assert "hush" not in err


def test_a_table_that_is_being_rebuilt_is_not_waited_for_long(
    database: tuple[str, Run_], triage: Triage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssd, "SECONDS", 1)
    url, run = database
    run(EPISODES.format(schema="public"))
    own = sa.make_url(url).set(drivername="postgresql+psycopg")
    with sa.create_engine(own, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("LOCK TABLE ssd_cin_episodes IN ACCESS EXCLUSIVE MODE")
        code, out, err = triage("check", url)
    assert (code, out) == (3, "")
    assert "table ssd_cin_episodes cannot be read" in err
    assert "somebody else is writing to it" in err


def test_a_server_that_never_answers_is_given_up(triage: Triage) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        start = time.monotonic()
        code, out, err = triage(
            "check", f"postgresql://u:hush@127.0.0.1:{port}/d?connect_timeout=2"
        )
    assert (code, out) == (3, "")
    assert "timeout" in err
    assert time.monotonic() - start < 8


@pytest.fixture(scope="module")
def council() -> Council:
    """A clean council in which a strategy discussion and its enquiry bear one date."""
    made = make_council(400, seed=17, as_of=AS_OF, months=24, dirty=False)
    table = made.referrals.copy()
    is_none = table["section47_started_on"] == ""
    for name in ("strategy_discussion_on", "icpc_on", "icpc_not_required"):
        table[name] = table[name].where(~is_none, "")
    table["strategy_discussion_on"] = table["section47_started_on"]
    return replace(made, referrals=table)


def judged(name: str) -> Run:
    rules = load_rules(shipped("rules")).live()
    return check([name], rules, Options(AS_OF, None, dt.date(2024, 9, 30)))


DECIDED = frozenset({"ALL-01", "ALL-02"})
"""Rules whose clock runs from the decision where there is one: the dataset has none."""
ONE_WORKER = frozenset({"ALL-04"})
"""A table of one row a referral knows the first worker only."""


def test_a_council_gives_the_flags_of_its_table_from_either_database(
    council: Council, tmp_path: Path, database: tuple[str, Run_]
) -> None:
    writers.write_referral_table(council, tmp_path / "table.csv")
    files = f"sqlite:///{tmp_path / 'ssd.db'}"
    counts = [write_ssd(council, url) for url in (files, database[0])]
    assert counts[0] == counts[1]
    assert counts[0]["cells not written"] == 0
    assert counts[0]["ssd_cin_episodes"] == 400
    table = judged(str(tmp_path / "table.csv"))
    runs = [judged(url) for url in (files, database[0])]
    assert runs[0].flags == runs[1].flags
    both = {r.rule.id for r in runs[0].results if r.can_flag} & {
        r.rule.id for r in table.results if r.can_flag and not r.missing_columns
    }
    assert len(both) > 25
    for rule in sorted(both - DECIDED - ONE_WORKER):
        expected, found = (
            {(f.child_id, f.referral_date) for f in run.flags if f.rule == rule}
            for run in (table, runs[0])
        )
        assert found == expected, rule
    assert {"REF-01", "REF-12", "PRO-02", "PRO-08", "DQ-05"} <= both
    assert len({flag.rule for flag in runs[0].flags} & both) > 15


def test_two_databases_with_the_same_cells_have_one_digest(
    council: Council, tmp_path: Path, database: tuple[str, Run_]
) -> None:
    files = f"sqlite:///{tmp_path / 'ssd.db'}"
    for url in (files, database[0]):
        write_ssd(council, url)
    first, second = (read_ssd(url, USUAL) for url in (files, database[0]))
    assert first.sha256 == second.sha256
    for name in ("assessments", "section47s", "allocations", "early_help"):
        ours, theirs = beside(first, name).table, beside(second, name).table
        assert ours.columns.keys() == theirs.columns.keys()
        assert all(cells(ours, column) == cells(theirs, column) for column in ours.columns)


def test_a_database_that_holds_a_dataset_is_not_written_over(
    council: Council, tmp_path: Path, database: tuple[str, Run_]
) -> None:
    for url in (f"sqlite:///{tmp_path / 'ssd.db'}", database[0]):
        write_ssd(council, url)
        with pytest.raises(ValueError, match=r"holds ssd_\w+ already"):
            write_ssd(council, url)
    with pytest.raises(ValueError, match="cannot be written"):
        write_ssd(council, f"sqlite:///{tmp_path / 'nowhere' / 'ssd.db'}")


def test_refusals_are_input_errors(database: tuple[str, Run_]) -> None:
    with pytest.raises(InputError, match="looks like a PostgreSQL database; it holds no table"):
        read_ssd(database[0], USUAL)
