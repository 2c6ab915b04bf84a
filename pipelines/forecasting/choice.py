"""Which model a series gets: the best of its backtest, if it is better than naive beyond doubt; else the naive one.

Its margins were chosen on series of the kinds of tests/bench/forecasts.py, of other seeds than the bench has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.forecasting.backtest import Backtest
from pipelines.forecasting.series import Floats

Places = NDArray[np.int64]

# On a random walk the best of ten models looks better than the last value by luck: so it has to win by a margin, and
# from nearly every origin. A season has less to prove, as there are but two.
_MARGIN, _LOST_ORIGINS = 0.1, 1
_SEASON_MARGIN, _SEASON_LOST_ORIGINS = 0.05, 3


@dataclass(frozen=True)
class Score:
    """Errors of the backtest that the choice was made by; `skill` is 1 - mae / naive_mae, 0 where naive is shown.

    MASE (Hyndman and Koehler, 2006) is in units of the mean absolute change of the series from step to step, or from a
    day to the next; WAPE in units of the mean absolute value. Both are NaN where that unit is 0.
    """

    model: str
    naive_model: str
    mae: float
    naive_mae: float
    mase: float
    naive_mase: float
    wape: float
    naive_wape: float
    skill: float


def choose(backtest: Backtest, naive: tuple[bool, ...], scales: Floats) -> tuple[Score, ...]:
    """One score of each series. `naive` marks models, the first of which forecasts the last value; `scales` (series,)
    are the units of MASE."""
    by_origin = np.abs(backtest.errors).mean(axis=2)  # series, origins, models
    mae = by_origin.mean(axis=1)
    is_naive, rows = np.array(naive), np.arange(len(mae))
    shown_naive = _naive_of(by_origin, np.flatnonzero(is_naive))
    best_naive_mae = np.where(is_naive, mae, np.inf).min(axis=1)
    best = np.argmin(np.where(is_naive, np.inf, mae), axis=1)
    is_better = (mae[rows, best] <= (1 - _MARGIN) * best_naive_mae) & (
        _lost(by_origin, best, shown_naive) <= _LOST_ORIGINS
    )
    chosen = np.where(is_better, best, shown_naive)
    sizes = np.abs(backtest.actual).mean(axis=(1, 2))
    return tuple(
        _score(
            backtest.models, int(chosen[row]), int(shown_naive[row]), mae[row], float(scales[row]), float(sizes[row])
        )
        for row in rows
    )


def _naive_of(by_origin: Floats, naive: Places) -> Places:
    """The last value, unless a season is better."""
    mae, rows = by_origin.mean(axis=1), np.arange(len(by_origin))
    shown = np.full(len(rows), naive[0])
    for season in naive[1:]:
        other = np.full(len(rows), season)
        is_better = (mae[:, season] <= (1 - _SEASON_MARGIN) * mae[rows, shown]) & (
            _lost(by_origin, other, shown) <= _SEASON_LOST_ORIGINS
        )
        shown = np.where(is_better, season, shown)
    return shown


def _lost(by_origin: Floats, ones: Places, others: Places) -> Places:
    """From how many origins the model `ones` (series,) was not better than `others`."""
    rows = np.arange(len(by_origin))
    return np.asarray((by_origin[rows, :, ones] >= by_origin[rows, :, others]).sum(axis=1), dtype=np.int64)


def _score(models: tuple[str, ...], chosen: int, naive: int, mae: Floats, scale: float, size: float) -> Score:
    ours, theirs = float(mae[chosen]), float(mae[naive])
    return Score(
        model=models[chosen],
        naive_model=models[naive],
        mae=ours,
        naive_mae=theirs,
        mase=_ratio(ours, scale),
        naive_mase=_ratio(theirs, scale),
        wape=_ratio(ours, size),
        naive_wape=_ratio(theirs, size),
        skill=1 - ours / theirs if theirs > 0 else 0.0,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
