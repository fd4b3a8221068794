"""Opening a database: which URLs are read, what is refused and how, and that nothing is changed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from conftest import Triage
from sqlalchemy.dialects import mssql, postgresql
from ssd_helpers import FIELDS, episode, read, sqlite

from triage.errors import InputError
from triage.reading import USUAL
from triage.sources import read_source, ssd_address
from triage.sources.ssd import read_ssd
from triage.sources.ssd_address import address_of, engine_of
from triage.sources.ssd_tables import EPISODES, TABLES, Found, select_of

NEVER_READ = (
    "worker_id", "completed_by", "forename", "surname", "professional_name", "staff_id",
    "ethnicity", "gender", "caseload", "common_child_id", "nationality", "assessment_outcome",
)  # fmt: skip
"""Parts of the names of fields that hold a name, or that no rule asks about."""


def found(name: str, schema: str | None = None) -> Found:
    table = next(one for one in TABLES if one.name == name)
    return Found(table, schema, name, {field: field for field in table.fields})


def compiled(one: Found, dialect: sa.Dialect) -> str:
    statement = select_of(one, dialect.name)
    text = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return " ".join(str(text).split())


@pytest.mark.parametrize(
    "dialect", [mssql.dialect(), postgresql.dialect(), sa.make_url("sqlite://").get_dialect()()]
)
@pytest.mark.parametrize("name", FIELDS)
def test_only_what_is_needed_is_selected(dialect: sa.Dialect, name: str) -> None:
    one = found(name, "ssd_development")
    text = compiled(one, dialect)
    assert text.startswith("SELECT ")
    assert text.count(f" FROM ssd_development.{name} ORDER BY ") == 1
    assert all(f".{field}" in text for field in FIELDS[name])
    assert not [word for word in NEVER_READ if word in text]
    assert not [word for word in ("*", ";", "TOP", "INSERT", "UPDATE", "FOR ", "[") if word in text]


def test_sql_server_is_asked_for_plain_columns_in_the_order_of_their_key() -> None:
    one = Found(
        EPISODES,
        "ssd_development",
        "ssd_cin_episodes",
        {
            field: field
            for field in ("cine_referral_id", "cine_referral_nfa", "cine_referral_outcome_json")
        },
    )
    table = "ssd_development.ssd_cin_episodes"
    assert compiled(one, mssql.dialect()) == (
        f"SELECT {table}.cine_referral_id AS cine_referral_id, "
        f"{table}.cine_referral_nfa AS cine_referral_nfa, "
        f"CASE WHEN (upper(CAST({table}.cine_referral_nfa AS NVARCHAR(5))) IN "
        "('Y', 'N', 'T', 'F', '1', '0', 'YES', 'NO', 'TRUE', 'FALSE')) THEN NULL "
        f"ELSE {table}.cine_referral_outcome_json END AS cine_referral_outcome_json "
        f"FROM {table} ORDER BY {table}.cine_referral_id"
    )


def test_sql_server_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, triage: Triage
) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    code, out, err = triage("check", "mssql://reader:hush@server/ssd")
    assert (code, out) == (3, "")
    assert "pip install 'rereferral-triage[mssql]'" in err
    assert "mssql://reader:***@server/ssd" in err
    assert "hush" not in err


@pytest.mark.parametrize(
    ("url", "installed", "driver"),
    [
        ("mssql://r@s/d", ["SQL Server", "ODBC Driver 17 for SQL Server",
                           "ODBC Driver 18 for SQL Server", "SQLite3"],
         "ODBC Driver 18 for SQL Server"),
        ("mssql+pyodbc://r@s/d?driver=Mine", ["ODBC Driver 18 for SQL Server"], "Mine"),
        ("mssql://r@name_of_a_source", [], None),
        ("mssql://r@s/d", ["SQLite3"], "no ODBC driver for SQL Server is installed"),
    ],
)  # fmt: skip
def test_the_newest_odbc_driver_is_taken_where_the_url_names_none(
    monkeypatch: pytest.MonkeyPatch, url: str, installed: list[str], driver: str | None
) -> None:
    fake = ModuleType("pyodbc")
    vars(fake).update(drivers=lambda: installed, version="5.1.0", paramstyle="qmark", Cursor=object)
    monkeypatch.setitem(sys.modules, "pyodbc", fake)
    if driver is not None and driver.startswith("no "):
        with pytest.raises(InputError, match=driver):
            engine_of(address_of(url))
        return
    engine = engine_of(address_of(url))
    assert engine.url.drivername == "mssql+pyodbc"
    assert engine.url.query.get("driver") == driver


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:hush@h/db", "only SQLite, PostgreSQL and SQL Server are read"),
        ("https://example.org/records.csv", "only SQLite, PostgreSQL and SQL Server are read"),
        ("postgresql://u:hush@h:port/db", "is no database URL"),
        ("postgresql://u:hu@hush@h/db", "write %40 there"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///nowhere.db", "there is no such file"),
        ("sqlite:///.", "is no file"),
        ("postgresql://u:hush@127.0.0.1:1/db", "cannot be opened"),
        ("postgresql://u@127.0.0.1:1/db?password=hush", "cannot be opened"),
        ("postgresql://u:hush@127.0.0.1:1/db?nonsense=1", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_one_sentence_without_the_password(
    triage: Triage, workplace: Path, url: str, said: str
) -> None:
    code, out, err = triage("check", url)
    assert (code, out) == (3, "")
    assert said in err
    assert "hush" not in err
    assert len(err.strip().splitlines()) == 1
    assert list(workplace.iterdir()) == []


def other(path: Path, statements: str) -> Path:
    with sqlite3.connect(path) as database:
        database.executescript(statements)
    database.close()
    return path


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ("CREATE TABLE bread (price)", "it holds bread; expected the tables of the Standard Safe"),
        ("PRAGMA user_version=3", "it holds no table"),
        ("CREATE TABLE ssd_cin_episodes (cine_referral_id, cine_person_id)",
         "table ssd_cin_episodes has no column cine_referral_date"),
        ("CREATE TABLE ssd_cin_episodes (cine_person_id, cine_referral_date)", "holds no row"),
    ],
)  # fmt: skip
def test_a_database_of_something_else_is_refused(
    triage: Triage, workplace: Path, statements: str, said: str
) -> None:
    other(workplace / "other.db", statements)
    for name in ("other.db", "sqlite:///other.db"):
        code, out, err = triage("check", name)
        assert (code, out) == (3, "")
        assert f"{name}: " in err
        assert said in err


def test_a_damaged_database_is_refused(triage: Triage, workplace: Path) -> None:
    path = Path("ssd.db")
    read(workplace, ssd_cin_episodes=[episode(cine_referral_id=f"R{n}") for n in range(900)])
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * 20_000 + whole[24_096:])
    code, out, err = triage("check", path)
    assert (code, out) == (3, "")
    assert "cannot be read as a SQLite database" in err
    path.write_bytes(b"plain text, no database")
    code, _, err = triage("check", "sqlite:///ssd.db")
    assert code == 3
    assert "cannot be read as a SQLite database" in err


def test_a_cell_that_is_no_text_is_not_repeated(triage: Triage, workplace: Path) -> None:
    other(
        workplace / "ssd.db",
        "CREATE TABLE ssd_cin_episodes (cine_person_id, cine_referral_date);"
        "INSERT INTO ssd_cin_episodes VALUES (CAST(x'5365637265748081' AS TEXT), '2023-05-01')",
    )
    code, out, err = triage("check", "ssd.db")
    assert (code, out) == (3, "")
    assert "table ssd_cin_episodes cannot be read (a cell is no text in UTF-8)" in err
    assert "Secret" not in err


def test_a_database_that_somebody_writes_to_is_not_waited_for_long(
    triage: Triage, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssd_address, "SECONDS", 0.2)
    url = sqlite(workplace / "ssd.db", ssd_cin_episodes=[episode()])
    writer = sqlite3.connect("ssd.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    code, out, err = triage("check", url)
    writer.close()
    assert (code, out) == (3, "")
    assert "somebody else is writing to it" in err


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_file_is_left_as_it_was(workplace: Path, mode: str) -> None:
    path = workplace / "ssd.db"
    url = sqlite(path, ssd_cin_episodes=[episode()])
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode={mode}")
    database.close()
    before = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
    assert read_ssd(url, USUAL).n_rows == 1
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
    beside = {file.name: file.stat().st_size for file in workplace.iterdir()}
    assert beside.pop("ssd.db") == path.stat().st_size
    assert beside.pop("ssd.db-wal", 0) == 0
    assert beside.keys() <= ({"ssd.db-shm"} if mode == "wal" else set())


def test_a_file_cannot_be_written_through_the_connection(tmp_path: Path) -> None:
    engine = engine_of(address_of(sqlite(tmp_path / "ssd.db", ssd_cin_episodes=[episode()])))
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM ssd_cin_episodes")


def test_a_file_is_recognised_by_its_content_and_read_as_by_its_url(
    triage: Triage, workplace: Path
) -> None:
    url = sqlite(workplace / "records.csv", ssd_cin_episodes=[episode()])
    by_file, by_url = read_source("records.csv"), read_source(url)
    assert (by_file.kind, by_url.kind) == ("SSD database", "SSD database")
    assert by_file.sha256 == by_url.sha256 == read_source(url).sha256
    assert (by_file.path, by_url.path) == ("records.csv", url)
    code, out, _ = triage("check", url, "--as-of", "2023-06-30", "--format", "json")
    assert code == 0
    assert json.loads(out)["inputs"] == [
        {"path": url, "kind": "SSD database", "sha256": by_url.sha256, "rows": 1}
    ]


def test_another_cell_gives_another_digest(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = read(tmp_path / "a", ssd_cin_episodes=[episode()])
    second = read(tmp_path / "b", ssd_cin_episodes=[episode(cine_close_date="2023-06-01")])
    assert first.sha256 != second.sha256


def test_names_may_be_in_capitals_and_a_view_is_as_good_as_a_table(tmp_path: Path) -> None:
    path = other(
        tmp_path / "ssd.db",
        """
        CREATE TABLE episodes (a, b, c);
        INSERT INTO episodes VALUES ('R1', 'A', '2023-05-01');
        CREATE VIEW "SSD_CIN_Episodes" AS
        SELECT a AS "CINE_Referral_ID", b AS CINE_PERSON_ID, c AS cine_referral_date FROM episodes;
        CREATE TABLE SSD_PERSON (PERS_PERSON_ID, "Pers_Dob");
        INSERT INTO SSD_PERSON VALUES ('A', '2015-02-03 00:00:00');
        """,
    )
    source = read_source(str(path))
    assert {name: column.cells() for name, column in source.referrals.columns.items()} == {
        "child_id": ["A"],
        "referral_date": ["2023-05-01"],
        "referral_id": ["R1"],
        "date_of_birth": ["2015-02-03"],
    }


def test_columns_that_are_not_there_are_named_and_stay_absent(tmp_path: Path) -> None:
    path = other(
        tmp_path / "ssd.db",
        """
        CREATE TABLE ssd_cin_episodes (cine_person_id, cine_referral_date, cine_close_date);
        INSERT INTO ssd_cin_episodes VALUES ('A', '2023-05-01', NULL);
        CREATE TABLE ssd_involvements (invo_involvements_id, invo_person_id);
        CREATE TABLE ssd_person (pers_person_id, pers_dob);
        CREATE TABLE ssd_cin_assessments (cina_assessment_start_date, cina_assessment_auth_date);
        INSERT INTO ssd_cin_assessments VALUES ('2023-05-04', NULL);
        """,
    )
    source = read_source(str(path))
    note = source.notes[0]
    assert "; no column ssd_cin_episodes.cine_referral_id, " in note
    assert "ssd_person.pers_expected_dob" in note
    assert note.endswith(
        "; ssd_cin_assessments, ssd_involvements cannot be used without them: what they carry is "
        "unknown"
    )
    assert set(source.referrals.columns) == {
        "child_id", "referral_date", "closed_on", "date_of_birth",
    }  # fmt: skip
    assert source.children == ()


def test_help_does_not_load_what_only_databases_need() -> None:
    text = (
        "import sys, triage.cli; print([m for m in ('sqlalchemy', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
