"""A rule as data: what it asks of a referral's facts, why, and what to tell a reviewer."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from triage.conditions import Compare, Condition, RuleHolds, leaves, sayings
from triage.facts import FACT_BY_NAME, Asked, SubjectName

Status = Literal["draft", "trial", "stable", "retired"]
JUDGED: Final = ("stable", "trial")
"""A draft only has its examples run, and a retired rule is only kept."""
BRACES: Final = re.compile(
    r"\{([A-Za-z_][A-Za-z0-9_]*|[A-Z]{2,3}-[0-9]{2}\.[a-z_]+)(?::([^{}]+))?\}"
)
"""What a message fills in: a fact, a parameter, or (as ``REF-01.window``) that of a rule read."""
BECAUSE: Final = "because"


def _whole(value: Any) -> Any:
    """Return a text of digits as the number; rule files load every scalar as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value) else value


Number = Annotated[int, BeforeValidator(_whole)]
Sentence = Annotated[str, Field(min_length=3)]


class Parameter(BaseModel):
    """A number or list that a rule compares with, and why it is what it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[int | tuple[str, ...], BeforeValidator(_whole)]
    unit: Sentence
    min: Number | None = None
    max: Number | None = None
    why: Sentence


Cells = tuple[dict[str, str], ...]


class Example(BaseModel):
    """Referrals of one child, and what the rule must say of the last of them.

    Of a rule that judges contacts, it is the last contact. Rows of the tables beside belong to the
    last referral, or to the last child, unless they say otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Sentence
    as_of: str
    history_from: str | None = None
    referrals: Cells = ()
    decisions: Cells = ()
    allocations: Cells = ()
    oversight: Cells = ()
    early_help: Cells = ()
    contacts: Cells = ()
    expect: Literal["flag", "clear", "cannot_tell"]

    @property
    def tables(self) -> dict[str, Cells]:
        """Return the tables of the example, as a folder of tables would hold them."""
        names = ("referrals", "decisions", "allocations", "oversight", "early_help", "contacts")
        return {name: rows for name in names if (rows := getattr(self, name))}


class RuleFile(BaseModel):
    """The shape of a rule file; its condition is read apart, since it names facts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Z]{2,3}-[0-9]{2}$")
    title: Sentence
    status: Status
    subject: SubjectName = "referral"
    severity: Literal["critical", "high", "medium", "low"]
    rationale: Sentence
    references: tuple[Sentence, ...] = Field(min_length=1)
    parameters: dict[str, Parameter] = {}
    when: Any
    message: Sentence
    due: Sentence | None = None
    benign_explanations: tuple[Sentence, ...] = Field(min_length=1)
    reviewer_checks: tuple[Sentence, ...] = Field(min_length=1)
    examples: tuple[Example, ...] = Field(min_length=2)


@dataclass(frozen=True)
class Rule:
    """A rule ready to be judged, with the text of the file it was read from."""

    about: RuleFile
    condition: Condition
    path: str
    text: str
    is_off: bool = False
    """Switched off by the council: judged where another rule reads it, reported nowhere."""

    @property
    def id(self) -> str:
        """Return the rule's short, sayable identifier."""
        return self.about.id

    @property
    def status(self) -> Status:
        """Return where the rule stands in its life."""
        return self.about.status

    @property
    def subject(self) -> SubjectName:
        """Return what the rule judges: referrals, or contacts."""
        return self.about.subject

    @property
    def severity(self) -> str:
        """Return the severity of the rule's flags."""
        return self.about.severity

    @property
    def why_silent(self) -> str:
        """Return why the rule reports nothing: a draft, retired or switched off; else nothing."""
        if self.is_off:
            return "switched off"
        return "" if self.status in JUDGED else {"draft": "a draft"}.get(self.status, self.status)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Return the value of each parameter."""
        return {name: parameter.value for name, parameter in self.about.parameters.items()}

    @cached_property
    def text_hash(self) -> str:
        """Return the SHA-256 of the rule's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Return the rules whose flags this one reads."""
        return tuple(
            dict.fromkeys(
                leaf.rule for leaf in leaves(self.condition) if isinstance(leaf, RuleHolds)
            )
        )

    @cached_property
    def facts(self) -> tuple[Asked, ...]:
        """Return each fact of the condition as it is asked for."""
        return tuple(
            dict.fromkeys(
                leaf.asked for leaf in leaves(self.condition) if isinstance(leaf, Compare)
            )
        )

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Return the windows in months that the condition asks facts within."""
        return tuple(dict.fromkeys(one.within for one in self.facts if one.within is not None))

    @cached_property
    def shown(self) -> tuple[Asked, ...]:
        """Return the facts that the messages name, beside those of the condition.

        A fact over a window is told over the only window of the condition.
        """
        texts = (self.about.message, self.about.due or "", *sayings(self.condition))
        names = [name for text in texts for name, _ in BRACES.findall(text)]
        asked = {one.name for one in self.facts}
        return tuple(
            dict.fromkeys(
                Asked(name, self.windows[0] if FACT_BY_NAME[name].within else None)
                for name in names
                if name in FACT_BY_NAME and name not in asked
            )
        )

    @cached_property
    def named_of_others(self) -> tuple[str, ...]:
        """Return the parameters of other rules that the messages name, as ``REF-01.window``."""
        texts = (self.about.message, self.about.due or "", *sayings(self.condition))
        found = [name for text in texts for name, _ in BRACES.findall(text) if "." in name]
        return tuple(dict.fromkeys(found))

    def told(self, name: str) -> Asked:
        """Return a fact that a message names, as the condition asks for it or else as shown."""
        return next(one for one in (*self.facts, *self.shown) if one.name == name)
