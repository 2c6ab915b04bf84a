"""What is known of failures without learning from signs: how often the fleet's machines fail, and this one of late.

Gamma-Poisson: each machine fails at a constant rate of its own, drawn from a gamma distribution that the fleet shares;
what a machine did in the last week moves it from the fleet's rate towards its own (A. Gelman et al., "Bayesian Data
Analysis", 3rd edition, section 2.6). The risk of a horizon is the posterior predictive, a Lomax distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.errors import ModelError

Floats = NDArray[np.float64]

# Of the gamma's shape: below, a few failures would say all; above, all machines are alike.
_SHAPES = (0.3, 100.0)


@dataclass(frozen=True)
class Hazard:
    """`shape` in failures, `exposure` in hours: the fleet says as much as that many failures in that many hours."""

    shape: float
    exposure: float

    @property
    def rate(self) -> float:
        """Failures of a machine in an hour."""
        return self.shape / self.exposure

    def risk(self, features: pd.DataFrame, horizon_hours: int) -> Floats:
        """Probability of a failure within the horizon, from silences_168h and hours_observed_168h."""
        failures = features["silences_168h"].fillna(0).to_numpy(dtype=np.float64)
        hours = features["hours_observed_168h"].fillna(0).to_numpy(dtype=np.float64)
        rate_weight = self.exposure + hours
        risk: Floats = 1 - (rate_weight / (rate_weight + horizon_hours)) ** (self.shape + failures)
        return risk


def fit_hazard(history: pd.DataFrame) -> Hazard:
    """From rows of machines that were up (resource_id, as_of, hours_to_failure): the failures until the last of them.

    The shape by the method of moments. Without any failure, half of one is assumed: never was not seen either.
    Raises ModelError if there are no rows.
    """
    if history.empty:
        raise ModelError("failure_risk: no machine was up at any moment of the history; check silver.heartbeats")
    until = history["as_of"].max()
    onset = history["as_of"] + pd.to_timedelta(history["hours_to_failure"], unit="h")
    rows = pd.DataFrame({"machine": history["resource_id"], "onset": onset.where(onset <= until).dt.round("min")})
    machines = rows.groupby("machine")["onset"].agg(["nunique", "size"])
    exposure = machines["size"].to_numpy(dtype=np.float64) * _step_hours(history)
    failures = machines["nunique"].to_numpy(dtype=np.float64)
    rate = max(failures.sum(), 0.5) / exposure.sum()
    expected = rate * exposure
    spread = float(((failures - expected) ** 2 - expected).sum() / (expected**2).sum())
    shape = float(np.clip(1 / spread, *_SHAPES)) if spread > 0 else _SHAPES[1]
    return Hazard(shape, shape / rate)


def _step_hours(history: pd.DataFrame) -> float:
    """How far apart the moments are."""
    moments = np.sort(history["as_of"].unique())
    if moments.size < 2:
        return 1.0
    return float(np.median(np.diff(moments)) / np.timedelta64(1, "h"))
