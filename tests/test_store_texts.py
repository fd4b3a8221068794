"""Whatever is typed into a record comes to both stores, and back from them, as it is."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stores import NewStore

from triage.pipeline import check
from triage.resources import shipped
from triage.rulefiles import load_rules
from triage.run import Options
from triage.store import Asker, Wanted, cases, one_case, rejections, store_run, verify_trail

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
