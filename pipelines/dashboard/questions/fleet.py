"""What there is and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class Agent:
    resource_id: str
    host_name: str | None
    source: str
    state: str
    state_since: datetime
    last_heartbeat: datetime
    downtime_seconds: float
    as_of: datetime


@dataclass(frozen=True)
class Resource:
    """How a resource was on the last day that the table has of it, and in the 30 days up to then."""

    resource_id: str
    host_name: str | None
    day: date
    state: str
    service: str | None
    environment: str | None
    owner: str | None
    cloud_provider: str | None
    resource_type: str | None
    availability_today: float | None
    availability_30d: float | None
    downtime_seconds: float
    anomalies: int
    worst_signal: str | None
    burn_rate: float | None
    last_heard: datetime
    as_of: datetime


@dataclass(frozen=True)
class DayOfFleet:
    day: date
    resources: int
    unavailable: int
    degraded: int
    availability: float | None


AGENTS = Question(
    "agents",
    "gold.agent_health",
    Agent,
    """
    SELECT resource_id, host_name, source, state, state_since, last_heartbeat, downtime_seconds, as_of
    FROM {table} ORDER BY coalesce(host_name, resource_id)
    """,
    made_by="lakehouse run gold",
)

RESOURCES = Question(
    "resources",
    "gold.resource_health",
    Resource,
    """
    WITH newest AS (SELECT max(day) AS day FROM {table}),
    month AS (
        SELECT resource_id,
            sum(expected_seconds - downtime_seconds) / nullif(sum(expected_seconds), 0) AS availability_30d,
            max(day) AS day
        FROM {table} WHERE day > (SELECT day FROM newest) - 30 GROUP BY resource_id
    )
    SELECT r.resource_id, r.host_name, r.day, r.state, r.service, r.environment, r.owner, r.cloud_provider,
        r.resource_type, r.availability_ratio, m.availability_30d, r.downtime_seconds, r.anomalies, r.worst_signal,
        r.burn_rate, r.last_heard, r.as_of
    FROM {table} r JOIN month m ON r.resource_id = m.resource_id AND r.day = m.day
    ORDER BY coalesce(r.host_name, r.resource_id)
    """,
)

DAYS_OF_FLEET = Question(
    "days of fleet",
    "gold.resource_health",
    DayOfFleet,
    """
    SELECT day, count(*), count(*) FILTER (state = 'unavailable'), count(*) FILTER (state = 'degraded'),
        sum(expected_seconds - downtime_seconds) / nullif(sum(expected_seconds), 0)
    FROM {table} WHERE day > (SELECT max(day) FROM {table}) - 30 GROUP BY day ORDER BY day
    """,
)
