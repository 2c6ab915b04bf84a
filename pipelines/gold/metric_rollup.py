"""silver.metrics → gold.metric_rollup: one row a series and window of 1 minute or 1 hour.

Each micro-batch is reduced to partial rows and merged into the table by key. Counts and sums add up, KLL sketches
merge, so a row that comes hours late corrects its windows, whatever their age.
"""

from __future__ import annotations

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import silver
from pipelines.settings import Settings
from pipelines.streams import Trigger, note_latency, query_id, read_appends, start_query
from pipelines.tables import contract, ensure_table

QUERY = "gold_metric_rollup"
TABLE = contract("gold.metric_rollup")
MINUTE, HOUR = "PT1M", "PT1H"

_KEYS = ("granularity", "window_start", "series_id")
_DESCRIPTION = (
    "source", "cloud_provider", "resource_id", "host_name", "namespace", "metric", "unit", "dimensions",
)  # fmt: skip
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
# Above this many windows in one batch (a long backlog) a range serves as well as a list to find the files to touch.
_LISTED_WINDOWS = 200


def partial_rollup(metrics: DataFrame) -> DataFrame:
    """silver.metrics rows → partial rows of both granularities, without quantiles; one per key."""
    value = F.when(~F.isnan("value") & (F.abs("value") < float("inf")), F.col("value"))
    samples = F.when(value.isNotNull(), F.coalesce("sample_count", F.lit(1.0)))
    minute = (
        metrics.groupBy("series_id", F.date_trunc("minute", "event_time").alias("window_start"))
        .agg(
            *(F.first(name).alias(name) for name in _DESCRIPTION),
            F.count(F.lit(1)).alias("points"),
            F.coalesce(F.sum(samples), F.lit(0.0)).alias("count"),
            F.min(F.coalesce("minimum", value)).alias("minimum"),
            F.max(F.coalesce("maximum", value)).alias("maximum"),
            F.sum(F.coalesce("total", value)).alias("total"),
            F.kll_sketch_agg_double(value).alias("sketch"),
        )
        .withColumn("granularity", F.lit(MINUTE))
    )
    hour = (
        minute.groupBy("series_id", F.date_trunc("hour", "window_start").alias("window_start"))
        .agg(
            *(F.first(name).alias(name) for name in _DESCRIPTION),
            F.sum("points").alias("points"),
            F.sum("count").alias("count"),
            F.min("minimum").alias("minimum"),
            F.max("maximum").alias("maximum"),
            F.sum("total").alias("total"),
            F.kll_merge_agg_double("sketch").alias("sketch"),
        )
        .withColumn("granularity", F.lit(HOUR))
    )
    return minute.unionByName(hour)


def merge_partials(partials: DataFrame, settings: Settings, batch_id: int, query: str) -> None:
    """Add partial rows to the table; a second time with the same batch of the same query changes nothing."""
    spark = partials.sparkSession
    # As numbers: a datetime of Python would be local time, which has an hour twice in the year.
    windows = partials.select(F.unix_micros("window_start")).distinct().collect()
    if not windows:
        return
    starts = [F.timestamp_micros(F.lit(micros)) for micros in sorted(row[0] for row in windows)]
    if len(starts) <= _LISTED_WINDOWS:
        touched = F.col("t.window_start").isin(*starts)
    else:
        touched = F.col("t.window_start").between(starts[0], starts[-1])
    same_key = [F.col(f"t.{key}") == F.col(f"s.{key}") for key in _KEYS]
    target = DeltaTable.forPath(spark, TABLE.path(settings)).alias("t")
    source = partials.withColumns({"last_batch": F.lit(batch_id).cast("bigint"), "last_query": F.lit(query)}).alias("s")
    fresh = (F.col("t.last_query") != F.col("s.last_query")) | (F.col("t.last_batch") < F.col("s.last_batch"))
    (
        target.merge(source, touched & same_key[0] & same_key[1] & same_key[2])
        .whenMatchedUpdate(condition=fresh, set=_merged())
        .whenNotMatchedInsert(values=_inserted())
        .execute()
    )


def _merged() -> dict[str, str | Column]:
    sketch = F.kll_sketch_merge_double(F.col("t.sketch"), F.col("s.sketch"))
    count = F.col("t.count") + F.col("s.count")
    total = F.coalesce(F.col("t.total") + F.col("s.total"), F.col("t.total"), F.col("s.total"))
    return {
        "points": F.col("t.points") + F.col("s.points"),
        "count": count,
        "minimum": F.least(F.col("t.minimum"), F.col("s.minimum")),
        "maximum": F.greatest(F.col("t.maximum"), F.col("s.maximum")),
        "total": total,
        "mean": F.try_divide(total, count),
        "sketch": sketch,
        **{name: _quantile(sketch, count, rank) for name, rank in _QUANTILES},
        "last_batch": F.col("s.last_batch"),
        "last_query": F.col("s.last_query"),
        "updated_at": F.current_timestamp(),
    }


def _inserted() -> dict[str, str | Column]:
    copied = (*_KEYS, *_DESCRIPTION, "points", "count", "minimum", "maximum", "total", "sketch")
    sketch, count = F.col("s.sketch"), F.col("s.count")
    return {
        **{name: F.col(f"s.{name}") for name in copied},
        "mean": F.try_divide(F.col("s.total"), count),
        **{name: _quantile(sketch, count, rank) for name, rank in _QUANTILES},
        "last_batch": F.col("s.last_batch"),
        "last_query": F.col("s.last_query"),
        "updated_at": F.current_timestamp(),
    }


def _quantile(sketch: Column, count: Column, rank: float) -> Column:
    """An empty sketch has no quantiles, and asking it for one is an error."""
    return F.when(count > 0, F.kll_sketch_get_quantile_double(sketch, F.lit(rank)))


def start(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, silver.METRICS)
    ensure_table(spark, settings, TABLE)
    source = read_appends(spark, settings, silver.METRICS, settings.gold.max_files_per_trigger)

    def write_batch(batch: DataFrame, batch_id: int) -> None:
        arrivals = Observation()
        observed = batch.observe(arrivals, F.min("kafka_timestamp").alias("oldest"))
        partials = partial_rollup(observed).localCheckpoint()
        merge_partials(partials, settings, batch_id, query_id(batch.sparkSession))
        note_latency(QUERY, arrivals.get["oldest"])

    writer = source.writeStream.outputMode("append").foreachBatch(write_batch)
    return start_query(writer, settings, QUERY, trigger, settings.gold.trigger_interval)
