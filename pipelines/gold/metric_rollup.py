"""silver.metrics → gold.metric_rollup: one row a series and window of 1 minute or 1 hour.

The windows that a micro-batch touches are read, combined with its rows and written anew in one commit. Counts and sums
add up, KLL sketches merge, so a row that comes hours late corrects its windows, whatever their age. An overwrite of
windows carries the transaction id of the batch, so a repeated one changes nothing. A MERGE would cost more: it joins
twice, and copies most rows all the same, as those of an open window change with nearly every batch.

One query writes the table: it reads what it then replaces.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.conflicts import retried
from pipelines.settings import Settings
from pipelines.streams import Trigger, note_latency, per_batch, query_id, read_appends, start_query
from pipelines.tables import contract, ensure_table, read_table, save_table

QUERY = "gold_metric_rollup"
METRICS = contract("silver.metrics")
TABLE = contract("gold.metric_rollup")
MINUTE, HOUR = "PT1M", "PT1H"

_COUNTED = "counted"
_KEYS = ("granularity", "window_start", "series_id")
_DESCRIPTION = (
    "source", "cloud_provider", "resource_id", "host_name", "namespace", "metric", "unit", "dimensions",
)  # fmt: skip
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Above this many minutes in one batch (a long backlog) a range serves as well as a list to find the files to touch.
_LISTED_MINUTES = 200
# More files than this are not worth their number.
_MOST_SLOTS = 64
_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Touched:
    """The minutes that a micro-batch has rows of, in order, and the oldest arrival (UTC) among its rows."""

    minutes: tuple[datetime, ...]
    oldest_arrival: datetime

    @property
    def hours(self) -> tuple[datetime, ...]:
        return tuple(sorted({minute.replace(minute=0) for minute in self.minutes}))

    @property
    def predicate(self) -> str:
        """SQL: the rows of the table in those minutes and in their hours."""
        minutes, hours = _among(self.minutes), _among(self.hours)
        return f"(granularity = '{MINUTE}' AND {minutes}) OR (granularity = '{HOUR}' AND {hours})"


@dataclass(frozen=True)
class Counted:
    """The batch of the query (by its id) that a commit of the table holds; noted in the commit, for replays."""

    query_id: str
    batch: int

    def to_json(self) -> str:
        return json.dumps({_COUNTED: [self.query_id, self.batch]})

    @classmethod
    def from_json(cls, text: str | None) -> Counted | None:
        """None if the commit is of another writer."""
        noted = json.loads(text).get(_COUNTED) if text else None
        return None if noted is None else cls(str(noted[0]), int(noted[1]))


def _among(starts: tuple[datetime, ...]) -> str:
    literals = [f"TIMESTAMP '{start.isoformat()}'" for start in starts]
    if len(starts) <= _LISTED_MINUTES:
        return f"window_start IN ({', '.join(literals)})"
    return f"window_start BETWEEN {literals[0]} AND {literals[-1]}"


def touched_by(metrics: DataFrame) -> Touched | None:
    """None if there are no rows."""
    # As numbers: a datetime of Python would be local time, which has an hour twice in the year.
    minute = F.unix_micros(F.date_trunc("minute", "event_time"))
    found = metrics.agg(F.collect_set(minute), F.unix_micros(F.min("kafka_timestamp"))).first()
    assert found is not None
    if not found[0]:
        return None
    minutes = tuple(_EPOCH + timedelta(microseconds=micros) for micros in sorted(found[0]))
    return Touched(minutes, _EPOCH + timedelta(microseconds=found[1]))


def samples_of(metrics: DataFrame) -> DataFrame:
    """silver.metrics rows → what each adds to its two windows."""
    number = F.when(~F.isnan("value") & (F.abs("value") < float("inf")), F.col("value"))
    rows = metrics.select(
        "series_id",
        F.struct(*_DESCRIPTION).alias("description"),
        F.lit(1).cast("bigint").alias("points"),
        F.when(number.isNull(), 0.0).otherwise(F.coalesce("sample_count", F.lit(1.0))).alias("count"),
        F.coalesce("minimum", number).alias("minimum"),
        F.coalesce("maximum", number).alias("maximum"),
        F.coalesce("total", number).alias("total"),
        number.alias("value"),
        F.lit(None).cast("binary").alias("sketch"),
        F.explode(F.array(_window(MINUTE, "minute"), _window(HOUR, "hour"))).alias("window"),
    )
    return rows.select("window.granularity", "window.window_start", *rows.drop("window").columns)


def _window(granularity: str, unit: str) -> Column:
    return F.struct(
        F.lit(granularity).alias("granularity"), F.date_trunc(unit, F.col("event_time")).alias("window_start")
    )


def known_of(table: DataFrame) -> DataFrame:
    """Rows of the table, as `samples_of` gives them: what each brings along of what was before."""
    return table.select(
        *_KEYS,
        F.struct(*_DESCRIPTION).alias("description"),
        *("points", "count", "minimum", "maximum", "total"),
        F.lit(None).cast("double").alias("value"),
        "sketch",
    )


def combine(parts: DataFrame) -> DataFrame:
    """`samples_of` and `known_of` together → one row per key, all of the table's columns but `updated_at`."""
    summed = parts.groupBy(*_KEYS).agg(
        F.first("description").alias("description"),
        F.sum("points").alias("points"),
        F.sum("count").alias("count"),
        F.min("minimum").alias("minimum"),
        F.max("maximum").alias("maximum"),
        F.sum("total").alias("total"),
        F.kll_sketch_agg_double("value").alias("fresh"),
        F.kll_merge_agg_double("sketch").alias("before"),
    )
    merged = summed.withColumns(
        {"mean": F.try_divide("total", "count"), "sketch": F.kll_sketch_merge_double("before", "fresh")}
    )
    # An empty sketch has no quantiles, and asking it for one is an error.
    ranks = F.array(*(F.lit(rank) for _, rank in _QUANTILES))
    quantiles = F.when(F.col("count") > 0, F.kll_sketch_get_quantile_double("sketch", ranks))
    return merged.withColumn("quantiles", quantiles).select(
        "*", "description.*", *(F.col("quantiles")[place].alias(name) for place, (name, _) in enumerate(_QUANTILES))
    )


def write_batch(metrics: DataFrame, batch_id: int, settings: Settings, query: str) -> None:
    """Add silver.metrics rows to the table; a second time with the same batch of the same query changes nothing."""
    touched = touched_by(metrics)
    if touched is None:
        return

    def write() -> None:
        before = read_table(metrics.sparkSession, settings, TABLE).where(touched.predicate)
        rows = combine(known_of(before).unionByName(samples_of(metrics))).withColumn(
            "updated_at", per_batch(F.current_timestamp(), "points")
        )
        save_table(
            _one_window_a_file(rows.select(*TABLE.column_names), touched)
            .write.mode("overwrite")
            .option("replaceWhere", touched.predicate)
            .option("txnAppId", query)
            .option("txnVersion", batch_id)
            .option("userMetadata", Counted(query, batch_id).to_json()),
            settings,
            TABLE,
        )

    # OPTIMIZE takes the place of files that the overwrite has read; the overwrite is then repeated.
    retried(write, TABLE.full_name, _ATTEMPTS, _PAUSE_SECONDS)
    note_latency(QUERY, touched.oldest_arrival)


def _one_window_a_file(rows: DataFrame, touched: Touched) -> DataFrame:
    """The rows of a window apart from those of others: so the next batch, which replaces some windows and not others,
    has no rows to copy. Where a shuffle has many partitions, they share the series of each window."""
    minutes, hours = (min(len(starts), _MOST_SLOTS) for starts in (touched.minutes, touched.hours))
    number = F.unix_seconds("window_start")
    minute_slot = F.pmod(F.floor(number / 60), F.lit(minutes))
    hour_slot = minutes + F.pmod(F.floor(number / 3600), F.lit(hours))
    slot = F.when(F.col("granularity") == MINUTE, minute_slot).otherwise(hour_slot)
    shares = max(1, int(rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1) // (minutes + hours))
    partition = slot * shares + F.pmod("series_id", F.lit(shares))
    return rows.repartitionById((minutes + hours) * shares, partition.cast("int"))


def start(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, METRICS)
    ensure_table(spark, settings, TABLE)
    source = read_appends(spark, settings, METRICS, settings.gold)
    writer = source.writeStream.outputMode("append").foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, settings, query_id(batch.sparkSession))
    )
    return start_query(writer, settings, QUERY, trigger, settings.gold.trigger_interval)
