"""gold.resource_health: was each resource there, how long not, what was wrong with it, and what did that cost?

One estate of hand-made silver rows, two days of it; each test asks one question of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipelines import routing
from pipelines.gold.daily import Days
from pipelines.gold.resource_health import INVENTORY, SCORES, TABLE, HealthOptions, Observed, resource_health
from pipelines.gold.signs_of_life import SilenceRule
from pipelines.tables import contract
from pipelines.views import view
from tests.unit.gold.silver_rows import collected, frame, wrong_types

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 1440
RULE = SilenceRule(silent_minutes=5)
OPTIONS = HealthOptions(slo_target=0.99)
Rows = dict[tuple[date, str], dict[str, Any]]


def beats(machine: str, *minutes: range) -> Iterator[dict[str, Any]]:
    """A heartbeat half a minute into each of these minutes of Monday (Tuesday begins at 1440)."""
    for span in minutes:
        for minute in span:
            yield {"resource_id": machine, "event_time": MIDNIGHT + timedelta(minutes=minute, seconds=30)}


def score(machine: str, minute: int, score: float, metric: str = "Response Time", **more: Any) -> dict[str, Any]:
    row = {"resource_id": machine, "event_time": MIDNIGHT + timedelta(minutes=minute), "metric": metric}
    return row | {"anomaly_score": score, "is_anomaly": score >= 0.8, "top_contributors": []} | more


def version(machine: str, days: float, **facts: Any) -> dict[str, Any]:
    return {"resource_id": machine, "valid_from": MIDNIGHT + timedelta(days=days), **facts}


HEARTBEATS = [
    *beats("steady", range(2 * DAY)),
    *beats("twice there", range(2 * DAY), range(2 * DAY)),  # a repeat is no second minute
    *beats("gap", range(600), range(610, 2 * DAY)),
    *beats("short gap", range(600), range(604, 2 * DAY)),
    *beats("gap over midnight", range(DAY - 30), range(DAY + 20, 2 * DAY)),
    *beats("gone", range(1000)),
    *beats("gone long ago", range(-3 * DAY, -3 * DAY + 100)),
    *beats("forgotten", range(-8 * DAY, -8 * DAY + 100)),
    *beats("new", range(DAY + 720, 2 * DAY)),
    *beats("busy", range(2 * DAY)),
    *beats("full", range(2 * DAY)),
]
METRICS = [
    *beats("hourly", range(0, 2 * DAY, 60)),
    *beats("hourly gap", range(0, 300, 60), range(480, 2 * DAY, 60)),
    *beats("once", range(700, 701)),
    *beats("measured before", range(-DAY, -DAY + 700)),
]
# Ten minutes of one signal, worse ones for one minute, and much that is no anomaly.
WRONG = [
    *(score("busy", minute, 0.85) for minute in range(DAY + 1000, DAY + 1010)),
    score("busy", DAY + 1005, 0.9, "host", top_contributors=["Disk Reads/sec", "Response Time"]),
    *(score("busy", minute, 0.3) for minute in range(0, 2 * DAY, 10)),
    *(score("full", minute, 0.1, "% Used Memory", value=99.0) for minute in range(2 * DAY - 20, 2 * DAY)),
    *(score("full", minute, 0.1, "% Used Memory", value=94.0) for minute in range(2 * DAY - 40, 2 * DAY - 20)),
]
INVENTORY_ROWS = [
    version("steady", -9, tags={"App": "shop", "env": "test"}, owner="ada", cloud_provider="azure"),
    version("steady", 1.5, tags={"Service": "checkout", "app": "shop", "env": "prod"}, owner="bob"),
    version("gap", 1.9, resource_group="rg-data", cloud_region="westeurope"),
    version("short gap", -9, k8s_namespace_name="web", resource_group="rg-nodes"),
    version("gone", -9, resource_group="rg-data"),
]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Rows:
    observed = Observed(
        frame(spark, routing.HEARTBEATS, HEARTBEATS),
        frame(spark, routing.METRICS, METRICS),
        frame(spark, SCORES, WRONG),
        frame(spark, INVENTORY, INVENTORY_ROWS),
    )
    health = resource_health(observed, Days(MONDAY, TUESDAY), RULE, OPTIONS)
    assert wrong_types(health, TABLE) == {}
    rows = collected(health)
    return {(row["day"], row["resource_id"]): row for row in rows}


def test_is_there_one_row_a_resource_and_day(found: Rows, spark: SparkSession) -> None:
    names = {row["resource_id"] for row in HEARTBEATS + METRICS} - {"forgotten", "new", "once", "measured before"}

    assert set(found) == {(day, name) for day in (MONDAY, TUESDAY) for name in names} | {
        (TUESDAY, "new"), (MONDAY, "once"), (TUESDAY, "once"), (MONDAY, "measured before"),
    }  # fmt: skip
    assert contract("gold.resource_health") == TABLE


def test_was_a_resource_with_a_heartbeat_a_minute_there_all_day(found: Rows) -> None:
    for name in ("steady", "twice there", "short gap"):
        row = found[MONDAY, name]
        assert (row["state"], row["availability_ratio"], row["downtime_seconds"]) == ("healthy", 1.0, 0.0)
        assert (row["expected_seconds"], row["usual_interval_seconds"]) == (86_400, 60)
    assert found[MONDAY, "steady"]["as_of"] == MIDNIGHT + timedelta(days=1)


def test_how_long_was_a_resource_not_heard(found: Rows) -> None:
    row = found[MONDAY, "gap"]

    assert (row["state"], row["downtime_seconds"]) == ("healthy", 600)  # of 610 minutes the last ten
    assert row["availability_ratio"] == pytest.approx(1 - 10 / DAY)
    assert (row["first_heard"], row["last_heard"]) == (MIDNIGHT, MIDNIGHT + timedelta(minutes=DAY - 1))


def test_what_is_left_of_the_error_budget(found: Rows) -> None:
    row = found[MONDAY, "gap"]

    assert row["error_budget_seconds"] == pytest.approx(864)  # 1 % of the day
    assert row["error_budget_burned_ratio"] == pytest.approx(600 / 864)
    assert row["burn_rate"] == pytest.approx(600 / 864)  # the day is over, so both are the same
    assert found[MONDAY, "gone"]["error_budget_burned_ratio"] == pytest.approx(440 * 60 / 864)


def test_a_silence_over_midnight_counts_on_each_day_for_its_part(found: Rows) -> None:
    before, after = found[MONDAY, "gap over midnight"], found[TUESDAY, "gap over midnight"]

    assert (before["state"], before["downtime_seconds"]) == ("unavailable", 30 * 60)
    assert (after["state"], after["downtime_seconds"]) == ("healthy", 20 * 60)


def test_a_machine_that_fell_silent_is_missed_on_the_days_after(found: Rows) -> None:
    first, second, third = found[MONDAY, "gone"], found[TUESDAY, "gone"], found[TUESDAY, "gone long ago"]

    assert (first["state"], first["downtime_seconds"]) == ("unavailable", 440 * 60)
    for row in (second, third):
        assert (row["state"], row["availability_ratio"], row["first_heard"]) == ("unavailable", 0.0, None)
    assert third["last_heard"] == MIDNIGHT + timedelta(minutes=-3 * DAY + 99)


def test_a_new_resource_is_expected_from_when_it_was_first_heard(found: Rows) -> None:
    row = found[TUESDAY, "new"]

    assert (row["expected_seconds"], row["availability_ratio"]) == (43_200, 1.0)
    assert row["error_budget_seconds"] == pytest.approx(432)


def test_a_resource_that_reports_by_the_hour_is_not_down_between(found: Rows) -> None:
    assert found[MONDAY, "hourly"]["availability_ratio"] == 1.0
    assert found[MONDAY, "hourly"]["usual_interval_seconds"] == 3600
    assert found[MONDAY, "hourly gap"]["downtime_seconds"] == 239 * 60  # heard at minutes 240 and 480


def test_nobody_knows_when_a_resource_is_due_that_was_heard_once(found: Rows) -> None:
    row = found[MONDAY, "once"]

    assert (row["state"], row["availability_ratio"], row["burn_rate"]) == ("unknown", None, None)


def test_what_was_wrong_with_it_and_for_how_long(found: Rows) -> None:
    row = found[TUESDAY, "busy"]

    assert (row["anomalies"], row["degraded_seconds"], row["worst_signal"]) == (11, 600, "Disk Reads/sec")
    assert row["state"] == "healthy"  # that was hours before the end of the day
    assert found[MONDAY, "busy"]["worst_signal"] is None


def test_a_full_memory_degrades_without_any_anomaly(found: Rows) -> None:
    row = found[TUESDAY, "full"]

    assert (row["state"], row["anomalies"], row["degraded_seconds"]) == ("degraded", 0, 1200)
    assert row["worst_signal"] == "% Used Memory"


def test_whose_it_was_on_that_day(found: Rows) -> None:
    names = ("service", "environment", "owner", "cloud_provider")

    assert [found[MONDAY, "steady"][name] for name in names] == ["shop", "test", "ada", "azure"]
    assert [found[TUESDAY, "steady"][name] for name in names] == ["checkout", "prod", "bob", None]
    assert found[MONDAY, "gap"]["service"] == "rg-data"  # described a day later only
    assert found[MONDAY, "short gap"]["service"] == "web"
    assert found[MONDAY, "hourly"]["service"] is None


def test_a_day_that_is_not_over_is_judged_up_to_the_newest_sign_of_life(spark: SparkSession) -> None:
    heard = [*beats("there", range(120)), *beats("silent", range(100)), *beats("late", range(118))]
    observed = Observed(
        frame(spark, routing.HEARTBEATS, heard),
        *(frame(spark, table, []) for table in (routing.METRICS, SCORES, INVENTORY)),
    )

    rows = collected(resource_health(observed, Days(MONDAY, TUESDAY), RULE, OPTIONS))

    assert {row["resource_id"]: (row["state"], row["downtime_seconds"]) for row in rows} == {
        "there": ("healthy", 0), "silent": ("unavailable", 1200), "late": ("healthy", 0),
    }  # fmt: skip
    assert {row["as_of"] for row in rows} == {MIDNIGHT + timedelta(hours=2)}
    (silent,) = [row for row in rows if row["resource_id"] == "silent"]
    assert silent["burn_rate"] == pytest.approx(20 / 120 / 0.01)
    assert silent["error_budget_burned_ratio"] == pytest.approx(1200 / 864)


def test_how_available_was_a_service(found: Rows, spark: SparkSession) -> None:
    """Of rg-data one machine was away for ten minutes, another for 440."""
    frame(spark, TABLE, found.values()).createOrReplaceTempView("hand_made_health")

    rows = spark.sql(view("gold.service_health").sql("hand_made_health")).where("service = 'rg-data'")
    (monday,) = rows.where("day = DATE'2026-03-02'").collect()

    assert (monday["resources"], monday["healthy"], monday["unavailable"]) == (2, 1, 1)
    assert monday["availability_ratio"] == pytest.approx(1 - 450 / 2880)
    assert monday["error_budget_burned_ratio"] == pytest.approx(450 / 28.8)
    assert monday["burn_rate"] == pytest.approx(450 / 28.8)
