"""Which fields of which tables of the Standard Safeguarding Dataset are read, and how.

Only what a rule can ask is selected: no name, and no description of a worker.
``cine_referral_worker_id`` holds a name in spite of what it is called, so it is never read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from triage.sources.ssd_cells import plain_outcome
from triage.sources.ssd_columns import as_texts, plain_moments
from triage.tables import RawColumn, encode

ROWS_AT_ONCE: Final = 5_000
TOLD_BY_LETTER: Final = ("Y", "N", "T", "F", "1", "0", "YES", "NO", "TRUE", "FALSE")


@dataclass(frozen=True)
class SsdTable:
    """A table of the dataset: the fields that are read, in the order in which rows are sorted.

    Without all fields in ``needs`` and one of those in ``owners`` it cannot be used. ``unless``
    names a field that is only read, row by row, where another one does not say yes or no: free
    text stays where it is when nothing needs it.
    """

    name: str
    fields: tuple[str, ...]
    needs: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    unless: tuple[str, str] | None = None

    @property
    def dates(self) -> tuple[str, ...]:
        """Return the fields that hold a date, or a date and time."""
        return tuple(field for field in self.fields if field.endswith(("_date", "_dob")))

    @property
    def sorted_by(self) -> tuple[str, ...]:
        """Return the fields that put the rows in an order: the key, other identifiers, dates."""
        others = (field for field in self.fields[1:] if field.endswith(("_id", "_date", "_dob")))
        return (self.fields[0], *others)


EPISODES: Final = SsdTable(
    "ssd_cin_episodes",
    (
        "cine_referral_id", "cine_person_id", "cine_referral_date", "cine_cin_primary_need_code",
        "cine_referral_source_code", "cine_referral_source_desc", "cine_referral_nfa",
        "cine_referral_outcome_json", "cine_close_reason", "cine_close_date",
        "cine_referral_team",
    ),
    ("cine_person_id", "cine_referral_date"),
    unless=("cine_referral_outcome_json", "cine_referral_nfa"),
)  # fmt: skip
PERSONS: Final = SsdTable(
    "ssd_person", ("pers_person_id", "pers_dob", "pers_expected_dob"), ("pers_person_id",)
)
FAMILIES: Final = SsdTable(
    "ssd_family",
    ("fami_table_id", "fami_family_id", "fami_person_id"),
    ("fami_family_id", "fami_person_id"),
)
ASSESSMENTS: Final = SsdTable(
    "ssd_cin_assessments",
    (
        "cina_assessment_id", "cina_person_id", "cina_referral_id", "cina_assessment_start_date",
        "cina_assessment_auth_date",
    ),
    ("cina_assessment_start_date",),
    ("cina_referral_id", "cina_person_id"),
)  # fmt: skip
FACTORS: Final = SsdTable(
    "ssd_assessment_factors",
    ("cinf_table_id", "cinf_assessment_id", "cinf_assessment_factors_json"),
    ("cinf_assessment_id", "cinf_assessment_factors_json"),
)
ENQUIRIES: Final = SsdTable(
    "ssd_s47_enquiry",
    (
        "s47e_s47_enquiry_id", "s47e_referral_id", "s47e_person_id", "s47e_s47_start_date",
        "s47e_s47_end_date", "s47e_s47_nfa",
    ),
    ("s47e_s47_start_date",),
    ("s47e_referral_id", "s47e_person_id"),
)  # fmt: skip
CONFERENCES: Final = SsdTable(
    "ssd_initial_cp_conference",
    ("icpc_icpc_id", "icpc_s47_enquiry_id", "icpc_referral_id", "icpc_icpc_date"),
    ("icpc_icpc_date",),
    ("icpc_s47_enquiry_id", "icpc_referral_id"),
)
INVOLVEMENTS: Final = SsdTable(
    "ssd_involvements",
    (
        "invo_involvements_id", "invo_professional_id", "invo_professional_role_id",
        "invo_person_id", "invo_involvement_start_date", "invo_involvement_end_date",
        "invo_referral_id",
    ),
    ("invo_professional_id", "invo_involvement_start_date"),
    ("invo_referral_id", "invo_person_id"),
)  # fmt: skip
PROFESSIONALS: Final = SsdTable(
    "ssd_professionals",
    (
        "prof_professional_id", "prof_social_worker_registration_no", "prof_agency_worker_flag",
        "prof_professional_job_title",
    ),
    ("prof_professional_id",),
)  # fmt: skip
EARLY_HELP: Final = SsdTable(
    "ssd_early_help_episodes",
    ("earl_episode_id", "earl_person_id", "earl_episode_start_date", "earl_episode_end_date"),
    ("earl_person_id", "earl_episode_start_date"),
)
CONTACTS: Final = SsdTable(
    "ssd_contacts",
    (
        "cont_contact_id", "cont_person_id", "cont_contact_date", "cont_contact_source_code",
        "cont_contact_source_desc", "cont_contact_outcome_json",
    ),
    ("cont_person_id", "cont_contact_date"),
)  # fmt: skip
TABLES: Final = (
    EPISODES, PERSONS, FAMILIES, ASSESSMENTS, FACTORS, ENQUIRIES, CONFERENCES, INVOLVEMENTS,
    PROFESSIONALS, EARLY_HELP, CONTACTS,
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A table as it lies in a database: its schema, its name there, and its columns' names."""

    table: SsdTable
    schema: str | None
    name: str
    columns: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the fields that are not there."""
        return tuple(field for field in self.table.fields if field not in self.columns)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return the fields that are not there and without which the table says nothing."""
        owners = self.table.owners
        unowned = () if not owners or self.columns.keys() & set(owners) else owners
        return (*(field for field in self.table.needs if field not in self.columns), *unowned)


@dataclass(frozen=True)
class Fetched:
    """A table as it was read: its cells by field; fields that are not there are left out."""

    table: SsdTable
    n_rows: int
    columns: Mapping[str, RawColumn]

    @property
    def name(self) -> str:
        """Return the table's name in the dataset."""
        return self.table.name


def select_of(found: Found, backend: str) -> sa.Select[Any]:
    """Return the one statement by which a table is read, in an order that stays the same.

    PostgreSQL is asked for texts, since its driver would else make an object of each date.
    """
    columns: dict[str, sa.ColumnClause[Any]] = {
        field: sa.column(name) for field, name in found.columns.items()
    }
    source = sa.table(found.name, *columns.values(), schema=found.schema)
    chosen: list[sa.ColumnElement[Any]] = []
    for field, column in columns.items():
        value: sa.ColumnElement[Any] = column
        if backend == "postgresql":
            value = sa.cast(column, sa.Text())
        if found.table.unless and found.table.unless[0] == field:
            value = _unless(value, columns.get(found.table.unless[1]))
        chosen.append(value.label(field))
    order = [columns[field] for field in found.table.sorted_by if field in columns]
    return sa.select(*chosen).select_from(source).order_by(*order)


def _unless(
    value: sa.ColumnElement[Any], letter: sa.ColumnClause[Any] | None
) -> sa.ColumnElement[Any]:
    """Return a value only where the letter beside it does not say yes or no."""
    if letter is None:
        return value
    word = sa.func.upper(sa.cast(letter, sa.Unicode(5)))
    return sa.case((word.in_(TOLD_BY_LETTER), sa.null()), else_=value)


def _without_free_text(outcomes: Any) -> Any:
    """Return outcomes, dictionary-encoded, with their flags alone: no more of them is kept."""
    texts = [plain_outcome(text) for text in outcomes.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(outcomes.indices).dictionary_encode()


def fetch(connection: sa.Connection, found: Found, digest: hashlib._Hash) -> Fetched:
    """Return a table's cells, read in chunks, and add them to the digest of what was read."""
    backend = connection.engine.url.get_backend_name()
    fields = list(found.columns)
    parts: list[list[Any]] = [[] for _ in fields]
    n_rows = 0
    result = connection.execute(
        select_of(found, backend),
        execution_options={"stream_results": True, "yield_per": ROWS_AT_ONCE},
    )
    for rows in result.partitions():
        n_rows += len(rows)
        for part, values in zip(parts, zip(*rows, strict=True), strict=True):
            part.append(as_texts(values).dictionary_encode())
        for field, part in zip(fields, parts, strict=True):
            if field.endswith("_outcome_json"):
                part[-1] = _without_free_text(part[-1])
    columns: dict[str, RawColumn] = {}
    for field, part in zip(fields, parts, strict=True):
        column = encode(pa.chunked_array(part) if part else pa.array([], pa.string()))
        if field in found.table.dates:
            column = plain_moments(column, local=backend == "postgresql")
        columns[field] = column
        digest.update(f"{found.table.name}\n{field}\n{n_rows}\n".encode())
        digest.update(column.codes.astype("<i4").tobytes())
        digest.update("\x1f".join(text or "" for text in column.texts).encode("utf-8", "replace"))
    return Fetched(found.table, n_rows, columns)
