"""What was refused, what broke a rule, what the checks found, and whether the models are fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class Refused:
    """What is in quarantine for one reason, of one topic."""

    topic: str
    source: str | None
    reason: str
    items: int
    waiting: int
    latest: datetime


@dataclass(frozen=True)
class DayOfQuarantine:
    day: datetime
    reason: str
    items: int


@dataclass(frozen=True)
class Rule:
    table_name: str
    rule: str
    action: str
    checked: int
    broken: int
    latest: datetime


@dataclass(frozen=True)
class Check:
    table_name: str
    check_name: str
    severity: str
    status: str
    expected: str
    observed: str | None
    message: str
    checked_at: datetime


@dataclass(frozen=True)
class Model:
    model_name: str
    model_version: str
    role: str
    state: str
    reason: str
    checked_at: datetime
    alert_rate: float | None
    psi: float | None


REFUSED = Question(
    "refused",
    "gold.quarantine_counts",
    Refused,
    """
    SELECT topic, source, reason, sum(items)::BIGINT, sum(items - resolved)::BIGINT, max(latest)
    FROM {table} GROUP BY topic, source, reason ORDER BY 5 DESC, 4 DESC, topic, reason
    """,
    made_by="lakehouse run silver",
)

QUARANTINE_BY_DAY = Question(
    "quarantine by day",
    "gold.quarantine_counts",
    DayOfQuarantine,
    """
    SELECT date_trunc('day', hour)::TIMESTAMP, reason, sum(items)::BIGINT
    FROM {table} GROUP BY 1, 2 ORDER BY 1, 2
    """,
    made_by="lakehouse run silver",
)

RULES = Question(
    "rules",
    "gold.quality",
    Rule,
    """
    SELECT table_name, rule, action, sum(checked)::BIGINT, sum(broken)::BIGINT, max(counted_at)
    FROM {table} WHERE counted_at > (SELECT max(counted_at) FROM {table}) - INTERVAL 7 DAY
    GROUP BY table_name, rule, action ORDER BY 5 DESC, table_name, rule
    """,
    made_by="lakehouse run silver",
)

CHECKS = Question(
    "checks",
    "gold.quality_checks",
    Check,
    """
    SELECT table_name, check_name, severity, status, expected, observed, message, checked_at
    FROM {table} QUALIFY row_number() OVER (PARTITION BY table_name, check_name ORDER BY checked_at DESC) = 1
    ORDER BY CASE status WHEN 'failed' THEN 0 WHEN 'error' THEN 1 WHEN 'passed' THEN 3 ELSE 2 END,
        severity, table_name, check_name
    """,
    made_by="lakehouse check",
)

MODELS = Question(
    "models",
    "gold.model_health",
    Model,
    """
    SELECT model_name, model_version, role, state, reason, checked_at, alert_rate, psi
    FROM {table} QUALIFY row_number() OVER (PARTITION BY model_name, model_version ORDER BY checked_at DESC) = 1
    ORDER BY checked_at DESC, model_name, model_version
    """,
    made_by="lakehouse models health",
)
