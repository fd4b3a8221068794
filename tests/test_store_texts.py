"""Whatever is typed into a record comes to both stores, and back from them, as it is."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stores import NewStore, OwnStore

from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options
from triage.store import (
    Asker,
    Wanted,
    bulk,
    cases,
    one_case,
    rejections,
    store_run,
    verify_trail,
)
from triage.store.connection import acting, writing

RULES = load_rules(shipped("rules")).only("DEC-01", "DQ-06", "REF-01")
NOW = dt.datetime(2023, 6, 30, 2, 0, tzinfo=dt.UTC)
ASKER = Asker("w.worker", (), NOW)
DAYS = {"critical": 1, "high": 5, "medium": 10, "low": 20}
ODD = (
    "\\N", "\\.", "\\", "\t", "a\tb", "a\nb", "a\r\nb", "'", '"', "%s", "%(a)s", ":a", "?", "{}",
    "$1", "NULL", "\x1b[2J", "\x7f", "\ufeff", "\uffff", "É", "E\u0301", "\u202e",
    "🙂", "x" * 300, " a ", "0012", "true", "1e5", ";--", "\u2028",
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
)
COLUMNS = ("child_id", "referral_id", "team", "closure_reason")
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=6)


@settings(max_examples=10)
@example([(text, text, text, text) for text in ODD])
@given(ROWS)
def test_odd_texts_come_back_as_they_were_read(
    new_store: NewStore, rows: list[tuple[str, str, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as name, new_store(Path(name)) as store:
        path = Path(name) / "odd.parquet"
        rows = [*rows, ("A", "R1", "North", "")]
        columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
        dates = {"referral_date": ["2023-06-01"] * len(rows), "decision_at": [""] * len(rows)}
        pq.write_table(pa.table(columns | dates), path)
        run = check([str(path)], RULES, Options(dt.date(2023, 6, 30), 3, dt.date(2020, 1, 1)))
        for _ in range(2):
            store_run(
                store.url, run, who="nobody", started_at=NOW, finished_at=NOW, settings={},
                review_days=DAYS,
            )  # fmt: skip
        found = cases(store.url, ASKER, Wanted()).cases
        assert {(one.child_id, one.referral_id, one.team) for one in found} == {
            (flag.child_id, flag.referral_id, flag.team) for flag in run.flags
        }
        told = {(row["column"], row["message"]) for row in rejections(store.url)}
        assert told <= {(one.column, one.message) for one in run.problems}
        assert {(one.column, one.message) for one in run.problems if one.kind == "rejected"} <= told
        for one in found[:2]:
            whole = one_case(store.url, ASKER, one.id)
            messages = {f.message for f in run.flags if f.referral_id == one.referral_id}
            assert {stored.message for stored in whole.flags} <= messages
            assert [entry.referral["child_id"] for entry in whole.timeline]
        assert verify_trail(store.url).damage == ""
        store.check()


@settings(max_examples=25)
@example([(text, None, None) for text in ODD])
@example([("\ufeff", None, None)])
@example([("", "", 0), (None, "\n", None), ('"', ",", -1)])
@given(st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS, st.none() | st.integers(-9, 9))))
def test_a_table_read_by_its_columns_is_that_read_by_its_rows(
    filled_once: OwnStore, rows: list[tuple[str | None, str | None, int | None]]
) -> None:
    schema = pa.schema({"a": pa.string(), "b": pa.string(), "n": pa.int64()})
    given = [(n, *row) for n, row in enumerate(rows)]
    table = sa.Table(
        "odd", sa.MetaData(), sa.Column("at", sa.Integer), sa.Column("a", sa.String),
        sa.Column("b", sa.String), sa.Column("n", sa.Integer), prefixes=["TEMPORARY"],
    )  # fmt: skip
    with acting(filled_once.url) as connection:
        table.create(connection)
        if given:
            columns = dict(zip(("at", "a", "b", "n"), zip(*given, strict=True), strict=True))
            bulk.add(connection, table, columns)
        query = sa.select(table.c.a, table.c.b, table.c.n).order_by(table.c["at"])
        of_some = sa.select(table.c.a, table.c.b, table.c.n).where(table.c.a.like("%s%"))
        found = bulk.table_of(connection, query, schema)
        assert [tuple(row.values()) for row in found.to_pylist()] == rows
        (n_some,) = connection.execute(sa.select(sa.func.count()).select_from(of_some.subquery()))
        assert len(bulk.table_of(connection, of_some, schema)) == n_some[0]
        table.drop(connection)


@pytest.fixture(scope="module")
def filled_once(
    new_store: NewStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnStore]:
    """A store that is there; nothing is kept in it."""
    with new_store(tmp_path_factory.mktemp("filled")) as own:
        with writing(own.url):
            pass
        yield own
