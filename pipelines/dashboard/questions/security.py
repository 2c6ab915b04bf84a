"""What happened that bears on security. A time range ends with the newest finding, and not today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.dashboard.question import Question

_TABLE = "gold.security_audit"
# Of a choice that was not made, the parameter is an empty text.
_CHOSEN = """day > (SELECT max(day) FROM {table}) - $days::INT
        AND ($severity = '' OR severity = $severity) AND ($tactic = '' OR tactic = $tactic)
        AND ($actor = '' OR actor = $actor)"""
_GRAVITY = "CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END"


@dataclass(frozen=True)
class DayOfFindings:
    day: datetime
    severity: str
    findings: int


@dataclass(frozen=True)
class Finding:
    finding_id: str
    event_time: datetime
    severity: str
    title: str
    technique_id: str | None
    technique_name: str | None
    actor: str | None
    actor_type: str | None
    source_address: str | None
    resource_id: str | None
    target: str | None
    outcome: str
    occurrences: int


@dataclass(frozen=True)
class Evidence:
    """All that is known of a finding. `evidence`: what its record says, by name."""

    title: str
    severity: str
    rule: str
    tactic: str | None
    technique_id: str | None
    technique_name: str | None
    event_time: datetime
    actor: str | None
    actor_type: str | None
    source_address: str | None
    provider: str | None
    account: str | None
    region: str | None
    resource_id: str | None
    target: str | None
    action: str | None
    outcome: str
    occurrences: int
    event_id: str
    evidence: dict[str, str] | None


@dataclass(frozen=True)
class Technique:
    """`gravest`: of its findings, the severity that is graver than the others."""

    tactic: str | None
    technique_id: str | None
    technique_name: str | None
    gravest: str
    findings: int
    actors: int
    latest: datetime


@dataclass(frozen=True)
class Actor:
    actor: str
    actor_type: str | None
    gravest: str
    grave: int
    findings: int
    techniques: int
    addresses: int
    latest: datetime


@dataclass(frozen=True)
class Tactic:
    name: str


FINDINGS_BY_DAY = Question(
    "findings by day",
    _TABLE,
    DayOfFindings,
    f"SELECT day::TIMESTAMP, severity, count(*) FROM {{table}} WHERE {_CHOSEN} GROUP BY 1, 2 ORDER BY 1, 2",
)

FINDINGS = Question(
    "findings",
    _TABLE,
    Finding,
    f"""
    SELECT finding_id, event_time, severity, title, technique_id, technique_name, actor, actor_type, source_address,
        resource_id, target, outcome, occurrences
    FROM {{table}} WHERE {_CHOSEN}
    ORDER BY event_time DESC, finding_id LIMIT 500
    """,
)

EVIDENCE = Question(
    "a finding",
    _TABLE,
    Evidence,
    """
    SELECT title, severity, rule, tactic, technique_id, technique_name, event_time, actor, actor_type, source_address,
        provider, account, region, resource_id, target, action, outcome, occurrences, event_id, evidence
    FROM {table} WHERE finding_id = $finding
    """,
)

TECHNIQUES = Question(
    "techniques",
    _TABLE,
    Technique,
    f"""
    SELECT tactic, technique_id, any_value(technique_name), arg_min(severity, {_GRAVITY}), count(*),
        count(DISTINCT actor), max(event_time)
    FROM {{table}} WHERE {_CHOSEN}
    GROUP BY tactic, technique_id ORDER BY min({_GRAVITY}), 5 DESC, tactic, technique_id
    """,
)

ACTORS = Question(
    "actors",
    _TABLE,
    Actor,
    f"""
    SELECT actor, any_value(actor_type), arg_min(severity, {_GRAVITY}),
        count(*) FILTER (severity IN ('critical', 'high')), count(*), count(DISTINCT technique_id),
        count(DISTINCT source_address), max(event_time)
    FROM {{table}} WHERE {_CHOSEN} AND actor IS NOT NULL
    GROUP BY actor ORDER BY min({_GRAVITY}), 4 DESC, 5 DESC, actor LIMIT 200
    """,
)

TACTICS = Question(
    "tactics",
    _TABLE,
    Tactic,
    "SELECT DISTINCT tactic FROM {table} WHERE tactic IS NOT NULL ORDER BY tactic",
)
