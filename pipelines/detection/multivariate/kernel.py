"""The walk over a host's rows: what is carried from one to the next, and how far each metric is from what is expected.

Three expectations stand for each metric, and the one it contradicts most counts: its daily course, and its daily course
plus the level of the last hours or of the last minutes. The first sees a lasting shift for as long as it lasts, the
others a sudden change at a level that has been usual for a while.

How far is far, two yardsticks say, both one where a row in 1,000 of the history got to: the distance that was reached
there, and the exponential tail beyond the distance of one row in 100. The first trusts the history's extremes, the
second does not let a few incidents of the past hide those to come. Each is smoothed for itself, over some ten rows as
long as the cause lasts, and no more than a multiple of the last rows' own distance: an alarm ends with its cause.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# How fast the two levels follow: half of a change after 138 and after 34 rows.
LEVEL_RATES = (0.005, 0.02)
# The weight of a row in the smoothed distances, when they rise and fall: anomalies last, measurement noise does not.
RISE_RATE, FALL_RATE = 0.15, 0.1
# The weight of a row in the distance of the very last rows, and how many times that a smoothed distance may be.
LAST_RATE, LAST_TIMES = 0.5, 2.0
# A level follows a residual no farther than this many standard deviations, so that one spike leaves no trace.
LEVEL_CLIP = 5.0
# An excess counts no more than this for naming who is to blame, so that the next one to blame is named in time.
BLAME_CLIP = 10.0
# So many metrics, those farthest out, make the distance of a row: an incident seldom shows in one alone.
TOP = 3
VIEWS, YARDSTICKS = 1 + len(LEVEL_RATES), 2
# Where a state has what: the row's place in the day, by each yardstick the smoothed distance and that of the last rows,
# then vectors over the metrics: the levels, and the smoothed excess of each.
PHASE, SMOOTHED, LAST, VECTORS = 0, 1, 1 + YARDSTICKS, 1 + 2 * YARDSTICKS
# The tail's rarity at one row in 100, and that at which the second yardstick is one.
_TAIL, _ONE = 2.0, 3.0


def state_size(metrics: int) -> int:
    """Numbers in a host's state."""
    return VECTORS + VIEWS * metrics


@njit(cache=True)
def residuals(values, profile, period, state, filled):  # type: ignore[no-untyped-def]
    """Fill the residuals (views, rows, metrics) of standardised `values`; move the place in the day and levels on."""
    rows, metrics = values.shape
    for row in range(rows):
        place = int(state[PHASE]) * profile.shape[0] // period
        for metric in range(metrics):
            residual = values[row, metric] - profile[place, metric]
            for view in range(VIEWS):
                filled[view, row, metric] = residual - _level(state, view, metric, metrics)
            _follow(state, residual, metric, metrics)
        state[PHASE] = (state[PHASE] + 1) % period


@njit(cache=True)
def walk(  # type: ignore[no-untyped-def]
    values, centre, scale, profile, period, limits, state, distances, bounds, leaders, shares
):
    """Score rows of `values` (rows, metrics), and move `state` on.

    `limits` (3, views, metrics): the distance of one row in 1,000, that of one in 100, and what each factor of ten
    adds beyond. Filled are `distances` (yardsticks, rows), `bounds` (expected, lower, upper; rows; metrics), `leaders`
    and `shares` (rows, TOP).
    """
    rows, metrics = values.shape
    top = np.empty((YARDSTICKS, TOP))
    for row in range(rows):
        place = int(state[PHASE]) * profile.shape[0] // period
        top[:] = 0.0
        measured = 0
        leaders[row, :] = -1
        shares[row, :] = 0.0
        for metric in range(metrics):
            course = profile[place, metric]
            residual = (values[row, metric] - centre[metric]) / scale[metric] - course
            by_extreme, by_tail, worst = 0.0, 0.0, 0
            for view in range(VIEWS):
                distance = abs(residual - _level(state, view, metric, metrics))
                excess = distance / limits[0, view, metric]
                if excess > by_extreme:
                    by_extreme, worst = excess, view
                by_tail = max(by_tail, _excess_of_tail(distance, limits[1, view, metric], limits[2, view, metric]))
            expected, limit = course + _level(state, worst, metric, metrics), limits[0, worst, metric]
            bounds[0, row, metric] = centre[metric] + scale[metric] * expected
            bounds[1, row, metric] = centre[metric] + scale[metric] * (expected - limit)
            bounds[2, row, metric] = centre[metric] + scale[metric] * (expected + limit)
            late = VECTORS + (VIEWS - 1) * metrics + metric
            if np.isfinite(residual):
                measured += 1
                _insert(top[0], by_extreme)
                _insert(top[1], by_tail)
                state[late] = _smooth(state[late], min(max(by_extreme, by_tail), BLAME_CLIP))
            _follow(state, residual, metric, metrics)
            if state[late] > 0.0:
                _insert_leader(leaders[row], shares[row], metric, state[late])
        for yardstick in range(YARDSTICKS):
            if measured > 0:
                mean = top[yardstick].sum() / min(TOP, measured)
                state[LAST + yardstick] += LAST_RATE * (mean - state[LAST + yardstick])
                smoothed = _smooth(state[SMOOTHED + yardstick], mean)
                state[SMOOTHED + yardstick] = min(smoothed, LAST_TIMES * state[LAST + yardstick])
            distances[yardstick, row] = state[SMOOTHED + yardstick]
        total = shares[row].sum()
        if total > 0.0:
            shares[row] /= total
        state[PHASE] = (state[PHASE] + 1) % period


@njit(cache=True)
def _smooth(smoothed, value):  # type: ignore[no-untyped-def]
    """The smoothed value after one more."""
    return smoothed + (RISE_RATE if value > smoothed else FALL_RATE) * (value - smoothed)


@njit(cache=True)
def _level(state, view, metric, metrics):  # type: ignore[no-untyped-def]
    """What a view adds to the daily course: nothing the first, its level each other."""
    return 0.0 if view == 0 else state[VECTORS + (view - 1) * metrics + metric]


@njit(cache=True)
def _follow(state, residual, metric, metrics):  # type: ignore[no-untyped-def]
    """Move the levels of a metric towards its residual, if it was measured."""
    if np.isfinite(residual):
        clipped = min(max(residual, -LEVEL_CLIP), LEVEL_CLIP)
        for place in range(len(LEVEL_RATES)):
            index = VECTORS + place * metrics + metric
            state[index] += LEVEL_RATES[place] * (clipped - state[index])


@njit(cache=True)
def _excess_of_tail(distance, usual, decade):  # type: ignore[no-untyped-def]
    """The rarity of a distance as the exponential tail has it, one at one row in 1,000; not a number for none."""
    if distance > usual:
        return (_TAIL + (distance - usual) / decade) / _ONE
    return _TAIL / _ONE * distance / usual


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
