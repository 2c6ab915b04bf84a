"""Restated periods: of each, what the provider last said, whatever was repeated, late, or dropped as a duplicate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from pipelines.gold.current_costs import VIEW, current_costs
from pipelines.views import view

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)
MONTH = datetime(2026, 9, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A row of silver.costs, with the columns that the view looks at; `minute` is when it came."""

    charge: str
    amount: int
    minute: int
    delivery: str | None = None
    account: str = ""
    export: str = "finops.costs"
    dataset: str | None = None
    category: str = "Usage"
    pricing: str = "Standard"
    month: datetime | None = MONTH
    value: int | None = None  # rows of one Kafka value have the same

    def columns(self, place: int) -> dict[str, Any]:
        event = f"{self.account} {self.charge} {self.amount} {self.delivery} {self.dataset}"
        return {
            "event_id": event, "source": "focus", "dataset": self.dataset, "ProviderName": "AWS",
            "BillingAccountId": self.account, "BillingPeriodStart": self.month,
            "ChargePeriodStart": MONTH + timedelta(days=3), "ChargeCategory": self.category,
            "PricingCategory": self.pricing, "export_id": self.export, "delivery_id": self.delivery,
            "charge_id": self.charge, "kafka_timestamp": NOON + timedelta(minutes=self.minute), "topic": "finops.costs",
            "partition": 0, "offset": place if self.value is None else 10_000 + self.value, "item": 0, "part": place,
            "BilledCost": Decimal(self.amount),
        }  # fmt: skip


def named(*rows: tuple[str, int], minute: int, delivery: str) -> list[Row]:
    return [Row(charge, amount, minute, delivery) for charge, amount in rows]


COMMITMENT = {"category": "Purchase", "pricing": "Committed"}
FIRST = named(("a", 1), ("b", 2), ("gone", 3), minute=0, delivery="run 1")
SECOND = named(("a", 10), ("b", 2), minute=60, delivery="run 2")
# What came, in rows of silver → the amounts that count.
SCENARIOS: dict[str, tuple[list[Row], list[int]]] = {
    "one delivery": (FIRST, [1, 2, 3]),
    "a restated period has the new amounts and not the line that was removed": ([*FIRST, *SECOND], [2, 10]),
    "a late repeat of the old delivery changes nothing": (
        [*FIRST, *SECOND, *(replace(row, minute=5000) for row in FIRST)], [2, 10],
    ),
    "a late rest of the old delivery changes nothing": (
        [*FIRST, *SECOND, Row("never came", 7, 70, "run 1")], [2, 10],
    ),
    "a repeat within the delivery counts once": ([*FIRST, *(replace(row, minute=9) for row in FIRST)], [1, 2, 3]),
    "charges that are alike in one delivery both count": ([*FIRST, Row("a", 5, 1, "run 1")], [1, 2, 3, 5]),
    "a delivery in many values is one": (
        [replace(row, minute=place, value=place) for place, row in enumerate(FIRST)], [1, 2, 3],
    ),
    "back to the old amounts": ([*FIRST, *SECOND, *named(("a", 1), ("b", 2), minute=90, delivery="run 3")], [1, 2]),
    "another month stays": (
        [*FIRST, replace(FIRST[0], month=MONTH - timedelta(days=31), amount=9), *SECOND], [2, 9, 10],
    ),
    "another export stays": ([*FIRST, Row("x", 8, 5, "run 9", export="other"), *SECOND], [2, 8, 10]),
    "without a name, the later row of a charge replaces the earlier": (
        [Row("a", 1, 0), Row("b", 2, 0), Row("a", 10, 60)], [2, 10],
    ),
    "without a name, a late repeat of the old row changes nothing": (
        [Row("a", 1, 0), Row("a", 10, 60), Row("a", 1, 5000)], [10],
    ),
    "without a name, charges that are alike in one value both count": (
        [Row("a", 1, 0, value=1), Row("a", 2, 0, value=1)], [1, 2],
    ),
    "without a name, a restated row that was dropped as a duplicate still counts": (
        [Row("a", 1, 0), Row("b", 2, 0), Row("b", 3, 60)], [1, 3],
    ),
    "a named delivery replaces what came before it without a name": (
        [Row("a", 1, 0), Row("old", 4, 0), *SECOND], [2, 10],
    ),
    "what comes after it without a name counts too": ([*SECOND, Row("late", 4, 90)], [2, 4, 10]),
    "without a billing period, the month is that of the charge": (
        [replace(row, month=None) for row in (*FIRST, *SECOND)], [2, 10],
    ),
    "actual adds to amortized its purchases of commitments": (
        [Row("a", 1, 0, dataset="amortized"), Row("a", 1, 1, dataset="actual"),
         Row("p", 9, 1, dataset="actual", **COMMITMENT)], [1, 9],
    ),
    "actual alone counts whole": (
        [Row("a", 1, 0, dataset="actual"), Row("p", 9, 1, dataset="actual", **COMMITMENT)], [1, 9],
    ),
}  # fmt: skip


def rows() -> list[dict[str, Any]]:
    every = [replace(row, account=name) for name, (some, _) in SCENARIOS.items() for row in some]
    return [row.columns(place) for place, row in enumerate(every)]


def by_duckdb(spark: SparkSession) -> list[tuple[str, int]]:
    with duckdb.connect(":memory:") as connection:
        connection.register("arrived", pa.Table.from_pylist(rows()))
        connection.execute("SET TimeZone = 'UTC'; CREATE VIEW costs AS SELECT * FROM arrived")
        found = connection.execute(f"SELECT BillingAccountId, BilledCost FROM ({view(VIEW).sql('costs')})").fetchall()
    return [(account, int(amount)) for account, amount in found]


def by_spark(spark: SparkSession) -> list[tuple[str, int]]:
    found = current_costs(spark.createDataFrame(pa.Table.from_pylist(rows()))).collect()
    return [(row["BillingAccountId"], int(row["BilledCost"])) for row in found]


@pytest.mark.parametrize("ask", [by_duckdb, by_spark])
def test_what_counts_of_all_that_came(ask: Callable[[SparkSession], list[tuple[str, int]]], request: Any) -> None:
    found = ask(request.getfixturevalue("spark") if ask is by_spark else None)  # type: ignore[arg-type]

    counted = {name: sorted(amount for account, amount in found if account == name) for name in SCENARIOS}
    assert counted == {name: amounts for name, (_, amounts) in SCENARIOS.items()}
