"""One invented council's referrals, and the same ones as three councils' systems would put them."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Callable, Mapping
from pathlib import Path

Row = dict[str, str]
Style = Mapping[str, tuple[str, Callable[[str], str]]]


def referrals(n: int = 60, seed: int = 5) -> list[Row]:
    """Return referrals by canonical column, in the forms of the contract."""
    pick = random.Random(seed)
    rows = []
    for number in range(n):
        day = dt.date(2022, 1, 4) + dt.timedelta(days=pick.randrange(500))
        decided = dt.datetime.combine(day, dt.time(9, 30)) + dt.timedelta(hours=pick.randrange(90))
        closed = day + dt.timedelta(days=pick.randrange(20, 90)) if number % 3 else None
        rows.append(
            {
                "child_id": f"P{pick.randrange(n // 2):05}",
                "referral_id": str(70_000 + number),
                "referral_date": day.isoformat(),
                "date_of_birth": str(day.replace(year=day.year - pick.randrange(1, 16), day=15)),
                "referral_source": pick.choice(["6", "2A", "3A", "3B", "1A", "8"]),
                "primary_need": pick.choice(["N1", "N4", "N5"]),
                "nfa": pick.choice(["true", "false", "false"]),
                "closed_on": closed.isoformat() if closed else "",
                "closure_reason": pick.choice(["RC7", "RC8", "RC9"]) if closed else "",
                "decision_at": decided.isoformat(timespec="minutes") if number % 5 else "",
                "decision_maker_id": f"M{pick.randrange(6)}X" if number % 5 else "",
                "decision_maker_role": pick.choice(["Team Manager", "Social Worker"]),
                "risk_rating": pick.choice(["red", "amber", "green", ""]),
                "threshold_level": pick.choice(["2", "3", "4"]),
                "history_considered": pick.choice(["true", "false"]),
                "allocated_at": decided.date().isoformat() if number % 4 else "",
                "allocated_worker_id": f"W{pick.randrange(9)}Y" if number % 4 else "",
                "team": pick.choice(["North", "South"]),
            }
        )
    return rows


def _dated(form: str) -> Callable[[str], str]:
    return lambda text: dt.datetime.fromisoformat(text).strftime(form) if text else ""


def _said(**words: str) -> Callable[[str], str]:
    """Put words for values; those of two signs that begin with a digit are turned about."""
    keys = {"6": "six", "8": "eight"}
    return lambda text: words.get(keys.get(text, text[::-1] if text[:1].isdigit() else text), text)


def _as_typed(text: str) -> str:
    return text


STYLES: dict[str, Style] = {
    "a report of a manager": {
        "child_id": ("Person ID", _as_typed),
        "referral_id": ("Ref No", _as_typed),
        "referral_date": ("Ref Start", _dated("%d/%m/%Y")),
        "date_of_birth": ("DOB", _dated("%d-%b-%Y")),
        "referral_source": (
            "Ref Source Desc",
            _said(six="Police", A2="School", A3="GP", B3="Health Visitor", A1="Family Member",
                  eight="Other"),
        ),
        "primary_need": (
            "Category of Need",
            _said(N1="N1 - Abuse or neglect", N4="N4 - Family in acute stress",
                  N5="N5 - Family dysfunction"),
        ),
        "nfa": ("NFA Y/N", _said(true="Y", false="N")),
        "closed_on": ("Date Closed", _dated("%d/%m/%Y")),
        "closure_reason": (
            "Closure Rsn",
            _said(RC7="No longer in need", RC8="NFA after assessment",
                  RC9="Step down to Early Help"),
        ),
        "decision_at": ("Mgr Decision Date/Time", _dated("%d/%m/%Y %I:%M %p")),
        "decision_maker_id": ("Decision Maker", _as_typed),
        "decision_maker_role": ("Decision Maker Job Title", _as_typed),
        "risk_rating": ("RAG", str.title),
        "threshold_level": ("Level of Need", lambda text: f"Level {text}"),
        "history_considered": ("History considered?", _said(true="Yes", false="No")),
        "allocated_at": ("Date Allocated", _dated("%d/%m/%Y")),
        "allocated_worker_id": ("Allocated SW ID", _as_typed),
        "team": ("Team Name", _as_typed),
    },
    "a query of a database": {
        "child_id": ("SWIFT_NO", _as_typed),
        "referral_id": ("REF_ID", _as_typed),
        "referral_date": ("DT_REFERRAL", _dated("%Y-%m-%d %H:%M:%S.000")),
        "date_of_birth": ("DT_BIRTH", _dated("%Y-%m-%d %H:%M:%S.000")),
        "referral_source": ("REF_SRC_CD", _as_typed),
        "primary_need": ("PRIM_NEED_CD", _as_typed),
        "nfa": ("NFA_IND", _said(true="1", false="0")),
        "closed_on": ("DT_CLOSED", lambda text: f"{text} 00:00:00" if text else "NULL"),
        "closure_reason": ("RSN_CLOSED", lambda text: text or "NULL"),
        "decision_at": ("DT_MGR_DECISION", lambda text: text.replace("T", " ") or "NULL"),
        "decision_maker_id": ("DEC_MAKER_ID", lambda text: text or "NULL"),
        "decision_maker_role": ("DEC_MAKER_ROLE", _as_typed),
        "risk_rating": ("RAG_RATING", lambda text: text[:1].upper()),
        "threshold_level": ("THRESHOLD_LVL", _as_typed),
        "history_considered": ("HIST_CONSIDERED_YN", _said(true="Y", false="N")),
        "allocated_at": ("ALLOC_DT", lambda text: text or "NULL"),
        "allocated_worker_id": ("ALLOC_WKR_ID", lambda text: text or "NULL"),
        "team": ("TEAM_NM", _as_typed),
    },
    "a spreadsheet kept by hand": {
        "child_id": ("Mosaic ID", _as_typed),
        "referral_id": ("Referral Episode Number", _as_typed),
        "referral_date": ("Referral received on", _dated("%d.%m.%Y")),
        "date_of_birth": ("Child's date of birth", _dated("%d %B %Y")),
        "referral_source": (
            "Who referred (source)",
            _said(six="6: Police", A2="2A: Schools", A3="3A: GP", B3="3B: Health visitor",
                  A1="1A: Family member, relative or carer", eight="8: Other"),
        ),
        "primary_need": ("Presenting need", _as_typed),
        "nfa": ("No further action?", _said(true="Closed NFA", false="Progressed")),
        "closed_on": ("Episode closure date", _dated("%d.%m.%Y")),
        "closure_reason": ("Reason episode closed", _as_typed),
        "decision_at": ("Manager's decision: date and time", _dated("%d.%m.%Y %H:%M")),
        "decision_maker_id": ("Decision made by (ID)", _as_typed),
        "decision_maker_role": ("Role of decision maker", _as_typed),
        "risk_rating": ("Risk rating", _as_typed),
        "threshold_level": ("Threshold", lambda text: f"Tier {text}"),
        "history_considered": ("Was previous history considered", _said(true="yes", false="no")),
        "allocated_at": ("Allocated on (date)", _dated("%d.%m.%Y")),
        "allocated_worker_id": ("Worker identifier", _as_typed),
        "team": ("Team", _as_typed),
    },
}  # fmt: skip


def in_style(rows: list[Row], style: Style) -> list[Row]:
    """Return the rows as a council's own system would put them."""
    return [{heading: put(row[name]) for name, (heading, put) in style.items()} for row in rows]


def write_csv(path: Path, rows: list[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path
