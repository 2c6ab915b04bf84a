"""A forecast, step by step, → the few points that a table keeps: the first day by the hour, what follows by the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.forecasting.forecast import Forecast
from pipelines.forecasting.series import DAY, HOUR, Floats, Series

_BY_THE_HOUR = 24
# Further ahead than twice of what is known of the past nothing is shown.
_FURTHEST_IN_PASTS = 2


@dataclass(frozen=True)
class Bounds:
    """What a value can be at all."""

    least: float
    most: float


@dataclass(frozen=True)
class CurvePoint:
    """The mean of `seconds` seconds from `time` (seconds since 1970) on: value and intervals. Those of a day are the
    means of its steps' bounds, which is wider than the interval of their mean."""

    time: int
    seconds: int
    value: float
    lower_80: float
    upper_80: float
    lower_95: float
    upper_95: float


def curve(forecast: Forecast, series: Series, bounds: Bounds) -> list[CurvePoint]:
    """Whole hours and days only, `series` being what was forecast."""
    steps = min(len(forecast.point), _FURTHEST_IN_PASTS * len(series.values))
    per_hour, per_day = HOUR // series.step, DAY // series.step
    by_hour = range(0, min(steps // per_hour, _BY_THE_HOUR) * per_hour, per_hour)
    by_day = range(0, steps // per_day * per_day, per_day)
    lines = _lines(forecast, bounds)
    spans = [*((first, per_hour) for first in by_hour), *((first, per_day) for first in by_day)]
    return [
        CurvePoint(series.end + first * series.step, count * series.step, *lines[:, first : first + count].mean(axis=1))
        for first, count in spans
    ]


def _lines(forecast: Forecast, bounds: Bounds) -> Floats:
    """(5, steps): point, then lower and upper of both levels, none of them beyond the bounds."""
    near, far = forecast.halves
    point = forecast.point
    lines = np.stack([point, point - near, point + near, point - far, point + far])
    return np.asarray(np.clip(lines, bounds.least, bounds.most), dtype=np.float64)
