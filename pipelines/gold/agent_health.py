"""silver.heartbeats → gold.agent_health: one row an agent, its state now and its downtime today.

The table is small (a row an agent), so a micro-batch writes it anew as a whole: an overwrite is atomic and, unlike a
MERGE, carries the batch's transaction id, so a repeated batch changes nothing. Heartbeats that come in order only
extend what the row knows. An agent with one that came late is worked out again from silver.heartbeats.

Time passes without heartbeats too: an agent falls silent when nothing arrives. So whoever runs the stream also calls
`refresh` now and then.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.settings import Settings, parse_duration
from pipelines.streams import Trigger, note_latency, query_id, read_appends, start_query
from pipelines.tables import contract, ensure_table, overwrite_table, read_table

QUERY = "gold_agent_health"
HEARTBEATS = contract("silver.heartbeats")
TABLE = contract("gold.agent_health")

_FACTS = ("host_name", "source", "agent_version", "os_type")
# How far back the heartbeats of a day are read to see a gap that began before midnight.
_LOOK_BACK = timedelta(days=1)
# Two overwrites at a time would conflict, and the stream's would fail: `refresh` and the micro-batches take turns.
_WRITER = threading.Lock()


def update_health(
    current: DataFrame, heartbeats: DataFrame, history: DataFrame, settings: Settings, as_of: datetime
) -> DataFrame:
    """The table after `heartbeats` (new rows of silver.heartbeats), judged at `as_of` (UTC).

    `current` is the table before. `history` is silver.heartbeats, which may hold the new rows already; it is read only
    if a heartbeat came late.
    """
    day_start = _midnight(as_of)
    news = heartbeats.groupBy("resource_id").agg(
        F.collect_set("event_time").alias("beats"), F.max_by(F.struct(*_FACTS), "event_time").alias("facts")
    )
    known = _since_midnight(current, day_start).withColumn("known_facts", F.struct(*_FACTS)).drop(*_FACTS)
    agents = known.join(news, "resource_id", "full").withColumn(
        "late", F.coalesce(F.array_min("beats") <= F.col("last_heartbeat"), F.expr("false"))
    )
    late = [row["resource_id"] for row in agents.where("late").select("resource_id").collect()]
    again = history.where(F.col("resource_id").isin(late) & (F.col("event_time") >= F.lit(day_start - _LOOK_BACK)))
    recent = again.groupBy("resource_id").agg(F.collect_set("event_time").alias("recent"))
    with_recent = agents.join(recent, "resource_id", "left") if late else agents.withColumn("recent", _times(None))
    # The last heartbeat known is one of them, however long ago it was.
    times = F.concat(F.array_compact(F.array("last_heartbeat")), _times("beats"), _times("recent"))
    timed = with_recent.withColumn("times", F.array_sort(F.array_distinct(times)))
    gaps = timed.withColumn("gaps", _gaps(F.col("times"), settings))
    described = gaps.select(
        "resource_id",
        # What a heartbeat says that is older than the last one has been overtaken.
        F.when(F.array_max("times") == F.array_max("beats"), F.col("facts")).otherwise(F.col("known_facts")).alias("f"),
        F.least("first_heartbeat", F.array_min("times")).alias("first_heartbeat"),
        F.array_max("times").alias("last_heartbeat"),
        F.coalesce(
            F.array_max("gaps.end"),
            F.when(F.col("late"), F.least("run_start", F.array_min("times"))),
            "run_start",
            F.array_min("times"),
        ).alias("run_start"),
        (
            F.when(F.col("late"), 0.0).otherwise(F.coalesce("closed_downtime_seconds", F.lit(0.0)))
            + _seconds_since(day_start, F.col("gaps"))
        ).alias("closed_downtime_seconds"),
    )
    return judge(described.select("*", "f.*"), settings, as_of)


def judge(agents: DataFrame, settings: Settings, as_of: datetime) -> DataFrame:
    """State, since when, and downtime of rows that know last_heartbeat, run_start and closed_downtime_seconds."""
    now, last = F.lit(as_of), F.col("last_heartbeat")
    day_start = F.lit(_midnight(as_of))
    late_after, silent_after = _interval(settings.gold.late_after), _interval(settings.gold.silent_after)
    is_silent, is_late = last + silent_after < now, last + late_after < now
    open_seconds = F.when(is_silent, _seconds(F.greatest(last, day_start), now)).otherwise(0.0)
    return agents.withColumns(
        {
            "state": F.when(is_silent, "silent").when(is_late, "late").otherwise("connected"),
            "state_since": F.when(is_silent, last + silent_after)
            .when(is_late, last + late_after)
            .otherwise(F.col("run_start")),
            "day": day_start.cast("date"),
            "downtime_seconds": F.col("closed_downtime_seconds") + open_seconds,
            "as_of": now,
        }
    ).select(*TABLE.column_names)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _since_midnight(current: DataFrame, day_start: datetime) -> DataFrame:
    """The table, with the downtime of closed gaps forgotten where it is that of another day."""
    is_today = F.col("day") == F.lit(day_start).cast("date")
    return current.withColumn(
        "closed_downtime_seconds", F.when(is_today, F.col("closed_downtime_seconds")).otherwise(0.0)
    )


def _times(name: str | None) -> Column:
    """A column of times, none instead of null."""
    none = F.array().cast("array<timestamp>")
    return none if name is None else F.coalesce(name, none)


def _gaps(times: Column, settings: Settings) -> Column:
    """Sorted times → array of struct<start, end>: where two that follow each other are too far apart."""
    silent_seconds = parse_duration(settings.gold.silent_after).total_seconds()
    others = F.size(times) - 1
    spans = F.arrays_zip(F.slice(times, 1, others).alias("start"), F.slice(times, 2, others).alias("end"))
    return F.filter(spans, lambda span: _seconds(span["start"], span["end"]) > silent_seconds)


def _seconds_since(day_start: datetime, gaps: Column) -> Column:
    """The part of all gaps that lies in the day."""

    def add(total: Column, gap: Column) -> Column:
        return total + F.greatest(F.lit(0.0), _seconds(F.greatest(gap["start"], F.lit(day_start)), gap["end"]))

    return F.aggregate(gaps, F.lit(0.0), add)


def _seconds(start: Column, end: Column) -> Column:
    return (F.unix_micros(end) - F.unix_micros(start)) / 1e6


def _interval(duration: str) -> Column:
    return F.expr(f"INTERVAL '{duration}'")


def refresh(spark: SparkSession, settings: Settings, as_of: datetime) -> None:
    """Judge all agents anew at `as_of` (UTC), without new heartbeats."""
    with _WRITER:
        current = _since_midnight(read_table(spark, settings, TABLE), _midnight(as_of))
        overwrite_table(judge(current, settings, as_of).coalesce(1).write, settings, TABLE)


def write_batch(heartbeats: DataFrame, batch_id: int, settings: Settings) -> None:
    """Bring the table up to date with a micro-batch of silver.heartbeats."""
    spark = heartbeats.sparkSession
    arrived = heartbeats.select("resource_id", "event_time", "kafka_timestamp", *_FACTS).persist()
    try:
        with _WRITER:
            before, history = (read_table(spark, settings, table) for table in (TABLE, HEARTBEATS))
            health = update_health(before, arrived, history, settings, datetime.now(UTC))
            overwrite_table(
                health.coalesce(1).write.option("txnAppId", query_id(spark)).option("txnVersion", batch_id),
                settings,
                TABLE,
            )
        oldest = arrived.agg(F.min("kafka_timestamp")).first()
    finally:
        arrived.unpersist()
    assert oldest is not None
    note_latency(QUERY, oldest[0])


def start(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, HEARTBEATS)
    ensure_table(spark, settings, TABLE)
    heartbeats = read_appends(spark, settings, HEARTBEATS, settings.gold)
    writer = heartbeats.writeStream.outputMode("append").foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, settings)
    )
    return start_query(writer, settings, QUERY, trigger, settings.gold.health_interval)
