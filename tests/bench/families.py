"""Silver's throughput by family: bronze of one family through the stream, beside what parsing takes at least."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass

from pyspark.sql import SparkSession
from rich.console import Console

from pipelines import bronze, silver
from pipelines.routing import RECORD_TABLES
from pipelines.settings import Settings
from pipelines.streams import Trigger
from pipelines.tables import ensure_table, read_table
from tests.bench.avro_load import AvroLoad, OneSchema
from tests.bench.family_load import LOADS, FamilyLoad

RATIO, RATE = 0.4, 30_000
Load = FamilyLoad | AvroLoad


@dataclass(frozen=True)
class FamilySpeed:
    """Rows of silver a second; `floor` is of parsing alone, for the same rows."""

    name: str
    silver: float
    floor: float

    @property
    def ratio(self) -> float:
        return self.silver / self.floor


def measure(
    spark: SparkSession, settings: Settings, records: int, loads: tuple[Load, ...], console: Console
) -> tuple[FamilySpeed, ...]:
    """Each family once to warm up and once to count, `records` records a run."""
    found = []
    for load in loads:
        _prepare(spark, settings, load, records)
        rows = 0
        for _ in range(2):
            took, rows = _silver(spark, settings)
        floor = min(_floor(spark, settings, load) for _ in range(3))
        speed = FamilySpeed(load.name, rows / took, rows / floor)
        met = "" if speed.ratio >= RATIO and speed.silver >= RATE else f"   (to reach: {RATIO} and {RATE:,})"
        console.print(
            f"  {load.name:34} {speed.silver:>9,.0f} rows/s  floor {speed.floor:>9,.0f}  {speed.ratio:.2f}{met}"
        )
        found.append(speed)
    return tuple(found)


def chosen(names: list[str]) -> tuple[Load, ...]:
    """All families, or those whose name has one of `names` in it."""
    every: tuple[Load, ...] = (*LOADS, AvroLoad())
    return tuple(load for load in every if not names or any(name.lower() in load.name.lower() for name in names))


def _prepare(spark: SparkSession, settings: Settings, load: Load, records: int) -> None:
    shutil.rmtree(settings.root, ignore_errors=True)
    ensure_table(spark, settings, bronze.TABLE)
    rows = load.bronze_rows(spark, records).select(*bronze.TABLE.column_names)
    rows.write.format("delta").mode("append").save(bronze.TABLE.path(settings))


def _silver(spark: SparkSession, settings: Settings) -> tuple[float, int]:
    for folder in ("silver", "_checkpoints"):
        shutil.rmtree(settings.root / folder, ignore_errors=True)
    query = silver.start(spark, settings, OneSchema(), Trigger.AVAILABLE_NOW)
    query.awaitTermination()
    took = sum(float(progress["durationMs"]["triggerExecution"]) for progress in query.recentProgress) / 1000
    return took, sum(read_table(spark, settings, table).count() for table in RECORD_TABLES)


def _floor(spark: SparkSession, settings: Settings, load: Load) -> float:
    begun = time.perf_counter()
    load.parsed(read_table(spark, settings, bronze.TABLE)).write.format("noop").mode("overwrite").save()
    return time.perf_counter() - begun
