"""gold.incidents: what went wrong, on what, how was it noticed, and what most likely caused it?

One estate of hand-made rows, with several troubles in it; each test asks one question of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pipelines import routing
from pipelines.gold.daily import Days
from pipelines.gold.incidents import IncidentOptions, Told, incidents
from pipelines.gold.incidents.table import ALERTS, CHANGES, EVENTS, INVENTORY, SCORES, TABLE
from pipelines.views import view
from tests.unit.gold.silver_rows import collected, frame, wrong_types

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SILENT_AFTER = timedelta(minutes=5)
AZURE = "/subscriptions/s1/resourcegroups/{}/providers/microsoft.compute/virtualmachines/{}"
WEB = [AZURE.format("rg-shop", f"web-{number}") for number in (1, 2, 3)]
DB = AZURE.format("rg-data", "db-1")
NIGHT, QUIET, FAR, OPEN = (AZURE.format(f"rg-{name}", name) for name in ("night", "quiet", "far", "open"))
DEALLOCATE = "Microsoft.Compute/virtualMachines/deallocate/action"


def at(hour: float, minute: float = 0, second: float = 0) -> datetime:
    """Of Monday; Tuesday begins at hour 24."""
    return MIDNIGHT + timedelta(hours=hour, minutes=minute, seconds=second)


def beats(machine: str, *spans: tuple[datetime, datetime]) -> Iterator[dict[str, Any]]:
    """A heartbeat a minute, from the first time to the last."""
    for first, last in spans:
        for minute in range(int((last - first) / timedelta(minutes=1)) + 1):
            yield {"resource_id": machine, "event_time": first + timedelta(minutes=minute)}


def anomalies(machine: str, first: datetime, minutes: int, score: float, *metrics: str) -> Iterator[dict[str, Any]]:
    for minute in range(minutes):
        for metric in metrics:
            yield {
                "resource_id": machine, "metric": metric, "event_time": first + timedelta(minutes=minute),
                "anomaly_score": score, "is_anomaly": score >= 0.8, "top_contributors": [],
            }  # fmt: skip


def event(machine: str, moment: datetime, action: str, **more: Any) -> dict[str, Any]:
    return {"resource_id": machine, "event_time": moment, "category": "audit", "action": action} | more


def alert(name: str, state: str, moment: datetime, severity: str = "critical", **more: Any) -> dict[str, Any]:
    row = {"fingerprint": f"f-{name}", "alert_name": name, "state": state, "transition_time": moment}
    return row | {"active_since": moment, "severity": severity, "labels": {}, "annotations": {}} | more


HEARTBEATS = [
    *beats(WEB[0], (at(11), at(12, 3)), (at(12, 40), at(25))),
    *beats(WEB[1], (at(11), at(25))),
    *beats(NIGHT, (at(22), at(23, 50)), (at(24, 30), at(25))),
    *beats(OPEN, (at(20), at(24, 40))),
]
SCORES_ROWS = [
    # The siblings of web-1 take its requests.
    *anomalies(WEB[1], at(12, 4), 16, 0.9, "Response Time"),
    *anomalies(WEB[2], at(12, 5), 16, 0.97, "Response Time", "% Processor Time"),
    # A point, two minutes, and much that is usual: no incident.
    *anomalies(QUIET, at(9), 1, 0.99, "Response Time"),
    *anomalies(QUIET, at(15), 2, 0.9, "Response Time", "% Processor Time"),
    *anomalies(QUIET, at(16), 60, 0.5, "Response Time"),
    # In the same minutes as web-1, in another group; and before its alert db-1 has a point of its own.
    *anomalies(FAR, at(12, 4), 16, 0.9, "Queue Length"),
    *anomalies(DB, at(8, 57), 1, 0.85, "Disk Reads/sec"),
]
EVENT_ROWS = [
    event(WEB[0], at(12), DEALLOCATE, actor="ada@example.com", outcome="success"),
    event(WEB[0], at(12, 0, 20), DEALLOCATE, outcome="success"),  # the same act, told again
    event(WEB[0], at(12, 35), "Microsoft.Compute/virtualMachines/start/action", actor="bob@example.com"),
    event(WEB[2], at(12, 2), "Microsoft.Compute/virtualMachines/read", actor="monitor"),
    event(WEB[2], at(12, 2), "DescribeInstances", actor="monitor"),
    event(DB, at(8, 55), "Microsoft.Compute/virtualMachines/write", actor="eve", outcome="failure"),
    event("/subscriptions/s1/resourcegroups/rg-data", at(8, 50), "Microsoft.Resources/tags/write", actor="eve"),
    event(FAR, at(9), "Microsoft.Compute/virtualMachines/write", actor="long ago"),
]
CHANGE_ROWS = [
    {"resource_id": WEB[1], "event_time": at(11, 20), "event_id": str(number), "change_type": "Modified",
     "item_type": "software", "item_name": name, "field": "version", "old_value": "1.0", "new_value": "1.1"}
    for number, name in enumerate(("nginx", "openssl", "curl"))
]  # fmt: skip
ALERT_ROWS = [
    alert("DiskFull", "pending", at(9), resource_id=DB),
    alert(
        "DiskFull", "firing", at(9, 5), "page", resource_id=DB, active_since=at(9), annotations={"summary": "97 % used"}
    ),
    alert("DiskFull", "resolved", at(9, 20), "page", resource_id=DB, active_since=at(9)),
    alert("JustSaying", "firing", at(14), "info", resource_id=QUIET),
    alert("TooSlow", "firing", at(21), resource_id=OPEN),
]
INVENTORY_ROWS = [
    {"resource_id": machine, "valid_from": at(-99), "tags": {"service": "shop"}, "cloud_account_id": "s1",
     "cloud_region": "westeurope", "resource_group": "rg-shop"}
    for machine in WEB
]  # fmt: skip


def told(spark: SparkSession) -> Told:
    return Told(
        alerts=frame(spark, ALERTS, ALERT_ROWS),
        heartbeats=frame(spark, routing.HEARTBEATS, HEARTBEATS),
        scores=frame(spark, SCORES, SCORES_ROWS),
        events=frame(spark, EVENTS, EVENT_ROWS),
        changes=frame(spark, CHANGES, CHANGE_ROWS),
        inventory=frame(spark, INVENTORY, INVENTORY_ROWS),
    )


def found_in(spark: SparkSession, first: date, last: date) -> dict[str, dict[str, Any]]:
    """By the name of the machine with the first symptom."""
    found = incidents(told(spark), Days(first, last), SILENT_AFTER, IncidentOptions())
    assert wrong_types(found, TABLE) == {}
    rows = collected(found)
    named = {row["title"].partition(":")[0]: row for row in rows}
    assert len(named) == len(rows)
    return named


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, dict[str, Any]]:
    return found_in(spark, MONDAY, TUESDAY)


@pytest.fixture(scope="module")
def shop(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return found["web-1"]


def test_what_belongs_together_is_one_incident_and_a_single_point_is_none(found: dict[str, dict[str, Any]]) -> None:
    assert set(found) == {"web-1", "far", "db-1", "night", "open"}
    assert found["web-1"]["resource_ids"] == WEB
    assert found["far"]["resource_ids"] == [FAR]


def test_a_machine_that_somebody_stopped_why_did_it_fall_silent(shop: dict[str, Any]) -> None:
    first, second, *_ = shop["causes"]

    assert (first["rank"], first["kind"], first["resource_id"], first["at"]) == (1, "event", WEB[0], at(12))
    assert first["what"] == f"{DEALLOCATE} by ada@example.com"
    assert first["why"] == "3 min before the first symptom, on the same resource"
    assert second["kind"] == "silence"
    assert second["why"] == "the first symptom"
    assert (shop["primary_resource_id"], shop["service"], shop["cloud_account_id"]) == (WEB[0], "shop", "s1")


def test_an_incident_in_a_sentence(shop: dict[str, Any]) -> None:
    assert shop["title"] == (
        "web-1: silent for 37 min; 2 more resources of shop; likely cause: "
        f"{DEALLOCATE} by ada@example.com, 3 min before the first symptom, on the same resource"
    )


def test_when_did_it_begin_when_was_it_noticed_when_was_it_over(shop: dict[str, Any]) -> None:
    """The last heartbeat is of 12:03; at 12:04 a sibling's latency is unusual; web-1 is back at 12:40."""
    assert (shop["started_at"], shop["detected_at"], shop["resolved_at"]) == (at(12, 3), at(12, 4), at(12, 40))
    assert (shop["time_to_detect_seconds"], shop["time_to_resolve_seconds"]) == (60, 37 * 60)
    assert (shop["first_seen"], shop["last_seen"], shop["day"]) == (at(12, 3), at(12, 40), MONDAY)
    assert (shop["status"], shop["severity"]) == ("resolved", "critical")


def test_what_is_there_to_prove_it(shop: dict[str, Any]) -> None:
    assert {name: shop[name] for name in ("alerts", "anomalies", "silences", "events", "changes")} == {
        "alerts": 0, "anomalies": 2, "silences": 1, "events": 2, "changes": 1,
    }  # fmt: skip
    said = [(one["kind"], one["what"]) for one in shop["evidence"]]
    assert said[0] == ("change", "modified software nginx: version 1.0 → 1.1 and 2 more")
    assert said[1:4] == [
        ("event", f"{DEALLOCATE} by ada@example.com"),
        ("silence", "silent for 37 min"),
        ("anomaly", "unusual Response Time in 16 min"),
    ]
    assert [one["at"] for one in shop["evidence"]] == sorted(one["at"] for one in shop["evidence"])


def test_causes_are_ranked_by_what_where_and_when(shop: dict[str, Any]) -> None:
    """An update 43 minutes before counts little, and a start after the first symptom is a consequence."""
    score = {(one["kind"], one["what"].partition(" by ")[0]): one["score"] for one in shop["causes"]}

    assert score["event", DEALLOCATE] == pytest.approx(2 ** (-3 / 15), abs=1e-3)
    assert score["change", "modified software nginx: version 1.0 → 1.1 and 2 more"] == pytest.approx(
        2 ** (-43 / 15), abs=1e-3
    )
    assert score["silence", "silent for 37 min"] == 0.35
    assert score["event", "Microsoft.Compute/virtualMachines/start/action"] == 0.1
    assert [one["score"] for one in shop["causes"]] == sorted(score.values(), reverse=True)
    assert [one["rank"] for one in shop["causes"]] == list(range(1, len(score) + 1))


def test_an_alert_began_when_its_condition_was_true_and_a_weak_sign_may_have_been_before(
    found: dict[str, dict[str, Any]],
) -> None:
    row = found["db-1"]

    assert (row["started_at"], row["detected_at"], row["resolved_at"]) == (at(8, 57), at(9, 5), at(9, 20))
    assert (row["severity"], row["alerts"], row["anomalies"], row["fingerprints"]) == ("page", 1, 1, ["f-DiskFull"])
    assert ("alert", "alert DiskFull: 97 % used") in [(one["kind"], one["what"]) for one in row["evidence"]]


def test_an_act_that_failed_is_half_a_cause_and_one_on_the_group_is_near(found: dict[str, dict[str, Any]]) -> None:
    by_actor = {one["what"].rpartition(" ")[0]: one for one in found["db-1"]["causes"] if one["kind"] == "event"}
    failed, on_group = (
        by_actor["Microsoft.Compute/virtualMachines/write by"],
        by_actor["Microsoft.Resources/tags/write by"],
    )

    assert failed["score"] == pytest.approx(0.5 * 2 ** (-2 / 15), abs=1e-3)
    assert on_group["score"] == pytest.approx(0.8 * 2 ** (-7 / 15), abs=1e-3)
    assert on_group["why"] == "7 min before the first symptom, on its host or what it is part of"


def test_what_was_hours_before_is_no_cause(found: dict[str, dict[str, Any]]) -> None:
    assert [one["kind"] for one in found["far"]["causes"]] == ["anomaly"]


def test_an_incident_is_open_as_long_as_an_alert_fires(found: dict[str, dict[str, Any]]) -> None:
    row = found["open"]

    assert (row["status"], row["resolved_at"], row["time_to_resolve_seconds"]) == ("open", None, None)
    assert row["last_seen"] == at(25)  # the newest that is known of anything
    assert (row["alerts"], row["silences"]) == (1, 1)  # it fell silent at last


def test_an_incident_belongs_to_the_day_on_which_it_began(
    found: dict[str, dict[str, Any]], spark: SparkSession
) -> None:
    """The next day, worked out alone, does not have it again."""
    assert (found["night"]["day"], found["night"]["resolved_at"]) == (MONDAY, at(24, 30))

    assert found_in(spark, TUESDAY, TUESDAY) == {}


def test_how_long_did_it_take_in_a_month_to_detect_and_to_resolve(
    found: dict[str, dict[str, Any]], spark: SparkSession
) -> None:
    """Five incidents, one of them still open. Spark and DuckDB agree."""
    names = ("day", "severity", "status", "time_to_detect_seconds", "time_to_resolve_seconds")
    some = pd.DataFrame([{name: row[name] for name in names} for row in found.values()])
    frame(spark, TABLE, found.values()).createOrReplaceTempView("given_incidents")
    query = view("gold.incident_months").sql("given_incidents")
    from_spark = {row["severity"]: row.asDict() for row in spark.sql(query).collect()}
    with duckdb.connect() as connection:
        connection.register("given_incidents", some)
        columns = [name for name, *_ in connection.sql(query).description]
        from_duckdb = {row[1]: dict(zip(columns, row, strict=True)) for row in connection.sql(query).fetchall()}

    assert from_spark.keys() == from_duckdb.keys() == {"all", "page", "critical", "warning"}
    every = from_spark["all"]
    assert (every["month"], every["incidents"], every["still_open"]) == (date(2026, 3, 1), 5, 1)
    assert every["mean_time_to_detect_seconds"] == pytest.approx((60 + 0 + 480 + 300 + 0) / 5)
    assert every["median_time_to_detect_seconds"] == 60
    assert every["mean_time_to_resolve_seconds"] == pytest.approx(60 * (37 + 16 + 23 + 40) / 4)
    for severity, row in from_duckdb.items():
        assert row["mean_time_to_detect_seconds"] == pytest.approx(from_spark[severity]["mean_time_to_detect_seconds"])
        assert row["incidents"] == from_spark[severity]["incidents"]
