"""gold.spot_forecast: what an offer will cost, how likely it is taken back, and where to run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession

from pipelines.gold.spot_forecast import EVENTS, PRICES, TABLE, SpotOptions, write
from pipelines.settings import Settings
from pipelines.tables import Table, ensure_table, read_table

AS_OF = datetime(2026, 3, 16, 12, 20, tzinfo=UTC)
OPTIONS = SpotOptions(buckets=2)
LINUX = "Linux/UNIX"
Offers = dict[tuple[str, str], Row]


def price(instance_type: str, zone: str, hours_ago: float, usd: float) -> dict[str, Any]:
    return {
        "event_time": AS_OF - timedelta(hours=hours_ago), "instance_type": instance_type, "availability_zone": zone,
        "product_description": LINUX, "price": Decimal(f"{usd:.6f}"), "cloud_region": "eu-west-1",
    }  # fmt: skip


def event(hours_ago: float, **columns: Any) -> dict[str, Any]:
    return {"event_time": AS_OF - timedelta(hours=hours_ago), "source": "aws.eventbridge", **columns}


def launch(instance: str, instance_type: str, zone: str, hours_ago: float, lifecycle: str | None) -> dict[str, Any]:
    item = {"instanceId": instance, "instanceType": instance_type, "placement": {"availabilityZone": zone}}
    item |= {"instanceLifecycle": lifecycle} if lifecycle else {}
    answer = json.dumps({"instancesSet": {"items": [item]}})
    return event(hours_ago, action="RunInstances", category="audit", attributes={"responseElements": answer}) | {
        "source": "aws.cloudtrail"
    }


def warning(instance: str, hours_ago: float) -> dict[str, Any]:
    action = "EC2 Spot Instance Interruption Warning"
    return event(hours_ago, host_name=instance, category="interruption", action=action)


def walk(instance_type: str, zone: str) -> list[dict[str, Any]]:
    """Two weeks of a price that changes every hour by chance."""
    steps = np.random.default_rng(7).normal(0, 0.01, 14 * 24).cumsum()
    return [price(instance_type, zone, 14 * 24 - hour, 0.2 * np.exp(step)) for hour, step in enumerate(steps)]


ZONE_A, ZONE_B, ZONE_C = "eu-west-1a", "eu-west-1b", "eu-west-1c"
SPOT_PRICES = [
    price("m5.large", ZONE_A, 500, 0.040),
    price("m5.large", ZONE_A, 300, 0.040),
    price("m5.large", ZONE_B, 500, 0.030),
    price("m5.large", ZONE_B, 0.1, 0.039),
    price("m5.large", ZONE_C, 500, 0.0401),
    price("m5.2xlarge", ZONE_A, 500, 0.100),
    price("x1.metal", ZONE_A, 3, 1.0),
    *walk("c5.xlarge", ZONE_A),
]
HAPPENED = [
    launch("i-a1", "m5.large", ZONE_A, 100, "spot"),
    launch("i-a2", "m5.large", ZONE_A, 100, None),
    launch("i-b1", "m5.large", ZONE_B, 50, "spot"),
    warning("i-b1", 20),
    launch("i-c1", "m5.large", ZONE_C, 2000, "spot"),
    event(10, host_name="i-c1", category="interruption", action="EC2 Instance Rebalance Recommendation"),
    event(0, host_name="i-c1", category="state_change", action="EC2 Instance State-change Notification",
          attributes={"detail.state": "terminated"}),
    warning("i-unknown", 5),
    warning("i-b1", -5),
]  # fmt: skip


@pytest.fixture
def run(spark: SparkSession, settings: Settings) -> Callable[[], Offers]:
    def fill(table: Table, rows: list[dict[str, Any]]) -> None:
        ensure_table(spark, settings, table)
        filled = [tuple({**_COMMON, **row, "event_id": str(i)}.get(name) for name in table.column_names)
                  for i, row in enumerate(rows)]  # fmt: skip
        schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
        spark.createDataFrame(filled, schema).write.format("delta").mode("append").save(table.path(settings))

    fill(PRICES, SPOT_PRICES)
    fill(EVENTS, HAPPENED)

    def forecast() -> Offers:
        write(spark, settings, AS_OF, OPTIONS)
        rows = read_table(spark, settings, TABLE).collect()
        return {(row["instance_type"], row["availability_zone"]): row for row in rows}

    return forecast


_COMMON: dict[str, Any] = {
    "kafka_timestamp": AS_OF, "ingest_time": AS_OF, "source": "test", "resource_id": "r", "topic": "t", "partition": 0,
    "offset": 0, "item": 0, "part": 0, "category": "c", "action": "a",
}  # fmt: skip


def test_offers_are_priced_judged_and_ranked_and_a_second_run_gives_the_same_rows(run: Callable[[], Offers]) -> None:
    rows = run()
    steady, raised, third = (rows["m5.large", zone] for zone in (ZONE_A, ZONE_B, ZONE_C))
    big, walking, new = rows["m5.2xlarge", ZONE_A], rows["c5.xlarge", ZONE_A], rows["x1.metal", ZONE_A]
    assert len(rows) == 6

    # A price that holds is forecast to hold, by the last value.
    assert (steady["shown"], steady["model"], steady["price"], steady["vcpus"]) == ("naive", "Naive", 0.04, 2)
    for lead in (1, 6, 24, 168):
        assert steady[f"price_{lead}h"] == pytest.approx(0.04)
    assert (walking["shown"], walking["model"]) == ("naive", "Naive")
    widths = [walking[f"price_{lead}h_upper_80"] - walking[f"price_{lead}h_lower_80"] for lead in (1, 6, 24, 168)]
    assert widths == sorted(widths)
    assert widths[0] > 0

    # What has just changed is known, and counts as pressure where it is above what is usual.
    assert raised["price"] == pytest.approx(0.039)
    assert raised["price_pressure"] > 0.4 > steady["price_pressure"]

    # Rates: by the hours that spot instances ran until they were warned, terminated, or now.
    assert (steady["interruptions"], steady["instance_hours"]) == (0, pytest.approx(100))
    assert (raised["interruptions"], raised["instance_hours"]) == (1, pytest.approx(30))
    assert (third["interruptions"], third["rebalances"], third["instance_hours"]) == (0, 1, pytest.approx(2000))
    assert big["instance_hours"] == 0
    assert {row["unplaced_interruptions"] for row in rows.values()} == {1}
    risks = [row["interruption_risk_24h"] for row in (third, steady, big, raised)]
    assert risks == sorted(risks)
    assert 0 < risks[0] < risks[-1] < 1

    # Where to run: 0.0390 $ with an interruption costs more than 0.0400 $ without.
    assert [zone["rank_in_type"] for zone in (steady, third, raised)] == [1, 2, 3]
    assert big["rank_per_vcpu"] == 1
    assert (new["shown"], new["rank_in_type"], new["rank_per_vcpu"], new["vcpus"]) == ("none", None, None, None)
    assert new["reason"] == "only 3 steps of 60 minutes are known, 8 are needed"

    assert run() == rows
