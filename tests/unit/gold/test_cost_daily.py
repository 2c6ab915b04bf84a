"""gold.cost_daily: what did each day cost, by whom and for what? And is it what the bill says, to the last digit?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from pipelines.gold.cost_daily import COSTS, DAILY, INVENTORY, TABLE, CostOptions, cost_daily
from pipelines.gold.cost_periods import charges_of
from pipelines.gold.current_costs import current_costs
from pipelines.gold.daily import Days, refresh
from pipelines.settings import Settings
from pipelines.tables import ensure_table, read_table
from tests.unit.gold.cost_rows import at, charge
from tests.unit.gold.silver_rows import frame

FIRST = date(2026, 9, 1)
SEPTEMBER = (at(FIRST), at(date(2026, 10, 1)))
YEAR = Days(date(2026, 1, 1), date(2027, 12, 31))


def on(day: int) -> date:
    return date(2026, 9, day)


def whole(day: int) -> tuple[datetime, datetime]:
    return at(on(day)), at(on(day)) + timedelta(days=1)


def hour(day: int, which: int) -> tuple[datetime, datetime]:
    return at(on(day), which), at(on(day), which + 1)


CHARGES: dict[str, list[dict[str, Any]]] = {
    "hours": [charge(*hour(3, 22), "0.1"), charge(*hour(3, 23), "0.2"), charge(*hour(4, 0), "0.4")],
    "month": [charge(*SEPTEMBER, "100.000000000000000001")],
    "from noon": [charge(at(on(10), 12), at(on(12), 12), "4", ListCost=Decimal("8"))],
    "no end": [charge(at(on(5)), None, "7"), charge(at(on(6)), at(on(6)), "8"), charge(at(on(7)), at(on(2)), "9")],
    "no real end": [charge(at(on(5)), datetime(9999, 12, 31, tzinfo=UTC), "7")],
    "no period": [charge(*whole(8), "1", BillingPeriodStart=None)],
    "no effective cost": [charge(*whole(8), "1", None)],
    "huge": [charge(*SEPTEMBER, "1", "12345678901234567890.000000000000000001")],
    "apart": [
        charge(*whole(9), "10"),
        charge(*whole(9), "-4", ChargeCategory="Credit"),
        charge(*whole(9), "-3", ChargeClass="Correction"),
        charge(*whole(9), "2", ChargeCategory="Tax"),
        charge(*whole(9), "50", "0", ChargeCategory="Purchase", PricingCategory="Committed"),
        charge(*whole(9), "0", "1", PricingCategory="Committed", CommitmentDiscountStatus="Unused"),
        charge(*whole(9), "10", BillingCurrency="EUR"),
    ],
    "alike": [charge(*whole(9), "0.000000000000000001"), charge(*whole(9), "0.000000000000000002")],
    "tagged": [
        charge(*whole(9), "1", Tags={"user:Env": "prod", "Team": "blue", "team2": "x", "App": "shop"}),
        charge(*whole(9), "2", Tags={"environment": " ", "env": "dev", "business-unit": "red", "Cost Center": "7"}),
        charge(*whole(9), "3", Tags={"Environment": "test", "env": "dev"}),
    ],
    "of the inventory": [
        charge(*whole(day), "1", resource_id="i-1", Tags={"env": "bill"} if day == 20 else None) for day in (1, 15, 20)
    ],
    "types": [
        charge(*whole(9), "1", ChargeDescription="$0.34 per On Demand Linux c5.2xlarge Instance Hour"),
        charge(*whole(9), "1", SkuMeter="D2s v3", ServiceName="Virtual Machines"),
        charge(*whole(9), "1", attributes={"AdditionalInfo": '{"ServiceType":"Standard_E8-4s_v5"}'}),
        charge(*whole(9), "1", SkuPriceDetails='{"InstanceType":"db.r6g.large"}'),
        charge(*whole(9), "1", ChargeDescription="$0.05 per GB-month of gp2 storage", SkuMeter="E10 LRS Disk"),
        charge(*whole(9), "1", ChargeDescription="t3.large tax", ChargeCategory="Tax"),
    ],
}  # fmt: skip
VERSIONS = [
    {"resource_id": "i-1", "valid_from": at(on(5)), "valid_to": at(on(15), 12), "owner": "ann", "tags": {"team": "a"}},
    {"resource_id": "i-1", "valid_from": at(on(15), 12), "owner": "bob", "tags": {"env": "tag", "team": "b"}},
    {"resource_id": "i-1", "valid_from": at(on(15), 12), "owner": "bob", "tags": {"env": "tag", "team": "b"}},
]


@pytest.fixture(scope="module")
def every(spark: SparkSession) -> DataFrame:
    """All scenarios, each in a billing account of its own."""
    return frame(spark, COSTS, [row | {"BillingAccountId": name} for name, rows in CHARGES.items() for row in rows])


@pytest.fixture(scope="module")
def found(spark: SparkSession, every: DataFrame) -> dict[str, list[Row]]:
    rows = cost_daily(charges_of(every, YEAR), frame(spark, INVENTORY, VERSIONS), YEAR, CostOptions()).collect()
    assert len({row.cost_id for row in rows}) == len(rows)
    by_day = sorted(rows, key=lambda row: row.day)
    return {name: [row for row in by_day if row.BillingAccountId == name] for name in CHARGES}


def test_what_did_each_day_cost_hours_are_added_up_by_the_day(found: dict[str, list[Row]]) -> None:
    assert [(row.day, row.BilledCost, row.EffectiveCost, row.charges) for row in found["hours"]] == [
        (on(3), Decimal("0.3"), Decimal("0.3"), 2),
        (on(4), Decimal("0.4"), Decimal("0.4"), 1),
    ]


def test_a_charge_of_a_month_is_billed_at_once_and_costs_a_part_of_it_every_day(found: dict[str, list[Row]]) -> None:
    rows = found["month"]

    assert [row.day for row in rows] == [on(day) for day in range(1, 31)]
    assert [row.BilledCost for row in rows if row.BilledCost] == [Decimal("100.000000000000000001")]
    assert sum(row.EffectiveCost for row in rows) == Decimal("100.000000000000000001")
    assert all(abs(row.EffectiveCost - Decimal(100) / 30) < Decimal("1e-15") for row in rows)
    assert [row.charges for row in rows] == [1] + [0] * 29


def test_a_day_that_is_charged_in_part_bears_its_part(found: dict[str, list[Row]]) -> None:
    assert [(row.day.day, row.BilledCost, row.EffectiveCost, row.ListCost) for row in found["from noon"]] == [
        (10, 4, 1, 2),
        (11, 0, 2, 4),
        (12, 0, 1, 2),
    ]


def test_a_charge_without_a_period_that_can_be_is_of_its_first_day(found: dict[str, list[Row]]) -> None:
    assert [(row.day.day, row.EffectiveCost) for row in found["no end"]] == [(5, 7), (6, 8), (7, 9)]
    assert [(row.day.day, row.EffectiveCost) for row in found["no real end"]] == [(5, 7)]
    assert [row.day.day for row in found["huge"]] == [1]
    assert [row.BillingPeriodStart.astimezone(UTC).month for row in found["no period"]] == [9]


def test_no_effective_cost_is_not_a_cost_of_nothing(found: dict[str, list[Row]]) -> None:
    assert [(row.BilledCost, row.EffectiveCost) for row in found["no effective cost"]] == [(1, None)]


def test_credits_refunds_taxes_and_currencies_stay_apart(found: dict[str, list[Row]]) -> None:
    kinds = {
        (row.ChargeCategory, row.ChargeClass, row.CommitmentDiscountStatus, row.BillingCurrency): (
            row.BilledCost,
            row.EffectiveCost,
        )
        for row in found["apart"]
    }

    assert kinds == {
        ("Usage", None, None, "USD"): (10, 10),
        ("Credit", None, None, "USD"): (-4, -4),
        ("Usage", "Correction", None, "USD"): (-3, -3),
        ("Tax", None, None, "USD"): (2, 2),
        ("Purchase", None, None, "USD"): (50, 0),
        ("Usage", None, "Unused", "USD"): (0, 1),
        ("Usage", None, None, "EUR"): (10, 10),
    }


def test_charges_that_are_alike_are_one_row(found: dict[str, list[Row]]) -> None:
    assert [(row.BilledCost, row.charges) for row in found["alike"]] == [(Decimal("3e-18"), 2)]


def test_whose_cost_it_is_is_told_by_tags_however_they_are_spelled(found: dict[str, list[Row]]) -> None:
    told = {
        int(row.BilledCost): (row.environment, row.team, row.application, row.cost_center) for row in found["tagged"]
    }

    assert told == {1: ("prod", "blue", "shop", None), 2: ("dev", "red", None, "7"), 3: ("test", None, None, None)}


def test_else_by_the_inventory_as_it_was_at_the_end_of_the_day(found: dict[str, list[Row]]) -> None:
    rows = found["of the inventory"]

    assert [(row.day.day, row.owner, row.environment, row.team) for row in rows] == [
        (1, "ann", None, "a"),  # before all that is known
        (15, "bob", "tag", "b"),
        (20, "bob", "bill", "b"),
    ]
    assert [row.BilledCost for row in rows] == [1, 1, 1]  # whatever the inventory has twice


def test_what_kind_of_machine_a_charge_is_for(found: dict[str, list[Row]]) -> None:
    assert {row.instance_type for row in found["types"]} == {
        "c5.2xlarge", "Standard_D2s_v3", "Standard_E8-4s_v5", "db.r6g.large", None,
    }  # fmt: skip


def test_the_days_of_a_billing_period_add_up_to_its_charges_exactly(
    every: DataFrame, found: dict[str, list[Row]]
) -> None:
    billed, effective = F.sum("BilledCost").alias("billed"), F.sum("EffectiveCost").alias("effective")
    bill = current_costs(every).groupBy("BillingAccountId").agg(billed, effective).collect()

    with localcontext(prec=60):
        for account in bill:
            rows = found[account.BillingAccountId]
            assert sum(row.BilledCost for row in rows) == account.billed
            assert sum(row.EffectiveCost or 0 for row in rows) == (account.effective or 0)
    assert len(bill) == len(CHARGES)


class Bills:
    """silver.costs and the table that is made of it."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark, self.settings = spark, settings
        for table in (COSTS, INVENTORY):
            ensure_table(spark, settings, table)

    def come(self, delivery: str, minute: int, *charges: dict[str, Any]) -> None:
        came = {"delivery_id": delivery, "kafka_timestamp": at(FIRST) + timedelta(days=60, minutes=minute)}
        rows = frame(self.spark, COSTS, [row | came for row in charges])
        rows.write.format("delta").mode("append").save(COSTS.path(self.settings))

    def refresh(self) -> list[tuple[date, date]]:
        return [(days.first, days.last) for days in refresh(self.spark, self.settings, DAILY)]

    @property
    def days(self) -> dict[date, Decimal]:
        rows = read_table(self.spark, self.settings, TABLE).groupBy("day").agg(F.sum("BilledCost").alias("billed"))
        return {row.day: row.billed for row in rows.orderBy("day").collect()}


def test_a_new_delivery_of_a_billing_period_makes_days_void_that_it_does_not_speak_of(
    spark: SparkSession, settings: Settings
) -> None:
    bills = Bills(spark, settings)
    october = charge(at(date(2026, 10, 2)), at(date(2026, 10, 3)), "5")
    bills.come("first", 0, charge(*whole(8), "1"), charge(*whole(9), "2"), charge(*whole(10), "3"), october)
    assert bills.refresh() == [(on(8), on(10)), (date(2026, 10, 2),) * 2]

    bills.come("second", 9, charge(*whole(9), "7"))

    assert bills.refresh() == [(on(8), on(10))]  # October has no news
    assert bills.days == {on(9): 7, date(2026, 10, 2): 5}
    assert bills.refresh() == []
