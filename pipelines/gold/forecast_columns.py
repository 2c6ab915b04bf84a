"""What every table of forecasts says about how good they are."""

from __future__ import annotations

import math
from typing import Any

from pipelines.forecasting.forecast import Forecast, NoForecast

CURVE = (
    "array<struct<time: bigint, seconds: bigint, value: double, lower_80: double, upper_80: double, "
    "lower_95: double, upper_95: double>>"
)


def score_columns(result: Forecast | NoForecast) -> dict[str, Any]:
    """`shown`: model, naive or none; and why, where it is not a model."""
    names = ("model", "naive_model", "skill", "mae", "naive_mae", "mase", "naive_mase", "wape", "naive_wape")
    if isinstance(result, NoForecast):
        return {"shown": "none", "reason": result.reason, **dict.fromkeys(names)}
    if result.score is None:
        unknown = "too little is known for a backtest"
        return {"shown": "naive", "reason": unknown, **dict.fromkeys(names), "model": result.model}
    score = result.score
    is_naive = score.model == score.naive_model
    return {
        "shown": "naive" if is_naive else "model",
        "reason": "no model was better in the backtest" if is_naive else None,
        **{name: _known(getattr(score, name)) for name in names},
    }


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
