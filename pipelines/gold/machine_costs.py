"""What a resource costs a month, as of a day, by gold.cost_daily: usage alone, each currency by itself."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.daily import DAY, Days
from pipelines.gold.machine_facts import machine

# A bill comes days late; what has not been charged for longer than this is gone.
_STILL_THERE_DAYS = 7


def monthly_costs(costs: DataFrame, days: Days, month_days: int) -> DataFrame:
    """A row a day of `days`, machine and currency that is charged still. Costs are those from the first to the last
    charge in the month up to that day, scaled to `month_days`:

    total_cost, running_cost and running_hours (of charges for the machine itself), committed_cost (covered by a
    commitment), idle_address_cost; and days_charged, charged_region, sub_account_id.
    """
    windows = _windows(costs, days, month_days)
    cost = F.col("cost")
    is_running = F.col("instance_type").isNotNull()
    is_hours = is_running & F.rlike("ConsumedUnit", F.lit("(?i)^(hours?|hrs?)$"))
    grouped = windows.groupBy(DAY, "machine", F.col("BillingCurrency").alias("billing_currency")).agg(
        F.sum(cost).alias("total_cost"),
        _sum_of(cost, is_running).alias("running_cost"),
        _sum_of(F.col("ConsumedQuantity").cast("double"), is_hours).alias("running_hours"),
        _sum_of(cost, F.col("CommitmentDiscountStatus") == "Used").alias("committed_cost"),
        _sum_of(cost, F.col("is_idle_address")).alias("idle_address_cost"),
        F.countDistinct("charged_on").cast("int").alias("days_charged"),
        (F.date_diff(F.max("charged_on"), F.min("charged_on")) + 1).alias("span"),
        F.max("charged_on").alias("last_charged"),
        F.max_by("RegionId", "charged_on").alias("charged_region"),
        F.max_by("SubAccountId", "charged_on").alias("sub_account_id"),
        F.max_by("ServiceName", "cost").alias("service_name"),
    )
    still = grouped.where((F.date_diff(DAY, "last_charged") <= _STILL_THERE_DAYS) & (F.col("total_cost") > 0))
    scaled = ("total_cost", "running_cost", "running_hours", "committed_cost", "idle_address_cost")
    return still.withColumns({name: F.col(name) * month_days / F.col("span") for name in scaled})


def hourly_prices(costs: DataFrame, days: Days, month_days: int) -> DataFrame:
    """price_day, instance_type, region, billing_currency → target_price: what an hour of it costs, of those that are
    neither on spot nor covered by a commitment."""
    plain = costs.where(
        F.rlike("ConsumedUnit", F.lit("(?i)^(hours?|hrs?)$"))
        & F.col("instance_type").isNotNull()
        & F.coalesce(F.col("PricingCategory") == "Standard", F.expr("true"))
        & F.col("CommitmentDiscountStatus").isNull()
    )
    windows = _windows(plain, days, month_days)
    grouped = windows.groupBy(
        F.col(DAY).alias("price_day"),
        "instance_type",
        F.col("RegionId").alias("region"),
        F.col("BillingCurrency").alias("billing_currency"),
    ).agg(F.sum("cost").alias("cost"), F.sum(F.col("ConsumedQuantity").cast("double")).alias("hours"))
    priced = grouped.where("hours > 0 AND cost > 0")
    return priced.withColumn("target_price", F.col("cost") / F.col("hours")).drop("cost", "hours")


def _windows(costs: DataFrame, days: Days, month_days: int) -> DataFrame:
    """Each row once for each of `days` whose month it is in; `day` is that one, `charged_on` its own."""
    first = F.greatest(F.col(DAY), F.lit(days.first))
    last = F.least(F.date_add(DAY, month_days - 1), F.lit(days.last))
    usage = costs.where((F.col("ChargeCategory") == "Usage") & F.col("resource_id").isNotNull())
    return usage.withColumns(
        {
            "machine": machine(F.col("resource_id")),
            "cost": F.coalesce("EffectiveCost", "BilledCost").cast("double"),
            "charged_on": F.col(DAY),
            "windows": F.when(first <= last, F.sequence(first, last)),
        }
    ).withColumn(DAY, F.explode("windows"))


def _sum_of(amount: Column, condition: Column) -> Column:
    return F.sum(F.when(condition, amount).otherwise(0.0))
