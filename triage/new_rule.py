"""A new rule: a draft in the council's own folder that says what is to be filled in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from triage.errors import CallError
from triage.facts import SubjectName

_LAST: Final = 99


def next_id(family: str, taken: Iterable[str]) -> str:
    """Return the first free identifier of a family; one that was ever used is never used again.

    Raises:
        CallError: when the family is no two or three capitals, or all its numbers are taken.
    """
    if not re.fullmatch(r"[A-Z]{2,3}", family):
        raise CallError(f"--family {family}: write two or three capital letters, as LOC.")
    used = {int(one[-2:]) for one in taken if one.startswith(f"{family}-")}
    number = max(used, default=0) + 1
    if number > _LAST:
        raise CallError(f"every identifier of {family} is taken; choose another --family.")
    return f"{family}-{number:02d}"


def file_name(rule_id: str, title: str) -> str:
    """Return the name of a rule's file: its identifier and its title in plain small letters."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().casefold()
    words = re.findall(r"[a-z0-9]+", plain)
    return f"{rule_id}-{'-'.join(words)[:60].strip('-') or 'rule'}.yaml"


def write_new(folder: Path, rule_id: str, title: str, subject: SubjectName) -> Path:
    """Write a draft into a folder, which is made if need be, and return its path.

    Raises:
        CallError: when the title is empty or runs over lines, or the file cannot be written.
    """
    if not title.strip() or not title.isprintable():
        raise CallError('a rule needs a title on one line, such as "Decision late".')
    path = folder / file_name(rule_id, title)
    text = (_REFERRAL if subject == "referral" else _CONTACT).format(
        id=rule_id, title=_quoted(title.strip()), path=path.as_posix()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({error.strerror or error}).") from None
    return path


def _quoted(title: str) -> str:
    return '"' + title.replace("\\", "\\\\").replace('"', '\\"') + '"'


_HEAD: Final = """\
# A new rule. Fill in every line that begins with FILL IN, then, one after the other:
#   triage rules lint {path}
#   triage rules test {id} --mutate
#   triage rules try {id} SOURCE
#   triage rules compare shipped current SOURCE
# `triage facts` lists what a rule may ask. A draft judges nobody: make its status trial to have it
# judged and shown apart, or stable to have its flags in the queue.
id: {id}
title: {title}
status: draft
"""

_MIDDLE: Final = """\
severity: "FILL IN: critical, high, medium or low"
rationale: "FILL IN: why the rule is there, in two or three sentences"
references:
  - "FILL IN: the guidance, inspection or local practice behind it; say so if it is local"
# Every number and list that the rule compares with, by a name of your choice.
parameters:
  limit:
    value: "FILL IN: a whole number"
    unit: "FILL IN: what is counted, as working days"
    min: "FILL IN: the least that a council may choose"
    max: "FILL IN: the most that a council may choose"
    why: "FILL IN: why this number"
# `all` or `any` of conditions; each asks one fact with is, more_than, at_least, less_than, at_most,
# one_of or none_of, or that another `rule` flags. `says` gives the words of a part for {{because}}.
when:
  all:
    - fact: "FILL IN: a fact, as {fact}"
      more_than: limit
# Facts and parameters stand in braces; {{fact:working day}} counts, as in "3 working days".
message: "FILL IN: what happened, by how much, against which limit, and from where"
benign_explanations:
  - "FILL IN: when a flag is harmless"
reviewer_checks:
  - "FILL IN: what the reviewer should look at"
# One example on each side of every limit, and one that cannot be told. Cells are as typed.
"""

_REFERRAL: Final = (
    _HEAD
    + _MIDDLE.replace("{fact}", "working_days_to_decision")
    + """\
examples:
  - name: "FILL IN: beyond the limit"
    as_of: 2022-05-31
    referrals:
      - {{child_id: A, referral_date: 2022-05-04, decision_at: 2022-05-10}}
    expect: flag
  - name: "FILL IN: just within the limit"
    as_of: 2022-05-31
    referrals:
      - {{child_id: A, referral_date: 2022-05-04, decision_at: 2022-05-05}}
    expect: clear
  - name: "FILL IN: a cell that cannot be read"
    as_of: 2022-05-31
    referrals:
      - {{child_id: A, referral_date: 2022-05-04, decision_at: 2022-02-31}}
    expect: cannot_tell
"""
)

_CONTACT: Final = (
    _HEAD
    + "subject: contact\n"
    + _MIDDLE.replace("{fact}", "n_contacts, which needs `within: window`, a second parameter")
    + """\
examples:
  - name: "FILL IN: beyond the limit"
    as_of: 2022-05-31
    contacts:
      - {{child_id: A, contact_date: 2022-05-04, contact_outcome: nfa}}
    expect: flag
  - name: "FILL IN: just within the limit"
    as_of: 2022-05-31
    contacts:
      - {{child_id: A, contact_date: 2022-05-04, contact_outcome: nfa}}
    expect: clear
  - name: "FILL IN: records that begin too late to tell"
    as_of: 2022-05-31
    history_from: 2022-05-01
    contacts:
      - {{child_id: A, contact_date: 2022-05-04, contact_outcome: nfa}}
    expect: cannot_tell
"""
)
