"""What is trained on: the rows of silver.metrics that a plan names, and what operators said of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.detection.models import feedback as verdicts
from pipelines.detection.models.exclusions import Exclusion
from pipelines.detection.models.feedback import Feedback, Verdict
from pipelines.detection.models.maintenance import maintenance_windows
from pipelines.detection.models.training_plan import Plan, plan_of
from pipelines.errors import ModelError
from pipelines.settings import Settings
from pipelines.tables import contract, delta_table, load_table, table_exists

METRICS = contract("silver.metrics")
# Columns of what `rows_of` gives: `name` tells apart the series of one metric, `time` is in epoch seconds.
ROWS = "resource_id string, series_id long, metric string, name string, time double, value double"


@dataclass(frozen=True)
class Told:
    """What verdicts and maintenance make of the rows: not to be learnt, not to be judged, to be found."""

    not_learnt: tuple[Exclusion, ...]
    not_judged: tuple[Exclusion, ...]
    to_find: tuple[Exclusion, ...]
    feedback: tuple[Feedback, ...]


def plan_training(
    spark: SparkSession, settings: Settings, window: timedelta, exclusions: Iterable[Exclusion], seed: int
) -> Plan:
    """The plan over the newest `window` of silver.metrics as it is now. Raises ModelError if nothing was measured."""
    place = METRICS.place(settings)
    if not table_exists(spark, settings, METRICS):
        raise ModelError(f"there is no silver.metrics at {place} to train on: run `lakehouse run silver` first")
    version = int(delta_table(spark, settings, METRICS).history(1).collect()[0]["version"])
    newest = (
        _at(spark, settings, version).agg(F.unix_micros(F.max("event_time")).alias("newest")).collect()[0]["newest"]
    )
    if newest is None:
        raise ModelError(f"silver.metrics at {place} has no row to train on: run the streams until it has some days")
    given = verdicts.given(settings)
    every = (*exclusions, *maintenance_windows())
    newest_time = datetime.fromtimestamp(newest // 1_000_000, UTC) + timedelta(microseconds=newest % 1_000_000)
    return plan_of(newest_time, window, version, given.version, every, seed)


def told_by(settings: Settings, plan: Plan) -> Told:
    """What was known when `plan` was made."""
    given = verdicts.Given(None, ())
    if plan.feedback_version is not None:
        given = verdicts.given(settings, plan.feedback_version)
    expected = verdicts.windows(given.feedback, Verdict.EXPECTED)
    true = verdicts.windows(given.feedback, Verdict.TRUE)
    return Told((*plan.exclusions, *expected, *true), (*plan.exclusions, *expected), true, given.feedback)


def rows_of(spark: SparkSession, settings: Settings, plan: Plan, start: datetime, end: Column) -> DataFrame:
    """Finite measurements from `start` until the condition `end` (on event_time) fails, as `ROWS` says."""
    dimensions = F.concat_ws(
        ",",
        F.transform(F.array_sort(F.map_entries("dimensions")), lambda one: F.concat_ws("=", one["key"], one["value"])),
    )
    has_dimensions = F.coalesce(F.size("dimensions"), F.lit(0)) > 0
    name = F.when(has_dimensions, F.concat("metric", F.lit("{"), dimensions, F.lit("}"))).otherwise(F.col("metric"))
    finite = ~F.isnan("value") & (F.abs("value") < float("inf"))
    chosen = _at(spark, settings, plan.metrics_version).where((F.col("event_time") >= F.lit(start)) & end & finite)
    time = (F.unix_micros("event_time") / 1e6).alias("time")
    return chosen.select("resource_id", "series_id", "metric", name.alias("name"), time, "value")


def series_of(rows: DataFrame, feedback: Iterable[Feedback]) -> dict[tuple[str, str], tuple[int, ...]]:
    """(resource_id, metric) → its series, for the verdicts that name a metric of a resource and no series."""
    asked = {(one.resource_id, one.metric) for one in feedback if one.series_id is None and one.metric is not None}
    if not asked:
        return {}
    resources = sorted({resource for resource, _ in asked if resource is not None})
    chosen = rows.where(F.col("resource_id").isin(resources)).select("resource_id", "metric", "series_id").distinct()
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for row in sorted(chosen.collect()):
        key = (str(row["resource_id"]), str(row["metric"]))
        if key in asked:
            found[key] = (*found.get(key, ()), int(row["series_id"]))
    return found


def _at(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    """Raises ModelError if that version of silver.metrics is gone."""
    try:
        return load_table(spark.read.option("versionAsOf", version), settings, METRICS)
    except PySparkException as error:
        raise ModelError(
            f"silver.metrics at {METRICS.place(settings)} cannot be read as of version {version}, older than what the "
            f"table keeps (delta.logRetentionDuration, VACUUM): {str(error).strip().splitlines()[0]}"
        ) from error
