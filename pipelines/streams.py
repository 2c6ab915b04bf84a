"""What every streaming query of ours has in common: its trigger, its checkpoint, and appends that happen once."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from pipelines.settings import Detection, Gold, Inventory, Settings, Silver
from pipelines.tables import Table, load_table, save_table, start_into

# What a stream without foreachBatch says in its progress: the oldest arrival of a micro-batch, ms since 1970.
ARRIVALS, OLDEST = "arrivals", "oldest"
_latencies: dict[str, float] = {}
# Of each query those that nobody has taken yet; the newest only, as often nobody does.
_untaken: defaultdict[str, deque[Latency]] = defaultdict(lambda: deque(maxlen=1000))


@dataclass(frozen=True)
class Latency:
    """When a micro-batch became visible (UTC), and how old its oldest row was then."""

    at: datetime
    seconds: float


class Trigger(StrEnum):
    """How a job runs: micro-batches for ever, or all that is there now and then end."""

    CONTINUOUS = "continuous"
    AVAILABLE_NOW = "available-now"


def start_query(
    writer: DataStreamWriter, settings: Settings, name: str, trigger: Trigger, interval: str
) -> StreamingQuery:
    """Start `writer`, which has a foreachBatch, as query `name`, with the checkpoint of that name."""
    return _as_query(writer, settings, name, trigger, interval).start()


def start_appends(
    rows: DataFrame, settings: Settings, table: Table, name: str, trigger: Trigger, interval: str
) -> StreamingQuery:
    """Start query `name`, which appends `rows` to `table` by the Delta sink, each micro-batch once."""
    return start_into(_as_query(rows.writeStream, settings, name, trigger, interval), settings, table)


def _as_query(
    writer: DataStreamWriter, settings: Settings, name: str, trigger: Trigger, interval: str
) -> DataStreamWriter:
    writer = writer.queryName(name).option("checkpointLocation", str(settings.checkpoint_path(name)))
    if trigger is Trigger.AVAILABLE_NOW:
        return writer.trigger(availableNow=True)
    return writer.trigger(processingTime=interval)


def read_appends(
    spark: SparkSession, settings: Settings, table: Table, limits: Silver | Inventory | Detection | Gold
) -> DataFrame:
    """The rows appended to a Delta table, as a stream whose batches are within `limits` (but at least one file)."""
    reader = spark.readStream.option("maxFilesPerTrigger", limits.max_files_per_trigger)
    # Late duplicates are removed from tables that are read as streams.
    reader = reader.option("skipChangeCommits", "true")
    return load_table(reader.option("maxBytesPerTrigger", limits.max_bytes_per_trigger), settings, table)


def query_id(spark: SparkSession) -> str:
    """Inside foreachBatch: the id of the query, which lives and dies with its checkpoint."""
    found = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
    assert found, "only inside foreachBatch"
    return found


def append_once(rows: DataFrame, settings: Settings, table: Table, query: str, batch_id: int) -> None:
    """Append a micro-batch; a second time with the same batch of the same query changes nothing."""
    save_table(
        rows.select(*table.column_names).write.mode("append").option("txnAppId", query).option("txnVersion", batch_id),
        settings,
        table,
    )


def per_batch(value: Column, anchor: str) -> Column:
    """A constant that is another in each micro-batch (its number, the time), kept out of the generated code.

    Spark writes numbers and times into the Java code of a query, so each batch would be compiled anew, by Janino and
    then by the JVM: more work than the batch itself. A constant array is handed to the code instead. `anchor`, any
    column of integers that is never null, keeps the optimizer from taking the value out of it.
    """
    return F.get(F.array(value), F.pmod(F.col(anchor), F.lit(1)).cast("int"))


def note_latency(query: str, oldest_arrival: datetime | None) -> None:
    """To be called when a micro-batch is visible: its oldest row, by Kafka timestamp (UTC), took until now."""
    if oldest_arrival is not None:
        now = datetime.now(UTC)
        latency = Latency(now, (now - oldest_arrival.astimezone(UTC)).total_seconds())
        _latencies[query] = latency.seconds
        _untaken[query].append(latency)


def take_latencies(query: str) -> tuple[Latency, ...]:
    """What `note_latency` was told of the query since the last call: each is given once."""
    noted = _untaken[query]
    return tuple(noted.popleft() for _ in range(len(noted)))


def latency_seconds(query: StreamingQuery) -> float | None:
    """The latency of the oldest row of the query's last micro-batch; None if it is not known."""
    progress: Any = query.lastProgress
    if query.name in _latencies or progress is None:
        return _latencies.get(query.name or "")
    oldest = progress.observedMetrics.get(ARRIVALS)
    if oldest is None or oldest[OLDEST] is None:
        return None
    begun_ms = datetime.fromisoformat(progress.timestamp).timestamp() * 1000
    return float(begun_ms + progress.durationMs["triggerExecution"] - int(oldest[OLDEST])) / 1000
