"""gold.cost_daily and gold.usage_hourly → gold.unit_costs: what does one hour, one GB, one million requests cost?

Two kinds, which `volume_source` tells apart. By the bill: what is charged by a unit, and how much of it. By metrics:
all that a resource costs that day, and what it did for it: hours that it was on, requests served, bytes moved.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold import cost_daily, usage_hourly
from pipelines.gold.daily import DAY, DailyTable, Silver, Source, differing_days
from pipelines.gold.machine_facts import machine
from pipelines.tables import contract

TABLE = contract("gold.unit_costs")
COSTS, USAGE = cost_daily.TABLE, usage_hourly.TABLE
# What bills call them → the unit here, and how many of theirs are one of it.
_UNITS = {
    "hour": ("hour", 1.0), "hours": ("hour", 1.0), "hrs": ("hour", 1.0), "gb": ("GB", 1.0), "gib": ("GiB", 1.0),
    "requests": ("million requests", 1e6), "api requests": ("million requests", 1e6),
    "request": ("million requests", 1e6),
    "gb-months": ("GB-month", 1.0), "gb months": ("GB-month", 1.0), "gb-mo": ("GB-month", 1.0),
}  # fmt: skip
_MEASURED = (("hour on", "hours", 1.0), ("million requests served", "requests", 1e6),
             ("GB of network traffic", "network_bytes", 1e9))  # fmt: skip
_KEYS = (DAY, "machine", "billing_currency", "unit", "volume_source")
_WHO = ("provider_name", "sub_account_id", "service_name", "region_id")


def unit_costs(costs: DataFrame, usage: DataFrame) -> DataFrame:
    """Rows of gold.cost_daily and of gold.usage_hourly → rows of the table, for the days of both."""
    named = _named(costs)
    every = _by_bill(named).unionByName(_by_metrics(named, usage))
    priced = every.where("volume > 0 AND effective_cost IS NOT NULL")
    return priced.withColumns(
        {
            "unit_cost": F.col("effective_cost") / F.col("volume"),
            "unit_cost_id": F.md5(F.to_json(F.struct(*_KEYS, *_WHO)).cast("binary")),
        }
    ).select(*TABLE.column_names)


def _named(costs: DataFrame) -> DataFrame:
    """Usage that is no correction of another day's."""
    usage = costs.where((F.col("ChargeCategory") == "Usage") & F.col("ChargeClass").isNull())
    return usage.select(
        DAY,
        machine(F.col("resource_id")).alias("machine"),
        F.col("ProviderName").alias("provider_name"),
        F.col("SubAccountId").alias("sub_account_id"),
        F.col("ServiceName").alias("service_name"),
        F.col("RegionId").alias("region_id"),
        F.col("BillingCurrency").alias("billing_currency"),
        F.coalesce("EffectiveCost", "BilledCost").cast("double").alias("cost"),
        F.col("ConsumedQuantity").cast("double").alias("quantity"),
        F.col("ConsumedUnit").alias("consumed_unit"),
    )


def _by_bill(named: DataFrame) -> DataFrame:
    known = F.lower("consumed_unit")
    unit, scale = F.col("consumed_unit"), F.lit(1.0)
    for theirs, (ours, each) in _UNITS.items():
        unit = F.when(known == theirs, F.lit(ours)).otherwise(unit)
        scale = F.when(known == theirs, F.lit(each)).otherwise(scale)
    measured = named.where("quantity > 0 AND consumed_unit IS NOT NULL").withColumns(
        {"unit": unit, "amount": F.col("quantity") / scale, "volume_source": F.lit("bill")}
    )
    return measured.groupBy(*_KEYS, *_WHO).agg(F.sum("amount").alias("volume"), F.sum("cost").alias("effective_cost"))


def _by_metrics(named: DataFrame, usage: DataFrame) -> DataFrame:
    """A resource that several services charge for is named by the one that charges most."""
    charged = (
        named.where("machine IS NOT NULL")
        .groupBy(DAY, "machine", "billing_currency")
        .agg(F.sum("cost").alias("effective_cost"), *(F.max_by(name, "cost").alias(name) for name in _WHO))
    )
    done = usage.groupBy(DAY, machine(F.col("resource_id")).alias("machine")).agg(
        F.countDistinct("hour").cast("double").alias("hours"),
        F.sum("requests").alias("requests"),
        F.sum("network_bytes").alias("network_bytes"),
    )
    volumes = F.array(*(_volume(unit, name, each) for unit, name, each in _MEASURED))
    rows = charged.join(done, [DAY, "machine"]).select("*", F.explode(volumes).alias("measured"))
    return rows.select(
        DAY, "machine", "billing_currency", "measured.unit", F.lit("metrics").alias("volume_source"), *_WHO,
        "measured.volume", "effective_cost",
    )  # fmt: skip


def _volume(unit: str, name: str, each: float) -> Column:
    return F.struct(F.lit(unit).alias("unit"), (F.col(name) / each).alias("volume"))


def _rows(silver: Silver) -> DataFrame:
    return unit_costs(silver.of_days(COSTS, DAY), silver.of_days(USAGE, DAY))


DAILY = DailyTable(
    TABLE, (Source(COSTS, DAY, touched=differing_days), Source(USAGE, DAY, touched=differing_days)), _rows
)
