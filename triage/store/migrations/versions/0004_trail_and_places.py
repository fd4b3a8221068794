"""Each event bears a hash of itself and all before it; each case its place in the order of work.

Revision ID: 0004
Revises: 0003
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FIELDS = ("id", "at", "actor", "kind", "run_id", "case_id", "rule_id", "detail")
_KEPT = (
    "id", "subject", "child_id", "referral_id", "referral_date", "team", "restricted", "status",
    "due_on",
)  # fmt: skip
_ON_SERVER = (
    "BEFORE UPDATE OR DELETE OR TRUNCATE ON event FOR EACH STATEMENT "
    "EXECUTE FUNCTION event_only_added()"
)
_ONLY_ADDED = "BEGIN SELECT RAISE(ABORT, 'events can only be added'); END"
_AT_ONCE = 10_000


def _is_server() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _lift_guards() -> None:
    names = ["change"] if _is_server() else ["update", "delete", "replace"]
    for name in names:
        op.execute(f"DROP TRIGGER event_no_{name}" + (" ON event" if _is_server() else ""))


def _guard_events() -> None:
    if _is_server():
        op.execute(f"CREATE TRIGGER event_no_change {_ON_SERVER}")
        op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON event FROM PUBLIC, CURRENT_USER")
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER event_no_{act.lower()} BEFORE {act} ON event {_ONLY_ADDED}")
    op.execute(
        "CREATE TRIGGER event_no_replace BEFORE INSERT ON event "
        f"WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id) {_ONLY_ADDED}"
    )


def _events(*, hashed: bool) -> sa.Table:
    """Make the table of events anew, with or without hashes; the old one stands beside it."""
    _lift_guards()
    op.drop_index("ix_event_case_id", "event")
    op.rename_table("event", "event_before")
    if _is_server():
        op.execute("ALTER INDEX event_pkey RENAME TO event_before_pkey")
    detail = sa.Text if hashed else sa.JSON
    return op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=not hashed),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id")),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), index=True),
        sa.Column("rule_id", sa.String(16)),
        sa.Column("detail", detail, nullable=False),
        *([sa.Column("hash", sa.LargeBinary, nullable=False)] if hashed else []),
        sqlite_autoincrement=not hashed,
    )


def _chain_events() -> None:
    """Number events without gaps and hash them; what they told of a child is left out."""
    made = _events(hashed=True)
    bind = op.get_bind()
    names = ", ".join(_FIELDS)
    before = bind.execute(sa.text(f"SELECT {names} FROM event_before ORDER BY id")).fetchall()
    digest, rows = bytes(32), []
    for number, (_, *told, detail) in enumerate(before, 1):
        said = json.loads(detail) if isinstance(detail, str) else detail
        why = {"why": said["why"]} if "why" in said else {}
        fields = [number, *told, json.dumps(why, sort_keys=True, separators=(",", ":"))]
        texts = ["\0" if value is None else str(value) for value in fields]
        digest = hashlib.sha256(digest + "\x1f".join(texts).encode()).digest()
        rows.append({**dict(zip(_FIELDS, fields, strict=True)), "hash": digest})
        if len(rows) == _AT_ONCE:
            bind.execute(made.insert(), rows)
            rows = []
    if rows:
        bind.execute(made.insert(), rows)
    op.drop_table("event_before")
    _guard_events()


def _cases(*, placed: bool) -> None:
    """Make the table of cases anew, with what tells its place in the order of work or without."""
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute('CREATE TABLE case_before AS SELECT * FROM "case"')
    op.drop_table("case")
    op.create_table(
        "case",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("subject", sa.String(10), nullable=False),
        sa.Column("child_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("referral_date", sa.Date, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("restricted", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(30), nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        *(_placed() if placed else [sa.Column("reopened", sa.Boolean, nullable=False)]),
        sa.UniqueConstraint("child_id", "subject", "referral_id"),
        sqlite_autoincrement=True,
    )
    kept = ", ".join(_KEPT)
    more, values = ("severity, place, boost", f"'low', 0, {_BOOST}") if placed else (
        "reopened", "boost IS NOT NULL")  # fmt: skip
    op.execute(f'INSERT INTO "case" ({kept}, {more}) SELECT {kept}, {values} FROM case_before')
    op.drop_table("case_before")


def _placed(*, filled: bool = True) -> list[sa.Column[Any]]:
    return [
        sa.Column("severity", sa.String(10), nullable=not filled),
        sa.Column("boost", sa.Text),
        sa.Column("place", sa.BigInteger, nullable=not filled),
        sa.Column("snoozed_until", sa.Date),
        sa.Column("held_by", sa.String(200)),
        sa.Column("held_until", sa.String(32)),
        sa.Column("assigned_to", sa.String(200)),
    ]


_BOOST = "CASE WHEN reopened THEN 'came back' END"
_RANK = "CASE {} WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END"


def _fill_in() -> None:
    """Give each case the severity of its flags and its place, overdue as of the last run."""
    ordered = f"CASE WHEN state = 'open' THEN 0 ELSE 1 END, {_RANK.format('severity')}"
    op.execute(
        'UPDATE "case" SET severity = COALESCE((SELECT severity FROM flag '
        f"WHERE case_id = \"case\".id ORDER BY {ordered} LIMIT 1), 'low')"
    )
    day = "CAST({} - DATE '1970-01-01' AS BIGINT)" if _is_server() else (
        "CAST(julianday({}) - 2440587.5 AS INTEGER)")  # fmt: skip
    due, referred = day.format("due_on"), day.format("referral_date")
    rank = _RANK.format("severity")
    op.execute(
        'UPDATE "case" SET place = '
        "CASE WHEN due_on < (SELECT as_of FROM run ORDER BY id DESC LIMIT 1) THEN 0 "
        "ELSE CAST(34359738368 AS BIGINT) END "
        "+ CASE WHEN boost IS NULL THEN CAST(17179869184 AS BIGINT) ELSE 0 END "
        f"+ CAST(4294967296 AS BIGINT) * ({rank}) + ({due} + 25600) * 65536 + {referred} + 25600"
    )


def upgrade() -> None:
    """Chain the events, and give cases what the order of work and who holds them need."""
    _chain_events()
    if _is_server():
        for column in _placed(filled=False):
            op.add_column("case", column)
        op.execute(f'UPDATE "case" SET boost = {_BOOST}')
        op.drop_column("case", "reopened")
    else:
        _cases(placed=True)
    _fill_in()
    if _is_server():
        op.alter_column("case", "severity", nullable=False)
        op.alter_column("case", "place", nullable=False)
    op.create_index("ix_case_status_place", "case", ["status", "place", "id"])
    op.create_index("ix_case_team_status_place", "case", ["team", "status", "place", "id"])


def downgrade() -> None:
    """Take hashes, places and holders away."""
    op.drop_index("ix_case_status_place", "case")
    op.drop_index("ix_case_team_status_place", "case")
    if _is_server():
        op.add_column("case", sa.Column("reopened", sa.Boolean))
        op.execute('UPDATE "case" SET reopened = boost IS NOT NULL')
        op.alter_column("case", "reopened", nullable=False)
        for column in _placed():
            op.drop_column("case", column.name)
    else:
        _cases(placed=False)
    _events(hashed=False)
    op.execute(
        f"INSERT INTO event ({', '.join(_FIELDS)}) SELECT {', '.join(_FIELDS[:-1])}, "
        + ("detail::json" if _is_server() else "detail")
        + " FROM event_before"
    )
    op.drop_table("event_before")
    if _is_server():
        op.execute("SELECT setval(pg_get_serial_sequence('event', 'id'), "
                   "(SELECT COALESCE(MAX(id), 0) + 1 FROM event), false)")  # fmt: skip
    _guard_events()
