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

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import silver
from pipelines.settings import Settings, parse_duration
from pipelines.streams import Trigger, note_latency, query_id, read_appends, start_query
from pipelines.tables import contract, ensure_table, read_table

QUERY = "gold_agent_health"
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

    `current` is the table before, `history` silver.heartbeats, which may hold the new rows already.
    """
    day_start = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    silent_seconds = parse_duration(settings.gold.silent_after).total_seconds()
    known = current.select(
        "resource_id", "first_heartbeat", "last_heartbeat", "run_start",
        F.when(F.col("day") == F.lit(day_start).cast("date"), F.col("closed_downtime_seconds")).otherwise(0.0)
        .alias("closed"),
    )  # fmt: skip
    news = heartbeats.groupBy("resource_id").agg(
        F.min("event_time").alias("earliest"),
        F.max("event_time").alias("latest"),
        F.max_by(F.struct(*_FACTS), "event_time").alias("facts"),
    )
    agents = known.join(news, "resource_id", "full").withColumn("late", F.col("earliest") <= F.col("last_heartbeat"))
    in_order = heartbeats.select("resource_id", "event_time").join(
        agents.where(~F.coalesce("late", F.expr("false"))).select("resource_id"), "resource_id", "semi"
    )
    previous = agents.where("earliest > last_heartbeat").select(
        "resource_id", F.col("last_heartbeat").alias("event_time")
    )
    recent = history.where(F.col("event_time") >= F.lit(day_start - _LOOK_BACK))
    again = recent.select("resource_id", "event_time").join(
        agents.where("late").select("resource_id"), "resource_id", "semi"
    )  # fmt: skip
    runs = _runs(in_order.union(previous).union(again).distinct(), silent_seconds, day_start)
    joined = agents.join(runs, "resource_id", "left")
    late = F.coalesce("late", F.expr("false"))
    described = joined.select(
        "resource_id",
        # What a heartbeat says that is older than the last one has been overtaken.
        F.when(F.greatest("last_heartbeat", "latest") == F.col("latest"), F.col("facts")).alias("facts"),
        F.least("first_heartbeat", "earliest").alias("first_heartbeat"),
        F.greatest("last_heartbeat", "latest").alias("last_heartbeat"),
        F.coalesce("gap_end", F.when(late, F.least("run_start", "seen_from")), "run_start", "seen_from")
        .alias("run_start"),
        (F.when(late, F.lit(0.0)).otherwise(F.coalesce("closed", F.lit(0.0))) + F.coalesce("gap_seconds", F.lit(0.0)))
        .alias("closed_downtime_seconds"),
    )  # fmt: skip
    facts = current.select("resource_id", F.struct(*_FACTS).alias("known_facts"))
    with_facts = described.join(facts, "resource_id", "left")
    columns = [
        F.when(F.col("facts").isNotNull(), F.col(f"facts.{name}")).otherwise(F.col(f"known_facts.{name}")).alias(name)
        for name in _FACTS
    ]
    return judge(with_facts.select("*", *columns), settings, as_of)


def judge(agents: DataFrame, settings: Settings, as_of: datetime) -> DataFrame:
    """State, since when, and downtime of rows that know last_heartbeat, run_start and closed_downtime_seconds."""
    now, last = F.lit(as_of), F.col("last_heartbeat")
    day_start = F.lit(as_of.replace(hour=0, minute=0, second=0, microsecond=0))
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


def _runs(beats: DataFrame, silent_seconds: float, day_start: datetime) -> DataFrame:
    """Per agent: `gap_seconds` of closed gaps in the day, `gap_end` of the latest gap, `seen_from` the first beat."""
    before = F.lag("event_time").over(Window.partitionBy("resource_id").orderBy("event_time"))
    spaced = beats.withColumn("before", before)
    is_gap = _seconds(F.col("before"), F.col("event_time")) > silent_seconds
    in_day = F.greatest(F.lit(0.0), _seconds(F.greatest("before", F.lit(day_start)), F.col("event_time")))
    return spaced.groupBy("resource_id").agg(
        F.sum(F.when(is_gap, in_day)).alias("gap_seconds"),
        F.max(F.when(is_gap, F.col("event_time"))).alias("gap_end"),
        F.min("event_time").alias("seen_from"),
    )


def _seconds(start: Column, end: Column) -> Column:
    return (F.unix_micros(end) - F.unix_micros(start)) / 1e6


def _interval(duration: str) -> Column:
    return F.expr(f"INTERVAL '{duration}'")


def refresh(spark: SparkSession, settings: Settings, as_of: datetime) -> None:
    """Judge all agents anew at `as_of` (UTC), without new heartbeats."""
    with _WRITER:
        history = read_table(spark, settings, silver.HEARTBEATS)
        health = update_health(read_table(spark, settings, TABLE), history.limit(0), history, settings, as_of)
        health.coalesce(1).write.format("delta").mode("overwrite").save(TABLE.path(settings))


def write_batch(heartbeats: DataFrame, batch_id: int, settings: Settings) -> None:
    """Bring the table up to date with a micro-batch of silver.heartbeats."""
    spark = heartbeats.sparkSession
    arrived = heartbeats.select("resource_id", "event_time", "kafka_timestamp", *_FACTS).persist()
    try:
        with _WRITER:
            before, history = (read_table(spark, settings, table) for table in (TABLE, silver.HEARTBEATS))
            health = update_health(before, arrived, history, settings, datetime.now(UTC))
            (
                health.coalesce(1)
                .write.format("delta")
                .mode("overwrite")
                .option("txnAppId", query_id(spark))
                .option("txnVersion", batch_id)
                .save(TABLE.path(settings))
            )
        oldest = arrived.agg(F.min("kafka_timestamp")).first()
    finally:
        arrived.unpersist()
    assert oldest is not None
    note_latency(QUERY, oldest[0])


def start(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, silver.HEARTBEATS)
    ensure_table(spark, settings, TABLE)
    heartbeats = read_appends(spark, settings, silver.HEARTBEATS, settings.gold.max_files_per_trigger)
    writer = heartbeats.writeStream.outputMode("append").foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, settings)
    )
    return start_query(writer, settings, QUERY, trigger, settings.gold.health_interval)
