"""Settings: a flag beats the environment, which beats ``triage.toml``, which beats defaults."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from triage.errors import CallError
from triage.letting_go import CASE_MONTHS, KNOWN_MONTHS, RUN_MONTHS, Times
from triage.reading import JOIN_WITHIN_DAYS, Reading
from triage.review_form import Grade
from triage.second import WORKING_DAYS, SecondRule
from triage.settings_telling import TELLING_TEMPLATE, WRONG_TELLING, Telling, Webhook, keys_at
from triage.settings_web import WEB_TEMPLATE, WRONG_WEB, Web
from triage.settings_words import WRONG, read_words
from triage.vocabulary import SEVERITIES

FILE_NAME: Final = "triage.toml"
OWN_RULES: Final = "own_rules"
"""The folder of a council's own rules, where the settings name no other."""
Severity = Literal["critical", "high", "medium", "low"]
Months = Annotated[int, Field(ge=1, le=1200, strict=True)]
WorkingDays = Annotated[int, Field(ge=0, le=260)]


class ReviewDays(BaseModel):
    """Working days within which a flagged case is to be reviewed, by its severity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    critical: WorkingDays = 1
    high: WorkingDays = 5
    medium: WorkingDays = 10
    low: WorkingDays = 20


class SecondReview(BaseModel):
    """Which reviews wait for a second one as soon as they are submitted, and how long that has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grades: tuple[Grade, ...] = ()
    working_days: WorkingDays = WORKING_DAYS


class Retention(BaseModel):
    """Months for which data is kept, by kind; ``triage data retain`` lets go of what is older."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runs: Months = RUN_MONTHS
    known: Months = KNOWN_MONTHS
    cases: Months = CASE_MONTHS


class Restricted(BaseModel):
    """Who may see restricted records."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    readers: tuple[str, ...] = ()


class Settings(BaseModel):
    """What ``triage.toml`` may say; every key has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    db: str = "sqlite:///triage.db"
    sources: tuple[str, ...] = ()
    rules: str | None = None
    own_rules: str | None = None
    parameters: dict[str, dict[str, Any]] = {}
    switch_off: tuple[str, ...] = ()
    window: Annotated[
        str, BeforeValidator(lambda typed: str(typed) if isinstance(typed, int) else typed)
    ] = Field("3", pattern="^(all|[0-9]{1,3})$")
    history_from: dt.date | None = None
    join_within_days: Annotated[int, Field(ge=0, le=3660)] = JOIN_WITHIN_DAYS
    mapping: str | None = None
    words: Annotated[dict[str, dict[str, str]], BeforeValidator(read_words)] = {}
    fail_on: Severity | None = None
    review_days: ReviewDays = ReviewDays()
    second_review: SecondReview = SecondReview()
    restricted: Restricted = Restricted()
    retention: Retention = Retention()
    telling: Telling = Telling()
    webhook: Webhook = Webhook()
    web: Web = Web()

    @property
    def own_folder(self) -> Path | None:
        """Return the folder of the council's own rules: the one named, else own_rules if there."""
        if self.own_rules is not None:
            named = Path(self.own_rules)
            if self.own_rules and not named.is_dir():
                raise CallError(
                    f"setting own_rules: there is no folder {named}; make it, or name another."
                )
            return named if self.own_rules else None
        usual = Path(OWN_RULES)
        return usual if usual.is_dir() and any(usual.glob("*.y*ml")) else None

    @property
    def reading(self) -> Reading:
        """Return how inputs are to be read."""
        return Reading(self.join_within_days, self.words, self.mapping)

    @property
    def second_rule(self) -> SecondRule:
        """Return which reviews wait for a second one as soon as they are submitted."""
        return SecondRule(self.second_review.grades, self.second_review.working_days)

    @property
    def times(self) -> Times:
        """Return for how long each kind of data is kept."""
        return Times(self.retention.runs, self.retention.known, self.retention.cases)

    @property
    def days_by_severity(self) -> dict[str, int]:
        """Return the working days for a review by severity."""
        return {name: int(getattr(self.review_days, name)) for name in SEVERITIES}


ENVIRONMENT: Final = {
    "TRIAGE_DB": "db",
    "TRIAGE_RULES": "rules",
    "TRIAGE_OWN_RULES": "own_rules",
    "TRIAGE_WINDOW": "window",
    "TRIAGE_HISTORY_FROM": "history_from",
    "TRIAGE_FAIL_ON": "fail_on",
}
"""Environment variables, and the setting each one overrules."""


def load_settings(
    flags: Mapping[str, Any],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings of a call; ``flags`` holds what was given on the command line.

    Raises:
        CallError: when the file or a value is wrong, with the key and what was expected.
    """
    path = (folder or Path.cwd()) / FILE_NAME
    found = _from_file(path)
    told = os.environ if environment is None else environment
    found |= {key: told[name] for name, key in ENVIRONMENT.items() if told.get(name)}
    found |= {key: value for key, value in flags.items() if value is not None}
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        raise CallError("\n".join(_sentence(path, problem) for problem in error.errors())) from None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except OSError as error:
        raise CallError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CallError(f"{path}: is not valid TOML ({error}).") from None


def _sentence(path: Path, problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = keys_at(Settings, problem["loc"])
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"
        return f"{path}: unknown setting {key}{hint}"
    if key == "rules" and isinstance(problem["input"], dict):
        return f"{path}: rules is the name of a folder; limits stand under [parameters.REF-08]"
    if problem["type"] == WRONG:
        return "\n".join(f"{path}: {line}" for line in problem["ctx"]["sentences"].splitlines())
    if problem["type"] in (WRONG_TELLING, WRONG_WEB):
        return f"setting {key}: {problem['ctx']['sentence']}"
    if key == "window":
        return f"setting window: '{problem['input']}' is neither a number of months nor all"
    kind = next((kind for kind in _EXPECTED if problem["type"].startswith(kind)), None)
    if kind is not None:
        expected = _EXPECTED[kind].format(**problem.get("ctx", {}))
        return f"setting {key}: is to be {expected}, not {problem['input']!r}"
    return f"setting {key}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


_EXPECTED: Final = {
    "tuple_type": 'a list, as ["one", "another"]',
    "string_type": "text in quotes",
    "int_": "a whole number",
    "bool_": "true or false",
    "date_": "a date, as 2020-04-01",
    "literal_error": "{expected}",
    "model_type": "a table of settings",
    "dict_type": "a table of settings",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}
"""What a setting is to be, by the beginning of what pydantic calls its mistake."""


TEMPLATE: Final = (
    """\
# Settings of the re-referral triage. A flag of the call beats the environment (TRIAGE_DB,
# TRIAGE_RULES, TRIAGE_OWN_RULES, TRIAGE_WINDOW, TRIAGE_HISTORY_FROM, TRIAGE_FAIL_ON), which beats
# this file.
# Take the # away from a line to use it.

# Where the queue is kept.
# db = "sqlite:///triage.db"

# What `triage nightly` reads when it is called without a SOURCE.
# sources = ["extracts/referrals.csv"]

# A folder of rules to use instead of those that came with the product.
# rules = "our_rules"

# The folder of your council's own rules, read beside the others; own_rules, if it is there.
# own_rules = "own_rules"

# Rules that report nothing here; their open flags are cleared at the next run.
# switch_off = ["REF-15"]

# Months before the date of judgement whose referrals are judged, or "all".
# window = "3"

# From when the extract holds every referral; without it, from its earliest one.
# history_from = 2020-04-01

# Days within which a decision, an allocation or another event that names no referral is joined to
# the child's latest referral before it.
# join_within_days = 183

# The mapping of headings by which tables are read that have none beside them (triage sources map).
# mapping = "our_system"

# End with exit code 1 when a flag of this severity or above was raised.
# fail_on = "critical"

# Working days within which a flagged case is to be reviewed, by its severity.
[review_days]
# critical = 1
# high = 5
# medium = 10
# low = 20

# Grades of which every review waits for a second one, by somebody else, as soon as it is submitted;
# and the working days within which a second review is to be done.
[second_review]
# grades = ["inadequate"]
# working_days = 20

# Limits of your own, each within the rule's bounds (`triage rules show REF-08` gives them).
[parameters]
# REF-08.limit = 60
# DEC-05.allowed_roles = ["team manager", "service manager"]

# What words of your case system stand for, a table for each column of codes or of true and false.
[words.referral_source]
# "Family Hub" = "5D"
[words.nfa]
# "Closed - no role" = true

# Who may see restricted records, by the name given with --as.
[restricted]
# readers = ["a.auditor"]

# Months for which data is kept; `triage data retain` lets go of what is older. What a run said of
# single records; how records stood on past nights, once they are not judged any more; closed cases.
[retention]
# runs = 12
# known = 12
# cases = 72
"""
    + TELLING_TEMPLATE
    + WEB_TEMPLATE
)
