"""The one schema of a referral: each column's type, code list, date forms and cross-field checks.

A row can be validated as a ``ReferralRecord``; the pipeline validates each *distinct* cell of a
column once through the same field types (``cell_reader``), so that 640,000 rows need no Python
object a row. Cells are text, exactly as typed; an empty text is a blank cell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from triage import vocabulary as v
from triage.calendar import BIRTHS_FROM
from triage.cells import Kind, Reads
from triage.schema_beside import BESIDE_ROWS
from triage.schema_nights import NightRow, QueueRow


class ReferralRecord(BaseModel):
    """One referral as a council's records hold it; ``None`` is a blank cell.

    Only ``child_id`` and ``referral_date`` must be there. Aliases are the headings that the CIN
    census, Ofsted's Annex A and the Standard Safeguarding Dataset use for the same thing.
    """

    # A run validates cells one by one (``cell_reader``), and never needs the model as a whole.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    child_id: Annotated[
        str,
        Reads(
            "text",
            (
                "LAchildID",
                "Child Unique ID",
                "pers_person_id",
                "cine_person_id",
                "cina_person_id",
                "s47e_person_id",
                "icpc_person_id",
                "invo_person_id",
                "cont_person_id",
                "earl_person_id",
            ),
        ),
    ] = Field(description="the child's identifier; text, never a number")
    referral_date: Annotated[
        dt.datetime, Reads("event", ("CINreferralDate", "Date of referral", "cine_referral_date"))
    ] = Field(description="date, or date and time, of the referral")
    referral_id: Annotated[
        str | None,
        Reads(
            "text",
            (
                "cine_referral_id",
                "cina_referral_id",
                "s47e_referral_id",
                "icpc_referral_id",
                "invo_referral_id",
            ),
        ),
    ] = Field(None, description="the episode's identifier")
    household_id: Annotated[str | None, Reads("text", ("fami_family_id",))] = Field(
        None, description="the household, only as supplied; siblings are never guessed"
    )
    date_of_birth: Annotated[
        dt.datetime | None,
        Reads("birth", ("PersonBirthDate", "Date of Birth", "pers_dob"), earliest=BIRTHS_FROM),
    ] = Field(None, description="date of birth")
    expected_date_of_birth: Annotated[
        dt.datetime | None,
        Reads("birth", ("ExpectedPersonBirthDate", "pers_expected_dob"), earliest=BIRTHS_FROM),
    ] = Field(None, description="expected date of birth of an unborn child")
    referral_source: Annotated[
        str | None,
        Reads(
            "code",
            ("ReferralSource", "Referral Source", "cine_referral_source_code"),
            tuple(v.REFERRAL_SOURCES),
        ),
    ] = Field(None, description="who referred; census code 1A to 10")
    primary_need: Annotated[
        str | None,
        Reads(
            "code",
            ("PrimaryNeedCode", "Primary Need Code", "cine_cin_primary_need_code"),
            tuple(v.PRIMARY_NEEDS),
        ),
    ] = Field(None, description="primary need; census code N0 to N9")
    nfa: Annotated[
        bool | None, Reads("flag", ("ReferralNFA", "Referral NFA?", "cine_referral_nfa"))
    ] = Field(None, description="closed at referral with no further action")
    referrals_in_last_12_months: Annotated[
        int | None, Reads("number", ("Number of Referrals in Last 12 Months",))
    ] = Field(None, description="earlier referrals in the 12 months before, as stated")
    team: Annotated[str | None, Reads("text", ("Allocated Team", "cine_referral_team"))] = Field(
        None, description="team that holds the referral"
    )
    closed_on: Annotated[
        dt.datetime | None,
        Reads("event", ("CINclosureDate", "CIN Closure Date", "cine_close_date")),
    ] = Field(None, description="date the episode was closed")
    closure_reason: Annotated[
        str | None,
        Reads(
            "code",
            ("ReasonForClosure", "Reason for Closure", "cine_close_reason"),
            tuple(v.CLOSURE_REASONS),
        ),
    ] = Field(None, description="why it was closed; census code RC1 to RC9")
    decision_at: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="when the management decision was made"
    )
    decision_recorded_at: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="when the decision was typed in"
    )
    decision_maker_id: Annotated[str | None, Reads("text")] = Field(
        None, description="who made the decision"
    )
    decision_maker_role: Annotated[str | None, Reads("text")] = Field(
        None, description="the decision maker's role"
    )
    decision_outcome: Annotated[str | None, Reads("code", (), tuple(v.DECISION_OUTCOMES))] = Field(
        None, description="outcome of the decision"
    )
    threshold_level: Annotated[str | None, Reads("code", (), tuple("1234"))] = Field(
        None, description="threshold level, 1 to 4"
    )
    risk_rating: Annotated[str | None, Reads("code", (), tuple(v.RISK_RATINGS))] = Field(
        None, description="red, amber or green"
    )
    rationale_length: Annotated[int | None, Reads("number")] = Field(
        None, description="characters of the written rationale"
    )
    rationale_hash: Annotated[str | None, Reads("text")] = Field(
        None, description="hash of the written rationale, made on reading; the text is dropped"
    )
    history_considered: Annotated[bool | None, Reads("flag")] = Field(
        None, description="whether the decision records that history was considered"
    )
    feedback_at: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="when whoever referred was told the outcome"
    )
    allocated_at: Annotated[
        dt.datetime | None, Reads("event", ("invo_involvement_start_date",))
    ] = Field(None, description="first allocation of the episode to a named worker")
    allocated_worker_id: Annotated[str | None, Reads("text", ("invo_professional_id",))] = Field(
        None, description="the worker of that first allocation"
    )
    allocated_worker_role: Annotated[str | None, Reads("text", ("invo_professional_role_id",))] = (
        Field(None, description="that worker's role")
    )
    worker_is_agency: Annotated[bool | None, Reads("flag", ("prof_agency_worker_flag",))] = Field(
        None, description="whether that worker is an agency worker"
    )
    worker_is_registered: Annotated[bool | None, Reads("flag")] = Field(
        None, description="whether that worker is a registered social worker"
    )
    worker_caseload: Annotated[int | None, Reads("number", ("prof_professional_caseload",))] = (
        Field(None, description="children that worker held when the case was allocated")
    )
    assessment_started_on: Annotated[
        dt.datetime | None,
        Reads(
            "event",
            (
                "AssessmentActualStartDate",
                "Continuous Assessment Start Date",
                "cina_assessment_start_date",
            ),
        ),
    ] = Field(None, description="start of the assessment")
    assessment_reviewed_on: Annotated[
        dt.datetime | None, Reads("event", ("AssessmentInternalReviewDate",))
    ] = Field(None, description="manager's review point within the assessment")
    assessment_authorised_on: Annotated[
        dt.datetime | None,
        Reads(
            "event",
            (
                "AssessmentAuthorisationDate",
                "Continuous Assessment Date of Authorisation",
                "cina_assessment_auth_date",
            ),
        ),
    ] = Field(None, description="authorisation of the assessment")
    assessment_factors: Annotated[
        tuple[str, ...] | None,
        Reads(
            "codes",
            ("AssessmentFactors", "FactorsIdentifiedAtAssessment", "cinf_assessment_factors_json"),
            tuple(sorted(v.ASSESSMENT_FACTORS)),
        ),
    ] = Field(None, description="factors identified; census codes split by ;")
    strategy_discussion_on: Annotated[
        dt.datetime | None,
        Reads(
            "event",
            (
                "S47ActualStartDate",
                "Strategy discussion initiating Section 47 Enquiry Start Date",
                "s47e_s47_start_date",
            ),
        ),
    ] = Field(None, description="strategy discussion that initiated a section 47 enquiry")
    section47_started_on: Annotated[
        dt.datetime | None, Reads("event", ("S47ActualStartDate", "s47e_s47_start_date"))
    ] = Field(None, description="start of the section 47 enquiry")
    icpc_on: Annotated[
        dt.datetime | None,
        Reads(
            "event",
            ("DateOfInitialCPC", "Date of Initial Child Protection Conference", "icpc_icpc_date"),
        ),
    ] = Field(None, description="initial child protection conference")
    icpc_not_required: Annotated[
        bool | None,
        Reads(
            "flag",
            ("ICPCnotRequired", "Was an Initial Child Protection Conference deemed unnecessary?"),
        ),
    ] = Field(None, description="conference marked as not required")
    last_oversight_on: Annotated[dt.datetime | None, Reads("event")] = Field(
        None, description="latest supervision or management-oversight note"
    )
    restricted: Annotated[bool | None, Reads("flag")] = Field(
        None, description="true for records that only named people may see"
    )

    def queries(self) -> tuple[str, ...]:
        """Return what is out of order between the cells of this row, a sentence each."""
        found = []
        for check in ORDER_CHECKS:
            if not {check.before, check.after} <= type(self).model_fields.keys():
                continue
            before, after = getattr(self, check.before), getattr(self, check.after)
            if before is not None and after is not None and after.date() < before.date():
                found.append(check.sentence)
        return tuple(found)


@dataclass(frozen=True)
class OrderCheck:
    """Two dates of one referral of which ``after`` should not lie before ``before``."""

    before: str
    after: str
    census_rule: str = ""

    @property
    def sentence(self) -> str:
        """Return what is wrong, with the census rule behind it where there is one."""
        return f"{self.after} is before {self.before}{self._rule}"

    def told(self, before: str, after: str) -> str:
        """Return what is wrong with what was typed in both cells."""
        return (
            f"{self.after} '{v.cut(after)}' is before {self.before} '{v.cut(before)}'{self._rule}"
        )

    @property
    def _rule(self) -> str:
        return f" (census rule {self.census_rule})" if self.census_rule else ""


ORDER_CHECKS: Final = (
    OrderCheck("referral_date", "closed_on", "8630"),
    OrderCheck("referral_date", "assessment_started_on", "1103"),
    OrderCheck("assessment_started_on", "assessment_authorised_on", "8608"),
    OrderCheck("referral_date", "section47_started_on", "2889"),
    OrderCheck("referral_date", "icpc_on", "1104"),
    OrderCheck("referral_date", "allocated_at"),
    OrderCheck("decision_at", "decision_recorded_at"),
    OrderCheck("allocated_at", "allocation_ended_at"),
)
"""Cross-field checks: a query for whoever owns the record; the row is judged as it stands."""


@dataclass(frozen=True)
class ColumnSpec:
    """A column of the schema: its name, how it is read, and what it means."""

    name: str
    reads: Reads
    required: bool
    meaning: str

    @property
    def kind(self) -> Kind:
        """Return the column's kind."""
        return self.reads.kind


def _specs(record: type[BaseModel]) -> dict[str, ColumnSpec]:
    specs = {}
    for name, field in record.model_fields.items():
        reads = next(part for part in field.metadata if isinstance(part, Reads))
        specs[name] = ColumnSpec(name, reads, field.is_required(), field.description or "")
    return specs


OWN_COLUMNS: Final[dict[str, ColumnSpec]] = _specs(ReferralRecord)
"""Every column of the referral table by name, in the order of the contract."""

REFERRAL_COLUMNS: Final[dict[str, ColumnSpec]] = OWN_COLUMNS | _specs(NightRow) | _specs(QueueRow)
"""Those, and what the store keeps of a referral."""

COLUMNS: Final[dict[str, ColumnSpec]] = {
    name: spec
    for record in (ReferralRecord, NightRow, QueueRow, *BESIDE_ROWS)
    for name, spec in _specs(record).items()
}
"""Those of the referral table, then those that only the tables beside it carry."""

_FIELDS: Final = {
    name: field
    for record in (ReferralRecord, NightRow, QueueRow, *BESIDE_ROWS)
    for name, field in record.model_fields.items()
}

BELONGS_TO: Final = {
    "decision_at": (
        "decision_recorded_at",
        "decision_maker_id",
        "decision_maker_role",
        "decision_outcome",
        "threshold_level",
        "risk_rating",
        "rationale_length",
        "rationale_hash",
        "history_considered",
        "decision_id",
        "supersedes_decision_id",
        "superseding_reason",
    ),
    "allocated_at": (
        "allocated_worker_id",
        "allocated_worker_role",
        "worker_is_agency",
        "worker_is_registered",
        "worker_caseload",
    ),
    "closed_on": ("closure_reason",),
    "assessment_authorised_on": ("assessment_factors",),
}
"""What is read as blank together with an event that lies after the date of judgement."""


@lru_cache(maxsize=128)
def cell_reader(column: str, earliest: dt.date | None = None) -> Callable[[str], Any]:
    """Return a function that validates one non-blank cell of ``column`` by the schema.

    ``earliest`` widens the first date a column may hold (the CIN census is read more tolerantly).
    The function returns the value, or raises ValueError with the sentence for the user.
    """
    spec = COLUMNS[column]
    reads = spec.reads if earliest is None else replace(spec.reads, earliest=earliest)
    annotation = _FIELDS[column].annotation
    column_type: Any = Annotated[annotation, reads]
    adapter: TypeAdapter[Any] = TypeAdapter(column_type)

    def read(text: str) -> Any:
        try:
            return adapter.validate_python(text)
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"]) from None

    return read
