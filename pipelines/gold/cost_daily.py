"""silver.costs → gold.cost_daily: what each day cost, by account, service, resource and allocation, in FOCUS' terms.

Only what the provider said last counts (silver.costs_current). The sums of BilledCost and of EffectiveCost of a billing
period are those of its charges, to the last digit. Kinds of charge stay apart: usage, purchases, taxes, credits,
adjustments (ChargeCategory), and corrections of them (ChargeClass), so that a refund never hides what something costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.allocation import DIMENSIONS, AllocationTags, allocated, held_on, owners, plain
from pipelines.gold.charge_periods import ACCRUED, BOOKED, by_day
from pipelines.gold.cost_periods import charges_of, period, touched_days
from pipelines.gold.daily import DAY, DailyTable, Days, Silver, Source
from pipelines.gold.instance_type import instance_type, is_idle_address
from pipelines.tables import contract

COSTS = contract("silver.costs")
INVENTORY = contract("silver.inventory")
TABLE = contract("gold.cost_daily")

_OF_THE_CHARGE = (
    "ProviderName", "BillingAccountId", "BillingPeriodStart", "BillingCurrency", "SubAccountId", "SubAccountName",
    "ServiceCategory", "ServiceName", "RegionId", "resource_id", "ResourceName", "ChargeCategory", "ChargeClass",
    "ChargeFrequency", "PricingCategory", "CommitmentDiscountStatus", "ConsumedUnit", "instance_type",
    "is_idle_address",
)  # fmt: skip
_GRAIN = (DAY, *_OF_THE_CHARGE, *DIMENSIONS, "owner")
_AMOUNTS = (*BOOKED, *ACCRUED)


@dataclass(frozen=True)
class CostOptions:
    tags: AllocationTags = field(default_factory=AllocationTags)


def cost_daily(charges: DataFrame, inventory: DataFrame, days: Days, options: CostOptions) -> DataFrame:
    """Charges that count (columns of silver.costs) → rows of the table for those days."""
    told = charges.withColumn("plain", plain(F.col("Tags"))).withColumns(
        {
            **allocated(F.col("plain"), options.tags),
            "BillingPeriodStart": period(),
            "instance_type": F.when(F.col("ChargeCategory") == "Usage", instance_type()),
            "is_idle_address": F.coalesce((F.col("ChargeCategory") == "Usage") & is_idle_address(), F.expr("false")),
        }
    )
    spread = by_day(told.select(*_OF_THE_CHARGE, *DIMENSIONS, *_AMOUNTS, "ChargePeriodStart", "ChargePeriodEnd"))
    in_days = spread.where(F.col(DAY).between(F.lit(days.first), F.lit(days.last)))
    held = in_days.join(owners(inventory), "resource_id", "left").withColumn("held", held_on(F.col(DAY)))
    # What the bill does not tag, the resource may be.
    of_resource = allocated(F.col("plain"), options.tags)
    owned = held.withColumn("plain", F.map_from_entries("held.tags")).withColumns(
        {
            **{name: F.coalesce(F.col(name), said) for name, said in of_resource.items()},
            "owner": F.col("held.owner"),
        }
    )
    amounts = [F.sum(name).cast("decimal(38,18)").alias(name) for name in _AMOUNTS]
    charged = F.sum(F.col("is_first").cast("bigint")).alias("charges")
    return owned.groupBy(*_GRAIN).agg(*amounts, charged).withColumn("cost_id", _cost_id()).select(*TABLE.column_names)


def _cost_id() -> Column:
    """One grain, one id: nothing is not the same as an empty text."""
    return F.md5(F.to_json(F.struct(*_GRAIN)).cast("binary"))


def _rows(silver: Silver) -> DataFrame:
    charges = charges_of(silver.all(COSTS), silver.days)
    return cost_daily(charges, silver.all(INVENTORY), silver.days, CostOptions())


DAILY = DailyTable(TABLE, (Source(COSTS, touched=touched_days),), _rows)
