"""gold.capacity_forecast: what is full when, of all that has a capacity; a repeated run changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession

from pipelines.gold import metric_rollup
from pipelines.gold.capacity_forecast import TABLE, CapacityOptions, write
from pipelines.settings import Settings
from pipelines.tables import ensure_table, read_table

AS_OF = datetime(2026, 3, 16, 12, 20, tzinfo=UTC)
NOON = AS_OF.replace(minute=0)
HOURS = 14 * 24
OPTIONS = CapacityOptions(buckets=2)
_RNG = np.random.default_rng(20260316)


def windows(
    series_id: int, metric: str, value: Callable[[float], float], hours: int = HOURS, silent: int = 0
) -> list[dict[str, Any]]:
    """Hours of one series up to `silent` hours before noon; `value` of days since the first one."""
    described = {
        "granularity": "PT1H", "series_id": series_id, "source": "test", "resource_id": f"vm{series_id}",
        "host_name": f"host{series_id}", "namespace": "n", "metric": metric, "dimensions": {"disk": "C:"},
        "points": 60, "count": 60.0, "updated_at": AS_OF,
    }  # fmt: skip
    starts = [NOON - timedelta(hours=silent + hours - hour) for hour in range(hours)]
    return [{**described, "window_start": start, "mean": float(value(hour / 24))} for hour, start in enumerate(starts)]


def minutes(series_id: int, metric: str, value: Callable[[float], float], count: int) -> list[dict[str, Any]]:
    """Minutes, and the hours that they make; `value` of hours since the first one."""
    first = NOON - timedelta(minutes=count)
    by_hour = windows(series_id, metric, lambda day: value(day * 24 + 0.5), hours=count // 60)
    by_minute = [
        {
            **by_hour[0],
            "granularity": "PT1M",
            "window_start": first + timedelta(minutes=m),
            "mean": float(value(m / 60)),
        }
        for m in range(count)
    ]
    return by_hour + by_minute


def noise(size: float) -> float:
    return float(_RNG.normal(0, size))


ROWS = [
    *windows(1, "% Used Space", lambda day: 56 + day + noise(0.3)),
    *windows(2, "% Free Space", lambda day: 60 + noise(1.0)),
    *windows(3, "% Processor Time", lambda day: 40 + 20 * np.sin(2 * np.pi * day) + noise(1.0)),
    *windows(4, "Free Megabytes", lambda day: 5000.0 - 200 * day + noise(20), silent=40),
    *windows(5, "Disk Reads/sec", lambda day: 5.0),
    *windows(6, "% Free Space", lambda day: 50.0, hours=3),
    *windows(7, "% Used Memory", lambda day: float("nan") if day else 50.0, hours=60),
    *minutes(8, "% Free Space", lambda hour: 40 - 2 * hour + noise(0.1), count=360),
]


@pytest.fixture
def run(spark: SparkSession, settings: Settings) -> Callable[[], dict[int, Row]]:
    ensure_table(spark, settings, metric_rollup.TABLE)
    names = metric_rollup.TABLE.column_names
    schema = ", ".join(f"`{column.name}` {column.type}" for column in metric_rollup.TABLE.columns)
    frame = spark.createDataFrame([tuple(row.get(name) for name in names) for row in ROWS], schema)
    frame.write.format("delta").mode("append").save(metric_rollup.TABLE.path(settings))

    def forecast() -> dict[int, Row]:
        write(spark, settings, AS_OF, OPTIONS)
        return {row["series_id"]: row for row in read_table(spark, settings, TABLE).collect()}

    return forecast


def test_capacity_is_forecast_and_a_second_run_gives_the_same_rows(run: Callable[[], dict[int, Row]]) -> None:
    rows = run()

    assert set(rows) == {1, 2, 3, 4, 6, 7, 8}, "all that have a capacity, and only those"
    filling, flat, seasonal, silent, new = rows[1], rows[2], rows[3], rows[4], rows[6]

    # 70 % at the end, one more a day.
    assert filling["days_to_full"] == pytest.approx(30, abs=2)
    assert filling["days_to_full_earliest"] <= filling["days_to_full"] <= filling["days_to_full_latest"]
    assert (filling["shown"], filling["trend_per_day"]) == ("model", pytest.approx(1.0, abs=0.1))
    assert abs(filling["full_at"].astimezone(UTC) - (AS_OF + timedelta(days=30))) < timedelta(days=2)
    assert filling["mae"] < filling["naive_mae"]
    assert filling["skill"] > 0.5
    assert (filling["host_name"], filling["dimensions"]) == ("host1", {"disk": "C:"})

    assert (flat["days_to_full"], flat["days_to_full_latest"]) == (None, None)
    assert (seasonal["days_to_full"], seasonal["shown"]) == (None, "model")
    grains = [point["grain"] for point in seasonal["forecast"]]
    assert (grains.count("PT1H"), grains.count("P1D")) == (24, 14)
    for point in seasonal["forecast"]:
        bounds = [point[name] for name in ("lower_95", "lower_80", "value", "upper_80", "upper_95")]
        assert bounds == sorted(bounds)
        assert 0 <= bounds[0] <= bounds[-1] <= 100

    assert (silent["shown"], silent["forecast"]) == ("none", None)
    assert silent["reason"] == "no measurement for 1.7 days"
    assert (new["shown"], new["days_to_full"]) == ("none", None)
    assert new["reason"] == "only 3 steps of 60 minutes are known, 8 are needed"
    assert rows[7]["shown"] == "none"

    # Six hours of minutes: full in 14 hours, which is 0.58 days.
    quick = rows[8]
    assert (quick["granularity"], quick["shown"]) == ("PT5M", "model")
    assert quick["days_to_full"] == pytest.approx(14 / 24, abs=0.1)

    assert run() == rows
