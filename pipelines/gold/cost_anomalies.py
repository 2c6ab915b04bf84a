"""gold.cost_daily → gold.cost_anomalies: which service of which account costs more than it should for that weekday?

Expected is the median of the same weekday in the eight weeks before, and what is usual the median of the distances from
it (MAD): one bad week, or a delivery that is missing, moves neither. A day on which the account has no cost at all is
not known, so it is no day of no cost; a service that is not there on a day that is known has cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.cost_daily import TABLE as COSTS
from pipelines.gold.daily import DAY, DailyTable, Days, Silver, Source, differing_days
from pipelines.tables import contract

TABLE = contract("gold.cost_anomalies")
_ACCOUNT = ("provider_name", "billing_account_id", "sub_account_id", "billing_currency")
_GROUP = (*_ACCOUNT, "service_name")
# The standard deviation of a normal distribution in units of its MAD.
_SIGMA = 1.4826


@dataclass(frozen=True)
class AnomalyOptions:
    """`weeks`: of how many before a day the same weekday is looked at, of which at least `least_weeks` must be known.
    `width`: how many standard deviations from the expected cost are usual; never less than `least_share` of it, nor
    than `least_amount` (in the currency)."""

    weeks: int = 8
    least_weeks: int = 3
    width: float = 4.0
    least_share: float = 0.2
    least_amount: float = 1.0


def cost_anomalies(costs: DataFrame, days: Days, options: AnomalyOptions) -> DataFrame:
    """Rows of gold.cost_daily of `days` and the weeks before → rows of the table for `days`.

    Costs of usage alone: purchases, taxes, credits and refunds come when they come.
    """
    daily = _daily(costs.where(F.col("ChargeCategory") == "Usage"))
    known = daily.groupBy(*_ACCOUNT).agg(F.collect_set(DAY).alias("known"))
    entries = F.collect_list(F.struct(DAY, F.col("effective_cost").cast("double").alias("cost")))
    before = daily.groupBy(*_GROUP).agg(F.map_from_entries(entries).alias("costs"), F.min(DAY).alias("first"))
    asked = daily.where(F.col(DAY).between(F.lit(days.first), F.lit(days.last)))
    with_past = _with(_with(asked, before, _GROUP), known, _ACCOUNT)
    judged = with_past.withColumn("past", F.array_compact(F.array(*map(_cost_of_week, range(1, options.weeks + 1)))))
    return _judged(judged, options).select(*TABLE.column_names)


def _daily(usage: DataFrame) -> DataFrame:
    """A provider that gives no effective cost has what it bills."""
    cost = F.sum(F.coalesce("EffectiveCost", "BilledCost")).cast("decimal(38,18)")
    named = usage.select(
        DAY,
        F.col("ProviderName").alias("provider_name"),
        F.col("BillingAccountId").alias("billing_account_id"),
        F.col("SubAccountId").alias("sub_account_id"),
        F.col("BillingCurrency").alias("billing_currency"),
        F.col("ServiceName").alias("service_name"),
        *("EffectiveCost", "BilledCost"),
    )
    return named.groupBy(DAY, *_GROUP).agg(cost.alias("effective_cost"))


def _with(rows: DataFrame, facts: DataFrame, keys: tuple[str, ...]) -> DataFrame:
    """Joined by keys of which nulls are equal."""
    renamed = facts.withColumnsRenamed({key: f"of_{key}" for key in keys})
    same = [F.equal_null(F.col(key), F.col(f"of_{key}")) for key in keys]
    return rows.join(renamed, same, "left").drop(*(f"of_{key}" for key in keys))


def _cost_of_week(weeks: int) -> Column:
    """The cost of that weekday so many weeks before; null if it is not known."""
    day = F.date_sub(DAY, 7 * weeks)
    is_known = (day >= F.col("first")) & F.array_contains("known", day)
    return F.when(is_known, F.coalesce(F.col("costs")[day], F.lit(0.0)))


def _judged(rows: DataFrame, options: AnomalyOptions) -> DataFrame:
    expected = F.when(F.size("past") >= options.least_weeks, _median(F.col("past")))
    told = rows.withColumn("expected_cost", expected).withColumn(
        "distance", _median(F.transform("past", lambda cost: F.abs(cost - F.col("expected_cost"))))
    )
    half = F.greatest(
        F.col("distance") * (_SIGMA * options.width),
        F.abs("expected_cost") * options.least_share,
        F.lit(options.least_amount),
    )
    lower, upper, cost = F.col("expected_cost") - half, F.col("expected_cost") + half, F.col("effective_cost")
    is_anomaly = F.coalesce(cost.cast("double") > upper, F.expr("false"))
    return told.withColumns(
        {
            "anomaly_id": F.md5(F.to_json(F.struct(DAY, *_GROUP)).cast("binary")),
            "weeks_known": F.size("past"),
            "lower": F.when(lower.isNotNull(), F.greatest(lower, F.lit(0.0))),
            "upper": upper,
            "is_anomaly": is_anomaly,
            "excess_cost": F.when(is_anomaly, cost.cast("double") - F.col("expected_cost")).otherwise(0.0),
        }
    )


def _median(numbers: Column) -> Column:
    """Of an array of numbers; null if it is empty."""
    ordered, count = F.array_sort(numbers), F.size(numbers)
    middle = (F.get(ordered, F.floor((count - 1) / 2).cast("int")) + F.get(ordered, F.floor(count / 2).cast("int"))) / 2
    return F.when(count > 0, middle)


_OPTIONS = AnomalyOptions()


def _rows(silver: Silver) -> DataFrame:
    costs = silver.of_days(COSTS, DAY, days_before=7 * _OPTIONS.weeks)
    return cost_anomalies(costs, silver.days, _OPTIONS)


DAILY = DailyTable(TABLE, (Source(COSTS, DAY, reach=7 * _OPTIONS.weeks, touched=differing_days),), _rows)
