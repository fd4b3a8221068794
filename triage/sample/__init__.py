"""Invented councils to try the tool on: no record of a real child was read to make them.

``make_council`` draws the referrals of some months as they stand on one day; the writers put
them down in each form the tool reads, with the same children and the same facts.
"""

from __future__ import annotations

from triage.sample.generator import Council, make_council
from triage.sample.writers import write_annex_a, write_cin, write_folder, write_referral_table
from triage.sample.written import Written

__all__ = [
    "Council",
    "Written",
    "make_council",
    "write_annex_a",
    "write_cin",
    "write_folder",
    "write_referral_table",
]
