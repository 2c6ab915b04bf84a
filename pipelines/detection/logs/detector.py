"""The univariate detector, as the volumes of logs use it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.detection.scores import Scores
from pipelines.detection.univariate import STATE_LAYOUT, Parameters, fresh_states, score_points


@dataclass(frozen=True)
class UnivariateCounts:
    """The detector of metrics on the (steadied) counts of minutes; each series is judged as strictly as the others."""

    parameters: Parameters = field(default_factory=Parameters)

    @property
    def version(self) -> str:
        """What the states depend on: states of another version are not read."""
        return f"{STATE_LAYOUT} {self.parameters}"

    def fresh_states(self, series: int) -> NDArray[np.float64]:
        return fresh_states(series)

    def score(
        self,
        states: NDArray[np.float64],
        series: NDArray[np.int64],
        times: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> Scores:
        return score_points(states, series, times, values, self.parameters, np.ones(len(states)))
