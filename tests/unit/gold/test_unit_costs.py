"""gold.unit_costs: what does one hour, one GB or one million requests cost?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession

from pipelines.gold.unit_costs import COSTS, USAGE, unit_costs
from tests.unit.gold.cost_rows import at
from tests.unit.gold.silver_rows import frame

DAY = date(2026, 9, 9)


def cost(resource: str | None, amount: str, quantity: int | None, unit: str | None, **columns: Any) -> dict[str, Any]:
    return {
        "day": DAY, "resource_id": resource, "BillingCurrency": "USD", "ChargeCategory": "Usage", "ServiceName": "EC2",
        "EffectiveCost": Decimal(amount), "ConsumedUnit": unit,
        "ConsumedQuantity": None if quantity is None else Decimal(quantity), **columns,
    }  # fmt: skip


def test_what_does_one_of_each_cost(spark: SparkSession) -> None:
    costs = [
        cost("i-1", "2", 10, "Hours"), cost("i-1", "1", 10, "Hrs"), cost("i-1", "4", 8, "GB", ServiceName="Transfer"),
        cost("i-1", "9", 1, "Hours", ChargeClass="Correction"), cost("i-1", "9", 1, "Hours", ChargeCategory="Credit"),
        cost("lb", "3", None, None), cost(None, "5", 2_000_000, "Requests"), cost("free", "0", 0, "Hours"),
        cost("odd", "6", 3, "Alarms"),
    ]  # fmt: skip
    usage = [
        {"day": DAY, "hour": at(DAY, hour), "resource_id": "arn:aws:ec2:r:7:instance/i-1", "network_bytes": 5e8}
        for hour in range(14)
    ] + [{"day": DAY, "hour": at(DAY), "resource_id": "LB", "requests": 500_000.0}]

    rows = unit_costs(frame(spark, COSTS, costs), frame(spark, USAGE, usage)).collect()

    assert len({row.unit_cost_id for row in rows}) == len(rows)
    assert {(row.machine, row.unit, row.volume_source): (row.volume, row.effective_cost, row.unit_cost)
            for row in rows} == {
        ("i-1", "hour", "bill"): (20, 3, 0.15),
        ("i-1", "GB", "bill"): (8, 4, 0.5),
        ("i-1", "hour on", "metrics"): (14, 7, 0.5),
        ("i-1", "GB of network traffic", "metrics"): (7, 7, 1),
        ("lb", "hour on", "metrics"): (1, 3, 3),
        ("lb", "million requests served", "metrics"): (0.5, 3, 6),
        (None, "million requests", "bill"): (2, 5, 2.5),
        ("odd", "Alarms", "bill"): (3, 6, 2),
    }  # fmt: skip
