"""Scoring of a host's rows with its model, in the order of time and in any split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.detection.multivariate import kernel
from pipelines.detection.multivariate.model import HostModel
from pipelines.detection.multivariate.tail import FloatArray, rarity, score_of
from pipelines.errors import ModelError


@dataclass(frozen=True, eq=False)
class HostScores:
    """What is said of each row.

    `score`: (rows,) in [0, 1). `expected`, `lower`, `upper`: (rows, metrics), in the metrics' own units, NaN for a
    metric without history. `contributors`, `shares`: (rows, 3), the metrics that were farthest out of late, the first
    the most, and their parts of the sum of the three; -1 and 0 where there are fewer than three.
    """

    score: FloatArray
    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    contributors: NDArray[np.int64]
    shares: FloatArray


def fresh_state(model: HostModel) -> FloatArray:
    """What the host carries from row to row, as its history left it: (5 + 3 * metrics,)."""
    return model.end_state.copy()


def score_rows(model: HostModel, state: FloatArray, values: FloatArray) -> HostScores:
    """Score `values` (rows, metrics), which follow the rows that `state` has seen; `state` is moved on in place.

    NaN is not measured: such a metric is left out of its row. In a row without any, the last score stands. Raises
    ModelError if `values` or `state` are not of this model's metrics.
    """
    distances, bounds, contributors, shares = walk_rows(model, state, values)
    rarities = [rarity(distance, tail) for distance, tail in zip(distances, model.tails, strict=True)]
    score = score_of(np.maximum.reduce(rarities))
    return HostScores(score, bounds[0], bounds[1], bounds[2], contributors, shares)


def skip_rows(model: HostModel, state: FloatArray, rows: int) -> None:
    """Move `state` on by rows that never came: the place in the day moves, all else stays."""
    state[kernel.PHASE] = (state[kernel.PHASE] + rows) % model.period


def leading(scores: HostScores, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """(value, expected, lower, upper) of each row's top contributor, each (rows,); NaN where there is none."""
    first = scores.contributors[:, 0]
    return tuple(  # type: ignore[return-value]
        np.where(first >= 0, np.take_along_axis(matrix, first[:, None], axis=1)[:, 0], np.nan)
        for matrix in (values, scores.expected, scores.lower, scores.upper)
    )


def walk_rows(
    model: HostModel, state: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.int64], FloatArray]:
    """Smoothed distances (yardsticks, rows), bounds (3, rows, metrics), contributors and shares (rows, 3)."""
    values = np.ascontiguousarray(values, dtype=np.float64)
    metrics = len(model.metric_names)
    if values.ndim != 2 or values.shape[1] != metrics:
        raise ModelError(f"rows of shape {values.shape} for a model of {metrics} metrics: order them as metric_names")
    if state.shape != model.end_state.shape:
        raise ModelError(f"a state of shape {state.shape} is not of this model: start from fresh_state")
    rows = len(values)
    distances, bounds = np.empty((kernel.YARDSTICKS, rows)), np.empty((3, rows, metrics))
    contributors, shares = np.empty((rows, kernel.TOP), dtype=np.int64), np.empty((rows, kernel.TOP))
    learnt = (model.centre, model.scale, model.profile, model.period, model.limits)
    kernel.walk(values, *learnt, state, distances, bounds, contributors, shares)
    return distances, bounds, contributors, shares
