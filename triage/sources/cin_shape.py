"""The elements of the children in need census: what is read of them, and where each belongs.

Every other name is an unknown block, which is read past and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]

KIND: Final = "CIN census"
"""What the source is called; here, so that other sources can be told from it without its reader."""


@dataclass(frozen=True)
class Cell:
    """An element that is read: where it stands, and the column of which record it fills."""

    parent: str
    element: str
    record: str
    column: str
    is_anywhere: bool = False
    """Whether it is read anywhere inside the record's element, not only as its own part."""


CELLS: Final = (
    Cell("ChildIdentifiers", "LAchildID", "Child", "child_id", True),
    Cell("ChildIdentifiers", "PersonBirthDate", "Child", "date_of_birth", True),
    Cell("ChildIdentifiers", "ExpectedPersonBirthDate", "Child", "expected_date_of_birth", True),
    Cell("CINdetails", "CINreferralDate", "CINdetails", "referral_date"),
    Cell("CINdetails", "ReferralSource", "CINdetails", "referral_source"),
    Cell("CINdetails", "PrimaryNeedCode", "CINdetails", "primary_need"),
    Cell("CINdetails", "ReferralNFA", "CINdetails", "nfa"),
    Cell("CINdetails", "CINclosureDate", "CINdetails", "closed_on"),
    Cell("CINdetails", "ReasonForClosure", "CINdetails", "closure_reason"),
    Cell("CINdetails", "DateOfInitialCPC", "CINdetails", "icpc_on"),
    Cell("Assessments", "AssessmentActualStartDate", "Assessments", "assessment_started_on"),
    Cell("Assessments", "AssessmentInternalReviewDate", "Assessments", "assessment_reviewed_on"),
    Cell("Assessments", "AssessmentAuthorisationDate", "Assessments", "assessment_authorised_on"),
    Cell(
        "FactorsIdentifiedAtAssessment",
        "AssessmentFactors",
        "Assessments",
        "assessment_factors",
        True,
    ),
    Cell("Section47", "S47ActualStartDate", "Section47", "strategy_discussion_on"),
    Cell("Section47", "DateOfInitialCPC", "Section47", "icpc_on"),
    Cell("Section47", "ICPCnotRequired", "Section47", "icpc_not_required"),
    Cell("CollectionDetails", "Year", "CollectionDetails", "year"),
    Cell("CollectionDetails", "ReferenceDate", "CollectionDetails", "reference_date"),
)
"""What is read. A cell given twice is read as it was given last; factors are all read."""

CELL_NUMBER: Final = {(cell.record, cell.column): place for place, cell in enumerate(CELLS)}

_HOLDERS: Final = {
    "Child": "Children",
    "CINdetails": "Child",
    "Assessments": "CINdetails",
    "Section47": "CINdetails",
}
"""The elements that make a record, and where each belongs."""

_PASSED_OVER: Final = """
    Message Header CollectionDetails Collection Source SourceLevel LEA SoftwareCode Release SerialNo
    DateTime Content CBDSLevels CBDSLevel Children ChildIdentifiers UPN FormerUPN UPNunknown Sex
    GenderCurrent PersonDeathDate ChildCharacteristics Ethnicity Disabilities Disability
    FactorsIdentifiedAtAssessment CINPlanDates CINPlanStartDate CINPlanEndDate InitialCPCtarget
    ChildProtectionPlans CPPstartDate CPPendDate InitialCategoryOfAbuse LatestCategoryOfAbuse
    NumberOfPreviousCPP Reviews CPPreviewDate
"""

NAMES: Final = tuple(dict.fromkeys([*_HOLDERS, *(c.element for c in CELLS), *_PASSED_OVER.split()]))
"""Every known name. Its number is its place here, from 1; higher numbers are other names."""

NUMBER: Final = {name: place for place, name in enumerate(NAMES, start=1)}
_SIZE: Final = len(NAMES) + 1


def _cell_of_place() -> npt.NDArray[np.int8]:
    """Return the cell for each parent and name, -1 for none."""
    table = np.full((_SIZE, _SIZE), -1, np.int8)
    for place, cell in enumerate(CELLS):
        if cell.is_anywhere:
            table[:, NUMBER[cell.element]] = place
        else:
            table[NUMBER[cell.parent], NUMBER[cell.element]] = place
    return table


def _misplaced() -> Bools:
    """Return whether a name does not belong in a parent; of names that are read alone."""
    table = np.zeros((_SIZE, _SIZE), bool)
    for name in [*_HOLDERS, *(cell.element for cell in CELLS)]:
        table[:, NUMBER[name]] = True
    for name, parent in home_of():
        table[NUMBER[parent], NUMBER[name]] = False
    return table


def home_of() -> list[tuple[str, str]]:
    """Return each name that is read with a parent it belongs in."""
    return [*_HOLDERS.items(), *((cell.element, cell.parent) for cell in CELLS)]


CELL_OF_PLACE: Final = _cell_of_place()
MISPLACED: Final = _misplaced()
ANYWHERE: Final = np.array([cell.is_anywhere for cell in CELLS])
