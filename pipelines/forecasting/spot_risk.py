"""What a spot offer costs when interruptions are counted in. All functions take and give arrays (offers,).

`price_pressure` and `risk_index` are rules of thumb, not calibrated: nobody but the cloud knows when it takes an
instance back. `interruption_risk` is a probability as far as the past of one's own instances tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm  # type: ignore[import-untyped,unused-ignore]

from pipelines.forecasting.intervals import LEVELS
from pipelines.forecasting.series import Floats

RISK_HOURS = 24.0
# One instance-month: so much has to be seen of an offer before it counts as much as all others together.
_PRIOR_HOURS = 720.0
# Before anything is known: one interruption in ten instance-months.
_PRIOR_INTERRUPTIONS = 0.1
# What is done twice, and waiting for another instance.
_LOST_HOURS = 2.0
_PRESSURE_WEIGHT = 0.5


@dataclass(frozen=True)
class Prior:
    """Gamma(shape, hours) of the interruptions an instance-hour, of an offer of which nothing is known."""

    shape: float
    hours: float


def estate_prior(interruptions: float, instance_hours: float) -> Prior:
    """With the mean rate of all offers together, as strong as `_PRIOR_HOURS` of one instance (empirical Bayes)."""
    rate = (interruptions + _PRIOR_INTERRUPTIONS) / (instance_hours + _PRIOR_HOURS)
    return Prior(rate * _PRIOR_HOURS, _PRIOR_HOURS)


def interruption_rate(interruptions: Floats, instance_hours: Floats, prior: Prior) -> Floats:
    """Posterior mean, an instance-hour."""
    return (prior.shape + interruptions) / (prior.hours + instance_hours)


def interruption_risk(interruptions: Floats, instance_hours: Floats, prior: Prior) -> Floats:
    """Probability of at least one in RISK_HOURS of an instance: one minus the Poisson-Gamma predictive of none, which
    is (hours / (hours + RISK_HOURS))^shape (Gelman et al., Bayesian Data Analysis, 2.6)."""
    shape, hours = prior.shape + interruptions, prior.hours + instance_hours
    return np.asarray(1 - (hours / (hours + RISK_HOURS)) ** shape, dtype=np.float64)


def price_pressure(point: Floats, half_80: Floats, usual_high: Floats) -> Floats:
    """Probability that the price is above `usual_high`, `half_80` being half of its 80 % interval, taken as normal."""
    deviation = half_80 / norm.ppf((1 + LEVELS[0]) / 2)
    above = point - usual_high
    with np.errstate(divide="ignore", invalid="ignore"):
        likely = norm.cdf(above / deviation)
    return np.asarray(np.where(deviation > 0, likely, (above > 0).astype(np.float64)), dtype=np.float64)


def risk_index(risk: Floats, pressure: Floats) -> Floats:
    """In [0, 1]. A rising price tells of scarce capacity, which is why instances are taken back; how much, is unknown,
    so it counts by half. Without pressure (NaN) it is the risk."""
    return 1 - (1 - risk) * (1 - _PRESSURE_WEIGHT * np.nan_to_num(pressure, nan=0.0))


def expected_cost(price: Floats, index: Floats) -> Floats:
    """Of an hour of work done: an interruption costs `_LOST_HOURS` more, at the hourly rate that gives `index`."""
    hourly = -np.log1p(-np.minimum(index, 0.999)) / RISK_HOURS
    return np.asarray(price * (1 + _LOST_HOURS * hourly), dtype=np.float64)
