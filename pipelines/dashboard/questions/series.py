"""How a series behaved, and what was expected of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.dashboard.question import Question

_VIEW, _BASE, _BY = "gold.scored_series", "silver.anomaly_scores", "lakehouse run score"


@dataclass(frozen=True)
class Scored:
    """A series that was scored in a time range. `dimensions` are not known to gold: `series_id` tells them apart."""

    resource_id: str
    host_name: str | None
    metric: str
    series_id: int
    detector: str
    scores: int
    anomalies: int
    highest: float


@dataclass(frozen=True)
class Point:
    event_time: datetime
    value: float | None
    expected: float | None
    lower: float | None
    upper: float | None
    anomaly_score: float
    is_anomaly: bool


SCORED = Question(
    "scored series",
    _VIEW,
    Scored,
    """
    SELECT resource_id, any_value(host_name), metric, series_id, detector, count(*), count(*) FILTER (is_anomaly),
        max(anomaly_score)
    FROM {table} WHERE event_time >= $start AND event_time < $end AND value IS NOT NULL
    GROUP BY resource_id, metric, series_id, detector ORDER BY 7 DESC, 8 DESC, resource_id, metric, series_id, detector
    """,
    made_by=_BY,
    base=_BASE,
    time_column="event_time",
)

POINTS = Question(
    "points of a series",
    _VIEW,
    Point,
    """
    SELECT event_time, value, expected, lower, upper, anomaly_score, is_anomaly
    FROM {table}
    WHERE event_time >= $start AND event_time < $end AND resource_id = $resource AND metric = $metric
        AND series_id = $series AND detector = $detector
    ORDER BY event_time
    """,
    made_by=_BY,
    base=_BASE,
    time_column="event_time",
)
