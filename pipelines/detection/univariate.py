"""The streaming detector of one series: how surprising is a value, given nothing but the series' own past?"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numba
import numpy as np

from pipelines.detection.scores import FloatMatrix, FloatVector, IntVector, Scores

STATE_LAYOUT = 1
STATE_WIDTH = 64


@dataclass(frozen=True)
class Parameters:
    """Plain numbers; one set serves all series."""

    # Evidence at which the score is ANOMALY_THRESHOLD.
    evidence: float = 3.0
    # Weight of a unit of excess over the running range (in widths of that range).
    range_weight: float = 20.0
    # Rows for which an alert quietens the ones after it.
    cooldown: float = 50.0
    # Rows over which level and scale forget.
    memory: float = 1000.0
    # Rows over which the histogram of surprise forgets.
    tail_memory: float = 4000.0
    # Rows before which nothing is called an anomaly.
    probation: float = 20.0


def fresh_states(series: int) -> FloatMatrix:
    """The states of `series` series of which nothing is known yet: zeros, (series, STATE_WIDTH)."""
    return np.zeros((series, STATE_WIDTH), dtype=np.float64)


def score_points(
    states: FloatMatrix,
    series: IntVector,
    times: FloatVector,
    values: FloatVector,
    parameters: Parameters,
    strictness: FloatVector,
) -> Scores:
    """Score each row by what its series' state knows, then learn it: `states` is updated in place.

    `series` (n,) are rows of `states`, `times` (n,) epoch seconds, `values` (n,), in the order of time within a series;
    `strictness` (series,) divides the evidence of a series (1 = normal). How rows are split changes no score.
    """
    given = np.empty((4, values.size), dtype=np.float64)
    numbers = np.array(astuple(parameters), dtype=np.float64)
    _score_rows(states, series, times, values, numbers, strictness, given)
    return Scores(given[0], given[1], given[2], given[3])


_BINS = 32
_HIST = 16


@numba.njit("void(f8[:,::1],i8[::1],f8[::1],f8[::1],f8[::1],f8[::1],f8[:,::1])", cache=True, nogil=True)
def _score_rows(states, series, times, values, p, strictness, given):  # type: ignore[no-untyped-def]
    for i in range(values.size):
        s = states[series[i]]
        x = values[i]
        if s[0] == 0.0:
            given[1, i] = given[2, i] = given[3, i] = np.nan
        else:
            given[1, i] = s[9]
            given[2, i] = s[9] - 6.0 * s[10]
            given[3, i] = s[9] + 6.0 * s[10]
        given[0, i] = 0.0
        if not (np.isfinite(x) and np.isfinite(times[i])):
            continue
        n = s[0]
        learn = n == 0.0 or times[i] > s[1]
        evidence = 0.0
        z = 0.0
        b = 0
        if n > 0.0:
            width = s[4] - s[3]
            floor = max(0.01 * width, 1e-9 * abs(s[5]) + 1e-12)
            z = abs(x - s[5]) / max(s[6], floor)
            b = int(min(max(4.0 * np.log2(z + 0.25) + 8.0, 0.0), _BINS - 1.0))
            above = 0.0
            for k in range(b, _BINS):
                above += s[_HIST + k]
            rarity = -np.log10((above + 1.0) / (s[11] + 2.0))
            excess = max(x - s[4], s[3] - x, 0.0) / max(width, 1e-3 * abs(s[5]), 1e-12)
            evidence = rarity + p[1] * min(excess, 1.0) + np.log1p(max(excess - 1.0, 0.0))
            if n < p[5]:
                evidence = 0.0
        quiet = 0.0
        if s[7] > 0.0:
            quiet = s[8] * s[7] / p[2]
        felt = max(evidence - quiet, 0.25 * evidence) / strictness[series[i]]
        # The threshold is reached when the evidence felt is p[0].
        given[0, i] = felt / (felt + p[0] * (1.0 / 0.8 - 1.0))
        if not learn:
            continue
        s[7] = max(s[7] - 1.0, 0.0)
        if felt >= p[0]:
            s[7] = p[2]
            s[8] = evidence
        s[1] = times[i]
        if n == 0.0:
            s[3] = s[4] = s[5] = s[9] = x
            s[0] = 1.0
            continue
        a = max(1.0 / (n + 1.0), 1.0 / p[3])
        d = x - s[5]
        cap = 4.0 * max(s[6], 0.01 * (s[4] - s[3]))
        if n < 10.0:
            cap = np.inf
        s[5] += a * min(max(d, -cap), cap)
        s[6] += a * (min(abs(d), cap) - s[6])
        keep = 1.0 - max(1.0 / (n + 1.0), 1.0 / p[4])
        if n > 10.0:
            keep = 1.0 - 1.0 / p[4]
            for k in range(_BINS):
                s[_HIST + k] *= keep
            s[_HIST + b] += 1.0
            s[11] = s[11] * keep + 1.0
        r = x - s[9]
        s[9] += 0.2 * r
        s[10] += max(1.0 / (n + 1.0), 0.01) * (abs(r) - s[10])
        s[3] = min(s[3], x)
        s[4] = max(s[4], x)
        s[0] = n + 1.0
