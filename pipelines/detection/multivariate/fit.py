"""Training of a host's model on its past rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipelines.detection.multivariate import kernel
from pipelines.detection.multivariate.model import HostModel
from pipelines.detection.multivariate.scoring import fresh_state, walk_rows
from pipelines.detection.multivariate.season import learn_season
from pipelines.detection.multivariate.tail import FloatArray, learn_tail
from pipelines.errors import ModelError

__all__ = ["LEAST_ROWS", "ModelError", "fit"]

# With fewer rows, nothing is known of how far out a metric goes at most.
LEAST_ROWS = 200
# A metric counts as this share of its range or of its mean restless, however quiet it was.
_SCALE_FLOOR = 0.01
# Which distances of the history are its limits, and the least that is taken for one, in standard deviations.
_LIMIT_QUANTILES, _LIMIT_FLOOR = (0.99, 0.999), 0.1
# The daily course is learnt of what is left when incidents are cut off here, in standard deviations.
_CLIP = 5.0


def fit(values: FloatArray, metric_names: Sequence[str], seed: int) -> HostModel:
    """The model of one host from its history.

    `values`: (rows, metrics) in the order of time, at equal intervals, NaN where not measured. `seed` belongs to the
    contract of a detector; nothing here is drawn at random, so it changes nothing. Raises ModelError for fewer than
    `LEAST_ROWS` rows, names that do not match the columns, or a history without one measured metric.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    _check(values, metric_names)
    centre, scale = _standard(values)
    standardised = (values - centre) / scale
    season = learn_season(np.clip(standardised, -_CLIP, _CLIP))
    state = np.zeros(kernel.state_size(values.shape[1]))
    residuals = np.empty((kernel.VIEWS, *values.shape))
    kernel.residuals(standardised, season.profile, season.period, state, residuals)
    learnt = HostModel(
        metric_names=tuple(metric_names),
        centre=centre,
        scale=scale,
        period=season.period,
        profile=season.profile,
        limits=_limits(np.abs(residuals)),
        tails=np.empty(0),
        end_state=np.zeros_like(state),
    )
    end_state = fresh_state(learnt)
    distances, *_ = walk_rows(learnt, end_state, values)
    return replace(learnt, tails=np.stack([learn_tail(distance) for distance in distances]), end_state=end_state)


def _check(values: FloatArray, metric_names: Sequence[str]) -> None:
    if values.ndim != 2 or values.shape[1] != len(metric_names):
        raise ModelError(f"history of shape {values.shape} for {len(metric_names)} metrics: one column a metric")
    if len(values) < LEAST_ROWS:
        raise ModelError(f"history of {len(values)} rows: a host needs at least {LEAST_ROWS} to be trained")
    if np.isnan(values).all():
        raise ModelError(f"history without one value of {', '.join(metric_names)}: leave this host out")


def _standard(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation per metric (floored), NaN for a metric that was never measured."""
    known = np.ma.masked_invalid(values)
    mean = known.mean(axis=0).filled(np.nan)
    spread = np.ma.ptp(known, axis=0).filled(np.nan)
    floor = _SCALE_FLOOR * np.maximum(spread, np.abs(mean))
    scale = np.maximum(known.std(axis=0).filled(np.nan), floor)
    # Of a metric that was always zero nothing is known but its unit.
    return mean, np.where(scale == 0.0, _SCALE_FLOOR, scale)


def _limits(sizes: FloatArray) -> FloatArray:
    """Of distances (views, rows, metrics): those of one row in 1,000, in 100, and what a decade adds beyond.

    All are infinite for a metric that was never measured.
    """
    missing = np.isnan(sizes)
    unknown = np.asarray(missing.all(axis=1))
    known = np.where(unknown[:, None, :], 0.0, sizes)
    # The one for holes is ten times slower.
    quantile = np.nanquantile if (missing.any(axis=1) & ~unknown).any() else np.quantile
    usual, extreme = quantile(known, _LIMIT_QUANTILES, axis=1)
    beyond = np.where(known > usual[:, None, :], known - usual[:, None, :], 0.0)
    mean_excess = beyond.sum(axis=1) / np.maximum((beyond > 0).sum(axis=1), 1)
    limits = np.maximum(np.stack([extreme, usual, mean_excess * np.log(10.0)]), _LIMIT_FLOOR)
    return np.where(unknown, np.inf, limits)
