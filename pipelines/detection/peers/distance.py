"""A host against its siblings: the hosts of its group, at the same time, in the same metric.

What hits all of them (a busy hour, an outage of what they share) is no difference between them. Each host is measured
from the median of the others, in units of how far these lie apart. Hosts of a kind are seldom alike, so a host is first
watched for an hour: where it usually lies among its siblings, and how far it wanders from there. It is the difference
beyond that, and that lasts, which counts: one spike is the work of a univariate detector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.detection.multivariate.tail import ALARM_RARITY, FloatArray, score_of

# Makes the median absolute deviation of a normal distribution its standard deviation.
_NORMAL = 1.4826
# The columns of a state: the difference of late, the difference that has become usual, how far the host usually wanders
# from that, and the buckets that it was watched.
_RECENT, _HABIT, _WANDER, _SEEN = 0, 1, 2, 3
STATE_WIDTH = 4
# Of a normal distribution, the standard deviation over the mean absolute one.
_MEAN_ABSOLUTE = 1.2533
# A bucket counts as at most so much more than the host's usual wandering: an incident must not become usual at once.
_FAR = 3.0


@dataclass(frozen=True)
class PeerParameters:
    """`least_siblings`: fewer say nothing. `watched`: buckets before which nothing is called out. `recent_rate`: weight
    of a time bucket in the difference of late. `habit_rate`: how fast a lasting difference becomes usual (half of it in
    about a day of minutes). `clip`: a bucket counts as at most so many deviations, so that one alone cannot reach
    `alarm`, the difference of late that means 0.8. `relative_floor`, `absolute_floor`: the least deviation of siblings,
    as a share of their median and in the metric's unit, so that what nobody cares for is no difference.
    """

    least_siblings: int = 4
    watched: int = 60
    recent_rate: float = 0.2
    habit_rate: float = 0.0005
    clip: float = 10.0
    alarm: float = 4.0
    relative_floor: float = 0.02
    absolute_floor: float = 1e-9


@dataclass(frozen=True, eq=False)
class PeerScores:
    """Per host: `score` in [0, 1), `expected` (the siblings' median), and the `lower` and `upper` that would pass."""

    score: FloatArray
    expected: FloatArray
    lower: FloatArray
    upper: FloatArray


def fresh_state(hosts: int) -> FloatArray:
    """What is carried from one time bucket to the next: (hosts, STATE_WIDTH)."""
    return np.zeros((hosts, STATE_WIDTH))


def peer_scores(
    group: NDArray[np.int64], values: FloatArray, state: FloatArray, parameters: PeerParameters
) -> PeerScores:
    """Score one metric of one time bucket; `state` (hosts, STATE_WIDTH) is moved on in place.

    `group` and `values`: (hosts,), the group's number and the value, NaN where not measured. A host that was not
    measured, or has too few siblings that were, keeps its state and its score, and has no bounds (NaN).
    """
    measured = np.isfinite(values)
    expected, deviation = np.full_like(values, np.nan), np.full_like(values, np.nan)
    expected[measured], deviation[measured] = _siblings(group[measured], values[measured], parameters.least_siblings)
    deviation = np.maximum(deviation, parameters.relative_floor * np.abs(expected))
    deviation = np.maximum(deviation, parameters.absolute_floor)
    judged = np.isfinite(expected)
    difference = np.clip((values - expected) / deviation, -parameters.clip, parameters.clip)[judged]
    recent, habit, wander, seen = state[judged].T
    beyond = difference - habit
    recent = recent + parameters.recent_rate * (beyond - recent)
    is_new = seen < parameters.watched
    pace = np.where(is_new, 1.0 / (seen + 1.0), parameters.habit_rate)
    far = np.where(is_new, np.inf, _FAR * np.maximum(wander, 1.0))
    usual = np.clip(beyond, -far, far)
    state[judged] = np.stack(
        [recent, habit + pace * usual, wander + pace * (np.abs(usual) - wander), seen + 1.0], axis=1
    )
    unit = np.maximum(1.0, _MEAN_ABSOLUTE * state[:, _WANDER])
    lasting = np.where(state[:, _SEEN] > parameters.watched, np.abs(state[:, _RECENT]) / unit, 0.0)
    score = score_of(ALARM_RARITY * lasting / parameters.alarm)
    centre = expected + deviation * state[:, _HABIT]
    reach = deviation * parameters.alarm * unit
    return PeerScores(score, expected, centre - reach, centre + reach)


def _siblings(group: NDArray[np.int64], values: FloatArray, least: int) -> tuple[FloatArray, FloatArray]:
    """Median of each host's siblings, and their deviation from it; NaN where there are fewer than `least`.

    Leaving a host out of n sorted values gives one of three medians only, as it lies below, at or above the middle. So
    three sorts of all deviations do for every host's own median absolute deviation.
    """
    _, number, counts = np.unique(group, return_inverse=True, return_counts=True)
    siblings = counts[number] - 1
    known = siblings >= least
    number, values, siblings = number[known], values[known], siblings[known]
    rank, _ = _ranks(number, values)
    below_middle = (rank <= (siblings - 1) // 2).astype(np.int64) + (rank <= siblings // 2)
    median = _median_of_others(number, values)
    deviation = np.empty_like(values)
    for place in range(3):
        here = below_middle == place
        # The median that those of the group share who lie at this place; groups without any are never looked at.
        shared = np.zeros(len(counts))
        shared[number[here]] = median[here]
        deviation[here] = _median_of_others(number, np.abs(values - shared[number]))[here]
    # Few siblings lie close together by chance now and then; the room for that shrinks with their number.
    deviation *= _NORMAL * (1.0 + 2.0 / siblings)
    medians, deviations = np.full(len(known), np.nan), np.full(len(known), np.nan)
    medians[known], deviations[known] = median, deviation
    return medians, deviations


def _median_of_others(group: NDArray[np.int64], values: FloatArray) -> FloatArray:
    """For each value, the median of the other values of its group (groups of two and more)."""
    rank, first = _ranks(group, values)
    ordered = values[np.lexsort((values, group))]
    others = np.bincount(group)[group] - 1
    low, high = (others - 1) // 2, others // 2
    return np.asarray((ordered[first + low + (low >= rank)] + ordered[first + high + (high >= rank)]) / 2)


def _ranks(group: NDArray[np.int64], values: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each value's rank in its group from 0, and the place at which its group begins among all sorted values."""
    order = np.lexsort((values, group))
    counts = np.bincount(group)
    first = (np.cumsum(counts) - counts)[group]
    place = np.empty(len(values), dtype=np.int64)
    place[order] = np.arange(len(values))
    return place - first, first
