"""gold.rightsizing and gold.savings: which machine is the wrong size, and what would it save to change that?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from pipelines.gold.cost_daily import INVENTORY
from pipelines.gold.cost_daily import TABLE as COSTS
from pipelines.gold.daily import Days
from pipelines.gold.rightsizing import SPOT, RightsizingOptions, rightsizing
from pipelines.gold.savings import SavingsOptions, savings
from pipelines.gold.usage_hourly import METRICS, usage_hourly
from tests.unit.gold.cost_rows import at
from tests.unit.gold.silver_rows import frame

MONDAY = date(2026, 8, 31)
TODAY = MONDAY + timedelta(days=13)
AZURE = "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines"
Load = Callable[[int, int], float]  # day of the week (Monday 0) and hour → percent


def always(percent: float) -> Load:
    return lambda _weekday, _hour: percent


def office(weekday: int, hour: int) -> float:
    return 50.0 if weekday < 5 and 8 <= hour < 18 else 1.0


@dataclass(frozen=True)
class Machine:
    """`cost`: of a day, for running it 24 hours."""

    resource: str
    type: str | None
    cpu: Load
    memory: float | None = None
    network: float | None = None
    days: int = 14
    cost: str | None = "2.4"
    billed_as: str | None = None
    tags: dict[str, str] | None = None
    columns: tuple[tuple[str, Any], ...] = ()


MACHINES = {
    "idle": Machine("arn:aws:ec2:eu-west-1:7:instance/i-1", "t3.large", always(2), network=1e5, billed_as="i-1"),
    "talks": Machine("i-2", "t3.large", always(2), memory=30, network=1e9),
    "two sizes": Machine("i-3", "m5.2xlarge", always(10), memory=15),
    "memory not measured": Machine(f"{AZURE}/a", "Standard_D8s_v5", always(10), billed_as=f"{AZURE}/A"),
    "memory full": Machine("i-5", "t3.large", always(20), memory=70),
    "busy": Machine("i-6", "t3.large", always(90)),
    "at its size": Machine("i-7", "t3.large", always(50), memory=50),
    "young": Machine("i-8", "t3.large", always(1), days=6),
    "office": Machine("i-9", "m5.large", office, memory=60),
    "interruptible": Machine("i-10", "m5.large", always(50), memory=60, tags={"Fault-Tolerant": "Yes"}),
    "on spot": Machine("i-11", "m5.large", always(50), tags={"spot": "1"}, columns=(("PricingCategory", "Dynamic"),)),
    "nobody pays": Machine("i-12", None, always(1), cost=None),
    "unknown family": Machine("i-13", "x9.large", always(10), memory=10),
    "committed": Machine("i-14", "t3.large", always(1), columns=(("CommitmentDiscountStatus", "Used"),)),
    "peer of a smaller size": Machine("i-15", "m5.large", always(50), memory=60, cost="1.2"),
}  # fmt: skip
DAYS = tuple(TODAY - timedelta(days=ago) for ago in range(13, -1, -1))


def measurements() -> Iterator[dict[str, Any]]:
    """One an hour of each kind."""
    for machine in MACHINES.values():
        for day in DAYS[-machine.days :]:
            for hour in range(24):
                kinds = {
                    "CPUUtilization": machine.cpu(day.weekday(), hour),
                    "mem_used_percent": machine.memory,
                    "NetworkIn": machine.network,
                }
                for metric, value in kinds.items():
                    if value is not None:
                        yield {
                            "resource_id": machine.resource, "event_time": at(day, hour), "metric": metric,
                            "value": float(value), "namespace": "AWS/EC2", "unit": "Percent",
                        }  # fmt: skip


def charges() -> Iterator[dict[str, Any]]:
    row = {
        "ProviderName": "AWS", "SubAccountId": "s", "ServiceName": "EC2", "RegionId": "eu-west-1",
        "ChargeCategory": "Usage", "BillingCurrency": "USD", "is_idle_address": False,
    }  # fmt: skip
    for day in DAYS:
        for machine in MACHINES.values():
            of_machine = row | {"day": day, "resource_id": machine.billed_as or machine.resource}
            if machine.cost is not None:
                running = {"instance_type": machine.type, "ConsumedUnit": "Hours", "PricingCategory": "Standard"}
                cost = {"EffectiveCost": Decimal(machine.cost), "ConsumedQuantity": Decimal(24)}
                yield of_machine | running | cost | dict(machine.columns)
                yield of_machine | {"EffectiveCost": None, "BilledCost": Decimal("0.1"), "ConsumedUnit": "GB"}
        yield row | {"day": day, "resource_id": "eip-1", "EffectiveCost": Decimal("0.12"), "is_idle_address": True}
        yield row | {"day": day, "resource_id": "i-12", "EffectiveCost": Decimal(9), "ChargeCategory": "Tax"}
    yield row | {"day": DAYS[0], "resource_id": "eip-gone", "EffectiveCost": Decimal(90), "is_idle_address": True}


OFFERS = [
    {"instance_type": "m5.large", "availability_zone": zone, "cloud_region": "eu-west-1", "risk_index": 0.2,
     "product_description": product, "expected_cost_per_hour": cost}
    for zone, product, cost in (("a", "Linux/UNIX", 0.04), ("b", "Linux/UNIX", 0.03), ("c", "Windows", 0.01))
]  # fmt: skip


@dataclass(frozen=True)
class Found:
    usage: list[Row]
    verdicts: dict[str, Row]
    savings: dict[str, dict[str, Row]]
    verdict_days: dict[str, list[date]]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Found:
    usage = usage_hourly(frame(spark, METRICS, measurements())).localCheckpoint()
    costs = frame(spark, COSTS, charges())
    tags = [{"resource_id": one.resource, "is_current": True, "tags": one.tags, "owner": "ann"}
            for one in MACHINES.values() if one.tags]  # fmt: skip
    known, offers, days = frame(spark, INVENTORY, tags), frame(spark, SPOT, OFFERS), Days(DAYS[-2], TODAY)
    judged = rightsizing(usage, costs, known, offers, days, RightsizingOptions()).localCheckpoint()
    rows = judged.collect()
    saved = savings(judged, costs, Days(TODAY, TODAY), SavingsOptions()).collect()
    names = {one.resource: name for name, one in MACHINES.items()} | {"eip-1": "address", "eip-gone": "gone"}
    by_name: dict[str, dict[str, Row]] = {name: {} for name in names.values()}
    for row in saved:
        by_name[names[row.resource_id]][row.kind] = row
    verdict_days: dict[str, list[date]] = {}
    for row in rows:
        verdict_days.setdefault(names[row.resource_id], []).append(row.day)
    hours = usage.where(F.col("resource_id") == MACHINES["office"].resource).collect()
    return Found(hours, {names[row.resource_id]: row for row in rows if row.day == TODAY}, by_name, verdict_days)


def test_how_much_did_a_machine_use_in_each_hour(found: Found) -> None:
    used = {(row.day, row.hour.astimezone(UTC).hour): (row.cpu_mean, row.cpu_max, row.cpu_samples, row.memory_mean)
            for row in found.usage}  # fmt: skip

    assert len(used) == 14 * 24
    assert used[MONDAY, 8] == (50, 50, 1, 60)
    assert used[MONDAY, 7] == (1, 1, 1, 60)


@pytest.mark.parametrize(
    ("name", "verdict", "recommended"),
    [
        ("idle", "idle", None),
        ("talks", "oversized", "t3.medium"),
        ("two sizes", "oversized", "m5.large"),
        ("memory not measured", "oversized", "Standard_D4s_v5"),
        ("memory full", "right", None),
        ("busy", "undersized", "t3.xlarge"),
        ("at its size", "right", None),
        ("young", "unknown", None),
        ("office", "right", None),
        ("unknown family", "oversized", None),
        ("nobody pays", "idle", None),
    ],
)
def test_is_each_machine_the_right_size(found: Found, name: str, verdict: str, recommended: str | None) -> None:
    row = found.verdicts[name]

    assert (row.verdict, row.recommended_type) == (verdict, recommended)


def test_how_much_of_the_smaller_size_would_be_used(found: Found) -> None:
    two, one = found.verdicts["two sizes"], found.verdicts["memory not measured"]

    assert (two.cpu_p95, two.cpu_p95_after, two.memory_p95_after, two.size_ratio) == (10, 40, 60, 0.25)
    assert (one.cpu_p95_after, one.memory_p95_after) == (20, None)
    assert (two.days_seen, two.hours_on, two.cpu_samples) == (14, 336, 336)


def test_when_could_a_machine_be_stopped(found: Found) -> None:
    office_, right = found.verdicts["office"], found.verdicts["at its size"]

    assert (office_.is_schedule_candidate, office_.quiet_slots, office_.slots_on) == (True, 168 - 50, 168)
    assert (right.is_schedule_candidate, right.quiet_slots) == (False, 0)
    assert not found.verdicts["idle"].is_schedule_candidate  # it can go altogether


def test_what_could_run_on_spot_and_where(found: Found) -> None:
    row = found.verdicts["interruptible"]

    assert (row.is_spot_candidate, row.spot_zone, row.spot_cost_per_hour, row.spot_risk) == (True, "b", 0.03, 0.2)
    assert row.owner == "ann"
    assert not found.verdicts["on spot"].is_spot_candidate
    assert not found.verdicts["at its size"].is_spot_candidate


def test_a_row_is_as_of_its_day(found: Found) -> None:
    assert sorted(found.verdict_days["busy"]) == [TODAY - timedelta(days=1), TODAY]


def test_an_idle_machine_saves_all_that_it_costs(found: Found) -> None:
    row = found.savings["idle"]["terminate_idle"]

    assert (row.monthly_cost, row.monthly_saving) == (pytest.approx(75), pytest.approx(75))
    assert (row.billing_currency, row.confidence, row.is_best) == ("USD", "high", True)
    assert row.evidence == [
        "cost 75.00 USD a month, by 14 days with charges of the last 30",
        "CPU p95 2.0 %, max 2.0 % in 14 days (336 samples)",
        "network 100000 bytes an hour",
    ]


def test_a_smaller_size_saves_by_its_price_in_the_bill_or_else_by_its_size(found: Found) -> None:
    by_price, by_size = found.savings["two sizes"]["rightsize"], found.savings["talks"]["rightsize"]

    # m5.large is charged at 2.4 a day three times, and once at 1.2
    assert by_price.monthly_saving == pytest.approx(30 * (2.4 - (2.4 + 2.4 + 1.2) / 3))
    assert by_price.evidence[-1] == "by the price of that type in the bill"
    assert by_size.monthly_saving == pytest.approx(30 * 2.4 / 2)
    assert (by_size.target, by_size.evidence[-1]) == (
        "t3.medium",
        "by its size, as prices within a family follow it",
    )
    assert found.savings["memory not measured"]["rightsize"].confidence == "medium"
    assert found.savings["unknown family"] == {}


def test_a_schedule_saves_the_hours_that_are_quiet(found: Found) -> None:
    row = found.savings["office"]["schedule"]

    assert row.monthly_saving == pytest.approx(72 * 118 / 168)
    assert "CPU never above 5 % in 118 of 168 hours of the week" in row.evidence


def test_spot_saves_what_it_costs_less(found: Found) -> None:
    row = found.savings["interruptible"]["spot"]

    assert row.monthly_saving == pytest.approx(72 - 0.03 * 24 * 30)
    assert (row.target, row.risk) == ("b", "high")


def test_an_address_that_nothing_uses_is_found_in_the_bill(found: Found) -> None:
    assert found.savings["address"]["unused_address"].monthly_saving == pytest.approx(3.6)
    assert found.savings["gone"] == {}  # not charged any more


def test_nothing_is_saved_that_nobody_pays(found: Found) -> None:
    assert found.savings["nobody pays"] == {}
    assert found.savings["at its size"] == {}


def test_what_a_commitment_covers_is_saved_with_low_confidence(found: Found) -> None:
    assert found.savings["committed"]["terminate_idle"].confidence == "low"


def test_of_the_proposals_for_one_resource_one_is_the_best(found: Found) -> None:
    for proposals in found.savings.values():
        best = [row.monthly_saving for row in proposals.values() if row.is_best]
        assert best == [max(row.monthly_saving for row in proposals.values())] if proposals else best == []
