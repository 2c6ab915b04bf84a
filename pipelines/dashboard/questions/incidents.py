"""What went wrong, how long it took to see and to mend, and what most likely caused it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class Incident:
    incident_id: str
    title: str
    status: str
    severity: str
    service: str | None
    primary_resource_id: str
    resources: int
    started_at: datetime
    last_seen: datetime
    resolved_at: datetime | None
    time_to_detect_seconds: float
    time_to_resolve_seconds: float | None
    likeliest: str | None


@dataclass(frozen=True)
class Detail:
    """`causes` and `evidence` are structs, as their contract has them."""

    incident_id: str
    title: str
    status: str
    severity: str
    service: str | None
    resource_ids: list[str]
    started_at: datetime
    detected_at: datetime
    resolved_at: datetime | None
    time_to_detect_seconds: float
    time_to_resolve_seconds: float | None
    alerts: int
    anomalies: int
    silences: int
    events: int
    changes: int
    causes: list[dict[str, Any]]
    evidence: list[dict[str, Any]]


@dataclass(frozen=True)
class Month:
    month: datetime
    incidents: int
    still_open: int
    mean_to_detect: float | None
    mean_to_resolve: float | None


INCIDENTS = Question(
    "incidents",
    "gold.incidents",
    Incident,
    """
    SELECT incident_id, title, status, severity, service, primary_resource_id, len(resource_ids), started_at, last_seen,
        resolved_at, time_to_detect_seconds, time_to_resolve_seconds, causes[1].what
    FROM {table} WHERE day > (SELECT max(day) FROM {table}) - 30
    ORDER BY status = 'open' DESC, started_at DESC, incident_id LIMIT 1000
    """,
)

DETAIL = Question(
    "an incident",
    "gold.incidents",
    Detail,
    """
    SELECT incident_id, title, status, severity, service, resource_ids, started_at, detected_at, resolved_at,
        time_to_detect_seconds, time_to_resolve_seconds, alerts, anomalies, silences, events, changes, causes, evidence
    FROM {table} WHERE incident_id = $incident
    """,
)

MONTHS = Question(
    "months of incidents",
    "gold.incidents",
    Month,
    """
    SELECT date_trunc('month', day)::TIMESTAMP, count(*), count(*) FILTER (status = 'open'),
        avg(time_to_detect_seconds), avg(time_to_resolve_seconds)
    FROM {table} GROUP BY 1 ORDER BY 1 DESC LIMIT 24
    """,
)
