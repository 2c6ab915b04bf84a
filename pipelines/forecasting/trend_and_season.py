"""A straight line and waves on it, by least squares: what a disk that fills, or a load with days and weeks, looks like.

Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 7.4: Fourier terms for seasons. It is our
own as statsforecast has no regression on time alone. Series of one length share the matrix, so a fit is one product.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsforecast.models import _TS

from pipelines.forecasting.series import Floats

# Of a day the first four waves give its shape (6 hours at the finest), of a week the first three what days differ in.
_HARMONICS = 4
# A line through fewer points than this is noise.
_FEWEST = 8


class TrendAndSeason(_TS):  # type: ignore[misc,unused-ignore]
    """`seasons`: lengths in steps, none for a line alone. It is fitted to the newest `share` of the series."""

    uses_exog = False

    def __init__(self, seasons: tuple[int, ...], alias: str, share: float = 1.0) -> None:
        self.seasons, self.alias, self.share = seasons, alias, share
        self.prediction_intervals = None

    def forecast(self, y: Floats, h: int, **_unused: Any) -> dict[str, Floats]:
        """The call that statsforecast makes: `y` (n,) → {"mean": (h,)}."""
        known = y[-max(_FEWEST, int(len(y) * self.share)) :]
        future = _design(np.arange(len(known), len(known) + h), len(known), self.seasons)
        return {"mean": np.asarray(future @ (_solver(len(known), self.seasons) @ known), dtype=np.float64)}


@lru_cache(maxsize=64)
def _solver(length: int, seasons: tuple[int, ...]) -> Floats:
    """(columns of the design, length): takes a series to its coefficients."""
    return np.asarray(np.linalg.pinv(_design(np.arange(length), length, seasons)), dtype=np.float64)


def _design(steps: NDArray[np.int64], length: int, seasons: tuple[int, ...]) -> Floats:
    columns: list[Floats] = [np.ones(len(steps)), steps / length]
    shortest = min(seasons, default=0)
    for season in seasons:
        waves = _HARMONICS if season == shortest else _HARMONICS - 1
        for wave in range(1, min(waves, (season - 1) // 2) + 1):
            angle = 2 * np.pi * wave * steps / season
            columns += [np.sin(angle), np.cos(angle)]
    return np.column_stack(columns)
