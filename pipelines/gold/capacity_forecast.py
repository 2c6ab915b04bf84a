"""gold.metric_rollup → gold.capacity_forecast: when will what be full? One row a series that has a capacity.

Series are forecast in Spark's workers, a bucket of them in one call of `pipelines.forecasting`. The table holds the
newest run alone and is written anew as a whole, which is atomic; a run at the same `as_of` gives the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.gold.capacity_metrics import RULES, MetricRule
from pipelines.gold.capacity_series import histories
from pipelines.gold.forecast_columns import CURVE
from pipelines.gold.metric_rollup import TABLE as ROLLUP
from pipelines.settings import Settings
from pipelines.tables import contract, ensure_table, overwrite_table, read_table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

TABLE = contract("gold.capacity_forecast")
_TIMES = ("history_start", "history_end", "full_at", "as_of")


@dataclass(frozen=True)
class CapacityOptions:
    """`history_days`: how much of the past is read. `buckets`: into how many parts the series are split, each of which
    a worker holds as a whole; about a thousand series a bucket are well."""

    history_days: int = 28
    buckets: int = 8


def capacity_forecast(
    rollup: DataFrame, as_of: datetime, options: CapacityOptions, rules: dict[str, MetricRule] = RULES
) -> DataFrame:
    """gold.metric_rollup → rows of the table, judged at `as_of` (UTC)."""

    def forecast_bucket(rows: pd.DataFrame) -> pd.DataFrame:
        from pipelines.gold.capacity_rows import capacity_rows

        found = capacity_rows(rows.drop(columns="bucket"), rules, as_of)
        return found[[name for name, _ in _RAW]]

    known = histories(rollup, rules, timedelta(days=options.history_days), as_of)
    bucket = F.pmod(F.xxhash64("series_id"), F.lit(options.buckets)).alias("bucket")
    schema = ", ".join(f"`{name}` {type_}" for name, type_ in _RAW)
    raw = known.select(bucket, *known.columns).groupBy("bucket").applyInPandas(forecast_bucket, schema)
    return with_times(raw, _TIMES).select(*TABLE.column_names)


def with_times(raw: DataFrame, names: tuple[str, ...]) -> DataFrame:
    """Seconds since 1970 → timestamps, in columns and in the curve: Python's would be local time."""
    return raw.withColumns({name: F.timestamp_seconds(name) for name in names} | {"forecast": _timed_curve()})


def raw_columns(columns: tuple[tuple[str, str], ...], times: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Columns of a table (name, type) as the workers give them."""
    types = {"forecast": CURVE, **dict.fromkeys(times, "bigint")}
    return tuple((name, types.get(name, type_)) for name, type_ in columns)


def _timed_curve() -> Column:
    def timed(point: Column) -> Column:
        kept = ("value", "lower_80", "upper_80", "lower_95", "upper_95")
        grain = F.when(point["seconds"] == 3600, "PT1H").otherwise("P1D")
        time = F.timestamp_seconds(point["time"])
        return F.struct(time.alias("time"), grain.alias("grain"), *(point[name].alias(name) for name in kept))

    return F.transform("forecast", timed)


_RAW = raw_columns(tuple((column.name, column.type) for column in TABLE.columns), _TIMES)


def write(spark: SparkSession, settings: Settings, as_of: datetime, options: CapacityOptions) -> None:
    """Put the forecasts of `as_of` (UTC) in place of those before."""
    ensure_table(spark, settings, ROLLUP)
    ensure_table(spark, settings, TABLE)
    found = capacity_forecast(read_table(spark, settings, ROLLUP), as_of, options)
    overwrite_table(found.coalesce(1).write, settings, TABLE)
