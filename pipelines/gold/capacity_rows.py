"""Histories of series with a capacity → rows of gold.capacity_forecast, in pandas: what runs in a Spark worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped,unused-ignore]

from pipelines.forecasting.candidates import Kind
from pipelines.forecasting.curve import curve
from pipelines.forecasting.forecast import Forecast, NoForecast, Profile, forecast_all
from pipelines.forecasting.limits import Crossing, crossing, trend_per_day
from pipelines.forecasting.series import DAY, HOUR, Series, mean_per_step
from pipelines.gold.capacity_metrics import MetricRule
from pipelines.gold.forecast_columns import score_columns
from pipelines.gold.metric_rollup import HOUR as BY_HOUR

_FIVE_MINUTES = 300
_DAYS_AHEAD = 14
# A gap longer than this is another time: what was before it is left out.
_LONGEST_GAP = 2 * DAY
_SILENT = DAY
_PROFILES = {
    HOUR: Profile(Kind.USAGE, seasons=(24, 168), horizon=_DAYS_AHEAD * 24),
    # Of less than two days neither day nor week can be told.
    _FIVE_MINUTES: Profile(Kind.USAGE, seasons=(), horizon=DAY // _FIVE_MINUTES),
}


def capacity_rows(histories: pd.DataFrame, rules: dict[str, MetricRule], as_of: datetime) -> pd.DataFrame:
    """Rows of `capacity_series.histories`, one a series, → one row each, times in seconds since 1970."""
    now = int(as_of.timestamp())
    series = [_series(row, now) for row in histories.itertuples(index=False)]
    results: list[Forecast | NoForecast] = [NoForecast("")] * len(series)
    for step, profile in _PROFILES.items():
        places = [place for place, one in enumerate(series) if one.step == step]
        for place, result in zip(places, forecast_all([series[p] for p in places], profile), strict=True):
            results[place] = result
    rows = [
        _row(one, _unless_silent(one, result, now), rules[metric], now)
        for one, result, metric in zip(series, results, histories["metric"], strict=True)
    ]
    kept = histories.drop(columns=["granularity", "times", "means"]).reset_index(drop=True)
    return pd.concat([kept, pd.DataFrame(rows, dtype=object)], axis=1)


def _series(row: Any, now: int) -> Series:
    step = HOUR if row.granularity == BY_HOUR else _FIVE_MINUTES
    times, means = np.asarray(row.times, dtype=np.int64), np.asarray(row.means, dtype=np.float64)
    is_whole = times < now // step * step
    return mean_per_step(times[is_whole], means[is_whole], step, _LONGEST_GAP)


def _unless_silent(series: Series, result: Forecast | NoForecast, now: int) -> Forecast | NoForecast:
    if len(series.values) and now - series.end > _SILENT:
        return NoForecast(f"no measurement for {(now - series.end) / DAY:.1f} days")
    return result


def _row(series: Series, result: Forecast | NoForecast, rule: MetricRule, now: int) -> dict[str, Any]:
    known = len(series.values)
    return {
        "granularity": "PT1H" if series.step == HOUR else "PT5M",
        "history_start": series.start if known else None,
        "history_end": series.end if known else None,
        "observed_steps": series.observed,
        "last_value": float(series.values[-1]) if known else None,
        "capacity_limit": rule.limit.value,
        "direction": rule.limit.direction.value,
        **score_columns(result),
        **_fullness(series, result, rule, now),
        "as_of": now,
    }


def _fullness(series: Series, result: Forecast | NoForecast, rule: MetricRule, now: int) -> dict[str, Any]:
    if isinstance(result, NoForecast):
        nothing = ("trend_per_day", "days_to_full", "days_to_full_earliest", "days_to_full_latest", "full_at")
        return {**dict.fromkeys(nothing), "forecast": None}
    season = max(1, min(_PROFILES[series.step].seasons, default=1))
    known_days = len(series.values) * series.step / DAY
    crossed = crossing(result, rule.limit, series.step, season, known_days)
    days, earliest, latest = _from(now, series, crossed)
    return {
        "trend_per_day": trend_per_day(result, series.step, season),
        "days_to_full": days,
        "days_to_full_earliest": earliest,
        "days_to_full_latest": latest,
        "full_at": None if crossed.days is None else series.end + int(crossed.days * DAY),
        "forecast": [asdict(point) for point in curve(result, series, rule.bounds)],
    }


def _from(now: int, series: Series, crossed: Crossing) -> Sequence[float | None]:
    """Days since the end of the series → days from now on, 0 if it is full already."""
    lag = (now - series.end) / DAY
    return [None if days is None else max(0.0, days - lag) for days in astuple(crossed)]
