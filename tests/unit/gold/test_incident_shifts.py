"""gold.incidents: is an anomaly of one series an incident, or a false alarm?

The detector of series calls out one point of a trouble and is quiet then. Each test asks what became of one such point
in an estate of hand-made rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zlib import crc32

import pytest
from pyspark.sql import SparkSession

from pipelines import routing
from pipelines.gold.daily import Days
from pipelines.gold.incidents import IncidentOptions, Told, incidents
from pipelines.gold.incidents.table import ALERTS, CHANGES, EVENTS, INVENTORY, SCORES
from tests.unit.gold.silver_rows import collected, frame

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
ELB = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/shop/1"
DISK = "/subscriptions/s1/resourcegroups/rg-data/providers/microsoft.compute/virtualmachines/db-1"
Band = tuple[float, float]


def at(hour: float, minute: float = 0) -> datetime:
    """Of Monday; Tuesday begins at hour 24."""
    return MIDNIGHT + timedelta(hours=hour, minutes=minute)


def series(
    resource: str, metric: str, first: datetime, values: Iterable[float], band: Band, **more: Any
) -> Iterator[dict[str, Any]]:
    """A value a minute, the first of them an anomaly, of which `band` was expected; of the others whatever is near."""
    for minute, value in enumerate(values):
        is_first = minute == 0
        lower, upper = (float(bound) for bound in (band if is_first else (value - 1, value + 1)))
        yield {
            "resource_id": resource, "detector": "univariate", "metric": metric, "namespace": "made",
            "series_id": crc32(f"{resource} {metric}".encode()), "event_time": first + timedelta(minutes=minute),
            "value": float(value), "expected": (lower + upper) / 2, "lower": lower, "upper": upper,
            "anomaly_score": 0.9 if is_first else 0.1, "is_anomaly": is_first, "top_contributors": [],
        } | more  # fmt: skip


def usual(resource: str, metric: str, first: datetime, values: Iterable[float]) -> Iterator[dict[str, Any]]:
    """The same, but that nothing is unusual."""
    for row in series(resource, metric, first, values, (0, 0)):
        yield row | {"is_anomaly": False, "anomaly_score": 0.1}


SCORE_ROWS = [
    # At 99 % from 10:00 for 38 minutes, with a breath in between; then as ever.
    *series("cpu", "% Processor Time", at(10), [99, 98, 99, 40, *[99] * 34, *[30] * 60], (20, 45)),
    # Five times as slow, now more, now less, for half an hour.
    *series(ELB, "TargetResponseTime", at(11), [0.5, 0.3, 0.9, 0.25, 0.6] * 6 + [0.1] * 60, (0.08, 0.13)),
    # A little less space every minute, and never more.
    *series(DISK, "% Free Space", at(12), [50 - minute / 2 for minute in range(90)], (50.5, 53)),
    # One high value, and the next is as ever.
    *series("lone", "% Processor Time", at(10), [99, *[30] * 60], (20, 45)),
    # It comes back, then goes out for two minutes more.
    *series("restless", "Response Time", at(13), [9, 2, 9, 2, 2, 2, 9, *[2] * 60], (1, 5)),
    # Counters stay where they are: a pod that began anew once, and what counts on a machine that did.
    *series("pod", "kube_pod_container_status_restarts_total", at(14), [13] * 60, (12, 12), namespace="prometheus"),
    *series("reset", "node_cpu_seconds_total", at(14), range(60), (1000, 1001), namespace="prometheus"),
    *usual("reset", "Total Bytes Received", at(13), range(1000, 1060)),
    *series("reset", "Total Bytes Received", at(14), range(60), (1059, 1061)),
    # Nothing is heard after it: who knows?
    *series("gone", "Queue Length", at(15), [900], (0, 10)),
    # It lasts over midnight.
    *series("late", "Queue Length", at(23, 50), [900] * 40 + [5] * 60, (0, 10)),
    # A new level that is there to stay: usual after four hours.
    *series("moved", "Memory", at(16), [70] * 400, (30, 40)),
]  # fmt: skip


def told(spark: SparkSession) -> Told:
    return Told(
        alerts=frame(spark, ALERTS, []),
        heartbeats=frame(spark, routing.HEARTBEATS, [{"resource_id": "other", "event_time": at(30)}]),
        scores=frame(spark, SCORES, SCORE_ROWS),
        events=frame(spark, EVENTS, []),
        changes=frame(spark, CHANGES, []),
        inventory=frame(spark, INVENTORY, []),
    )


def found_in(spark: SparkSession, first: date, last: date) -> dict[str, dict[str, Any]]:
    """By resource, of which each incident has one."""
    rows = collected(incidents(told(spark), Days(first, last), timedelta(minutes=5), IncidentOptions()))
    assert all(len(row["resource_ids"]) == 1 for row in rows)
    return {row["primary_resource_id"]: row for row in rows}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, dict[str, Any]]:
    return found_in(spark, MONDAY, TUESDAY)


def test_what_comes_back_at_once_or_only_counts_up_is_no_incident(found: dict[str, dict[str, Any]]) -> None:
    assert set(found) == {"cpu", ELB, DISK, "late", "moved"}


def test_a_cpu_is_saturated_until_when(found: dict[str, dict[str, Any]]) -> None:
    row = found["cpu"]

    assert (row["first_seen"], row["resolved_at"], row["status"]) == (at(10), at(10, 37), "resolved")
    assert row["title"] == "cpu: unusual % Processor Time for 37 min"
    assert (row["anomalies"], row["time_to_resolve_seconds"]) == (1, 37 * 60)


def test_a_service_answers_slowly_now_more_now_less(found: dict[str, dict[str, Any]]) -> None:
    row = found[ELB]

    assert (row["first_seen"], row["resolved_at"]) == (at(11), at(11, 29))
    assert row["causes"][0]["what"] == "unusual TargetResponseTime for 29 min"


def test_a_disk_fills_and_nobody_clears_it(found: dict[str, dict[str, Any]]) -> None:
    """The last that is known of it is of 13:29."""
    row = found[DISK]

    assert (row["first_seen"], row["last_seen"]) == (at(12), at(13, 29))


def test_a_new_level_is_usual_one_day(found: dict[str, dict[str, Any]]) -> None:
    assert (found["moved"]["resolved_at"], found["moved"]["status"]) == (at(20), "resolved")


def test_what_lasts_over_midnight_is_one_incident_and_the_same_whichever_day_is_worked_out(
    found: dict[str, dict[str, Any]], spark: SparkSession
) -> None:
    assert (found["late"]["day"], found["late"]["resolved_at"]) == (MONDAY, at(24, 29))

    assert found_in(spark, MONDAY, MONDAY) == found
    assert found_in(spark, TUESDAY, TUESDAY) == {}
