"""silver.config_changes, silver.configuration_items → gold.compliance: a row a control, account and day."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.gold.daily import DAY, DailyTable, Silver, Source
from pipelines.gold.drift.baseline import Control, baseline
from pipelines.gold.drift.config_drift import CHANGES, EVENTS, INVENTORY, ITEMS, last_day, observed, open_on
from pipelines.gold.drift.config_drift import TABLE as DRIFT
from pipelines.gold.drift.states import LOOK_BACK_DAYS, daily_states, judged
from pipelines.tables import contract

TABLE = contract("gold.compliance")
# The score is compared with that of so many days before.
TREND_DAYS = 7
NO_ACCOUNT = "unknown"


def compliance(
    observations: DataFrame, controls: tuple[Control, ...], known: DataFrame, first: date, last: date
) -> DataFrame:
    """Rows of gold.compliance of the days `first` to `last`. A resource has drifted if any field of it has.

    `known`: what `open_on` tells of the day before the first that is looked at, TREND_DAYS before `first`.
    """
    states = daily_states(judged(observations, controls, known), first - timedelta(days=TREND_DAYS), last)
    resources = (
        states.where("is_newest")
        .withColumn("account", F.coalesce("account", F.lit(NO_ACCOUNT)))
        .groupBy(DAY, "control_id", "account", "resource_id")
        .agg(F.bool_or("is_drift").alias("is_drift"), F.first("provider", ignorenulls=True).alias("provider"))
    )
    scored = resources.groupBy(DAY, "control_id", "account").agg(
        F.first("provider", ignorenulls=True).alias("provider"),
        F.count("*").alias("resources_in_scope"),
        F.count_if(~F.col("is_drift")).alias("resources_compliant"),
        F.count_if("is_drift").alias("resources_drifted"),
    )
    scored = scored.withColumn("score", F.col("resources_compliant") / F.col("resources_in_scope"))
    before = scored.select(
        F.date_add(DAY, TREND_DAYS).alias(DAY), "control_id", "account", F.col("score").alias("score_before")
    )
    control = {
        "title": [(control.id, control.title) for control in controls],
        "severity": [(control.id, control.severity.value) for control in controls],
        "frameworks": [(control.id, ", ".join(control.frameworks)) for control in controls],
    }
    names = {
        column: F.coalesce(*(F.when(F.col("control_id") == id_, F.lit(word)) for id_, word in words))
        for column, words in control.items()
    }
    trended = scored.where(F.col(DAY) >= F.lit(first)).join(before, [DAY, "control_id", "account"], "left")
    return trended.withColumns({**names, "trend": F.col("score") - F.col("score_before")}).select(*TABLE.column_names)


def rows(silver: Silver) -> DataFrame:
    found, first, last = baseline(), silver.days.first, last_day(silver.days.last)
    if last < first:
        return silver.all(TABLE).limit(0)
    days_before = LOOK_BACK_DAYS + TREND_DAYS
    changes, items, events = (silver.of_days(table, days_before=days_before) for table in (CHANGES, ITEMS, EVENTS))
    seen = observed(changes, items, events, silver.all(INVENTORY), found)
    known = open_on(silver.all(DRIFT), first - timedelta(days=TREND_DAYS + 1))
    return compliance(seen, found.controls, known, first, last)


_REACH = LOOK_BACK_DAYS + TREND_DAYS
DAILY = DailyTable(TABLE, (Source(CHANGES, reach=_REACH), Source(ITEMS, reach=_REACH), Source(EVENTS)), rows)
