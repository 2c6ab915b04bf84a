"""Which model a series gets: the best of its backtest, if it is better than naive beyond doubt; else the naive one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.forecasting.backtest import Backtest
from pipelines.forecasting.series import Floats

# On a random walk the best of ten models looks better than the last value by luck: so it has to win by a margin, and
# from nearly every origin.
_MARGIN = 0.1
_LOST_ORIGINS = 1
_SEASON_MARGIN = 0.05


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
    is_naive = np.array(naive)
    best_naive = np.argmin(np.where(is_naive, mae * _handicaps(len(naive)), np.inf), axis=1)
    best = np.argmin(np.where(is_naive, np.inf, mae), axis=1)
    rows = np.arange(len(mae))
    naive_mae, model_mae = np.where(is_naive, mae, np.inf).min(axis=1), mae[rows, best]
    lost = (by_origin[rows, :, best] >= by_origin[rows, :, best_naive]).sum(axis=1)
    is_better = (model_mae <= (1 - _MARGIN) * naive_mae) & (lost <= _LOST_ORIGINS)
    chosen = np.where(is_better, best, best_naive)
    sizes = np.abs(backtest.actual).mean(axis=(1, 2))
    return tuple(
        _score(backtest.models, int(chosen[row]), int(best_naive[row]), mae[row], float(scales[row]), float(sizes[row]))
        for row in rows
    )


def _handicaps(models: int) -> Floats:
    """The last value comes first: a season that is hardly better than it is none."""
    handicaps = np.full(models, 1 / (1 - _SEASON_MARGIN))
    handicaps[0] = 1.0
    return handicaps


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
