"""gold.usage_hourly → gold.rightsizing: is each machine the right size, by what it used in the last two weeks?

A row is as of the end of its day, so it can be worked out again for any day. The rules are those that cloud advisors
use: the 95th percentile of CPU and memory, now and after the change, against limits that leave room.

https://learn.microsoft.com/azure/advisor/advisor-cost-recommendations,
https://docs.aws.amazon.com/compute-optimizer/latest/ug/view-ec2-recommendations.html
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold import cost_daily, usage_hourly
from pipelines.gold.daily import DAY, DailyTable, Days, Silver, Source, differing_days
from pipelines.gold.instance_sizes import Step, steps
from pipelines.gold.machine_facts import machine, machine_facts, spot_offers
from pipelines.tables import contract

USAGE = usage_hourly.TABLE
COSTS = cost_daily.TABLE
SPOT = contract("gold.spot_forecast")
TABLE = contract("gold.rightsizing")


@dataclass(frozen=True)
class RightsizingOptions:
    """`window_days`: how far back a row looks, `least_days` of which must have CPU, else the verdict is unknown.

    In percent: a machine is idle whose CPU stays below `idle_cpu` (95th percentile) and whose network moves less than
    `idle_network_bytes` an hour (agents talk too), or, where that is not measured, whose CPU never passes
    `idle_cpu_max`. It is too small above `high_cpu` or `high_memory`, and too large if one size less stays below
    `target_cpu` and `target_memory`. An hour is quiet below `quiet_cpu` all through; a slot of the week (Monday 00:00
    UTC first) is quiet if all its hours were, and a schedule is worth it from `least_quiet_share` of them on, known
    for `least_schedule_days`.
    """

    window_days: int = 14
    least_days: int = 7
    idle_cpu: float = 5.0
    idle_cpu_max: float = 10.0
    idle_network_bytes: float = 5e6
    high_cpu: float = 80.0
    high_memory: float = 90.0
    target_cpu: float = 60.0
    target_memory: float = 80.0
    quiet_cpu: float = 5.0
    least_quiet_share: float = 0.25
    least_schedule_days: int = 13


def rightsizing(
    usage: DataFrame, costs: DataFrame, inventory: DataFrame, spot: DataFrame, days: Days, options: RightsizingOptions
) -> DataFrame:
    """Rows of gold.usage_hourly and gold.cost_daily of `days` and the window before, silver.inventory and
    gold.spot_forecast → rows of the table for `days`."""
    measured = _by_day(usage.where("cpu_samples > 0 OR memory_samples > 0"))
    windows = _windows(_as_of(measured, days, options), options).join(
        _quiet(_as_of(_hours(usage), days, options), options), [DAY, "resource_id"], "left"
    )
    facts = machine_facts(costs, inventory, days, options.window_days)
    described = windows.withColumn("machine", machine(F.col("resource_id"))).join(facts, [DAY, "machine"], "left")
    return _recommended(_judged(described, options), spot, options).select(*TABLE.column_names)


def _by_day(usage: DataFrame) -> DataFrame:
    merged = {kind: F.kll_merge_agg_double(f"{kind}_sketch") for kind in ("cpu", "memory")}
    return usage.groupBy(DAY, "resource_id").agg(
        *(F.max(name).alias(name) for name in ("cloud_provider", "cloud_region", "resource_type", "host_name")),
        *(sketch.alias(f"{kind}_sketch") for kind, sketch in merged.items()),
        *(F.max(f"{kind}_max").alias(f"{kind}_max") for kind in merged),
        *(F.sum(f"{kind}_samples").alias(f"{kind}_samples") for kind in merged),
        F.sum("network_bytes").alias("network_bytes"),
        F.count("*").alias("hours"),
    )


def _as_of(rows: DataFrame, days: Days, options: RightsizingOptions) -> DataFrame:
    """Each row once for each of `days` whose window it is in; `day` is that one, `seen` its own."""
    first = F.greatest(F.col(DAY), F.lit(days.first))
    last = F.least(F.date_add(DAY, options.window_days - 1), F.lit(days.last))
    windows = F.when(first <= last, F.sequence(first, last))
    return rows.withColumn("seen", F.col(DAY)).withColumn(DAY, F.explode(windows))


def _windows(rows: DataFrame, options: RightsizingOptions) -> DataFrame:
    grouped = rows.groupBy(DAY, "resource_id").agg(
        *(F.max_by(name, "seen").alias(name) for name in ("cloud_provider", "cloud_region", "resource_type")),
        F.max_by("host_name", "seen").alias("host_name"),
        *(F.kll_merge_agg_double(f"{kind}_sketch").alias(f"{kind}_sketch") for kind in ("cpu", "memory")),
        *(F.max(f"{kind}_max").alias(f"{kind}_max") for kind in ("cpu", "memory")),
        *(F.sum(f"{kind}_samples").alias(f"{kind}_samples") for kind in ("cpu", "memory")),
        F.sum("network_bytes").alias("bytes"),
        F.sum("hours").alias("hours_on"),
        F.count(F.when(F.col("cpu_samples") > 0, 1)).alias("days_seen"),
    )
    return grouped.withColumns(
        {
            **{f"{kind}_p95": _p95(kind) for kind in ("cpu", "memory")},
            "network_bytes_per_hour": F.col("bytes") / F.col("hours_on"),
            "window_days": F.lit(options.window_days),
        }
    )


def _p95(kind: str) -> Column:
    """An empty sketch has no quantiles, and asking it for one is an error."""
    return F.when(F.col(f"{kind}_samples") > 0, F.kll_sketch_get_quantile_double(F.col(f"{kind}_sketch"), F.lit(0.95)))


def _hours(usage: DataFrame) -> DataFrame:
    slot = F.weekday("hour") * 24 + F.hour("hour")
    return usage.where("cpu_samples > 0").select(DAY, "resource_id", slot.alias("slot"), "cpu_max")


def _quiet(hours: DataFrame, options: RightsizingOptions) -> DataFrame:
    """How many slots of the week are quiet, of those in which the machine was on."""
    slots = hours.groupBy(DAY, "resource_id", "slot").agg(
        F.max("cpu_max").alias("busiest"), F.count("*").alias("times")
    )
    is_quiet = F.col("busiest") < options.quiet_cpu
    return slots.groupBy(DAY, "resource_id").agg(
        F.count(F.when(is_quiet, 1)).cast("int").alias("quiet_slots"),
        F.count("*").cast("int").alias("slots_on"),
    )


def _judged(rows: DataFrame, options: RightsizingOptions) -> DataFrame:
    cpu, memory = F.col("cpu_p95"), F.coalesce("memory_p95", F.lit(0.0))
    network = F.col("network_bytes_per_hour")
    is_idle = (cpu < options.idle_cpu) & F.coalesce(
        network < options.idle_network_bytes, F.col("cpu_max") < options.idle_cpu_max
    )
    is_known = (F.col("cpu_samples") > 0) & (F.col("days_seen") >= options.least_days)
    can_halve = (cpu * 2 <= options.target_cpu) & (memory * 2 <= options.target_memory)
    quiet_share = F.col("quiet_slots") / F.col("slots_on")
    level = (
        F.when(~is_known, "unknown")
        .when(is_idle, "idle")
        .when((cpu > options.high_cpu) | (memory > options.high_memory), "undersized")
    )
    return rows.withColumns(
        {
            "level": level,
            "can_halve": can_halve,
            "quiet_share": quiet_share,
            "is_schedule_candidate": F.coalesce(
                is_known
                & ~is_idle
                & (quiet_share >= options.least_quiet_share)
                & (F.col("days_seen") >= options.least_schedule_days),
                F.expr("false"),
            ),
        }
    )


def _recommended(rows: DataFrame, spot: DataFrame, options: RightsizingOptions) -> DataFrame:
    """The verdict, the size to take and how much of it would be used, and where it could run on spot."""
    ladder = F.broadcast(_ladder(rows.sparkSession.createDataFrame([_row(step) for step in steps()], _STEP_COLUMNS)))
    sized = rows.join(ladder, "instance_type", "left")
    cpu, memory = F.col("cpu_p95"), F.col("memory_p95")

    def fits(step: Column) -> Column:
        after_cpu, after_memory = cpu / step["vcpu_ratio"], memory / step["memory_ratio"]
        # Two sizes at once only if memory is known, as it is what fails hardest.
        is_safe = F.coalesce(after_memory <= options.target_memory, step["down"] == 1)
        return (after_cpu <= options.target_cpu) & is_safe

    smaller = F.filter("smaller", fits)
    is_oversized = F.when(F.col("smaller").isNull(), F.col("can_halve")).otherwise(F.size(smaller) > 0)
    verdict = F.coalesce(F.col("level"), F.when(is_oversized, "oversized").otherwise("right"))
    target = F.when(verdict == "oversized", F.array_max(smaller)).when(verdict == "undersized", F.col("larger"))
    judged = sized.withColumn("verdict", verdict).withColumn("target", target)
    after = {
        "recommended_type": F.col("target.type"),
        "cpu_p95_after": _at_most_all(cpu / F.col("target.vcpu_ratio")),
        "memory_p95_after": _at_most_all(memory / F.col("target.memory_ratio")),
        "size_ratio": F.col("target.memory_ratio"),
    }
    offers = F.broadcast(spot_offers(spot))
    is_spot = F.coalesce(F.col("tolerates_interruption") & ~F.col("is_on_spot"), F.expr("false"))
    offered = judged.withColumns(after).join(offers, ["instance_type", "region"], "left")
    return offered.withColumn("is_spot_candidate", is_spot & (F.col("level").isNull() | (F.col("level") != "unknown")))


def _at_most_all(percent: Column) -> Column:
    """`least` alone would take 100 for what is not known."""
    return F.when(percent.isNotNull(), F.least(percent, F.lit(100.0)))


_STEP_COLUMNS = "instance_type string, down int, type string, vcpu_ratio double, memory_ratio double, vcpus double"


def _row(step: Step) -> tuple[str, int, str, float, float, float]:
    ratios = step.vcpu_ratio, step.memory_ratio
    return step.current.type, step.down, step.target.type, *ratios, float(step.current.vcpus)


def _ladder(every: DataFrame) -> DataFrame:
    """A row an instance type: the sizes below it, by how many steps, and the next above."""
    step = F.struct("down", "type", "vcpu_ratio", "memory_ratio")
    return every.groupBy("instance_type").agg(
        F.collect_list(F.when(F.col("down") > 0, step)).alias("smaller"),
        F.max(F.when(F.col("down") < 0, step)).alias("larger"),
    )


_OPTIONS = RightsizingOptions()


def _rows(silver: Silver) -> DataFrame:
    before = _OPTIONS.window_days - 1
    return rightsizing(
        silver.of_days(USAGE, DAY, days_before=before),
        silver.of_days(COSTS, DAY, days_before=before),
        silver.all(cost_daily.INVENTORY),
        silver.all(SPOT),
        silver.days,
        _OPTIONS,
    )


_REACH = _OPTIONS.window_days - 1
_SOURCES = tuple(Source(table, DAY, reach=_REACH, touched=differing_days) for table in (USAGE, COSTS))
DAILY = DailyTable(TABLE, _SOURCES, _rows)
