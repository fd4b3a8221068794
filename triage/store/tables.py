"""The tables of the store.

A case is a referral, or a contact, with its flags. A flag is one rule on one of them; a run clears
it, and never deletes it. What is let go of is deleted, but for the numbers of cases (``husks``).
Events are only ever added: the database itself refuses to change or delete one, and each bears a
hash of itself and of all before it.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from triage.schema_nights import NIGHT_COLUMNS

HEAD_REVISION: Final = "0009"
"""The newest migration; a store at any other revision is upgraded, or refused when newer."""

metadata = sa.MetaData()

rule_text = sa.Table(
    "rule_text",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("rule_id", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

ruleset_rule = sa.Table(
    "ruleset_rule",
    metadata,
    sa.Column("ruleset_hash", sa.String(64), primary_key=True),
    sa.Column("rule_id", sa.String(16), primary_key=True),
    sa.Column("rule_hash", sa.String(64), sa.ForeignKey("rule_text.hash"), nullable=False),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("finished_at", sa.String(32), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("ruleset_hash", sa.String(64), nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("inputs", sa.JSON, nullable=False),
    sa.Column("rows", sa.JSON, nullable=False),
    sa.Column("rules", sa.JSON, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("queue", sa.JSON, nullable=False),
    sa.Column("contacts", sa.JSON),
    sa.Column("trial", sa.JSON),
    sa.Column("told", sa.String(64)),
    sa.Column("carried", sa.JSON),
    sa.Column("oversight", sa.JSON),
    sa.Column("records", sa.String(64)),
    sqlite_autoincrement=True,
)
"""``told`` is a SHA-256 of all that the run brought to the queue; none before revision 0003.
``carried`` names the columns of the records whose history is kept; none before revision 0005.
``oversight`` has what the rules for cases said and changed; none before revision 0006.
``records`` is a SHA-256 of the records as the run knew them; none before revision 0009.
"""

rejection = sa.Table(
    "rejection",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("column", sa.String(60), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)

due_item = sa.Table(
    "due_item",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False, index=True),
    sa.Column("rule", sa.String(16), nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("child_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("referral_date", sa.Date, nullable=False),
    sa.Column("team", sa.Text),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("restricted", sa.Boolean, nullable=False),
)
"""What fell due by the next working day, as each run saw it."""

case = sa.Table(
    "case",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject", sa.String(10), nullable=False),
    sa.Column("child_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("referral_date", sa.Date, nullable=False),
    sa.Column("team", sa.Text),
    sa.Column("restricted", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(30), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("boost", sa.Text),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("snoozed_until", sa.Date),
    sa.Column("held_by", sa.String(200)),
    sa.Column("held_until", sa.String(32)),
    sa.Column("assigned_to", sa.String(200)),
    sa.Column("opened_on", sa.Date),
    sa.UniqueConstraint("child_id", "subject", "referral_id"),
    sa.Index("ix_case_status_place", "status", "place", "id"),
    sa.Index("ix_case_team_status_place", "team", "status", "place", "id"),
    *(
        sa.Index(
            f"ix_case_{name}",
            name,
            sqlite_where=sa.text(f"{name} IS NOT NULL"),
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
        for name in ("held_by", "assigned_to")
    ),
    sqlite_autoincrement=True,
)
"""``severity`` is that of the most pressing open flag, or of any when none is open; ``boost`` says
why a case comes before its turn; ``place`` is its place in the order of work (``triage.order``) as
of the last run. ``held_by`` holds it until ``held_until``, a moment; ``assigned_to`` is to do it.
``opened_on`` is the day of the run as of which it was opened, or opened again.
"""

referral = sa.Table(
    "referral",
    metadata,
    sa.Column("child_id", sa.Text, primary_key=True),
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("referral_date", sa.Date, nullable=False),
    sa.Column("team", sa.Text),
    sa.Column("referral_source", sa.String(4)),
    sa.Column("primary_need", sa.String(4)),
    sa.Column("nfa", sa.Boolean),
    sa.Column("closed_on", sa.Date),
    sa.Column("closure_reason", sa.String(4)),
    sa.Column("restricted", sa.Boolean, nullable=False),
    sa.Column("decision_at", sa.Date),
    sa.Column("allocated_at", sa.Date),
    sa.Column("assessment_started_on", sa.Date),
    sa.Column("assessment_authorised_on", sa.Date),
    sa.Column("strategy_discussion_on", sa.Date),
    sa.Column("icpc_on", sa.Date),
    sa.Column("icpc_not_required", sa.Boolean),
    sa.Column("unread", sa.Text),
    sa.Column("digest", sa.BigInteger),
    sa.Column("gone_run_id", sa.Integer),
)
"""Every referral as the last run that read it saw it: for the timeline that a reviewer reads first,
and for the reports. ``unread`` names the columns whose cell could not be read; ``digest`` is a
number of all that is told of it. ``gone_run_id`` is the first run that did not find it any more.
"""

flag = sa.Table(
    "flag",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False),
    sa.Column("rule_id", sa.String(16), nullable=False),
    sa.Column("rule_hash", sa.String(64), sa.ForeignKey("rule_text.hash"), nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("first_flagged_on", sa.Date, nullable=False),
    sa.Column("first_run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("changed_run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("cleared_run_id", sa.Integer, sa.ForeignKey("run.id")),
    sa.UniqueConstraint("case_id", "rule_id"),
    sqlite_autoincrement=True,
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id")),
    sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), index=True),
    sa.Column("rule_id", sa.String(16)),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
"""The trail. ``detail`` is JSON and tells nothing of a child, whose data can be let go of while the
trail stays whole; ``hash`` is the SHA-256 of the event and of the hash before it (``trail.py``).
"""

person = sa.Table(
    "person",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("teams", sa.JSON, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
)

note = sa.Table(
    "note",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

rule_exception = sa.Table(
    "rule_exception",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("rule_id", sa.String(16), nullable=False),
    sa.Column("child_id", sa.Text),
    sa.Column("team", sa.Text),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("made_at", sa.String(32), nullable=False),
    sa.Column("made_by", sa.String(200), nullable=False),
    sa.Column("ended_at", sa.String(32)),
    sqlite_autoincrement=True,
)
"""A rule that raises nothing for a child, or for a team, up to and including a day."""

review = sa.Table(
    "review",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("reviewer", sa.String(200), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("answers", sa.Text, nullable=False),
    sa.Column("salt", sa.String(32), nullable=False),
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("changed_at", sa.String(32), nullable=False),
    sa.Column("submitted_at", sa.String(32)),
    sa.Column("supersedes", sa.Integer, sa.ForeignKey("review.id")),
    sa.Column("reason", sa.Text),
    sqlite_autoincrement=True,
)
"""``answers`` is JSON; the trail has the SHA-256 of it and the salt of each submitted review."""

remedial_action = sa.Table(
    "remedial_action",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("done_on", sa.Date),
    sa.Column("evidence", sa.Text),
    sa.Column("handed_to", sa.String(200)),
    sa.Column("handed_why", sa.Text),
    sqlite_autoincrement=True,
)
"""Done when ``done_on`` says so; handed over to somebody outside, it no longer holds the case."""

second_sample = sa.Table(
    "second_sample",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("drawn_at", sa.String(32), nullable=False),
    sa.Column("drawn_by", sa.String(200), nullable=False),
    sa.Column("seed", sa.String(100), nullable=False),
    sa.Column("share", sa.String(12)),
    sa.Column("number", sa.Integer),
    sa.Column("stratified_by", sa.String(10)),
    sa.Column("first_day", sa.Date),
    sa.Column("last_day", sa.Date),
    sa.Column("frame", sa.JSON, nullable=False),
    sa.Column("strata", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""A sample of reviewed cases. ``frame`` is the cases that it was drawn of, by stratum; ``strata``
is how many each had and gave: with the seed, all that is needed to draw it again.
"""

second_review = sa.Table(
    "second_review",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("first_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False),
    sa.Column("sample_id", sa.Integer, sa.ForeignKey("second_sample.id")),
    sa.Column("asked_at", sa.String(32), nullable=False),
    sa.Column("asked_by", sa.String(200), nullable=False),
    sa.Column("why", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("came_from", sa.String(30), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("due_before", sa.Date, nullable=False),
    sa.Column("second_id", sa.Integer, sa.ForeignKey("review.id")),
    sa.Column("outcome", sa.String(10)),
    sa.Column("settled_id", sa.Integer, sa.ForeignKey("review.id")),
    sa.Column("ended_at", sa.String(32)),
    sqlite_autoincrement=True,
)
"""That a first review is to be done again by somebody else, why, and what came of it.

``came_from`` is the status and ``due_before`` the due date that the case had; ``ended_at`` is when
it went on, and nothing while it waits for a second reviewer or for whoever moderates.
"""

known_now = sa.Table(
    "known_now",
    metadata,
    sa.Column("child_id", sa.Text, primary_key=True),
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.BigInteger, nullable=False),
    sa.Column("is_judged", sa.Boolean, nullable=False),
    *(sa.Column(name, sa.Date) for name in NIGHT_COLUMNS),
)
"""Each referral as the last run that judged it saw it; ``is_judged`` by the last run of all.

The last night without an event is blank while the event is missing: it is the last run's day.
"""

known = sa.Table(
    "known",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("child_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.Index("ix_known_child_id", "child_id", "referral_id"),
    sa.Index("ix_known_run_id", "run_id"),
    sqlite_autoincrement=True,
)
"""What changed in the record of a judged referral since the run before: JSON by column.

A referral that is not judged any more is told as ``{"judged": false}``.
"""
