"""silver → gold.resource_health: each resource on each day, whether it was there, what was wrong, and its error budget.

A resource that fell silent is missed: it has a row, without availability, on the days after (see SilenceRule).
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines import routing
from pipelines.forecasting.limits import Direction
from pipelines.gold.capacity_metrics import RULES
from pipelines.gold.daily import DAY, DailyTable, Days, Silver, Source
from pipelines.gold.resource_facts import with_facts
from pipelines.gold.signs_of_life import DAY_MINUTES, SilenceRule, heard_days, known_days, silences, silent_minutes
from pipelines.settings import parse_duration
from pipelines.tables import contract

TABLE = contract("gold.resource_health")
SCORES = contract("silver.anomaly_scores")
INVENTORY = contract("silver.inventory")


@dataclass(frozen=True)
class HealthOptions:
    """`slo_target`: availability that is aimed at. `full_percent`: from what a share in use is too much.

    `degraded_minutes`: for how long what was wrong makes a resource degraded.
    """

    slo_target: float = 0.999
    full_percent: float = 95.0
    degraded_minutes: int = 15


@dataclass(frozen=True)
class Observed:
    """What resource_health is made of. `heartbeats` and `metrics`: of the days and of those before it that count."""

    heartbeats: DataFrame
    metrics: DataFrame
    scores: DataFrame
    inventory: DataFrame


def resource_health(observed: Observed, days: Days, rule: SilenceRule, options: HealthOptions) -> DataFrame:
    """Rows of the table for `days`."""
    heard = heard_days(observed.heartbeats, observed.metrics)
    known = silences(known_days(heard, days, rule))
    wrong = wrong_minutes(observed.scores, options)
    joined = known.join(wrong, [DAY, "resource_id"], "left")
    return with_facts(_judged(joined, rule, options), observed.inventory).select(*TABLE.column_names)


def wrong_minutes(scores: DataFrame, options: HealthOptions) -> DataFrame:
    """Rows of silver.anomaly_scores → day, resource_id, anomalies, wrong (minutes), last_wrong, worst_signal."""
    noted = scores.where(F.col("is_anomaly") | is_full(options.full_percent))
    # Of a score of a whole host the metric that contributed most.
    signal = F.coalesce(F.get("top_contributors", F.lit(0)), "metric")
    minutes = noted.groupBy("resource_id", F.floor(F.unix_seconds("event_time") / 60).alias("minute")).agg(
        F.count_if("is_anomaly").alias("anomalies"),
        F.max(F.struct("is_anomaly", "anomaly_score", signal.alias("signal"))).alias("worst"),
    )
    day = F.date_add(F.lit("1970-01-01").cast("date"), F.floor(F.col("minute") / DAY_MINUTES).cast("int"))
    return minutes.groupBy(day.alias(DAY), "resource_id").agg(
        F.sum("anomalies").alias("anomalies"),
        F.count("*").alias("wrong"),
        F.max("minute").alias("last_wrong"),
        F.max("worst")["signal"].alias("worst_signal"),
    )


def is_full(percent: float) -> Column:
    """Whether a metric that is a share in percent has come within 100 - `percent` of its end (`capacity_metrics`)."""
    shares = {name: rule.limit for name, rule in RULES.items() if rule.bounds.most == 100.0}
    up = [name for name, limit in shares.items() if limit.direction is Direction.UP]
    down = [name for name, limit in shares.items() if limit.direction is Direction.DOWN]
    used = F.when(F.col("metric").isin(up), F.col("value")).when(F.col("metric").isin(down), 100.0 - F.col("value"))
    return F.coalesce((used >= percent) & ~F.isnan(used), F.expr("false"))


def _judged(joined: DataFrame, rule: SilenceRule, options: HealthOptions) -> DataFrame:
    """Error budget and burn rate as in https://sre.google/workbook/alerting-on-slos/, chapter 5, for a day's share."""
    last, end = F.coalesce("last", "before"), F.col("end")
    expected, down = end - F.col("begin"), silent_minutes(F.col("silences"))
    is_told = (F.col("allowed") < float("inf")) | (end - last <= rule.silent_minutes)
    is_silent = F.coalesce(F.try_element_at("silences", F.lit(-1))["end"] == end, F.expr("false"))
    is_wrong = F.coalesce(F.col("last_wrong") >= end - options.degraded_minutes, F.expr("false"))
    midnight = (F.unix_date(DAY) + 1).cast("bigint") * DAY_MINUTES
    budget = (midnight - F.col("begin")) * 60.0 * (1.0 - options.slo_target)
    return joined.select(
        DAY,
        "resource_id",
        F.when(~is_told, "unknown")
        .when(is_silent, "unavailable")
        .when(is_wrong, "degraded")
        .otherwise("healthy")
        .alias("state"),
        F.when(is_told, 1.0 - down / expected).alias("availability_ratio"),
        (expected * 60.0).alias("expected_seconds"),
        (down * 60.0).alias("downtime_seconds"),
        (F.coalesce("wrong", F.lit(0)) * 60.0).alias("degraded_seconds"),
        F.coalesce("anomalies", F.lit(0)).cast("bigint").alias("anomalies"),
        "worst_signal",
        (F.col("usual") * 60.0).alias("usual_interval_seconds"),
        F.timestamp_seconds(F.col("first") * 60).alias("first_heard"),
        F.timestamp_seconds(last * 60).alias("last_heard"),
        F.lit(options.slo_target).alias("slo_target"),
        budget.alias("error_budget_seconds"),
        F.when(is_told, down * 60.0 / budget).alias("error_budget_burned_ratio"),
        F.when(is_told, down / expected / (1.0 - options.slo_target)).alias("burn_rate"),
        F.timestamp_seconds(end * 60).alias("as_of"),
    )


def _rows(silver: Silver) -> DataFrame:
    silent_seconds = parse_duration(silver.settings.gold.silent_after).total_seconds()
    rule = SilenceRule(silent_minutes=round(silent_seconds / 60))
    observed = Observed(
        silver.of_days(routing.HEARTBEATS, days_before=rule.remembered_days),
        silver.of_days(routing.METRICS, days_before=1),
        silver.of_days(SCORES),
        silver.all(INVENTORY),
    )
    return resource_health(observed, silver.days, rule, HealthOptions())


DAILY = DailyTable(
    TABLE,
    # A machine that falls silent is missed for days.
    (Source(routing.HEARTBEATS, reach=7), Source(routing.METRICS, reach=1), Source(SCORES)),
    _rows,
)
