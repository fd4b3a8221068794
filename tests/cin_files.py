"""Small census files made at random, and a plain reading of them to hold the reader against."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

IDENTIFIERS = {
    "LAchildID": "child_id",
    "PersonBirthDate": "date_of_birth",
    "ExpectedPersonBirthDate": "expected_date_of_birth",
}
CARRIED = {
    "CINreferralDate": "referral_date",
    "ReferralSource": "referral_source",
    "PrimaryNeedCode": "primary_need",
    "ReferralNFA": "nfa",
    "CINclosureDate": "closed_on",
    "ReasonForClosure": "closure_reason",
    "DateOfInitialCPC": "icpc_on",
}
ASSESSMENT = {
    "AssessmentActualStartDate": "assessment_started_on",
    "AssessmentInternalReviewDate": "assessment_reviewed_on",
    "AssessmentAuthorisationDate": "assessment_authorised_on",
}
ENQUIRY = {
    "S47ActualStartDate": "strategy_discussion_on",
    "DateOfInitialCPC": "icpc_on",
    "ICPCnotRequired": "icpc_not_required",
}
PARTS = {"CINdetails": CARRIED, "Assessments": ASSESSMENT, "Section47": ENQUIRY,
         "CollectionDetails": {"Year": "year", "ReferenceDate": "reference_date"}}  # fmt: skip
BELONGS: dict[str, tuple[str, ...]] = {
    "Child": ("Children",),
    "CINdetails": ("Child",),
    "Assessments": ("CINdetails",),
    "Section47": ("CINdetails",),
    "AssessmentFactors": ("FactorsIdentifiedAtAssessment",),
    **dict.fromkeys(IDENTIFIERS, ("ChildIdentifiers",)),
    **{name: (parent,) for parent, names in PARTS.items() for name in names},
    "DateOfInitialCPC": ("CINdetails", "Section47"),
}
OTHERS = ("Message", "Header", "Children", "ChildIdentifiers", "Sex", "GenderCurrent",
          "ChildCharacteristics", "FactorsIdentifiedAtAssessment", "CINPlanDates",
          "CollectionDetails")  # fmt: skip
KNOWN = {*BELONGS, *OTHERS}
UNKNOWN = ("Novelty", "Child2", "childidentifiers", "Naïve")
COLUMNS = (
    *IDENTIFIERS.values(), *CARRIED.values(), *ASSESSMENT.values(), "assessment_factors",
    "strategy_discussion_on", "section47_started_on", "icpc_not_required",
)  # fmt: skip
STARTS = {"2022-05-03": 2, "03/05/2022": 2, "2021-12-31": 1}
"""The dates that files are made with, in order; whatever else stands there cannot be read."""


@dataclass
class Element:
    name: str
    text: str
    tail: str
    parent: Element | None
    parts: list[Element]

    def up(self) -> Iterator[Element]:
        one = self.parent
        while one is not None:
            yield one
            one = one.parent

    def all(self) -> Iterator[Element]:
        yield self
        for part in self.parts:
            yield from part.all()

    @property
    def parent_name(self) -> str:
        return self.parent.name if self.parent else ""


def tidy(text: str | None) -> str:
    return " ".join((text or "").split())


def parsed(document: bytes) -> Element:
    def build(node: ET.Element, parent: Element | None) -> Element:
        name = node.tag.rpartition("}")[2]
        one = Element(name, tidy(node.text), tidy(node.tail), parent, [])
        one.parts = [build(part, one) for part in node]
        return one

    return build(ET.fromstring(document), None)


class Plainly:
    """The census read element by element: rows, the cells of each, and what was tolerated."""

    def __init__(self, document: bytes) -> None:
        self.root = parsed(document)
        self.tolerated: Counter[str] = Counter()
        self.children = [one for one in self.root.all() if one.name == "Child"]
        self.rows: list[tuple[int, dict[str, str]]] = []
        for one in self.root.all():
            if one.name == "CINdetails" and self.child_of(one):
                self.rows.append(self.episode(one))
        for one in self.root.all():
            self.count(one)
        if not any(one.name == "Header" for one in self.root.all()):
            self.tolerated["a file without a Header"] += 1
        lone: dict[str, str] = {}
        for one in self.root.all():
            if one.parent_name == "CollectionDetails" and one.name in ("Year", "ReferenceDate"):
                self.take(lone, one.name, one, "CollectionDetails")
        for child in self.children:
            self.identity(child, count=True)

    def child_of(self, one: Element) -> Element | None:
        return next((above for above in one.up() if above.name == "Child"), None)

    def is_record(self, one: Element) -> bool:
        if one.name == "CINdetails":
            return self.child_of(one) is not None
        if one.name in ("Assessments", "Section47"):
            return one.parent_name == "CINdetails" and self.is_record(one.parent or one)
        return one.name == "CollectionDetails"

    def assessment_of(self, factor: Element) -> Element | None:
        return next((a for a in factor.up() if a.name == "Assessments" and self.is_record(a)), None)

    def take(self, record: dict[str, str], key: str, one: Element, holder: str) -> None:
        if key in record and holder:
            self.tolerated[
                f"{one.name} given more than once in one {holder} (the last is read)"
            ] += 1
        record[key] = one.text

    def identity(self, child: Element, *, count: bool = False) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in child.all():
            if one.name in IDENTIFIERS and self.child_of(one) is child:
                self.take(found, IDENTIFIERS[one.name], one, "Child" if count else "")
        return found

    def parts_of(self, record: Element) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in record.parts:
            if one.name in PARTS[record.name]:
                self.take(found, PARTS[record.name][one.name], one, record.name)
        return found

    def episode(self, block: Element) -> tuple[int, dict[str, str]]:
        child = self.child_of(block)
        assert child is not None
        row = dict.fromkeys(COLUMNS, "") | self.identity(child) | self.parts_of(block)
        conference = row.pop("icpc_on")
        assessments = []
        for one in block.parts:
            if one.name == "Assessments":
                factors = [
                    part.text
                    for part in one.all()
                    if part.name == "AssessmentFactors" and self.assessment_of(part) is one
                ]
                said = {"assessment_factors": ";".join(filter(None, factors))}
                assessments.append(self.parts_of(one) | said)
        enquiries = [self.parts_of(one) for one in block.parts if one.name == "Section47"]
        row |= self.first(assessments, "assessment_started_on", "assessment")
        row |= self.first(enquiries, "strategy_discussion_on", "section 47 enquiry")
        row["section47_started_on"] = row["strategy_discussion_on"]
        row["icpc_on"] = row.get("icpc_on") or conference
        return next(n for n, one in enumerate(self.children, 1) if one is child), row

    def first(self, events: list[dict[str, str]], start: str, name: str) -> dict[str, str]:
        if len(events) > 1:
            self.tolerated[
                f"an episode with more than one {name} (the first to start is judged)"
            ] += 1
        return min(events, key=lambda event: STARTS.get(event.get(start, ""), 3), default={})

    def is_hidden(self, one: Element) -> bool:
        above = list(one.up())
        children = [place for place, other in enumerate(above) if other.name == "Child"]
        inner = above[: children[-1]] if children else above
        return any(other.name not in KNOWN for other in inner)

    def is_read(self, one: Element) -> bool:
        if one.name == "Child":
            return True
        if one.name in ("CINdetails", "Assessments", "Section47"):
            return self.is_record(one)
        if one.name in IDENTIFIERS:
            return self.child_of(one) is not None
        if one.name == "AssessmentFactors":
            return self.assessment_of(one) is not None
        is_part = one.name in PARTS.get(one.parent_name, {})
        return is_part and self.is_record(one.parent or one)

    def count(self, one: Element) -> None:
        is_hidden = self.is_hidden(one)
        if one.name in BELONGS and one.parent_name not in BELONGS[one.name]:
            place = f"{one.name} outside {' or '.join(BELONGS[one.name])}"
            if self.is_read(one):
                self.tolerated[f"{place} (read all the same)"] += 1
            elif not is_hidden:
                self.tolerated[f"{place} (not read)"] += 1
        if is_hidden:
            return
        if one.name not in KNOWN:
            self.tolerated[f"unknown block {one.name}"] += 1
        if one.name == "GenderCurrent":
            self.tolerated["GenderCurrent instead of Sex"] += 1
        if (one.parts and one.text) or any(part.tail for part in one.parts):
            self.tolerated[f"stray text inside {one.name}"] += 1
        is_bit = one.name in ("ReferralNFA", "ICPCnotRequired")
        if is_bit and re.fullmatch("true|false", one.text, re.IGNORECASE):
            self.tolerated[f"true or false instead of 1 or 0 in {one.name}"] += 1


SPACES = st.sampled_from(["", "", "\n  ", " ", "\t\r\n"])
TEXTS = st.sampled_from(
    ["2022-05-03", "2022-05-03", "03/05/2022", " 2021-12-31\n", "true", "FALSE", "0", "A1", "A1 ",
     "007", "", "", " ", "O'Neil &amp; Sons", "&lt;b&gt;", "a > b", "a\n\tb", "é", "\u00a0x\u2003y",
     "&quot;&apos;", "]]", "N/A", "&amp;amp;"]
)  # fmt: skip
ODD_TEXTS = st.sampled_from(
    ["<!-- a < b -->A1", "A<!---->1", "<![CDATA[<A & 1>]]>", "A1<?pi x>?>", "&#65;1", "&#x20;A1",
     "\ufffd", "x\uff21"]
)  # fmt: skip
STRAY = st.sampled_from(["", "", "", "", "\n", "stray", " &amp; "])
ATTRIBUTES = st.sampled_from(
    ["", "", "", ' a="1"', " a='1' b = \"x > y\"", ' xsi:nil="true" xmlns:xsi="urn:x"', ' a=""\n',
     ' a="/"']
)  # fmt: skip
PREFIXES = st.sampled_from(["", "", "", "c:"])
LIKELY = {
    "Message": ("Header", "Children"),
    "Header": ("CollectionDetails",),
    "CollectionDetails": ("Year", "ReferenceDate"),
    "Children": ("Child", "Child"),
    "Child": ("ChildIdentifiers", "CINdetails", "CINdetails", "ChildCharacteristics"),
    "ChildIdentifiers": (*IDENTIFIERS, "Sex", "GenderCurrent"),
    "CINdetails": (*CARRIED, "Assessments", "Assessments", "Section47", "CINPlanDates"),
    "Assessments": (*ASSESSMENT, "FactorsIdentifiedAtAssessment"),
    "FactorsIdentifiedAtAssessment": ("AssessmentFactors",),
    "Section47": tuple(ENQUIRY),
}
ANY_NAME = (*sorted(KNOWN), *UNKNOWN)


def write_element(draw: Callable[[Any], Any], name: str, depth: int, *, is_odd: bool) -> str:
    """Return an element with what it mostly holds, in any order, and now and then anything."""
    prefix = draw(PREFIXES)
    tag = f"{prefix}{name}"
    declares = ' xmlns:c="urn:c"' if depth == 0 else ""
    attributes = draw(ATTRIBUTES) + declares
    holds = LIKELY.get(name, ())
    fewest = 1 if name in ("Children", "Child") else 0
    chosen = draw(st.lists(st.sampled_from(holds), min_size=fewest, max_size=5)) if holds else []
    if depth < 6 and draw(st.integers(0, 7)) == 0:
        chosen.append(draw(st.sampled_from(ANY_NAME)))
    if not chosen:
        text = draw(st.one_of(TEXTS, ODD_TEXTS) if is_odd else TEXTS)
        if not text and draw(st.booleans()):
            return f"<{tag}{attributes}/>"
        return f"<{tag}{attributes}>{text}</{tag}{draw(SPACES)}>"
    parts = "".join(
        write_element(draw, part, depth + 1, is_odd=is_odd) + draw(SPACES) + draw(STRAY)
        for part in chosen
    )
    return f"<{tag}{attributes}>{draw(SPACES)}{draw(STRAY)}{parts}</{tag}>"


@st.composite
def census_files(draw: Callable[[Any], Any]) -> bytes:
    """Make the bytes of a small file: plain, or with what XML has besides elements and text."""
    is_odd = draw(st.booleans())
    starts = ["", "", '<?xml version="1.0"?>\n', "<?xml version='1.0' encoding='utf-8' ?>"]
    odd_starts = ["<!-- made by hand -->", "<?style x?>", "<!DOCTYPE Message>"]
    start = draw(st.sampled_from(starts)) + (draw(st.sampled_from(odd_starts)) if is_odd else "")
    text = start + write_element(draw, "Message", 0, is_odd=is_odd) + draw(SPACES)
    if not start and draw(st.integers(0, 5)) == 0:
        return text.encode("utf-16")
    return text.encode("utf-8")


def write_census(
    children: list[tuple[dict[str, str], list[dict[str, str]]]], encoding: str
) -> bytes:
    """Return records as a census file, without the elements of blank cells."""
    root = ET.Element("Message")
    ET.SubElement(root, "Header")
    every = ET.SubElement(root, "Children")

    def add(parent: ET.Element, names: dict[str, str], cells: dict[str, str]) -> None:
        for name, column in names.items():
            if cells[column]:
                ET.SubElement(parent, name).text = cells[column]

    for identity, episodes in children:
        child = ET.SubElement(every, "Child")
        add(ET.SubElement(child, "ChildIdentifiers"), IDENTIFIERS, identity)
        for episode in episodes:
            block = ET.SubElement(child, "CINdetails")
            add(block, {name: CARRIED[name] for name in list(CARRIED)[:-1]}, episode)
            assessment = ET.SubElement(block, "Assessments")
            add(assessment, ASSESSMENT, episode)
            factors = ET.SubElement(assessment, "FactorsIdentifiedAtAssessment")
            for factor in filter(None, episode["assessment_factors"].split(";")):
                ET.SubElement(factors, "AssessmentFactors").text = factor
            add(ET.SubElement(block, "Section47"), ENQUIRY, episode)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding, xml_declaration=True)
    return written
