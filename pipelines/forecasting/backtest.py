"""What each model would have forecast in the past, and how far off it was: rolling origin, refitted at each.

Tashman (2000), Out-of-sample tests of forecasting accuracy. The second half of a series is forecast from seven origins
that are spread over it, each time a sixth of the length ahead. So a model is always fitted to at least the first half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped,unused-ignore]
from numpy.typing import NDArray
from statsforecast import StatsForecast
from statsforecast.models import Naive

from pipelines.forecasting.candidates import Candidate
from pipelines.forecasting.series import Floats, Series

ORIGINS = 7
# Series between two of these lengths share the plan of the shorter one, so that they are backtested in one call.
LENGTHS = (24, 48, 96, 168, 336, 672, 1344)
_LEAD_SHARE = 6


@dataclass(frozen=True)
class Plan:
    """`lead`: steps forecast from an origin. `stride`: steps between two origins. `fitted`: steps before the first."""

    lead: int
    stride: int
    fitted: int


@dataclass(frozen=True)
class Backtest:
    """`errors` (series, origins, lead, models): forecast minus what came. `actual` (series, origins, lead).

    `models` names the last axis.
    """

    models: tuple[str, ...]
    errors: Floats
    actual: Floats


def plan_for(steps: int) -> Plan | None:
    """None if a series of so many steps is too short to be backtested."""
    fitting = [length for length in LENGTHS if length <= steps]
    if not fitting:
        return None
    length = fitting[-1]
    lead = length // _LEAD_SHARE
    return Plan(lead=lead, stride=(length // 2 - lead) // (ORIGINS - 1), fitted=length // 2)


def backtest(series: Sequence[Series], models: Sequence[Candidate], plan: Plan, n_jobs: int) -> Backtest:
    """All series with all models in one call of statsforecast. A model that fails on a series forecasts its last value
    there, which never makes it the better one."""
    engine = StatsForecast([model.make() for model in models], freq=1, n_jobs=n_jobs, fallback_model=Naive())
    found: Any = engine.cross_validation(
        df=long_frame(series),
        h=plan.lead,
        step_size=plan.stride,
        n_windows=ORIGINS,
    )
    found = found.sort_values(["unique_id", "cutoff", "ds"], kind="stable")
    shape = (len(series), ORIGINS, plan.lead)
    actual = np.asarray(found["y"], dtype=np.float64).reshape(shape)
    names = tuple(model.name for model in models)
    forecasts = np.asarray(found[list(names)], dtype=np.float64).reshape(*shape, len(names))
    return Backtest(names, forecasts - actual[..., None], actual)


def forecast_points(series: Sequence[Series], model: Candidate, horizon: int, n_jobs: int) -> Floats:
    """(series, horizon), fitted to all of each series."""
    engine = StatsForecast([model.make()], freq=1, n_jobs=n_jobs, fallback_model=Naive())
    found: Any = engine.forecast(df=long_frame(series), h=horizon)
    found = found.sort_values(["unique_id", "ds"], kind="stable")
    return np.asarray(found[model.name], dtype=np.float64).reshape(len(series), horizon)


def long_frame(series: Sequence[Series]) -> pd.DataFrame:
    """As statsforecast takes it; a series is named by its place, its steps are numbered."""
    lengths: NDArray[np.int64] = np.array([len(one.values) for one in series])
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(series)), lengths),
            "ds": np.concatenate([np.arange(length) for length in lengths]),
            "y": np.concatenate([one.values for one in series]),
        }
    )
