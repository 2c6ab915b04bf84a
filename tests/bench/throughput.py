"""Records per second of each layer over the same input, one after the other in one Spark application, warm."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery
from rich.console import Console

from pipelines import bronze, silver
from pipelines.gold import metric_rollup
from pipelines.local.simulator import TOPICS
from pipelines.schema_registry import RegisteredSchemas
from pipelines.settings import Settings
from pipelines.streams import Trigger, read_appends, start_query
from tests.bench import floors, peer
from tests.bench.workload import Load, reset

# The load has no Avro.
NO_SCHEMAS = RegisteredSchemas(lambda: None)
_ROUNDS = 3


def measure(spark: SparkSession, settings: Settings, bootstrap: str, load: Load, console: Console) -> dict[str, float]:
    """Median records/s of each step; the first round, in which the JVM compiles, is not counted."""
    steps: dict[str, Callable[[], float]] = {
        "kafka_noop": lambda: _kafka_noop(spark, settings, bootstrap),
        "bronze": lambda: _stream(bronze.start(spark, settings, bootstrap, Trigger.AVAILABLE_NOW)),
        "from_json_noop": lambda: _from_json_noop(spark, settings),
        "silver": lambda: _stream(silver.start(spark, settings, NO_SCHEMAS, Trigger.AVAILABLE_NOW)),
        "rollup": lambda: _stream(metric_rollup.start(spark, settings, Trigger.AVAILABLE_NOW)),
        "peer_bronze": lambda: peer.bronze(bootstrap, TOPICS, settings.root / "peer" / "bronze"),
        "peer_silver": lambda: peer.silver(settings.root / "peer" / "bronze", settings.root / "peer" / "silver"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for round_ in range(_ROUNDS + 1):
        reset(settings)
        for name, step in steps.items():
            took = step()
            note = "warm-up" if round_ == 0 else f"round {round_} of {_ROUNDS}"
            console.print(f"  {name:15} {load.items / took:>10,.0f} records/s  ({note})", highlight=False)
            if round_ > 0:
                seconds[name].append(took)
    return {name: load.items / statistics.median(times) for name, times in seconds.items()}


def _stream(query: StreamingQuery) -> float:
    """Seconds that the query spent in its micro-batches."""
    query.awaitTermination()
    return sum(float(progress["durationMs"]["triggerExecution"]) for progress in query.recentProgress) / 1000


def _kafka_noop(spark: SparkSession, settings: Settings, bootstrap: str) -> float:
    rows = bronze.to_bronze(bronze.read_kafka(spark, settings, bootstrap))
    return _stream(
        start_query(rows.writeStream.format("noop"), settings, "kafka_noop", Trigger.AVAILABLE_NOW, "1 second")
    )


def _from_json_noop(spark: SparkSession, settings: Settings) -> float:
    source = read_appends(spark, settings, bronze.TABLE, settings.silver)
    writer = floors.from_json(source).writeStream.format("noop")
    return _stream(start_query(writer, settings, "from_json_noop", Trigger.AVAILABLE_NOW, "1 second"))
