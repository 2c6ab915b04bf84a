"""The walk over a host's rows: what is carried from one to the next, and how far each metric is from what is expected.

Two expectations stand for each metric, and the one it contradicts more counts: its daily course, and its daily course
plus the level of late. The first sees a lasting shift for as long as it lasts, the second a sudden change at a level
that has been usual for hours.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# How fast the level of late follows: half of a change after 35 rows.
LEVEL_RATE = 0.02
# How much a row adds to the score: anomalies last, measurement noise does not.
SCORE_RATE = 0.1
# A level follows a residual no farther than this many standard deviations, so that one spike leaves no trace.
LEVEL_CLIP = 5.0
# So many metrics, those farthest out, make the distance of a row: an incident seldom shows in one alone.
TOP = 3
# Where a state has what: the row's place in the day, the smoothed distance; then the levels and the smoothed excesses.
PHASE, DISTANCE, VECTORS = 0, 1, 2


@njit(cache=True)
def residuals(values, profile, period, state, from_season, from_level):  # type: ignore[no-untyped-def]
    """Fill the residuals (rows, metrics) of standardised `values` from both expectations; move phase and levels on."""
    rows, metrics = values.shape
    bins = profile.shape[0]
    for row in range(rows):
        phase = int(state[PHASE])
        place = phase * bins // period
        for metric in range(metrics):
            residual = values[row, metric] - profile[place, metric]
            level = state[VECTORS + metric]
            from_season[row, metric] = residual
            from_level[row, metric] = residual - level
            if np.isfinite(residual):
                clipped = min(max(residual, -LEVEL_CLIP), LEVEL_CLIP)
                state[VECTORS + metric] = level + LEVEL_RATE * (clipped - level)
        state[PHASE] = (phase + 1) % period


@njit(cache=True)
def walk(  # type: ignore[no-untyped-def]
    values, centre, scale, profile, period, season_limit, level_limit, state, distance, bounds, leaders, shares
):
    """Fill `distance` (rows), `bounds` (expected, lower, upper; rows; metrics), `leaders` and `shares` (rows, TOP)."""
    rows, metrics = values.shape
    bins = profile.shape[0]
    top = np.empty(TOP)
    for row in range(rows):
        phase = int(state[PHASE])
        place = phase * bins // period
        top[:] = 0.0
        measured = 0
        shares[row, :] = 0.0
        leaders[row, :] = -1
        for metric in range(metrics):
            level = state[VECTORS + metric]
            course = profile[place, metric]
            residual = (values[row, metric] - centre[metric]) / scale[metric] - course
            excess = abs(residual) / season_limit[metric]
            excess_of_level = abs(residual - level) / level_limit[metric]
            expected, limit = course, season_limit[metric]
            if excess_of_level > excess or not np.isfinite(residual):
                excess, expected, limit = excess_of_level, course + level, level_limit[metric]
            bounds[0, row, metric] = centre[metric] + scale[metric] * expected
            bounds[1, row, metric] = centre[metric] + scale[metric] * (expected - limit)
            bounds[2, row, metric] = centre[metric] + scale[metric] * (expected + limit)
            late = VECTORS + metrics + metric
            if np.isfinite(residual):
                measured += 1
                clipped = min(max(residual, -LEVEL_CLIP), LEVEL_CLIP)
                state[VECTORS + metric] = level + LEVEL_RATE * (clipped - level)
                state[late] += SCORE_RATE * (excess - state[late])
                _insert(top, excess)
            if state[late] > 0.0:
                _insert_leader(leaders[row], shares[row], metric, state[late])
        if measured > 0:
            state[DISTANCE] += SCORE_RATE * (top.sum() / min(TOP, measured) - state[DISTANCE])
        distance[row] = state[DISTANCE]
        total = shares[row].sum()
        if total > 0.0:
            shares[row] /= total
        state[PHASE] = (phase + 1) % period


@njit(cache=True)
def _insert(top, value):  # type: ignore[no-untyped-def]
    """Keep the greatest values, greatest first."""
    for place in range(len(top)):
        if value > top[place]:
            value, top[place] = top[place], value


@njit(cache=True)
def _insert_leader(leaders, shares, metric, share):  # type: ignore[no-untyped-def]
    """Keep the metrics of the greatest shares, greatest first; the earlier metric where two are equal."""
    for place in range(len(shares)):
        if leaders[place] < 0 or share > shares[place]:
            share, shares[place] = shares[place], share
            metric, leaders[place] = leaders[place], metric
            if metric < 0:
                return
