"""Writes an invented council as tables of the Standard Safeguarding Dataset, into a database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from triage import vocabulary as v
from triage.sample.generator import Council
from triage.sample.ssd_database import Table, written
from triage.sample.text import Text, column_text, days_text, numbers_text, read_days
from triage.sample.workdays import BLANK, day_number

_DAYS_OF_ENQUIRY = 10
_SEPARATOR = "\x1f"
_REFERRAL_FLAGS: Final = (
    "SINGLE_ASSESSMENT_FLAG", "NFA_FLAG", "STRATEGY_DISCUSSION_FLAG", "CLA_REQUEST_FLAG",
    "NON_AGENCY_ADOPTION_FLAG", "PRIVATE_FOSTERING_FLAG", "CP_TRANSFER_IN_FLAG",
    "CP_CONFERENCE_FLAG", "CARE_LEAVER_FLAG", "OTHER_OUTCOMES_EXIST_FLAG",
)  # fmt: skip
_CONTACT_FLAGS: Final = (
    "NEW_REFERRAL_FLAG", "EXISTING_REFERRAL_FLAG", "CP_ENQUIRY_FLAG", "NFA_FLAG",
    "NON_AGENCY_ADOPTION_FLAG", "PRIVATE_FOSTERING_FLAG", "ADVICE_FLAG", "MISSING_FLAG",
    "OLA_CP_FLAG", "OTHER_OUTCOMES_EXIST_FLAG",
)  # fmt: skip
_FLAG_OF_OUTCOME: Final = {
    "referral": "NEW_REFERRAL_FLAG",
    "open_case": "EXISTING_REFERRAL_FLAG",
    "information_and_advice": "ADVICE_FLAG",
    "nfa": "NFA_FLAG",
}


def write_ssd(council: Council, url: str) -> dict[str, int]:
    """Writes the council into an empty SQLite or PostgreSQL database.

    Decisions, oversight and reviews of an assessment have no place in the dataset. A strategy
    discussion stands there only as the start of the enquiry it initiated. A row without a child
    bears the person -1, and a referral's identifier that was used before gets a number behind it.

    Returns the number of rows by table, and under ``cells not written`` how many cells hold what
    their column cannot: no date that exists, or more characters than there is room for.

    Raises:
        ValueError: when the database cannot be opened or written, or holds the dataset already.
    """
    return written(url, _filled(council))


def _filled(council: Council) -> dict[str, Table]:
    """The cells of every table as typed; "" is a blank cell."""
    table = council.referrals
    ids = _unused(column_text(table, "referral_id"))
    return {
        "ssd_person": _persons(table),
        "ssd_family": _families(table),
        "ssd_cin_episodes": _episodes(table, ids),
        **_assessments(table, ids),
        **_enquiries(table, ids, council),
        **_involvements(council, ids),
        "ssd_early_help_episodes": _early_help(council.early_help),
        "ssd_contacts": _contacts(council.contacts),
    }


def _episodes(table: pd.DataFrame, ids: Text) -> Table:
    cells = _columns(
        table,
        cine_referral_date="referral_date",
        cine_cin_primary_need_code="primary_need",
        cine_referral_source_code="referral_source",
        cine_close_reason="closure_reason",
        cine_close_date="closed_on",
        cine_referral_team="team",
    )
    nfa = column_text(table, "nfa")
    worker = column_text(table, "allocated_worker_id")
    role = column_text(table, "allocated_worker_role")
    described = pc.binary_join_element_wise(worker, role, " - ")
    return cells | {
        "cine_referral_id": ids,
        "cine_person_id": _persons_of(table),
        "cine_referral_source_desc": _changed(cells["cine_referral_source_code"], _described),
        "cine_referral_nfa": _changed(nfa, _letter),
        "cine_referral_outcome_json": _outcomes(
            _REFERRAL_FLAGS,
            {
                "NFA_FLAG": pc.if_else(
                    pc.is_in(nfa, pa.array(["true", "false"])), pc.equal(nfa, "true"), None
                ),
                "SINGLE_ASSESSMENT_FLAG": _is_filled(column_text(table, "assessment_started_on")),
                "STRATEGY_DISCUSSION_FLAG": _is_filled(
                    column_text(table, "strategy_discussion_on")
                ),
            },
        ),
        "cine_referral_worker_id": pc.if_else(_is_filled(worker), described, ""),
    }


def _persons(table: pd.DataFrame) -> Table:
    """Every child once, with the first birth date and expected birth date that can be read."""
    known = {
        name: table[name].where(read_days(column_text(table, name)) != BLANK)
        for name in ("date_of_birth", "expected_date_of_birth")
    }
    by_child = pd.DataFrame(known).groupby(table["child_id"].where(table["child_id"] != ""))
    first = by_child.first().reset_index()
    return {
        "pers_person_id": column_text(first, "child_id"),
        "pers_dob": _known(first["date_of_birth"]),
        "pers_expected_dob": _known(first["expected_date_of_birth"]),
    }


def _families(table: pd.DataFrame) -> Table:
    known = table[(table["child_id"] != "") & (table["household_id"] != "")]
    pairs = known[["child_id", "household_id"]].drop_duplicates()
    return _columns(pairs, fami_family_id="household_id", fami_person_id="child_id") | {
        "fami_table_id": _numbered("F", len(pairs))
    }


def _assessments(table: pd.DataFrame, ids: Text) -> dict[str, Table]:
    names = ("assessment_started_on", "assessment_authorised_on", "assessment_factors")
    rows = np.any([table[name] != "" for name in names], axis=0)
    mine = table[rows]
    numbers = _numbered("A", len(mine))
    factors = column_text(mine, "assessment_factors")
    named = _is_filled(factors)
    return {
        "ssd_cin_assessments": _columns(
            mine,
            cina_assessment_start_date="assessment_started_on",
            cina_assessment_auth_date="assessment_authorised_on",
            cina_assessment_team="team",
        )
        | {
            "cina_assessment_id": numbers,
            "cina_person_id": _persons_of(mine),
            "cina_referral_id": ids.filter(pa.array(rows)),
        },
        "ssd_assessment_factors": {
            "cinf_table_id": _numbered("X", pc.sum(named).as_py() or 0),
            "cinf_assessment_id": numbers.filter(named),
            "cinf_assessment_factors_json": _changed(
                factors.filter(named), lambda text: json.dumps(text.split(";"))
            ),
        },
    }


def _enquiries(table: pd.DataFrame, ids: Text, council: Council) -> dict[str, Table]:
    """Enquiries by the strategy discussion at which they were initiated, and conferences."""
    rows = np.asarray(table["section47_started_on"] != "", bool)
    mine = table[rows]
    start = column_text(mine, "strategy_discussion_on")
    start = pc.if_else(_is_filled(start), start, column_text(mine, "section47_started_on"))
    excused = column_text(mine, "icpc_not_required")
    days = read_days(start)
    as_of = day_number(council.as_of)
    ended = np.where(days == BLANK, as_of, np.minimum(days + _DAYS_OF_ENQUIRY, as_of))
    numbers = pa.array(np.where(rows, np.cumsum(rows), BLANK).astype(np.int32))
    named = _prefixed("S", numbers.to_numpy())
    held = np.asarray(table["icpc_on"] != "", bool)
    met = pa.array(held)
    return {
        "ssd_s47_enquiry": {
            "s47e_s47_enquiry_id": named.filter(pa.array(rows)),
            "s47e_referral_id": ids.filter(pa.array(rows)),
            "s47e_person_id": _persons_of(mine),
            "s47e_s47_start_date": start,
            "s47e_s47_end_date": pc.if_else(
                _is_filled(excused), days_text(ended.astype(np.int32)), ""
            ),
            "s47e_s47_nfa": _changed(excused, _letter),
            "s47e_s47_completed_by_team": column_text(mine, "team"),
        },
        "ssd_initial_cp_conference": {
            "icpc_icpc_id": _numbered("P", int(held.sum())),
            "icpc_s47_enquiry_id": named.filter(met),
            "icpc_person_id": _persons_of(table[held]),
            "icpc_referral_id": ids.filter(met),
            "icpc_icpc_date": column_text(table[held], "icpc_on"),
        },
    }


def _involvements(council: Council, ids: Text) -> dict[str, Table]:
    """Every allocation over time, and each worker once of whom it is known whether registered."""
    held = council.allocations
    keys = ("referral_id", "child_id", "referral_date")
    referrals, theirs = (
        pd.Series(pc.binary_join_element_wise(*(column_text(frame, key) for key in keys),
                                              _SEPARATOR).to_pylist())
        for frame in (council.referrals, held)
    )  # fmt: skip
    row = pd.Series(ids.to_pylist(), index=referrals)
    row = row[~row.index.duplicated()]
    is_known = (held["allocated_worker_id"] != "") & (held["worker_is_registered"] != "")
    workers = held[is_known].drop_duplicates("allocated_worker_id")
    is_registered = pc.equal(column_text(workers, "worker_is_registered"), "true")
    register = pc.binary_join_element_wise("SW", _numbered("", len(workers)), "")
    return {
        "ssd_involvements": _columns(
            held,
            invo_professional_id="allocated_worker_id",
            invo_professional_role_id="allocated_worker_role",
            invo_involvement_start_date="allocated_at",
            invo_involvement_end_date="allocation_ended_at",
        )
        | {
            "invo_involvements_id": _numbered("I", len(held)),
            "invo_person_id": _persons_of(held),
            "invo_referral_id": _known(row.reindex(theirs)),
        },
        "ssd_professionals": _columns(
            workers,
            prof_professional_id="allocated_worker_id",
            prof_professional_job_title="allocated_worker_role",
        )
        | {"prof_social_worker_registration_no": pc.if_else(is_registered, register, "")},
    }


def _early_help(episodes: pd.DataFrame) -> Table:
    return _columns(
        episodes,
        earl_episode_start_date="early_help_started_on",
        earl_episode_end_date="early_help_ended_on",
    ) | {
        "earl_episode_id": _numbered("L", len(episodes)),
        "earl_person_id": _persons_of(episodes),
    }


def _contacts(contacts: pd.DataFrame) -> Table:
    """Contacts; an outcome for which the dataset has no flag is one of the others that exist."""
    cells = _columns(
        contacts,
        cont_contact_id="contact_id",
        cont_contact_date="contact_date",
        cont_contact_source_code="contact_source",
    )
    outcome = column_text(contacts, "contact_outcome")
    flags = {flag: pc.equal(outcome, word) for word, flag in _FLAG_OF_OUTCOME.items()}
    others = set(v.CONTACT_OUTCOMES) - _FLAG_OF_OUTCOME.keys()
    flags["OTHER_OUTCOMES_EXIST_FLAG"] = pc.is_in(outcome, pa.array(sorted(others)))
    return cells | {
        "cont_person_id": _persons_of(contacts),
        "cont_contact_source_desc": _changed(cells["cont_contact_source_code"], _described),
        "cont_contact_outcome_json": _outcomes(_CONTACT_FLAGS, flags),
    }


def _columns(frame: pd.DataFrame, **fields: str) -> Table:
    return {field: column_text(frame, name) for field, name in fields.items()}


def _persons_of(frame: pd.DataFrame) -> Text:
    child = column_text(frame, "child_id")
    return pc.if_else(_is_filled(child), child, "-1")


def _unused(ids: Text) -> Text:
    """Identifiers of which none comes twice: a later one has its number behind it."""
    series = pd.Series(ids.to_pylist())
    again = series.groupby(series).cumcount()
    return pa.array(series.where(again == 0, series + "-" + (again + 1).astype(str)), pa.string())


def _outcomes(names: Sequence[str], flags: dict[str, Any]) -> Text:
    """An outcome for each row: all flags in their order, N where not set, "" where unknown."""
    parts: list[Any] = []
    for name in names:
        is_set = flags.get(name)
        start = f'{", " if parts else "{"}"{name}": "'
        yes, no, unknown = (pa.scalar(f'{start}{letter}"') for letter in ("Y", "N", ""))
        if is_set is None:
            parts.append(no)
        else:
            parts.append(pc.fill_null(pc.if_else(is_set, yes, no), unknown))
    return pc.binary_join_element_wise(*parts, pa.scalar("}"), "")


def _changed(cells: Text, change: Callable[[str], str]) -> Text:
    encoded = cells.dictionary_encode()
    texts = pa.array([change(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)


def _letter(text: str) -> str:
    return {"true": "Y", "false": "N"}.get(text, text[:1].upper())


def _described(code: str) -> str:
    label = v.REFERRAL_SOURCES.get(code)
    return f"{code}: {label}" if label else code


def _is_filled(cells: Text) -> Any:
    return pc.not_equal(cells, "")


def _known(cells: pd.Series[Any]) -> Text:
    return pa.array(cells.fillna("").tolist(), pa.string())


def _numbered(prefix: str, size: int) -> Text:
    return _prefixed(prefix, np.arange(1, size + 1, dtype=np.int32))


def _prefixed(prefix: str, numbers: np.ndarray) -> Text:
    digits = pc.utf8_lpad(numbers_text(numbers), 7, "0")
    named = pc.binary_join_element_wise(pa.scalar(prefix), digits, "")
    return pc.if_else(pa.array(numbers == BLANK), pa.scalar(""), named)
