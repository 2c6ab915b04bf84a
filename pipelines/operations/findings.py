"""What the detectors found of what really happened: incidents of the truth against the alerts of silver.anomaly_scores.

An alert is a run of anomalies of one resource, of whichever of its series and detectors, with less than ten minutes
between one and the next. An incident is found by an alert of its resource that begins, or goes on, while it lasts. An
alert is right if its resource had an incident then, or up to ten minutes before, as what follows one is part of it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.operations.truth_file import AGENT_SILENT, Happened

METRIC_KINDS = ("cpu_saturation", "memory_leak", "disk_filling", "noisy_latency")
_AFTERMATH = timedelta(minutes=10)

ALERTS = """WITH said AS (
    SELECT resource_id, event_time, anomaly_score, metric FROM silver.anomaly_scores WHERE is_anomaly
), spaced AS (
    SELECT *, event_time - lag(event_time) OVER (PARTITION BY resource_id ORDER BY event_time) AS gap FROM said
), numbered AS (
    SELECT *, sum((gap IS NULL OR gap >= INTERVAL 10 MINUTE)::INT) OVER (
        PARTITION BY resource_id ORDER BY event_time ROWS UNBOUNDED PRECEDING
    ) AS alert FROM spaced
)
SELECT resource_id, min(event_time), max(event_time), max(anomaly_score), arg_max(metric, anomaly_score)
FROM numbered GROUP BY resource_id, alert ORDER BY 2, 1"""

# One point a time: of several disks the one that is named, of several series the first.
SERIES = """
SELECT s.event_time, s.value, s.expected, s.lower, s.upper, s.anomaly_score, s.is_anomaly, m.unit
FROM silver.anomaly_scores s JOIN silver.metrics m ON m.event_id = s.score_id
WHERE s.detector = 'univariate' AND s.resource_id = $resource AND s.metric = $metric
    AND ($instance IS NULL OR list_contains(map_values(m.dimensions), $instance))
QUALIFY row_number() OVER (PARTITION BY s.event_time ORDER BY s.series_id) = 1
ORDER BY s.event_time"""


@dataclass(frozen=True)
class Alert:
    resource_id: str
    start: datetime
    end: datetime
    score: float
    metric: str


@dataclass(frozen=True)
class Point:
    """One scored measurement; the band is None while the series is unknown."""

    time: datetime
    value: float
    expected: float | None
    lower: float | None
    upper: float | None
    score: float
    is_anomaly: bool
    unit: str | None


@dataclass(frozen=True)
class Finding:
    """An incident, the moment of the first anomaly of its resource while it lasted (None: missed), and its metric."""

    incident: Happened
    found_at: datetime | None
    points: tuple[Point, ...]

    @property
    def delay_seconds(self) -> float | None:
        return None if self.found_at is None else (self.found_at - self.incident.start).total_seconds()


@dataclass(frozen=True)
class Findings:
    """`alerts`: how many there were; `right`: those at an incident, be it an agent that fell silent."""

    each: tuple[Finding, ...]
    alerts: int
    right: int

    @property
    def found(self) -> int:
        return sum(finding.found_at is not None for finding in self.each)

    @property
    def recall(self) -> float | None:
        return self.found / len(self.each) if self.each else None

    @property
    def precision(self) -> float | None:
        return self.right / self.alerts if self.alerts else None

    @property
    def median_delay_seconds(self) -> float | None:
        delays = [finding.delay_seconds for finding in self.each if finding.delay_seconds is not None]
        return statistics.median(delays) if delays else None


def find(ask: Callable[..., tuple[tuple[Any, ...], ...]], incidents: tuple[Happened, ...]) -> Findings:
    """Hold the alerts against the incidents; `ask` answers SQL with rows."""
    alerts = tuple(Alert(*row) for row in ask(ALERTS))
    shown = [incident for incident in incidents if incident.kind in METRIC_KINDS]
    real = [*shown, *(incident for incident in incidents if incident.kind == AGENT_SILENT)]
    return Findings(
        each=tuple(Finding(incident, first_alert(incident, alerts), _points(ask, incident)) for incident in shown),
        alerts=len(alerts),
        right=sum(any(is_at(alert, incident) for incident in real) for alert in alerts),
    )


def first_alert(incident: Happened, alerts: tuple[Alert, ...]) -> datetime | None:
    """When the incident was first seen; its start if an alert was already going on."""
    moments = [max(alert.start, incident.start) for alert in alerts if _touches(alert, incident, timedelta(0))]
    return min(moments, default=None)


def is_at(alert: Alert, incident: Happened) -> bool:
    """Whether the alert is of the incident's resource, and of its time or what follows it."""
    return _touches(alert, incident, _AFTERMATH)


def _touches(alert: Alert, incident: Happened, aftermath: timedelta) -> bool:
    until = datetime.max if incident.end is None else incident.end + aftermath
    return alert.resource_id == incident.resource_id and alert.end >= incident.start and alert.start <= until


def _points(ask: Callable[..., tuple[tuple[Any, ...], ...]], incident: Happened) -> tuple[Point, ...]:
    rows = ask(SERIES, resource=incident.resource_id, metric=incident.metric, instance=incident.instance)
    return tuple(Point(*row) for row in rows)
