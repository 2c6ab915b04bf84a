"""One incident as gold tells it: what happened, what is likely to have caused it, and which alerts were sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.operations.query import connect, fetch, list_tables
from pipelines.settings import Settings

# The one that says most: alerted of, with the most to tell of its causes, of the worst severity, the newest.
_MOST_TELLING = """
SELECT incident_id, title, severity, status, started_at, detected_at, resolved_at, time_to_detect_seconds,
    primary_resource_id, causes, fingerprints
FROM gold.incidents
ORDER BY len(fingerprints) > 0 DESC, len(causes) DESC,
    list_position(['info', 'warning', 'critical', 'page'], severity) DESC NULLS LAST, started_at DESC
LIMIT 1"""
_COUNT = "SELECT count(*), count(*) FILTER (WHERE len(fingerprints) > 0) FROM gold.incidents"
_ALERTS = """
SELECT alert_name, state, transition_time, annotations['summary'] FROM gold.alerts
WHERE list_contains($fingerprints, fingerprint) AND state IN ('firing', 'resolved')
ORDER BY transition_time, alert_name"""


@dataclass(frozen=True)
class Cause:
    """`why`: what speaks for it, in words."""

    what: str
    resource_id: str
    at: datetime
    why: str


@dataclass(frozen=True)
class Told:
    """An alert of the incident that fired or was resolved."""

    name: str
    state: str
    at: datetime
    summary: str


@dataclass(frozen=True)
class Story:
    """Times are UTC; `resolved_at` is None while it goes on. Causes: the likeliest first."""

    title: str
    severity: str
    resource_id: str
    started_at: datetime
    detected_at: datetime
    resolved_at: datetime | None
    detect_seconds: float
    causes: tuple[Cause, ...]
    alerts: tuple[Told, ...]
    incidents: int
    alerted: int


def most_telling(settings: Settings) -> Story | None:
    """The incident of gold.incidents that there is most to tell of, alerted ones first; None if there is none.

    Raises QueryError if a table is not there yet.
    """
    tables = list_tables(settings)
    with connect(tables, "incidents alerts") as connection:
        return _tell(lambda sql, **parameters: fetch(connection, sql, tables, parameters=parameters).rows)


def _tell(ask: Callable[..., tuple[tuple[Any, ...], ...]]) -> Story | None:
    found = ask(_MOST_TELLING)
    if not found:
        return None
    _, title, severity, _, started, detected, resolved, seconds, resource, causes, fingerprints = found[0]
    ((incidents, alerted),) = ask(_COUNT)
    return Story(
        title,
        severity,
        resource,
        started,
        detected,
        resolved,
        seconds,
        tuple(Cause(one["what"], one["resource_id"], one["at"], one["why"]) for one in causes),
        tuple(Told(*row) for row in ask(_ALERTS, fingerprints=list(fingerprints))),
        incidents,
        alerted,
    )
