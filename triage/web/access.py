"""Who may come to which page: one table, of every route by its name.

A route without a row is refused to everybody, and a test walks all of them. What somebody may see
or do of a single case is for the store to say, which asks the same ``triage.rights``.
"""

from __future__ import annotations

from typing import Final, Literal

from triage.rights import Act, Viewer

Need = Act | Literal["nothing", "to be signed in"]

NEEDS: Final[dict[str, Need]] = {
    # Before somebody is signed in.
    "sign_in": "nothing",
    "sign_in_now": "nothing",
    "oidc_start": "nothing",
    "oidc_return": "nothing",
    "accessibility": "nothing",
    "health": "nothing",
    "ready": "nothing",
    "metrics": "nothing",
    # Whoever is signed in.
    "home": "to be signed in",
    "sign_out": "to be signed in",
    "account": "to be signed in",
    "password": "to be signed in",
    "keep_password": "to be signed in",
    "end_sessions": "to be signed in",
    # The queue.
    "queue": "see cases",
    "save_filter": "see cases",
    "drop_filter": "see cases",
    "search": "see cases",
    "search_now": "see cases",
    "due": "see cases",
    "claim_next": "work on cases",
    "bulk": "manage cases",
    "bulk_now": "manage cases",
    "export_queue": "export",
    # One case.
    "case": "see cases",
    "case_night": "see cases",
    "claim": "work on cases",
    "release": "work on cases",
    "add_note": "work on cases",
    "deed": "manage cases",
    "deed_now": "manage cases",
    # Reviews, second reviews and what follows from them.
    "review": "review",
    "keep_review": "review",
    "supersede": "review",
    "supersede_now": "review",
    "reviews": "see cases",
    "unblind": "manage cases",
    "second_list": "see cases",
    "second": "review",
    "keep_second": "review",
    "withdraw_second": "manage cases",
    "differences": "see cases",
    "moderation": "review",
    "keep_moderation": "review",
    "agreement": "compare reviewers",
    "actions": "see cases",
    "action_done": "work on cases",
    "action_done_now": "work on cases",
    "hand_over": "work on cases",
    "hand_over_now": "work on cases",
    "samples": "see samples",
    "new_sample": "manage cases",
    "draw_sample": "manage cases",
    # Rules and runs.
    "rules": "see cases",
    "rule": "see cases",
    "exceptions": "see cases",
    "new_exception": "manage cases",
    "make_exception": "manage cases",
    "end_exception": "manage cases",
    "runs": "see cases",
    "run": "see cases",
    "run_beside": "see cases",
    "runs_beside": "see cases",
    "run_rejects": "make reports",
    # Reports and the trail.
    "reports": "make reports",
    "make_report": "make reports",
    "report_file": "make reports",
    "trail": "see the trail",
    "verify_trail": "see the trail",
    "export_trail": "export",
    # People.
    "people": "manage people",
    "new_person": "manage people",
    "add_person": "manage people",
    "person": "manage people",
    "keep_person": "manage people",
    "strike_off": "manage people",
    "give_password": "manage people",
    "end_their_sessions": "manage people",
    "tokens": "manage people",
    "make_token": "manage people",
    "end_token": "manage people",
    # The same acts for programs.
    "api_cases": "see cases",
    "api_case": "see cases",
    "api_history": "see cases",
    "api_reviews": "see cases",
    "api_second_list": "see cases",
    "api_differences": "see cases",
    "api_actions": "see cases",
    "api_case_actions": "see cases",
    "api_rules": "see cases",
    "api_rule": "see cases",
    "api_exceptions": "see cases",
    "api_runs": "see cases",
    "api_run": "see cases",
    "api_run_beside": "see cases",
    "api_due": "see cases",
    "api_claim_next": "work on cases",
    "api_claim": "work on cases",
    "api_release": "work on cases",
    "api_add_note": "work on cases",
    "api_action_done": "work on cases",
    "api_hand_over": "work on cases",
    "api_start_review": "review",
    "api_keep_review": "review",
    "api_submit_review": "review",
    "api_supersede": "review",
    "api_start_second": "review",
    "api_keep_second": "review",
    "api_submit_second": "review",
    "api_moderate": "review",
    "api_bulk": "manage cases",
    "api_assign": "manage cases",
    "api_snooze": "manage cases",
    "api_boost": "manage cases",
    "api_close": "manage cases",
    "api_reopen": "manage cases",
    "api_unblind": "manage cases",
    "api_ask_for_second": "manage cases",
    "api_withdraw_second": "manage cases",
    "api_draw_sample": "manage cases",
    "api_make_exception": "manage cases",
    "api_end_exception": "manage cases",
    "api_agreement": "compare reviewers",
    "api_samples": "see samples",
    "api_sample": "see samples",
    "api_rejects": "make reports",
    "api_trail": "see the trail",
    "api_verify_trail": "see the trail",
    "api_people": "manage people",
    "api_add_person": "manage people",
    "api_keep_person": "manage people",
    "api_strike_off": "manage people",
    "api_me": "to be signed in",
    "api_openapi": "to be signed in",
}
"""What somebody needs for each route: a right of their role, to be signed in, or nothing."""


def may_come(need: Need, who: Viewer | None) -> bool:
    """Return whether somebody may come to what needs this; nobody is None."""
    if need == "nothing":
        return True
    if who is None:
        return False
    return need == "to be signed in" or who.may(need)
