"""conf/security.yaml: which actions are findings, how grave they are, and which ATT&CK technique they are a sign of."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pipelines.errors import SettingsError
from pipelines.rule_files import Listed, check_names, read_rules
from pipelines.settings import CONF_DIR, Duration, Pattern

RULES_FILE = CONF_DIR / "security.yaml"
_RULES = Listed("rules", "rule", "name")
# What a title may name.
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
TITLE_FIELDS = ("actor", "action", "resource_id", "account", "source_address", "target", "service", "occurrences")


class Kind(StrEnum):
    """Where an action was recorded, which decides what its name looks like."""

    AWS = "aws"  # API calls: `StopLogging`, or `cloudtrail:StopLogging`
    AZURE = "azure"  # operations of the activity log: `microsoft.compute/disks/delete`
    ENTRA = "entra"  # activities of the directory: `Add member to role`, `sign-in`
    KEY_VAULT = "key_vault"  # operations on keys and secrets: `SecretGet`
    WINDOWS = "windows"  # a log and numbers of events in it: `security:4625`
    KUBERNETES = "kubernetes"  # verb and resource: `create pods/exec`
    SSH = "ssh"  # `failed`, `accepted`
    GUARD = "guard"  # findings of GuardDuty and Security Hub: `finding`


class Subject(StrEnum):
    """What a condition may look at. `details` is all that the sender said, as JSON text."""

    ACTION = "action"
    ACTOR = "actor"
    ACTOR_TYPE = "actor_type"
    TARGET = "target"
    SOURCE_ADDRESS = "source_address"
    RESOURCE_ID = "resource_id"
    REASON = "reason"
    MFA = "mfa"
    REQUEST = "request"
    EXPOSES = "exposes"
    DETAILS = "details"


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Outcome(StrEnum):
    """`success` is whatever is not known to have failed: many senders only tell failures."""

    SUCCESS = "success"
    FAILURE = "failure"


class Tactic(StrEnum):
    """The columns of the matrix ATT&CK Enterprise."""

    RECONNAISSANCE = "Reconnaissance"
    INITIAL_ACCESS = "Initial Access"
    EXECUTION = "Execution"
    PERSISTENCE = "Persistence"
    PRIVILEGE_ESCALATION = "Privilege Escalation"
    DEFENSE_EVASION = "Defense Evasion"
    CREDENTIAL_ACCESS = "Credential Access"
    DISCOVERY = "Discovery"
    LATERAL_MOVEMENT = "Lateral Movement"
    COLLECTION = "Collection"
    COMMAND_AND_CONTROL = "Command and Control"
    EXFILTRATION = "Exfiltration"
    IMPACT = "Impact"


def _title(text: str) -> str:
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in TITLE_FIELDS]
    if unknown:
        raise ValueError(f"names {{{unknown[0]}}}; it may name {', '.join(TITLE_FIELDS)}")
    return text


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(_Section):
    """One kind of record. `actions` are globs, without regard to case; no actions: any. `where` and `unless` are
    regular expressions, found anywhere in what they look at, without regard to case: all of `where`, none of `unless`.
    """

    kind: Kind
    actions: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    outcome: Outcome | None = None
    where: dict[Subject, Pattern] = {}
    unless: dict[Subject, Pattern] = {}

    @model_validator(mode="after")
    def _says_something(self) -> Match:
        if not self.actions and not self.where:
            raise ValueError("matches every record: name actions or where")
        return self


class Burst(_Section):
    """One finding for many actions: `at_least` of one `by` (of `distinct` different ones) in any span of `within`."""

    by: Annotated[str, Field(pattern="^(source_address|actor)$")]
    within: Duration
    at_least: Annotated[int, Field(ge=2)]
    distinct: Annotated[str, Field(pattern="^(actor|resource_id|source_address)$")] | None = None


class Rule(_Section):
    """`instead_of`: rules that say less of the same action, which is no finding of theirs then."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: Annotated[str, AfterValidator(_title), Field(min_length=1)]
    severity: Severity
    tactic: Tactic | None = None
    technique: str | None = None
    match: Annotated[tuple[Match, ...], Field(min_length=1)]
    burst: Burst | None = None
    instead_of: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_both(self) -> Rule:
        if (self.tactic is None) != (self.technique is None):
            raise ValueError("has a tactic or a technique alone: name both, or neither")
        return self


class SecurityRules(_Section):
    """`techniques`: id → name, as ATT&CK Enterprise `attack_version` has them."""

    attack_version: Annotated[str, Field(pattern=r"^\d+\.\d+$")]
    techniques: dict[Annotated[str, Field(pattern=r"^T\d{4}(\.\d{3})?$")], str]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


@cache
def security_rules(path: Path = RULES_FILE) -> SecurityRules:
    """The rules of the file. Raises SettingsError, which names file, rule and field, and what would be right."""
    rules = read_rules(path, SecurityRules, _RULES)
    names = [rule.name for rule in rules.rules]
    check_names(path, names, _RULES)
    for rule in rules.rules:
        unknown = sorted(set(rule.instead_of) - set(names))
        if unknown:
            raise SettingsError(f"{path}: rule {rule.name}: instead_of names {unknown[0]}, which is no rule")
        if rule.technique is not None and rule.technique not in rules.techniques:
            raise SettingsError(
                f"{path}: rule {rule.name}: technique {rule.technique} is not among `techniques`: add it"
            )
    return rules
