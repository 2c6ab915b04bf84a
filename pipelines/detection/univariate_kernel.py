"""The loop of the univariate detector: plain numbers, one pass over the rows, the state of a series in a matrix's row.

All that is compiled lies in this file, so that numba's cache notices every change of it.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from pipelines.detection.scores import ANOMALY_THRESHOLD, FloatMatrix, FloatVector, IntVector

# Columns of the state. Rows learnt; time of the first and of the last; the rows' interval, in seconds.
_ROWS, _FIRST, _LAST, _INTERVAL = 0, 1, 2, 3
# All that was seen lies between these two.
_LOW, _HIGH = 4, 5
# Slow location and scale of the values as they are, and without their season.
_RAW_LEVEL, _RAW_SCALE, _LEVEL, _SCALE = 6, 7, 8, 9
# Two faster means and the last value, without their season; the usual step from one value to the next.
_SHORT, _MIDDLE, _NEWEST, _STEP = 10, 11, 12, 13
# Mean absolute errors: of the last value, the short mean and the slow location as forecasts; of the profile of the day,
# and of the slow location in its place; half the band's width, in mean absolute errors.
_NEWEST_ERROR, _SHORT_ERROR, _LEVEL_ERROR, _PROFILE_ERROR, _FLAT_ERROR, _BAND = 14, 15, 16, 17, 18, 19
# Rows of quiet left after the last alert, how many they were, and its evidence; the alerts of late, fading.
_QUIET, _QUIET_ROWS, _ALERT, _FATIGUE = 20, 21, 22, 23
# The hour of the day this is; the most evidence in it, and in the hour before.
_HOUR, _THIS_HOUR, _HOUR_BEFORE = 24, 25, 26
# The weight of all that a histogram holds, and of the next row in it.
_TOTAL, _WEIGHT = 27, 28
# Three histograms: of the distance of both means from the slow location, and of the steps.
_BINS = 20
_HISTOGRAMS = 29
# An hour of the day each: the mean, and the evidence that is usual then.
_HOURS = 24
_PROFILE = _HISTOGRAMS + 3 * _BINS
_HABIT = _PROFILE + _HOURS
STATE_WIDTH = _HABIT + _HOURS

_DAY, _HOUR_SECONDS = 86400.0, 3600.0
# A series learns its location and scale from this many rows before a far value is cut to what is usual.
_WARM_UP = 10.0
# How far from its location a value may pull it, in mean absolute deviations: an incident must not become the norm.
_FAR = 4.0
# An alert quietens what follows by no more than this many thresholds, however strong it was.
_LOUDEST = 10.0
# A larger number is no measurement, and differences of such are no numbers.
_LARGEST = 1e100
# The share of values that the band is to miss, and how fast its width follows.
_BAND_MISSES, _BAND_PACE, _BAND_START, _BAND_MOST = 0.01, 0.05, 4.0, 50.0


@numba.njit()
def _bin(distance: float) -> int:
    """Three bins an octave, from 1/2 to 50, and what is less or more: any tail's shape in 20 numbers."""
    return int(min(max(3.0 * math.log2(distance + 0.0625) + 3.0, 0.0), _BINS - 1.0))


@numba.njit()
def _rarity(state: FloatVector, histogram: int, own: int) -> float:
    """-log10 of the share of the series' own past that lay at least as far out (half of the own bin counts)."""
    first = _HISTOGRAMS + histogram * _BINS
    farther = 0.5 * state[first + own]
    for column in range(first + own + 1, first + _BINS):
        farther += state[column]
    return -math.log10((farther + 0.5 * state[_WEIGHT]) / (state[_TOTAL] + state[_WEIGHT]))


@numba.njit()
def _cut(difference: float, most: float) -> float:
    return float(min(max(difference, -most), most))


@numba.njit()
def _start(state: FloatVector, time: float, value: float) -> None:
    for place in range(STATE_WIDTH):
        state[place] = np.nan if _PROFILE <= place < _HABIT else 0.0
    state[_ROWS] = state[_WEIGHT] = 1.0
    state[_FIRST] = state[_LAST] = time
    state[_LOW] = state[_HIGH] = state[_RAW_LEVEL] = state[_LEVEL] = value
    state[_SHORT] = state[_MIDDLE] = state[_NEWEST] = value
    state[_BAND] = _BAND_START
    hour = int((time % _DAY) / _HOUR_SECONDS)
    state[_HOUR] = hour
    state[_PROFILE + hour] = value


@numba.njit()
def _profile(state: FloatVector, time: float) -> float:
    """What the days so far had at this time of the day (UTC), between the middles of two hours; NaN while unknown."""
    position = (time % _DAY) / _HOUR_SECONDS
    hour = int(position)
    beyond = position - hour - 0.5
    neighbour = (hour + 1) % _HOURS if beyond >= 0.0 else (hour + _HOURS - 1) % _HOURS
    share = abs(beyond)
    return float((1.0 - share) * state[_PROFILE + hour] + share * state[_PROFILE + neighbour])


@numba.njit()
def _remember_hour(state: FloatVector, hour: int, pace: float) -> None:
    """Note how much evidence the hours gave that are over, an hour late: what happens now must not excuse itself."""
    before = int(state[_HOUR])
    if hour == before:
        return
    earlier = _HABIT + (before + _HOURS - 1) % _HOURS
    state[earlier] += pace * (min(state[_HOUR_BEFORE], 5.0) - state[earlier])
    if (before + 1) % _HOURS == hour:
        state[_HOUR_BEFORE] = state[_THIS_HOUR]
    else:
        state[_HABIT + before] += pace * (min(state[_THIS_HOUR], 5.0) - state[_HABIT + before])
        state[_HOUR_BEFORE] = 0.0
    state[_THIS_HOUR] = 0.0
    state[_HOUR] = hour


@numba.njit()
def _learn_profile(state: FloatVector, hour: int, value: float, predicted: float, far: float, days: float) -> None:
    rows = state[_ROWS]
    if not math.isnan(predicted) and state[_LAST] - state[_FIRST] >= _DAY:
        pace = max(0.003, 1.0 / (rows / _HOURS + 1.0))
        state[_PROFILE_ERROR] += pace * (min(abs(value - predicted), far) - state[_PROFILE_ERROR])
        state[_FLAT_ERROR] += pace * (min(abs(value - state[_RAW_LEVEL]), far) - state[_FLAT_ERROR])
    place = _PROFILE + hour
    if math.isnan(state[place]):
        state[place] = value
        return
    rows_an_hour = max(1.0, _HOUR_SECONDS / max(state[_INTERVAL], 1e-3))
    pace = max(1.0 / (days * rows_an_hour), 1.0 / (rows / _HOURS + 1.0))
    difference = value - state[place]
    state[place] += pace * (_cut(difference, far) if rows > _HOURS + _WARM_UP else difference)


@numba.njit()
def _learn_error(state: FloatVector, place: int, error: float) -> None:
    rows = state[_ROWS]
    if rows > _WARM_UP and state[place] > 0.0:
        error = min(error, 10.0 * state[place])
    state[place] += max(0.01, 1.0 / rows) * (error - state[place])


@numba.njit()
def _learn_location(state: FloatVector, level: int, scale: int, value: float, pace: float, floor: float) -> None:
    """Huber's location, and the mean absolute deviation, both of values cut to what is usual."""
    difference = value - state[level]
    far = _FAR * max(state[scale], floor) if state[_ROWS] > _WARM_UP else np.inf
    state[level] += pace * _cut(difference, far)
    state[scale] += pace * (min(abs(difference), far) - state[scale])


@numba.njit()
def _count(state: FloatVector, bins: tuple[int, int, int], memory: float) -> None:
    """One more row in each histogram. Older rows fade as the weight of new ones grows, so no bin is touched for it."""
    for histogram in range(3):
        state[_HISTOGRAMS + histogram * _BINS + bins[histogram]] += state[_WEIGHT]
    state[_TOTAL] += state[_WEIGHT]
    state[_WEIGHT] /= 1.0 - 1.0 / memory
    if state[_WEIGHT] > 1e9:
        for place in range(_HISTOGRAMS, _PROFILE):
            state[place] /= state[_WEIGHT]
        state[_TOTAL] /= state[_WEIGHT]
        state[_WEIGHT] = 1.0


@numba.njit("void(f8[:,::1],i8[::1],f8[::1],f8[::1],f8[::1],f8[::1],f8[:,::1])", cache=True, nogil=True)
def score_rows(
    states: FloatMatrix,
    series: IntVector,
    times: FloatVector,
    values: FloatVector,
    parameters: FloatVector,
    strictness: FloatVector,
    given: FloatMatrix,
) -> None:
    """Fill `given` (4, n) with score, expected, lower and upper; learn each row in `states`.

    `parameters` are the fields of `univariate.Parameters` in their order.
    """
    threshold, range_weight, range_rows, step_weight = parameters[0], parameters[1], parameters[2], parameters[3]
    mean_effect, step_effect, probation, memory = parameters[4], parameters[5], parameters[6], parameters[7]
    tail_memory, short_pace, middle_pace = parameters[8], 1.0 / parameters[9], 1.0 / parameters[10]
    cooldown_rows, cooldown_seconds, fatigue_weight = parameters[11], parameters[12], parameters[13]
    fatigue_rows, season_gain, season_days = parameters[14], parameters[15], parameters[16]
    habit_weight, habit_pace, usual_interval = parameters[17], parameters[18], parameters[19]
    # felt / (felt + half) is ANOMALY_THRESHOLD where felt is the threshold.
    half = threshold * (1.0 - ANOMALY_THRESHOLD) / ANOMALY_THRESHOLD
    for row in range(values.size):
        state = states[series[row]]
        time, value = times[row], values[row]
        rows = state[_ROWS]
        is_number = math.isfinite(time) and abs(value) < _LARGEST
        given[0, row] = 0.0
        if rows == 0.0:
            given[1, row] = given[2, row] = given[3, row] = np.nan
            if is_number:
                _start(state, time, value)
            continue
        at = time if math.isfinite(time) else state[_LAST]
        hour = int((at % _DAY) / _HOUR_SECONDS)
        predicted = _profile(state, at)
        season = 0.0
        two_days = at - state[_FIRST] >= 2.0 * _DAY
        if two_days and not math.isnan(predicted) and state[_PROFILE_ERROR] < season_gain * state[_FLAT_ERROR]:
            season = predicted - state[_RAW_LEVEL]

        # The band: the forecast that has been best of late, and as wide as 99 of 100 errors were.
        expected, error = state[_LEVEL], state[_LEVEL_ERROR]
        if state[_SHORT_ERROR] < error:
            expected, error = state[_SHORT], state[_SHORT_ERROR]
        if state[_NEWEST_ERROR] < error:
            expected, error = state[_NEWEST], state[_NEWEST_ERROR]
        expected += season
        given[1, row] = expected
        given[2, row] = expected - state[_BAND] * error
        given[3, row] = expected + state[_BAND] * error
        if not is_number:
            continue

        width = state[_HIGH] - state[_LOW]
        floor = 0.01 * width
        plain = value - season
        scale = max(state[_SCALE], floor, 1e-9 * abs(state[_LEVEL]) + 1e-12)
        short = state[_SHORT] + max(short_pace, 1.0 / (rows + 1.0)) * (plain - state[_SHORT])
        middle = state[_MIDDLE] + max(middle_pace, 1.0 / (rows + 1.0)) * (plain - state[_MIDDLE])
        step = abs(plain - state[_NEWEST])
        short_distance = abs(short - state[_LEVEL]) / scale
        middle_distance = abs(middle - state[_LEVEL]) / scale
        step_distance = step / max(state[_STEP], 0.001 * width, 1e-9 * abs(state[_LEVEL]) + 1e-12)
        bins = (_bin(short_distance), _bin(middle_distance), _bin(step_distance))

        # The evidence: decades of rarity of what is rarest, and how far the value lies outside all that was seen.
        evidence = 0.0
        if rows >= probation:
            evidence = max(
                _rarity(state, 0, bins[0]) * min(1.0, short_distance / mean_effect),
                _rarity(state, 1, bins[1]) * min(1.0, middle_distance / mean_effect),
                _rarity(state, 2, bins[2]) * min(1.0, step_distance / step_effect) * step_weight,
            )
            outside = max(value - state[_HIGH], state[_LOW] - value, 0.0) / max(width, 0.001 * abs(value), 1e-12)
            evidence += range_weight * math.log1p(outside) * min(1.0, rows / range_rows)

        # What counts against it: the habit of this hour of the day, an alert just now, many alerts of late, and that
        # a series sampled often has more chances a day to look odd (up to ten: closer rows say the same as each other).
        habit = max(
            state[_HABIT + hour], state[_HABIT + (hour + 1) % _HOURS], state[_HABIT + (hour + _HOURS - 1) % _HOURS]
        )
        against = habit_weight * habit + fatigue_weight * state[_FATIGUE]
        if state[_QUIET] > 0.0:
            against += state[_ALERT] * state[_QUIET] / state[_QUIET_ROWS]
        if 0.0 < state[_INTERVAL] < usual_interval:
            against += min(math.log10(usual_interval / state[_INTERVAL]), 1.0)
        felt = max(evidence - against, 0.0) / strictness[series[row]]
        given[0, row] = felt / (felt + half)

        if time <= state[_LAST]:
            continue
        state[_QUIET] = max(state[_QUIET] - 1.0, 0.0)
        state[_FATIGUE] *= 1.0 - 1.0 / fatigue_rows
        if felt >= threshold:
            quiet = max(cooldown_rows, min(cooldown_seconds / max(state[_INTERVAL], 1e-3), 10000.0))
            state[_QUIET] = state[_QUIET_ROWS] = quiet
            state[_ALERT] = min(evidence, _LOUDEST * threshold)
            state[_FATIGUE] += 1.0
        gap = time - state[_LAST]
        state[_INTERVAL] += 0.05 * (min(gap, 3.0 * state[_INTERVAL]) - state[_INTERVAL]) if rows > 1.0 else gap
        state[_LAST] = time
        _remember_hour(state, hour, habit_pace)
        state[_THIS_HOUR] = max(state[_THIS_HOUR], evidence)
        _learn_profile(state, hour, value, predicted, _FAR * max(state[_RAW_SCALE], floor), season_days)
        missed = 1.0 if abs(value - expected) > state[_BAND] * error else 0.0
        widened = state[_BAND] * math.exp(_BAND_PACE * (missed - _BAND_MISSES))
        state[_BAND] = min(max(widened, 1.0), _BAND_MOST)
        _learn_error(state, _NEWEST_ERROR, step)
        _learn_error(state, _SHORT_ERROR, abs(plain - state[_SHORT]))
        _learn_error(state, _LEVEL_ERROR, abs(plain - state[_LEVEL]))
        pace = max(1.0 / (rows + 1.0), 1.0 / memory)
        _learn_location(state, _RAW_LEVEL, _RAW_SCALE, value, pace, floor)
        _learn_location(state, _LEVEL, _SCALE, plain, pace, floor)
        usual_step = min(step, _FAR * state[_STEP]) if rows > _WARM_UP and state[_STEP] > 0.0 else step
        state[_STEP] += pace * (usual_step - state[_STEP])
        if rows >= _WARM_UP:
            _count(state, bins, tail_memory)
        state[_SHORT], state[_MIDDLE], state[_NEWEST] = short, middle, plain
        state[_LOW], state[_HIGH] = min(state[_LOW], value), max(state[_HIGH], value)
        state[_ROWS] = rows + 1.0
