"""The children in need census (DfE): XML, streamed, tolerant, and open about what it tolerated.

None of the census files that circulate keeps to any year's published schema, so a reader that
insisted on it would read nobody's file. Namespaces, a missing header, ``GenderCurrent`` for
``Sex``, true and false for 1 and 0, stray text and unknown blocks are all read past and counted.
"""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic_core import PydanticCustomError

from triage.calendar import BIRTHS_FROM
from triage.cells import read_moment
from triage.errors import InputError
from triage.tables import RawTable, Source, encode
from triage.vocabulary import counted

KIND: Final = "CIN census"

_CARRIED: Final = {
    "CINreferralDate": "referral_date",
    "ReferralSource": "referral_source",
    "PrimaryNeedCode": "primary_need",
    "ReferralNFA": "nfa",
    "CINclosureDate": "closed_on",
    "ReasonForClosure": "closure_reason",
}
_IDENTIFIERS: Final = {
    "LAchildID": "child_id",
    "PersonBirthDate": "date_of_birth",
    "ExpectedPersonBirthDate": "expected_date_of_birth",
}
_ASSESSMENT: Final = {
    "AssessmentActualStartDate": "assessment_started_on",
    "AssessmentInternalReviewDate": "assessment_reviewed_on",
    "AssessmentAuthorisationDate": "assessment_authorised_on",
}
_COLUMNS: Final = (
    *_IDENTIFIERS.values(),
    *_CARRIED.values(),
    *_ASSESSMENT.values(),
    "assessment_factors",
    "strategy_discussion_on",
    "section47_started_on",
    "icpc_on",
    "icpc_not_required",
)
_PASSED_OVER: Final = """
    Message Header CollectionDetails Collection Year ReferenceDate Source SourceLevel LEA
    SoftwareCode Release SerialNo DateTime Children Child ChildIdentifiers UPN FormerUPN UPNunknown
    Sex GenderCurrent PersonDeathDate ChildCharacteristics Ethnicity Disabilities Disability
    CINdetails DateOfInitialCPC Assessments FactorsIdentifiedAtAssessment AssessmentFactors
    CINPlanDates CINPlanStartDate CINPlanEndDate Section47 S47ActualStartDate InitialCPCtarget
    ICPCnotRequired ChildProtectionPlans CPPstartDate CPPendDate InitialCategoryOfAbuse
    LatestCategoryOfAbuse NumberOfPreviousCPP Reviews CPPreviewDate
"""
_KNOWN: Final = frozenset(_PASSED_OVER.split()) | {*_IDENTIFIERS, *_CARRIED, *_ASSESSMENT}


def local(tag: Any) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def read_cin(path: Path, sha256: str) -> Source:
    """Return the referrals of a census file, one row a ``CINdetails`` block.

    Of several assessments or section 47 enquiries in one episode, the first to start is the one
    judged; further ones are counted. Rows are numbered by the child's place in the file, from 1.

    Raises:
        InputError: when the XML is damaged, or is another return than the census.
    """
    tolerated: Counter[str] = Counter()
    rows: list[int] = []
    cells: dict[str, list[str]] = {name: [] for name in _COLUMNS}
    for number, child in enumerate(_children(path, tolerated), start=1):
        for record in _episodes(child, tolerated):
            rows.append(number)
            for name in _COLUMNS:
                cells[name].append(record.get(name, ""))
    if not rows:
        raise InputError(
            f"{path}: is a census message without a CINdetails block, so it holds no referral; "
            "expected a children in need census."
        )
    table = RawTable(
        str(path),
        np.array(rows, np.int64),
        {name: encode(texts) for name, texts in cells.items()},
    )
    notes = tuple(f"tolerated {what}: {counted(n, 'time')}" for what, n in tolerated.items())
    return Source(str(path), KIND, sha256, table, notes=notes, earliest_referral=_earliest())


def _earliest() -> dt.date:
    """Return the first referral date that is read: what is out of the calendar loses no episode."""
    return BIRTHS_FROM


def _children(path: Path, tolerated: Counter[str]) -> Iterator[ET.Element]:
    """Yield each Child element whole, then drop it, so that memory stays flat."""
    open_elements: list[ET.Element] = []
    has_header = False
    try:
        for event, element in ET.iterparse(path, events=("start", "end")):
            name = local(element.tag)
            if event == "start":
                if not open_elements:
                    _check_root(path, name)
                open_elements.append(element)
                continue
            open_elements.pop()
            has_header = has_header or name == "Header"
            if name == "Child":
                yield element
                open_elements[-1].remove(element)
    except (ET.ParseError, LookupError, ValueError) as error:
        raise InputError(
            f"{path}: the XML is damaged or cut short ({error}); export it again."
        ) from None
    if not has_header:
        tolerated["a file without a Header"] += 1


def _check_root(path: Path, name: str) -> None:
    if name != "Message":
        raise InputError(
            f"{path}: looks like an XML file of another kind (its root is {name}); expected a "
            "children in need census, with root Message and CINdetails."
        )


def _episodes(child: ET.Element, tolerated: Counter[str]) -> Iterator[dict[str, str]]:
    identity: dict[str, str] = {}
    details: list[ET.Element] = []
    _count_tolerated(child, tolerated)
    for element in child.iter():
        name = local(element.tag)
        if name == "CINdetails":
            details.append(element)
        elif name in _IDENTIFIERS:
            identity[_IDENTIFIERS[name]] = _text(element)
    for block in details:
        yield identity | _episode(block, tolerated)


def _episode(block: ET.Element, tolerated: Counter[str]) -> dict[str, str]:
    record: dict[str, str] = {}
    assessments: list[dict[str, str]] = []
    enquiries: list[dict[str, str]] = []
    conference = ""
    for element in block:
        name = local(element.tag)
        if name in _CARRIED:
            record[_CARRIED[name]] = _text(element)
        elif name == "DateOfInitialCPC":
            conference = _text(element)
        elif name == "Assessments":
            assessments.append(_assessment(element))
        elif name == "Section47":
            enquiries.append(_enquiry(element))
    if assessments:
        record |= _first(assessments, "assessment_started_on")
    if enquiries:
        record |= _first(enquiries, "strategy_discussion_on")
    if not record.get("icpc_on"):
        record["icpc_on"] = conference
    for what, found in (("assessment", assessments), ("section 47 enquiry", enquiries)):
        if len(found) > 1:
            tolerated[f"an episode with more than one {what} (the first to start is judged)"] += 1
    return record


def _assessment(element: ET.Element) -> dict[str, str]:
    found = {
        _ASSESSMENT[local(part.tag)]: _text(part)
        for part in element
        if local(part.tag) in _ASSESSMENT
    }
    factors = [_text(part) for part in element.iter() if local(part.tag) == "AssessmentFactors"]
    return found | {"assessment_factors": ";".join(factor for factor in factors if factor)}


def _enquiry(element: ET.Element) -> dict[str, str]:
    found = {local(part.tag): _text(part) for part in element}
    started = found.get("S47ActualStartDate", "")
    return {
        "strategy_discussion_on": started,
        "section47_started_on": started,
        "icpc_on": found.get("DateOfInitialCPC", ""),
        "icpc_not_required": found.get("ICPCnotRequired", ""),
    }


def _first(events: list[dict[str, str]], start: str) -> dict[str, str]:
    """Return the event that starts first; those without a readable date come last."""

    def started(event: dict[str, str]) -> dt.datetime:
        try:
            return read_moment(event.get(start, ""), BIRTHS_FROM)
        except PydanticCustomError:
            return dt.datetime.max

    return min(events, key=started)


def _text(element: ET.Element) -> str:
    return " ".join((element.text or "").split())


def _count_tolerated(child: ET.Element, tolerated: Counter[str]) -> None:
    unknown: set[ET.Element] = set()
    for element in child.iter():
        name = local(element.tag)
        if element in unknown:
            unknown.update(element)
            continue
        if name not in _KNOWN:
            tolerated[f"unknown block {name}"] += 1
            unknown.update(element)
        has_children = len(element) > 0
        if (has_children and (element.text or "").strip()) or any(
            (part.tail or "").strip() for part in element
        ):
            tolerated[f"stray text inside {name}"] += 1
        if name == "GenderCurrent":
            tolerated["GenderCurrent instead of Sex"] += 1
        if name in ("ReferralNFA", "ICPCnotRequired") and re.fullmatch(
            "true|false", _text(element), re.IGNORECASE
        ):
            tolerated[f"true or false instead of 1 or 0 in {name}"] += 1
