"""When a forecast passes a limit: days to full."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipelines.forecasting.forecast import Forecast
from pipelines.forecasting.series import DAY, Floats

# A line through a past of two weeks says nothing about next year.
FURTHEST_IN_PASTS = 10
FURTHEST_DAYS = 365


class Direction(StrEnum):
    """Which way a metric goes to its limit: use goes up, what is free goes down."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Limit:
    value: float
    direction: Direction


@dataclass(frozen=True)
class Crossing:
    """Days from the end of the series until the limit is passed: by the point forecast, and by the near and the far
    bound of the 80% interval. None: not within the time that the past allows to speak of."""

    days: float | None
    earliest: float | None
    latest: float | None


def trend_per_day(forecast: Forecast, step: int, season: int) -> float:
    """The slope of a line through the forecast, whole seasons of it (`season` in steps, 1 if there is none)."""
    whole = len(forecast.point) // season * season
    means = forecast.point[:whole].reshape(-1, season).mean(axis=1)
    if len(means) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(means)), means, 1)[0] * DAY / (season * step))


def crossing(forecast: Forecast, limit: Limit, step: int, season: int, known_days: float) -> Crossing:
    """Beyond its horizon the forecast goes on as the line through its last season, its interval as it grew."""
    furthest = min(FURTHEST_DAYS, FURTHEST_IN_PASTS * known_days)
    steps = max(1, int(furthest * DAY / step))
    line = _extended(forecast, trend_per_day(forecast, step, season) * step / DAY, season, steps)
    half = forecast.spread.halves(np.arange(1.0, steps + 1))[0]
    towards = 1.0 if limit.direction is Direction.UP else -1.0
    distance = (limit.value - line) * towards
    days_of_a_step = step / DAY
    return Crossing(
        days=_first(distance <= 0, days_of_a_step),
        earliest=_first(distance <= half, days_of_a_step),
        latest=_first(distance <= -half, days_of_a_step),
    )


def _extended(forecast: Forecast, slope: float, season: int, steps: int) -> Floats:
    point = forecast.point
    ahead = np.arange(len(point), max(steps, len(point)))
    last = point[-season:].mean() + slope * (ahead - (len(point) - 1 - (season - 1) / 2))
    return np.concatenate([point, last])[:steps]


def _first(passed: np.ndarray, days: float) -> float | None:
    """The start of the first step that has passed."""
    return float(np.argmax(passed) * days) if passed.any() else None
