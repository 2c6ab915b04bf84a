"""Silver's throughput by family: bronze of one family through the stream, beside what parsing takes at least."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from pipelines import bronze, silver
from pipelines.routing import RECORD_TABLES
from pipelines.schema_registry import RegisteredSchemas
from pipelines.settings import Settings
from pipelines.streams import Trigger
from pipelines.tables import ensure_table, read_table
from tests.bench.family_load import LOADS, FamilyLoad, bronze_rows

RATIO, RATE = 0.4, 30_000
_NO_SCHEMAS = RegisteredSchemas(lambda: None)


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
    spark: SparkSession, settings: Settings, records: int, loads: tuple[FamilyLoad, ...], console: Console
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


def chosen(names: list[str]) -> tuple[FamilyLoad, ...]:
    """All families, or those whose name has one of `names` in it."""
    return tuple(load for load in LOADS if not names or any(name.lower() in load.name.lower() for name in names))


def _prepare(spark: SparkSession, settings: Settings, load: FamilyLoad, records: int) -> None:
    shutil.rmtree(settings.root, ignore_errors=True)
    ensure_table(spark, settings, bronze.TABLE)
    rows = bronze_rows(spark, load, records).select(*bronze.TABLE.column_names)
    rows.write.format("delta").mode("append").save(bronze.TABLE.path(settings))


def _silver(spark: SparkSession, settings: Settings) -> tuple[float, int]:
    for folder in ("silver", "_checkpoints"):
        shutil.rmtree(settings.root / folder, ignore_errors=True)
    query = silver.start(spark, settings, _NO_SCHEMAS, Trigger.AVAILABLE_NOW)
    query.awaitTermination()
    took = sum(float(progress["durationMs"]["triggerExecution"]) for progress in query.recentProgress) / 1000
    return took, sum(read_table(spark, settings, table).count() for table in RECORD_TABLES)


def _floor(spark: SparkSession, settings: Settings, load: FamilyLoad) -> float:
    begun = time.perf_counter()
    parsed(read_table(spark, settings, bronze.TABLE), load).write.format("noop").mode("overwrite").save()
    return time.perf_counter() - begun


def parsed(rows: DataFrame, load: FamilyLoad) -> DataFrame:
    """What reading a value takes at least: from_json with the value's own schema; lines of text are only split."""
    text = F.col("value").cast("string")
    return rows.select("topic", "partition", "offset", _read(text, load).alias("read"))


def _read(text: Column, load: FamilyLoad) -> Column:
    if not load.is_json:
        return F.split(text, "\n")
    if load.join == "\n":
        listed = FamilyLoad(load.name, load.topic, load.record, load.records, head="[", tail="]")
        text = F.concat(F.lit("["), F.replace(text, F.lit("\n"), F.lit(",")), F.lit("]"))
        return F.from_json(text, F.schema_of_json(F.lit(listed.sample())))
    return F.from_json(text, F.schema_of_json(F.lit(load.sample())))
