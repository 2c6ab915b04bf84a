"""A raw distance as the tail probability it had in the host's history, and that as an anomaly score.

The score is `-log10(p) / 5` up to the threshold of 0.8, so 0.8 means: one row in 10,000 of the history was so far out.
Beyond it the score approaches 1 without reaching it, so that of two alarms the greater is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# -log10 of the tail probabilities whose quantiles are kept; the last needs 1,000 rows to be known.
_RARITIES = np.array([0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 2.5])
# Beyond this quantile the tail is taken for exponential, its mean excess for its scale.
_TAIL_RARITY = 2.0
_DECADES, _THRESHOLD = 5.0, 0.8
# -log10 of the probability at which the score reaches the threshold.
ALARM_RARITY = _DECADES * _THRESHOLD


def learn_tail(raw: FloatArray) -> FloatArray:
    """What `rarity` needs of the history's raw distances: their quantiles, and last the distance of a decade beyond."""
    quantiles = np.quantile(raw, 1.0 - 10.0**-_RARITIES)
    # Equal quantiles would make the map a step; a relative crumb keeps it strictly monotone.
    spread = max(float(quantiles[-1] - quantiles[0]), abs(float(quantiles[-1])), 1e-9)
    quantiles = np.maximum.accumulate(quantiles) + np.arange(len(quantiles)) * 1e-6 * spread
    start = np.quantile(raw, 1.0 - 10.0**-_TAIL_RARITY)
    excess = raw[raw > start] - start
    decade = float(excess.mean()) * np.log(10.0) if len(excess) else 0.0
    return np.append(quantiles, max(decade, 1e-3 * spread))


def rarity(raw: FloatArray, tail: FloatArray) -> FloatArray:
    """-log10 of the probability of a distance as large as `raw`; strictly monotone above the history's minimum."""
    quantiles, decade = tail[:-1], tail[-1]
    within = np.interp(raw, quantiles, _RARITIES)
    return np.asarray(np.where(raw > quantiles[-1], _RARITIES[-1] + (raw - quantiles[-1]) / decade, within))


def score_of(rarities: FloatArray) -> FloatArray:
    """-log10(p) as a score in [0, 1); smooth at the threshold, and strictly monotone beyond it."""
    beyond = np.maximum(rarities / _DECADES - _THRESHOLD, 0.0)
    room = 1.0 - _THRESHOLD
    return np.minimum(rarities / _DECADES, _THRESHOLD) + beyond * room / (beyond + room)
