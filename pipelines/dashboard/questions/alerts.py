"""What fires, and what did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class Transition:
    alert_name: str
    state: str
    previous_state: str | None
    severity: str
    resource_id: str | None
    transition_time: datetime
    active_since: datetime
    value: float | None
    summary: str | None
    runbook: str | None


@dataclass(frozen=True)
class DayOfAlerts:
    day: datetime
    severity: str
    fired: int


_COLUMNS = """alert_name, state, previous_state, severity, resource_id, transition_time, active_since, value,
        annotations['summary'], annotations['runbook_url']"""

ACTIVE = Question(
    "active alerts",
    "gold.alerts",
    Transition,
    f"""
    SELECT {_COLUMNS}
    FROM {{table}}
    QUALIFY row_number() OVER (PARTITION BY fingerprint ORDER BY transition_time DESC, evaluated_at DESC) = 1
        AND state IN ('firing', 'pending')
    ORDER BY state, CASE severity WHEN 'page' THEN 0 WHEN 'critical' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END,
        transition_time DESC
    """,
    made_by="lakehouse alerts run",
)

HISTORY = Question(
    "alert history",
    "gold.alerts",
    Transition,
    f"SELECT {_COLUMNS} FROM {{table}} ORDER BY transition_time DESC, alert_name LIMIT 500",
    made_by="lakehouse alerts run",
)

FIRED_BY_DAY = Question(
    "fired by day",
    "gold.alerts",
    DayOfAlerts,
    """
    SELECT date_trunc('day', transition_time)::TIMESTAMP, severity, count(*)
    FROM {table}
    WHERE state = 'firing' AND transition_time > (SELECT max(transition_time) FROM {table}) - INTERVAL 30 DAY
    GROUP BY 1, 2 ORDER BY 1, 2
    """,
    made_by="lakehouse alerts run",
)
