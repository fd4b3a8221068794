"""The tables of the Standard Safeguarding Dataset that the sample fills, field by field.

Names and types are those of the dataset's specification (Data to Insight, MIT licence); widths are
those of its SQL Server script.
"""

from __future__ import annotations

from typing import Final

ID, NAME, MOMENT, WHOLE, PART = 48, 255, "datetime", "int", "float"
Fields = tuple[tuple[str, int | str], ...]

FIELDS: Final[dict[str, Fields]] = {
    "ssd_person": (
        ("pers_person_id", ID), ("pers_legacy_id", ID), ("pers_forename", 100),
        ("pers_surname", NAME), ("pers_sex", 20), ("pers_gender", ID), ("pers_ethnicity", ID),
        ("pers_dob", MOMENT), ("pers_common_child_id", ID), ("pers_upn_unknown", 6),
        ("pers_send_flag", 5), ("pers_expected_dob", MOMENT), ("pers_death_date", MOMENT),
        ("pers_is_mother", 1), ("pers_nationality", ID),
    ),
    "ssd_family": (("fami_table_id", ID), ("fami_family_id", ID), ("fami_person_id", ID)),
    "ssd_contacts": (
        ("cont_contact_id", ID), ("cont_person_id", ID), ("cont_contact_date", MOMENT),
        ("cont_contact_source_code", ID), ("cont_contact_source_desc", NAME),
        ("cont_contact_outcome_json", 4000),
    ),
    "ssd_early_help_episodes": (
        ("earl_episode_id", ID), ("earl_person_id", ID), ("earl_episode_start_date", MOMENT),
        ("earl_episode_end_date", MOMENT), ("earl_episode_reason", 500),
        ("earl_episode_end_reason", 500), ("earl_episode_organisation", 500),
        ("earl_episode_worker_id", 100),
    ),
    "ssd_cin_episodes": (
        ("cine_referral_id", ID), ("cine_person_id", ID), ("cine_referral_date", MOMENT),
        ("cine_cin_primary_need_code", 3), ("cine_referral_source_code", ID),
        ("cine_referral_source_desc", NAME), ("cine_referral_outcome_json", 4000),
        ("cine_referral_nfa", 1), ("cine_close_reason", 100), ("cine_close_date", MOMENT),
        ("cine_referral_team", NAME), ("cine_referral_worker_id", 100),
    ),
    "ssd_cin_assessments": (
        ("cina_assessment_id", ID), ("cina_person_id", ID), ("cina_referral_id", ID),
        ("cina_assessment_start_date", MOMENT), ("cina_assessment_child_seen", 1),
        ("cina_assessment_auth_date", MOMENT), ("cina_assessment_outcome_json", 4000),
        ("cina_assessment_outcome_nfa", 1), ("cina_assessment_team", NAME),
        ("cina_assessment_worker_id", 100),
    ),
    "ssd_assessment_factors": (
        ("cinf_table_id", ID), ("cinf_assessment_id", ID), ("cinf_assessment_factors_json", 1000),
    ),
    "ssd_s47_enquiry": (
        ("s47e_s47_enquiry_id", ID), ("s47e_referral_id", ID), ("s47e_person_id", ID),
        ("s47e_s47_start_date", MOMENT), ("s47e_s47_end_date", MOMENT), ("s47e_s47_nfa", 1),
        ("s47e_s47_outcome_json", 4000), ("s47e_s47_completed_by_team", NAME),
        ("s47e_s47_completed_by_worker_id", 100),
    ),
    "ssd_initial_cp_conference": (
        ("icpc_icpc_id", ID), ("icpc_icpc_meeting_id", ID), ("icpc_s47_enquiry_id", ID),
        ("icpc_person_id", ID), ("icpc_cp_plan_id", ID), ("icpc_referral_id", ID),
        ("icpc_icpc_transfer_in", 1), ("icpc_icpc_target_date", MOMENT),
        ("icpc_icpc_date", MOMENT), ("icpc_icpc_outcome_cp_flag", 1),
        ("icpc_icpc_outcome_json", 4000), ("icpc_icpc_team", NAME), ("icpc_icpc_worker_id", 100),
    ),
    "ssd_involvements": (
        ("invo_involvements_id", ID), ("invo_professional_id", ID),
        ("invo_professional_role_id", 200), ("invo_professional_team", NAME),
        ("invo_involvement_start_date", MOMENT), ("invo_involvement_end_date", MOMENT),
        ("invo_worker_change_reason", 200), ("invo_person_id", ID), ("invo_referral_id", ID),
    ),
    "ssd_professionals": (
        ("prof_professional_id", ID), ("prof_staff_id", ID), ("prof_professional_name", 300),
        ("prof_social_worker_registration_no", ID), ("prof_agency_worker_flag", 1),
        ("prof_professional_job_title", 500), ("prof_professional_caseload", WHOLE),
        ("prof_professional_department", 100), ("prof_full_time_equivalency", PART),
    ),
}  # fmt: skip
"""Each table's fields in order, the key first, with their widths or what else they hold."""
