"""What does maintenance make of a week of micro-batches? Files before and after, and a query's time, in one run.

silver.metrics with a week of one measurement a minute of each series, in as many files as a stream leaves that writes
one every five minutes; every micro-batch holds all series. Run alone, it prints:

    python -m tests.bench.maintenance --series 300
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import time
from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from pipelines.operations.maintenance.record import Action
from pipelines.operations.maintenance.run import Rules, maintain
from pipelines.operations.query import answer
from pipelines.routing import METRICS
from pipelines.session import build_session
from pipelines.settings import PROJECT_DIR, Settings, load_settings
from pipelines.tables import ensure_table

MINUTES = 7 * 24 * 60
FILE_MINUTES = 5
_FROM = "2026-03-02 00:00:00"
_REPEATS = 5
QUERIES = {
    "one series, the week": "SELECT avg(value), count(*) FROM silver.metrics WHERE resource_id = 'host-7'",
    "one hour, all series": (
        "SELECT resource_id, max(value) FROM silver.metrics "
        "WHERE event_time >= '2026-03-05 10:00' AND event_time < '2026-03-05 11:00' GROUP BY 1"
    ),
}


@dataclass(frozen=True)
class Measured:
    """`seconds_*`: the median of each query."""

    rows: int
    files_before: int
    files_after: int
    compaction_seconds: float
    seconds_before: dict[str, float]
    seconds_after: dict[str, float]


def fill(spark: SparkSession, settings: Settings, series: int) -> int:
    """The week, in its files; the number of rows."""
    ensure_table(spark, settings, METRICS)
    minute, host = F.floor(F.col("id") / series), F.col("id") % series
    at = F.timestamp_seconds(F.unix_seconds(F.lit(_FROM).cast("timestamp")) + 60 * minute)
    given = {
        "event_id": F.md5(F.col("id").cast("string").cast("binary")),
        "event_time": at,
        "resource_id": F.concat(F.lit("host-"), host.cast("string")),
        "host_name": F.concat(F.lit("host-"), host.cast("string")),
        "namespace": F.lit("system"),
        "metric": F.lit("cpu"),
        "value": 50 + 40 * F.sin(F.col("id") / 1000) + F.rand(7),
        "series_id": host,
        "source": F.lit("bench"),
        "topic": F.lit("bench"),
        "partition": F.lit(0),
        "offset": F.col("id"),
        "item": F.lit(0),
        "part": F.lit(0),
        "kafka_timestamp": at,
        "ingest_time": at,
    }
    # A range is cut into its partitions in order: each is a few minutes of all series, and becomes a file.
    rows = spark.range(0, MINUTES * series, numPartitions=MINUTES // FILE_MINUTES).select(
        *(given.get(column.name, F.lit(None)).cast(column.type).alias(column.name) for column in METRICS.columns)
    )
    rows.write.format("delta").mode("append").save(METRICS.path(settings))
    return MINUTES * series


def measure(settings: Settings, series: int, console: Console) -> Measured:
    shutil.rmtree(settings.root, ignore_errors=True)
    spark = build_session(settings, "bench")
    try:
        rows = fill(spark, settings, series)
        before = _times(settings)
        (done,) = maintain(spark, settings, [METRICS], (Action.COMPACT,), Rules())
        assert not done.has_failed, done.effect.outcome
    finally:
        spark.stop()
    found = Measured(rows, done.effect.before.files, done.effect.after.files, done.seconds, before, _times(settings))
    console.print(
        f"{rows:,} rows: {found.files_before:,} files → {found.files_after:,} "
        f"({found.files_before / found.files_after:.0f} times fewer) in {found.compaction_seconds:.1f} s"
    )
    for name, seconds in found.seconds_before.items():
        after = found.seconds_after[name]
        console.print(
            f"  {name}: {1000 * seconds:.0f} ms → {1000 * after:.0f} ms ({seconds / after:.1f} times quicker)"
        )
    return found


def _times(settings: Settings) -> dict[str, float]:
    return {name: statistics.median(_time(settings, sql) for _ in range(_REPEATS)) for name, sql in QUERIES.items()}


def _time(settings: Settings, sql: str) -> float:
    begun = time.perf_counter()
    answer(settings, sql)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=300, help="series that report each minute")
    root = PROJECT_DIR / "build" / "bench" / "maintenance"
    settings = load_settings("local", {**os.environ, "LAKEHOUSE_ROOT": str(root)})
    measure(settings, parser.parse_args().series, Console(highlight=False, soft_wrap=True))


if __name__ == "__main__":
    main()
