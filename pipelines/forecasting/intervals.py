"""Intervals of a forecast from what the same model got wrong in the backtest: split conformal prediction.

Lei et al. (2018), Distribution-free predictive inference for regression. Errors grow with the lead, so each is put in
relation to a curve level·lead^growth that is fitted to the series' own errors; the quantile of those ratios times the
curve is half the interval. Beyond the longest lead of the backtest the curve goes on, no slower than the caller says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student  # type: ignore[import-untyped,unused-ignore]

from pipelines.forecasting.series import Floats

LEVELS = (0.8, 0.95)
# Errors of one origin resemble each other: seven origins tell about as much as four independent errors each.
_INDEPENDENT = 28
_LEAD_PARTS = 4
# A random walk's errors grow with the root of the lead, those of a wrong trend in proportion to it.
WALK = 0.5
_FASTEST = 1.0


@dataclass(frozen=True)
class Spread:
    """Half the interval at lead `h` (1 is the first step) is `widths[i]`·h^`growth`, for each of LEVELS; beyond lead
    `tested` it grows from there with the power `growth_beyond`."""

    widths: tuple[float, ...]
    growth: float
    tested: int
    growth_beyond: float

    def halves(self, leads: Floats) -> Floats:
        """(levels, leads)"""
        near, beyond = np.minimum(leads, self.tested), np.maximum(leads / self.tested, 1.0)
        return np.outer(self.widths, near**self.growth * beyond**self.growth_beyond)


def spread_of(errors: Floats, least_growth_beyond: float) -> Spread:
    """`errors` (origins, lead) of one series and model."""
    sizes = np.abs(errors)
    growth = _growth(sizes.mean(axis=0))
    ratios = sizes / np.arange(1, errors.shape[1] + 1) ** growth
    ranks = [min(1.0, level * (1 + 1 / _INDEPENDENT)) for level in LEVELS]
    widths = tuple(float(width) for width in np.quantile(ratios, ranks))
    return Spread(widths, growth, errors.shape[1], max(growth, least_growth_beyond))


def spread_of_walk(changes: Floats) -> Spread:
    """Of a series too short for a backtest, as that of a random walk: from its `changes` (at least two) alone.

    Student's t stands for the little that so few of them tell.
    """
    deviation = float(np.sqrt(np.mean(changes**2)))
    quantiles = student.ppf([(1 + level) / 2 for level in LEVELS], df=len(changes))
    return Spread(tuple(float(quantile) * deviation for quantile in quantiles), WALK, 1, WALK)


def _growth(sizes: Floats) -> float:
    """The slope of log error over log lead, between the means of parts of the leads; 0 if there are no errors."""
    parts = np.array_split(np.arange(len(sizes)), min(_LEAD_PARTS, len(sizes)))
    means = np.array([sizes[part].mean() for part in parts])
    if len(means) < 2 or not np.all(means > 0):
        return 0.0
    leads = np.array([part.mean() + 1 for part in parts])
    slope = np.polyfit(np.log(leads), np.log(means), 1)[0]
    return float(np.clip(slope, 0.0, _FASTEST))
