"""What every detector gives for a row: one score with one meaning, and the band in which the value was expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]
FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

# A row is an anomaly at this score and above, whichever detector gave it.
ANOMALY_THRESHOLD = 0.8


@dataclass(frozen=True)
class Scores:
    """Four float64 arrays of one length, a number a scored row, in the order of the rows.

    `score` lies in [0, 1); `expected`, `lower` and `upper` are in the unit of the value, NaN while a series is unknown.
    """

    score: FloatVector
    expected: FloatVector
    lower: FloatVector
    upper: FloatVector
