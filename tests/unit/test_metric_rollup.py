"""gold.metric_rollup: what its numbers mean, that late rows correct them, and that a repeated batch does not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from pipelines import routing
from pipelines.gold.metric_rollup import TABLE, write_batch
from pipelines.settings import Settings
from pipelines.tables import ensure_table, read_table

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_SCHEMA = ", ".join(f"`{column.name}` {column.type}" for column in routing.METRICS.columns)
_DEFAULTS: dict[str, Any] = {
    "series_id": 1, "source": "test", "resource_id": "r", "namespace": "n", "metric": "m", "event_time": NOON,
    "kafka_timestamp": NOON,
}  # fmt: skip


@pytest.fixture
def rollup(spark: SparkSession, settings: Settings) -> Rollup:
    return Rollup(spark, settings)


class Rollup:
    """The table, and how to give it rows of silver.metrics."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark, self.settings, self._batch = spark, settings, 0
        ensure_table(spark, settings, TABLE)

    def add(self, *rows: dict[str, Any], batch: int | None = None, query: str = "q") -> None:
        if batch is None:
            batch, self._batch = self._batch, self._batch + 1
        write_batch(self._metrics(rows), batch, self.settings, query)

    def _metrics(self, rows: tuple[dict[str, Any], ...]) -> DataFrame:
        names = [column.name for column in routing.METRICS.columns]
        filled = [tuple({**_DEFAULTS, **row}.get(name) for name in names) for row in rows]
        return self.spark.createDataFrame(filled, _SCHEMA)

    def rows(self, granularity: str = "PT1M", series_id: int = 1) -> list[Row]:
        """In order of time; window_start in whole minutes after noon."""
        found = read_table(self.spark, self.settings, TABLE).where(
            (F.col("granularity") == granularity) & (F.col("series_id") == series_id)
        )
        minutes = ((F.unix_seconds("window_start") - F.lit(int(NOON.timestamp()))) / 60).cast("int").alias("minute")
        return found.orderBy("window_start").select("*", minutes).drop("sketch", "window_start").collect()

    def only(self, granularity: str = "PT1M", series_id: int = 1) -> Row:
        (row,) = self.rows(granularity, series_id)
        return row


def at(seconds: float, value: float | None, **columns: Any) -> dict[str, Any]:
    return {"event_time": NOON + timedelta(seconds=seconds), "value": value, **columns}


def summary(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("points", "count", "minimum", "maximum", "total"))


def test_one_window_is_what_numpy_says(rollup: Rollup) -> None:
    values = np.random.default_rng(1).normal(50, 20, 60)
    rollup.add(*(at(second, float(value)) for second, value in enumerate(values)))

    row = rollup.only()
    assert row.minute == 0
    assert (row.points, row["count"]) == (60, 60.0)
    assert (row.minimum, row.maximum) == (values.min(), values.max())
    assert row.total == pytest.approx(values.sum(), rel=1e-12)
    assert row.mean == pytest.approx(values.mean(), rel=1e-12)
    for name, rank in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99)):
        assert row[name] == np.quantile(values, rank, method="inverted_cdf"), name


def test_a_quantile_of_many_values_is_within_two_percent_of_its_rank(rollup: Rollup) -> None:
    values = np.random.default_rng(2).exponential(10, 20_000)
    halves = np.array_split(values, 2)
    for half in halves:
        rollup.add(*(at(index % 3600, float(value)) for index, value in enumerate(half)))

    row = rollup.only("PT1H")
    assert row["count"] == 20_000
    for name, rank in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99)):
        assert (values <= row[name]).mean() == pytest.approx(rank, abs=0.02), name


def test_windows_begin_with_the_minute_and_do_not_hold_their_end(rollup: Rollup) -> None:
    rollup.add(at(0, 1.0), at(59.999999, 2.0), at(60, 4.0), at(-0.000001, 8.0))

    assert [(row.minute, row.total) for row in rollup.rows()] == [(-1, 8.0), (0, 3.0), (1, 4.0)]
    assert [(row.minute, row.total) for row in rollup.rows("PT1H")] == [(-60, 8.0), (0, 7.0)]


def test_an_hour_is_the_merge_of_its_minutes(rollup: Rollup) -> None:
    values = np.random.default_rng(3).uniform(0, 100, 120)
    for part in np.array_split(np.arange(120), 3):  # in three batches, as they come
        rollup.add(*(at(int(index) * 30, float(values[index])) for index in part))

    hour, minutes = rollup.only("PT1H"), rollup.rows()
    assert len(minutes) == 60
    assert summary(hour)[:4] == (
        sum(row.points for row in minutes),
        sum(row["count"] for row in minutes),
        min(row.minimum for row in minutes),
        max(row.maximum for row in minutes),
    )
    assert hour.total == pytest.approx(sum(row.total for row in minutes), rel=1e-12)
    assert hour.p95 == np.quantile(values, 0.95, method="inverted_cdf")


def test_a_late_row_corrects_its_own_windows_and_no_other(rollup: Rollup) -> None:
    rollup.add(at(0, 10.0), at(10, 20.0))
    rollup.add(at(7200, 1.0))
    untouched = [rollup.rows()[1], rollup.rows("PT1H")[1]]

    rollup.add(at(5, 90.0))  # two hours after its time

    for granularity in ("PT1M", "PT1H"):
        row, other = rollup.rows(granularity)
        assert summary(row) == (3, 3.0, 10.0, 90.0, 120.0)
        assert (row.mean, row.p50, row.p99) == (40.0, 20.0, 90.0)
        assert other in untouched


def test_series_are_kept_apart_and_described(rollup: Rollup) -> None:
    rollup.add(
        at(0, 1.0, unit="%", host_name="a", dimensions={"cpu": "0"}),
        at(0, 5.0, series_id=2, metric="other", resource_id="s", cloud_provider="aws"),
    )

    first, second = rollup.only(series_id=1), rollup.only(series_id=2)
    assert (first.total, first.metric, first.unit, first.host_name) == (1.0, "m", "%", "a")
    assert first.dimensions == {"cpu": "0"}
    assert (second.total, second.metric, second.resource_id, second.cloud_provider) == (5.0, "other", "s", "aws")


def test_a_repeated_batch_changes_nothing(rollup: Rollup) -> None:
    rollup.add(at(0, 1.0), at(60, 2.0), batch=7)
    rollup.add(at(0, 3.0), batch=8)
    before = [*rollup.rows(), *rollup.rows("PT1H")]

    rollup.add(at(0, 3.0), batch=8)

    assert [*rollup.rows(), *rollup.rows("PT1H")] == before


def test_the_same_batch_number_of_another_query_is_another_batch(rollup: Rollup) -> None:
    rollup.add(at(0, 1.0), batch=7, query="old checkpoint")
    rollup.add(at(0, 3.0), batch=7, query="new checkpoint")

    assert summary(rollup.only()) == (2, 2.0, 1.0, 3.0, 4.0)


def test_nan_and_infinity_are_points_but_no_samples(rollup: Rollup) -> None:
    rollup.add(at(0, math.nan), at(1, math.inf), at(2, 4.0), at(3, -math.inf), at(4, 6.0))

    row = rollup.only()
    assert summary(row) == (5, 2.0, 4.0, 6.0, 10.0)
    assert (row.mean, row.p50, row.p99) == (5.0, 4.0, 6.0)


def test_a_window_without_any_finite_value_has_no_numbers_until_one_comes(rollup: Rollup) -> None:
    rollup.add(at(0, math.nan))
    empty = rollup.only()
    rollup.add(at(1, 3.0))
    filled = rollup.only()

    assert summary(empty) == (1, 0.0, None, None, None)
    assert (empty.mean, empty.p50, empty.p95, empty.p99) == (None, None, None, None)
    assert summary(filled) == (2, 1.0, 3.0, 3.0, 3.0)
    assert (filled.mean, filled.p50, filled.p99) == (3.0, 3.0, 3.0)


def test_what_the_sender_aggregated_counts_with_its_own_statistics(rollup: Rollup) -> None:
    rollup.add(
        at(0, 20.0, minimum=10.0, maximum=40.0, total=100.0, sample_count=5.0),
        at(30, 50.0, minimum=45.0, maximum=60.0, total=150.0, sample_count=3.0),
    )

    row = rollup.only()
    assert summary(row) == (2, 8.0, 10.0, 60.0, 250.0)
    assert row.mean == 31.25
    assert (row.p50, row.p99) == (20.0, 50.0)  # of the rows' values: the sender told no others


def test_an_empty_batch_is_harmless(rollup: Rollup) -> None:
    rollup.add()

    assert rollup.rows() == []


def test_a_backlog_of_many_windows_in_one_batch(rollup: Rollup) -> None:
    rollup.add(*(at(minute * 60, 1.0) for minute in range(300)))
    rollup.add(*(at(minute * 60 + 1, 2.0) for minute in range(300)))

    rows = rollup.rows()
    assert len(rows) == 300
    assert {(row.points, row.total) for row in rows} == {(2, 3.0)}


@pytest.fixture
def clock_of_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import time

    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("clock_of_new_york")
def test_the_hour_that_a_local_clock_shows_twice_is_two_hours(rollup: Rollup) -> None:
    """2026-11-01 01:30 comes twice in New York, where this process may run: windows are UTC all the same."""
    once, again = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    for value in (1.0, 2.0):
        rollup.add({"event_time": once, "value": value}, {"event_time": again, "value": value})

    assert [row.points for row in rollup.rows()] == [2, 2]
