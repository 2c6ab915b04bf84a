"""gold.cost_anomalies: which service costs more than usual for that weekday, and by how much?"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from pipelines.gold.cost_anomalies import AnomalyOptions, cost_anomalies
from pipelines.gold.cost_daily import TABLE as COSTS
from pipelines.gold.daily import Days
from tests.unit.gold.silver_rows import frame

TODAY = date(2026, 9, 30)
WEEKEND = 5


def cost(account: str, days_ago: int, amount: float | None, service: str = "Compute", **columns: Any) -> dict[str, Any]:
    return {
        "day": TODAY - timedelta(days=days_ago), "ProviderName": "AWS", "SubAccountId": account,
        "ServiceName": service, "BillingCurrency": "USD", "ChargeCategory": "Usage",
        "EffectiveCost": None if amount is None else Decimal(str(amount)), "BilledCost": Decimal(3), **columns,
    }  # fmt: skip


def weekly(account: str, weeks: int, today: float) -> list[dict[str, Any]]:
    """100 to 104 on weekdays, a tenth of it at weekends."""
    days = range(1, 7 * weeks + 1)
    usual = {ago: 100 + ago % 5 for ago in days}
    quiet = {ago for ago in days if (TODAY - timedelta(days=ago)).weekday() >= WEEKEND}
    past = [cost(account, ago, amount / 10 if ago in quiet else amount) for ago, amount in usual.items()]
    return [*past, cost(account, 0, today)]


CASES: dict[str, list[dict[str, Any]]] = {
    "as usual": weekly("as usual", 8, 104),
    "twice": weekly("twice", 8, 204),
    "nothing": weekly("nothing", 8, 0),
    "a weekend like a weekday": [
        cost("a weekend like a weekday", ago, 10 if ago in (10, 17, 24, 31) else 100) for ago in range(40)
    ],
    "two weeks known": weekly("two weeks known", 2, 500),
    "one bad week": [
        row | ({"EffectiveCost": Decimal(9000)} if row["day"] == TODAY - timedelta(days=7) else {})
        for row in weekly("one bad week", 8, 204)
    ],
    "days that did not come": [
        row for row in weekly("days that did not come", 8, 104)
        if row["day"] not in {TODAY - timedelta(days=7 * week) for week in (1, 2, 3, 4, 5)}
    ],
    "used again after weeks of nothing": [
        *weekly("used again after weeks of nothing", 8, 104),
        cost("used again after weeks of nothing", 0, 70, "Storage"),
        cost("used again after weeks of nothing", 50, 70, "Storage"),
    ],
    "cents": [cost("cents", ago, 0.9 if ago == 0 else 0.01) for ago in range(0, 57, 7)],
    "no effective cost": [cost("no effective cost", ago, None) for ago in range(0, 57, 7)],
    "a purchase": [cost("a purchase", 0, 900, ChargeCategory="Purchase"), *weekly("a purchase", 8, 104)],
    "no account": [row | {"SubAccountId": None} for row in weekly("no account", 8, 204)],
}  # fmt: skip


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str | None, list[Row]]:
    costs = frame(spark, COSTS, [row for rows in CASES.values() for row in rows])
    days = Days(TODAY - timedelta(days=3), TODAY)
    rows = cost_anomalies(costs, days, AnomalyOptions()).collect()
    assert len({row.anomaly_id for row in rows}) == len(rows)
    today = [row for row in rows if row.day == TODAY or row.sub_account_id == "a weekend like a weekday"]
    return {name: [row for row in today if (row.sub_account_id or "no account") == name] for name in CASES}


@pytest.mark.parametrize("name", ["twice", "one bad week", "no account"])
def test_a_cost_of_twice_the_usual_is_an_anomaly(found: dict[str, list[Row]], name: str) -> None:
    [row] = found[name]

    assert row.is_anomaly
    assert 100 <= row.expected_cost <= 104
    assert row.excess_cost == pytest.approx(204 - row.expected_cost)
    assert row.upper < 204


@pytest.mark.parametrize("name", ["as usual", "a purchase"])
def test_a_usual_cost_is_none(found: dict[str, list[Row]], name: str) -> None:
    [row] = found[name]

    assert (row.is_anomaly, row.excess_cost, row.weeks_known, row.effective_cost) == (False, 0, 8, 104)
    assert row.lower < 100 < 104 < row.upper


def test_a_weekend_is_held_against_weekends(found: dict[str, list[Row]]) -> None:
    is_anomaly = {row.day.weekday(): row.is_anomaly for row in found["a weekend like a weekday"]}

    assert is_anomaly == {6: True, 0: False, 1: False, 2: False}


def test_less_than_usual_is_below_the_band_and_no_anomaly(found: dict[str, list[Row]]) -> None:
    [row] = found["nothing"]

    assert (row.is_anomaly, row.excess_cost) == (False, 0)
    assert row.effective_cost < row.lower


def test_what_is_not_known_for_three_weeks_has_no_expectation(found: dict[str, list[Row]]) -> None:
    [row] = found["two weeks known"]

    assert (row.expected_cost, row.upper, row.is_anomaly, row.weeks_known) == (None, None, False, 2)


def test_days_that_did_not_come_are_not_days_of_no_cost(found: dict[str, list[Row]]) -> None:
    [row] = found["days that did not come"]

    assert (row.weeks_known, row.is_anomaly) == (3, False)
    assert 100 <= row.expected_cost <= 104


def test_a_service_that_costs_nothing_for_weeks_is_expected_to(found: dict[str, list[Row]]) -> None:
    [storage] = [row for row in found["used again after weeks of nothing"] if row.service_name == "Storage"]

    assert (storage.expected_cost, storage.is_anomaly, storage.excess_cost) == (0, True, 70)


def test_cents_are_no_anomaly_and_a_bill_without_effective_costs_is_judged_by_what_it_bills(
    found: dict[str, list[Row]],
) -> None:
    [cents], [billed] = found["cents"], found["no effective cost"]

    assert not cents.is_anomaly
    assert (billed.effective_cost, billed.expected_cost) == (3, 3)
