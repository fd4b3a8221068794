"""The figures the invented council is built to look like, each with where it comes from.

Published figures are England totals; years end on 31 March. What is marked "assumption" is the
generator's own: no national source gives it, and it is stated here so that it can be argued with.
Shares are fractions of one unless a comment says otherwise; a mix need not sum to exactly one,
because it is scaled before use. A bin is ``(lowest, highest, share)``, both ends included.
"""

from __future__ import annotations

from typing import Final

Mix = dict[str, float]
Bins = tuple[tuple[int, int, float], ...]

# --- Shares the tests hold the generator to -------------------------------------------------------

# DfE, Characteristics of children in need, table C1, 2025: 142,900 of 632,830 referrals came
# within 12 months of an earlier referral of the same child.
REREFERRAL_SHARE: Final = 0.226
# DfE C1, 2025: referrals closed at once with no further action.
NFA_SHARE: Final = 0.065
# DfE C1, 2025: assessed and found not to be in need (closed RC8 or RC9).
ASSESSED_NOT_IN_NEED_SHARE: Final = 0.308
# Troncoso 2017: same primary need in 70 % of re-referrals within a year, about half later on.
SAME_NEED_WITHIN_YEAR: Final = 0.70
SAME_NEED_LATER: Final = 0.50
# LAIT 2025: 189.3 section 47 enquiries and 519.4 referrals per 10,000 children.
SECTION47_SHARE: Final = 0.364
# LAIT 2025: 72,090 initial child protection conferences in 632,830 referrals.
CONFERENCE_SHARE: Final = 0.114
# DfE workforce 2025: agency share of full-time equivalents.
AGENCY_SHARE: Final = 0.13

# --- Who comes back, and when ---------------------------------------------------------------------

# Assumption: half of the returns within 12 months come in the first four and a half months
# (137 days). An exponential gap of this scale in days, cut at 365, has that median.
RETURN_SCALE_DAYS: Final = 350.0
# Assumption: each referral of a family has the family's own probability of another within 12
# months, drawn from a Beta distribution. Many families never return and a few return often
# (Forrester 2007: 8.5 % of families made 52 % of later referrals). The two numbers are set so
# that REREFERRAL_SHARE comes out by child, after siblings who sit an event out.
FRAILTY_ALPHA: Final = 0.60
FRAILTY_BETA: Final = 2.90
FRAILTY_CEILING: Final = 0.90
# Goldacre 2025: 32 % return within 12 months of closure and 58 % within six years, so a tail of
# later returns: chance of one, and the scale of its exponential gap beyond the first year, days.
LATER_RETURN_SHARE: Final = 0.22
LATER_RETURN_SCALE_DAYS: Final = 700.0
# Assumption: a child of a family takes part in this share of the family's referrals.
SIBLING_TAKES_PART: Final = 0.92
# Assumption: children in a referred family.
FAMILY_SIZES: Final[Mix] = {"1": 0.58, "2": 0.24, "3": 0.12, "4": 0.04, "5": 0.02}
# Assumption: share of weekend referrals that are in truth booked in on a weekday of that week.
WEEKEND_BOOKED_IN_WEEK: Final = 0.80
# Assumption: share of children who were unborn at their first referral.
UNBORN_SHARE: Final = 0.025
# Assumption: share of families whose records only named people may see.
RESTRICTED_SHARE: Final = 0.005
# Assumption: share of returns that arrive while the earlier episode is still open.
OVERLAP_SHARE: Final = 0.04

# NFA by circumstance. Assumption, set so that NFA_SHARE comes out together with AGAIN_NFA_SHARE
# and THIRD_NFA_SHARE below; Troncoso 2017 finds more NFA on re-referrals, and more returns after
# an NFA.
NFA_BASE: Final = 0.026
NFA_MORE_ON_REREFERRAL: Final = 0.045
NFA_MORE_BEFORE_RETURN: Final = 0.025
NFA_AFTER_NFA: Final = 0.25

# --- Mixes ----------------------------------------------------------------------------------------

# Police, schools and health: LAIT 2025 (28.3, 20.6, 15.2 %). The other groups: DfE C5 2020, scaled
# to the 35.9 % that remain. The split inside a group (1A-1D, 3A-3F, 5A-5D): assumption.
SOURCE_GROUPS_2025: Final[Mix] = {
    "individual": 0.0767,
    "schools": 0.206,
    "education": 0.0199,
    "health": 0.152,
    "housing": 0.0123,
    "local authority": 0.1336,
    "police": 0.283,
    "legal": 0.0369,
    "other": 0.0464,
    "anonymous": 0.0199,
    "unknown": 0.0133,
}
SOURCE_MIX: Final[Mix] = {
    "1A": 0.0430, "1B": 0.0117, "1C": 0.0150, "1D": 0.0070,
    "2A": 0.2060, "2B": 0.0199,
    "3A": 0.0180, "3B": 0.0220, "3C": 0.0060, "3D": 0.0370, "3E": 0.0400, "3F": 0.0290,
    "4": 0.0123,
    "5A": 0.0400, "5B": 0.0246, "5C": 0.0340, "5D": 0.0350,
    "6": 0.2830, "7": 0.0369, "8": 0.0464, "9": 0.0199, "10": 0.0133,
}  # fmt: skip

# Ad hoc table A6 2017 for N1, N0, N4, N2 and N3; all children in need 2014 for N5; the remainder
# is an assumption.
NEED_MIX: Final[Mix] = {
    "N1": 0.52, "N2": 0.05, "N3": 0.025, "N4": 0.10, "N5": 0.15,
    "N6": 0.02, "N7": 0.005, "N8": 0.03, "N9": 0.01, "N0": 0.09,
}  # fmt: skip

# DfE C3 2025: share of assessed episodes in which the factor was found (several can be).
FACTOR_WEIGHTS: Final[Mix] = {
    "4B": 33.5, "3B": 31.7, "17A": 19.0, "16A": 17.6, "4A": 17.6, "20": 16.3, "1B": 14.3,
    "2B": 14.1, "5A": 12.3, "18C": 12.0, "3A": 11.3, "14A": 7.0, "15A": 5.0, "10A": 3.3,
    "24A": 3.2, "11A": 2.4, "13A": 1.7,
}  # fmt: skip

# --- Durations ------------------------------------------------------------------------------------

# DfE C2 2025, 648,830 assessments, working days; note the pile-up just inside the limit of 45.
# The generator counts them from the referral, the clock of the guidance.
ASSESSMENT_WORKING_DAYS: Final[Bins] = (
    (0, 0, 0.018), (1, 10, 0.117), (11, 20, 0.173), (21, 30, 0.158), (31, 40, 0.202),
    (41, 45, 0.189), (46, 50, 0.058), (51, 60, 0.043), (61, 95, 0.042),
)  # fmt: skip
# LAIT 2025: 6,240 / 52,430 / 6,430 / 6,990 conferences, working days after the strategy discussion.
CONFERENCE_WORKING_DAYS: Final[Bins] = (
    (4, 10, 0.0866), (11, 15, 0.7273), (16, 20, 0.0892), (21, 40, 0.0970),
)  # fmt: skip
# LAIT 2025, all episodes ceased: <=3 months 47.0 %, 3-6 14.8, 6-12 16.0, 1-2 years 12.1, 2+ 10.1.
# Closures at referral and after assessment fill most of the first bin by themselves, so these
# bins, in days, are for the children who turned out to be in need.
IN_NEED_DAYS: Final[Bins] = (
    (45, 91, 0.04), (92, 182, 0.25), (183, 365, 0.30), (366, 730, 0.23), (731, 1400, 0.18),
)  # fmt: skip

# Everything below is an assumption: no national dataset holds these events.
DECISION_LAG_WORKING_DAYS: Final[Bins] = (
    (0, 0, 0.62), (1, 1, 0.285), (2, 2, 0.045), (3, 5, 0.03), (6, 20, 0.02),
)  # fmt: skip
DECISION_MISSING_SHARE: Final = 0.03
DECISION_BEFORE_REFERRAL_SHARE: Final = 0.003
RECORDING_LAG_WORKING_DAYS: Final[Bins] = (
    (0, 0, 0.89), (1, 1, 0.07), (2, 4, 0.03), (5, 20, 0.01),
)  # fmt: skip
RECORDING_MISSING_SHARE: Final = 0.01
ALLOCATION_LAG_WORKING_DAYS: Final[Bins] = (
    (0, 0, 0.58), (1, 1, 0.30), (2, 5, 0.085), (6, 25, 0.035),
)  # fmt: skip
ALLOCATION_MISSING_SHARE: Final = 0.02
RATIONALE_CHARACTERS: Final[Bins] = (
    (1, 29, 0.03), (30, 150, 0.14), (151, 500, 0.48), (501, 1200, 0.28), (1201, 4000, 0.07),
)  # fmt: skip
RATIONALE_BLANK_SHARE: Final = 0.02
RISK_RATING_BLANK_SHARE: Final = 0.035
THRESHOLD_BLANK_SHARE: Final = 0.025
OVERSIGHT_GAP_DAYS: Final[Bins] = ((0, 30, 0.80), (31, 60, 0.13), (61, 150, 0.07))
OVERSIGHT_MISSING_SHARE: Final = 0.05
HISTORY_MIX: Final[Mix] = {"true": 0.84, "false": 0.08, "": 0.08}
OUTCOME_MIX: Final[Mix] = {
    "assessment": 0.55, "strategy_discussion": 0.20, "section47": 0.17,
    "early_help": 0.025, "information_and_advice": 0.03, "other": 0.025,
}  # fmt: skip
DECISION_MAKER_MIX: Final[Mix] = {"manager": 0.935, "service manager": 0.03, "worker": 0.035}
ROLE_BLANK_SHARE: Final = 0.008
SELF_APPROVED_BY_WORKER_SHARE: Final = 0.5
SELF_APPROVED_BY_MANAGER_SHARE: Final = 0.006
WORKER_ROLE_MIX: Final[Mix] = {
    "Social Worker": 0.74, "Senior Social Worker": 0.14,
    "Newly Qualified Social Worker": 0.08, "Family Support Worker": 0.04,
}  # fmt: skip
ASSESSED_SHARE: Final = 0.955
ASSESSMENT_NEVER_AUTHORISED_SHARE: Final = 0.012
NOT_IN_NEED_OF_ASSESSED: Final = 0.72
STEPPED_DOWN_OF_NOT_IN_NEED: Final = 0.27
LATER_STRATEGY_SHARE: Final = 0.08
SECTION47_OF_STRATEGY: Final = 0.98
CONFERENCE_OF_SECTION47: Final = 0.34
CONFERENCE_NOT_HELD_SHARE: Final = 0.012
REFERRALS_PER_WORKER_A_YEAR: Final = 40
TIME_TYPED_SHARE: Final = 0.60

# --- What else the rules look for: assumptions, but for the mean caseload -------------------------

# Returns that end without action like the one before, and third ones in a year that end so too,
# for the same need.
AGAIN_NFA_SHARE: Final = 0.03
THIRD_NFA_SHARE: Final = 0.13
NFA_RATED_RED_SHARE: Final = 0.20
SAME_FACTORS_SHARE: Final = 0.35
LATE_START_SHARE: Final = 0.05
WAITED_WORKING_DAYS: Final = (2, 8)
"""Working days for which some children who came back wait for a worker."""
WAITED_UNRATED_SHARE: Final = 0.06
LATE_START_WORKING_DAYS: Final = (4, 15)
FORGOTTEN_OF_UNDECIDED: Final = 0.5
FORGOTTEN_FOUND_DAYS: Final = (40, 130)
STRATEGY_UNRECORDED_SHARE: Final = 0.02
STRATEGY_AFTER_ENQUIRY_SHARE: Final = 0.025
CLOSED_ON_OPEN_ASSESSMENT_SHARE: Final = 0.30
CLOSED_WITHOUT_MARK_SHARE: Final = 0.35
CLOSED_SOON_DAYS: Final = 90
REOPENED_SHARE: Final = 0.10
REOPENED_DAYS: Final = (1, 60)
SECTION47_BY_UNREGISTERED_SHARE: Final = 0.025

# Texts used again and again: how many characters each has, and its share of such use.
BOILERPLATE_SHARE: Final = 0.04
BOILERPLATE: Final = ((38, 0.45), (64, 0.35), (121, 0.20))
# Whether the referrer was told, by who referred, and after how many working days.
TOLD_SHARE: Final = {"professional": 0.90, "individual": 0.55, "unknown": 0.05}
FEEDBACK_LAG_WORKING_DAYS: Final[Bins] = (
    (0, 0, 0.60), (1, 1, 0.28), (2, 4, 0.08), (5, 15, 0.04),
)  # fmt: skip
EARLIER_REFERRALS_WRONG_SHARE: Final = 0.015

SUPERSEDED_SHARE: Final = 0.038  # of decisions other than no further action: 3 % of all
SUPERSEDED_WORKING_DAYS: Final = (1, 15)
SUPERSEDED_WITH_REASON: Final = 0.5

# DfE workforce 2025: 15.2 children a worker on average. A worker's own mean, and what an
# allocation adds to it by the day it was made.
CASELOAD_MEAN: Final = 16.0
CASELOAD_MEAN_NEWLY_QUALIFIED: Final = 12.5
CASELOAD_SPREAD: Final = (2.2, 3.3)
DUTY_SHARE: Final = 0.02
DUTY_IS_TEAM: Final = 0.3
DUTY_THEN_NAMED: Final = 0.5
DUTY_DAYS: Final = (2, 12)
# Changes of worker within six months of the allocation, where the episode lasted long enough.
WORKER_CHANGES: Final = (0.69, 0.25, 0.05, 0.01)
CHANGES_WITHIN_DAYS: Final = 180
NOT_QUICKLY_CLOSED_DAYS: Final = 30
UNCOVERED_SHARE: Final = 0.06
UNCOVERED_WORKING_DAYS: Final = (3, 15)
WORKER_LOST_SHARE: Final = 0.012

# Contacts. Published figures do not count them; Sunderland 2018 had over 1,300 children with
# repeated contacts in six months (Ofsted). All contacts: about 1.3 times the referrals.
CONTACT_OF_REFERRAL_SHARE: Final = 0.93
CONTACT_DAY_BEFORE_SHARE: Final = 0.35
CONTACTS_OF_KNOWN_CHILDREN: Final = 0.165
CONTACTS_OF_OTHER_CHILDREN: Final = 0.095
REPEAT_CONTACTS_BEFORE_REFERRAL: Final = 0.022
REPEAT_CONTACTS_OF_OTHERS: Final = 0.017
REPEAT_CONTACTS: Final = ((3, 0.45), (4, 0.30), (5, 0.15), (6, 0.10))
CONTACT_OUTCOME_MIX: Final[Mix] = {
    "information_and_advice": 0.47, "nfa": 0.37, "early_help": 0.10, "other": 0.06,
}  # fmt: skip
CONTACT_OUTCOME_BLANK_SHARE: Final = 0.012

# Early help after a step-down (RC9); a child who comes back got it less often.
EARLY_HELP_SOON_SHARE: Final = 0.80
EARLY_HELP_SOON_SHARE_OF_RETURNS: Final = 0.55
EARLY_HELP_LATER_SHARE: Final = 0.4
EARLY_HELP_UNRELATED_SHARE: Final = 0.015
EARLY_HELP_DAYS: Final[Bins] = ((40, 90, 0.2), (91, 180, 0.5), (181, 300, 0.3))

# --- Dirt (only with dirty=True), shares of rows or of filled cells -------------------------------

SAME_DAY_DUPLICATE_SHARE: Final = 0.005
REUSED_REFERRAL_ID_SHARE: Final = 0.0005
BLANK_CHILD_ID_SHARE: Final = 0.0005
UNREADABLE_REFERRAL_DATE_SHARE: Final = 0.001
IMPOSSIBLE_DATE_SHARE: Final = 0.0005
CODE_OUT_OF_LIST_SHARE: Final = 0.001
UNCLEAR_TRUTH_SHARE: Final = 0.0005
DAY_FIRST_SHARE: Final = 0.01
BLANK_CODE_SHARE: Final = 0.004
BLANK_BIRTH_DATE_SHARE: Final = 0.006
# Dates that are out of order by a slip, and events whose year was typed one too late.
OUT_OF_ORDER_SHARE: Final = 0.005
FUTURE_DATE_SHARE: Final = 0.004
SOURCE_OR_NEED_LOST_SHARE: Final = 0.004
CLOSURE_REASON_LOST_SHARE: Final = 0.018
REASON_WITHOUT_DATE_SHARE: Final = 0.012
