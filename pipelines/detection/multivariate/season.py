"""The daily course of a host's metrics, learnt from its history, as far as it holds on days it was not learnt from.

Rows carry no time here, only their order: the rows of one day are counted. How many that are is chosen from the
intervals that agents use, by how well the course of one half of the history predicts the other half. A metric
without a daily course gets the weight zero, and its profile is flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Rows a day at intervals of 1 hour, 30, 15, 10, 5, 3, 2 and 1 minutes and 30 seconds.
_DAYS_IN_ROWS = (24, 48, 96, 144, 288, 480, 720, 1440, 2880)
# A day has at most so many bins; 5 minutes resolve what a smoothed daily course holds.
_BINS = 288
# Days of history without which a course cannot be told from chance.
_LEAST_DAYS = 4
# Share of the variance that the course must explain on the other half, over all metrics.
_LEAST_GAIN = 0.01


@dataclass(frozen=True, eq=False)
class Season:
    """`profile`: (bins, metrics), mean zero over the bins; `period`: rows a day, 1 where there is no daily course."""

    period: int
    profile: FloatArray


def _bins_of(rows: NDArray[np.int64], period: int, bins: int) -> NDArray[np.int64]:
    """The bin of the day in which each row lies, rows counted from the first of the history."""
    return rows % period * bins // period


def learn_season(values: FloatArray) -> Season:
    """The daily course of `values` (rows, metrics; mean about zero, scale about one, NaN where not measured)."""
    best, best_gain = Season(1, np.zeros((1, values.shape[1]))), _LEAST_GAIN
    for period in _DAYS_IN_ROWS:
        if len(values) < _LEAST_DAYS * period:
            break
        season, gain = _season_of_period(values, period)
        if gain > best_gain:
            best, best_gain = season, gain
    return best


def _season_of_period(values: FloatArray, period: int) -> tuple[Season, float]:
    """The season of that period, and the share of the variance that halves explain of each other."""
    half = len(values) // 2 // period * period
    halves = values[:half], values[half:]
    profiles = [_profile(part, period) for part in halves]
    moved = profiles[1], profiles[0]
    predicted = np.concatenate(
        [p[_bins_of(np.arange(len(x)), period, len(p))] for x, p in zip(halves, moved, strict=True)]
    )
    actual = np.concatenate([x - _mean(x) for x in halves])
    measured = ~np.isnan(actual)
    actual, predicted = np.where(measured, actual, 0.0), np.where(measured, predicted, 0.0)
    product, power = (actual * predicted).sum(axis=0), (predicted**2).sum(axis=0)
    weight = np.clip(product / np.maximum(power, 1e-9), 0.0, 1.0)
    explained = (2 * weight * product - weight**2 * power).sum()
    gain = explained / max((actual**2).sum(), 1e-9)
    return Season(period, weight * _profile(values, period)), float(gain)


def _profile(values: FloatArray, period: int) -> FloatArray:
    """Median over the days per bin, smoothed over neighbouring bins, mean zero: (bins, metrics)."""
    bins = min(period, _BINS)
    whole = len(values) // period * period
    days = values[:whole].reshape(-1, period, values.shape[1])
    phases = np.arange(period)
    starts = np.searchsorted(_bins_of(phases, period, bins), np.arange(1, bins))
    by_bin = [days[:, part].reshape(-1, values.shape[1]) for part in np.split(phases, starts)]
    course = np.stack([_median(part) for part in by_bin])
    reach = bins // 96
    smooth = np.mean([np.roll(course, shift, axis=0) for shift in range(-reach, reach + 1)], axis=0)
    return np.asarray(smooth - smooth.mean(axis=0))


def _median(values: FloatArray) -> FloatArray:
    """Median over the rows, zero for a metric that was never measured in them."""
    unknown = np.isnan(values).all(axis=0)
    return np.asarray(np.nanmedian(np.where(unknown, 0.0, values), axis=0))


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(np.ma.masked_invalid(values).mean(axis=0).filled(0.0))
