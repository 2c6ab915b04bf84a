"""Hand-made silver tables for the tests of training: hosts whose metrics go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.settings import Settings
from pipelines.tables import Table, contract, ensure_table

METRICS = contract("silver.metrics")
MINUTES = 2000
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("cpu", "memory", "requests")


def series_id(host: int, metric: str) -> int:
    return 100 * host + NAMES.index(metric)


def host_frame(host: int, minutes: int = MINUTES) -> pd.DataFrame:
    """A host whose three metrics follow one load, measured each minute; columns as training reads them."""
    random = np.random.default_rng(host)
    load = 5 * np.sin(np.arange(minutes) / 60) + random.normal(size=minutes)
    times = BEGIN.timestamp() + 60.0 * np.arange(minutes)
    frames = [
        pd.DataFrame(
            {
                "resource_id": f"/host/{host}",
                "series_id": series_id(host, name),
                "metric": name,
                "name": name,
                "time": times,
                "value": 50 + factor * load + random.normal(size=minutes),
            }
        )
        for name, factor in zip(NAMES, (1.0, 0.5, 2.0), strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


def write_metrics(spark: SparkSession, settings: Settings, frames: Iterable[pd.DataFrame]) -> None:
    """Append rows to silver.metrics, what training does not read filled in."""
    frame = pd.concat(list(frames), ignore_index=True)
    rows = spark.createDataFrame(frame[["resource_id", "series_id", "metric", "time", "value"]])
    filled = rows.withColumn("event_time", F.timestamp_micros((F.col("time") * 1e6).cast("long"))).drop("time")
    append(spark, settings, METRICS, filled.withColumn("event_id", F.expr("uuid()")), {})


def append(spark: SparkSession, settings: Settings, table: Table, rows: Any, given: Mapping[str, str]) -> None:
    """`rows` with the contract's other columns: empty, or of any value where one is required."""
    ensure_table(spark, settings, table)
    anything = {"string": F.lit("test"), "timestamp": F.lit(BEGIN), "bigint": F.lit(0), "int": F.lit(0)}
    columns = []
    for column in table.columns:
        if column.name in rows.columns:
            value = F.col(column.name)
        elif column.name in given:
            value = F.expr(given[column.name])
        else:
            value = anything[column.type] if column.required else F.lit(None)
        columns.append(value.cast(column.type).alias(column.name))
    rows.select(*columns).write.format("delta").mode("append").save(table.path(settings))
