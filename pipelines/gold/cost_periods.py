"""Which days and which billing periods news of silver.costs are about.

A delivery replaces what came before it of its billing period, so it can make any row of that void: all days of the
period's charges are touched, whatever the days of its own rows.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.charge_periods import ACCRUED, first_day, last_day
from pipelines.gold.current_costs import current_costs
from pipelines.gold.daily import DAY, Days

# What the rule of current costs looks at as a whole (schemas/views/silver/costs_current.sql): a report is one account's
# billing period.
_REPORT = ("source", "ProviderName", "BillingAccountId")
_TIMES = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart")


def period() -> Column:
    """Of rows that name none, the month of the charge."""
    return F.coalesce("BillingPeriodStart", F.date_trunc("month", F.col("ChargePeriodStart")))


def touched_days(changed: DataFrame, costs: DataFrame) -> DataFrame:
    """All days of the charges of every billing period that has news, and of the charges that went."""
    went, there = (
        rows.select(*_REPORT, *_TIMES, *ACCRUED).withColumn("report", _report()) for rows in (changed, costs)
    )
    reports = went.select("report").distinct()
    rows = there.join(F.broadcast(reports), "report", "left_semi").unionByName(went)
    spans = rows.select(first_day().alias("first"), last_day().alias("last")).distinct()
    return spans.select(F.explode(F.sequence("first", "last")).alias(DAY)).distinct()


def charges_of(costs: DataFrame, days: Days) -> DataFrame:
    """silver.costs → the charges that count of all billing periods which have charges on those days."""
    # As a bound of the column itself, which files are skipped by; event_time is ChargePeriodStart.
    until = F.lit(f"{days.end:%Y-%m-%d}").cast("timestamp")
    told = costs.where((F.col("event_time") < until) & (last_day() >= F.lit(days.first)))
    periods = told.select(period().alias("period")).distinct()
    of_periods = costs.withColumn("period", period()).join(F.broadcast(periods), "period", "left_semi")
    return current_costs(of_periods)


def _report() -> Column:
    return F.concat_ws("|", *(F.coalesce(name, F.lit("")) for name in _REPORT), period().cast("string"))
