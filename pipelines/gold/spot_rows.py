"""Price histories of spot offers → rows of gold.spot_forecast but for their ranks, in pandas: what a worker runs."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped,unused-ignore]

from pipelines.forecasting import spot_risk
from pipelines.forecasting.candidates import Kind
from pipelines.forecasting.forecast import Forecast, NoForecast, Profile, forecast_all
from pipelines.forecasting.intervals import LEVELS
from pipelines.forecasting.series import HOUR, Floats, Series, last_per_step
from pipelines.gold.forecast_columns import score_columns

LEADS = (1, 6, 24, 168)
_PROFILE = Profile(Kind.PRICE, seasons=(24, 168), horizon=max(LEADS))
_KNOWN_HOURS = 28 * 24
_USUAL_HIGH = 0.95
_SIZE = re.compile(r"\.(?:(large)|(\d*)xlarge)$")


def spot_rows(histories: pd.DataFrame, prior: spot_risk.Prior, as_of: datetime) -> pd.DataFrame:
    """One row an offer in, with `times` and `prices` (arrays) and what is known of interruptions; one row each out."""
    now = int(as_of.timestamp())
    series = [_series(row.times, row.prices, now) for row in histories.itertuples(index=False)]
    results = forecast_all(series, _PROFILE)
    rows = [
        {
            **_price(one, row, now),
            "vcpus": vcpus(row.instance_type),
            **score_columns(result),
            **_forecast(result),
        }
        for one, row, result in zip(series, histories.itertuples(index=False), results, strict=True)
    ]
    kept = histories.drop(columns=["times", "prices"]).reset_index(drop=True)
    found = pd.concat([kept, pd.DataFrame(rows, dtype=object)], axis=1)
    return _with_risk(found, results, prior).assign(as_of=now)


def vcpus(instance_type: str) -> int | None:
    """By AWS's naming rule: large 2, xlarge 4, Nxlarge 4·N. None for sizes that tell nothing (metal, medium)."""
    found = _SIZE.search(instance_type)
    if found is None:
        return None
    return 2 if found.group(1) else 4 * int(found.group(2) or 1)


def _series(times: Any, prices: Any, now: int) -> Series:
    """By the hour, the last of which ends at `now`."""
    offset = now % HOUR
    shifted = np.asarray(times, dtype=np.int64) - offset
    return last_per_step(shifted, np.asarray(prices, dtype=np.float64), HOUR, now - offset).last(_KNOWN_HOURS)


def _price(series: Series, row: Any, now: int) -> dict[str, Any]:
    changes = np.diff(np.log(np.maximum(series.values, 1e-9)))
    known = np.asarray(row.times)
    return {
        "price": float(row.prices[-1]),
        "price_since": int(known[-1]),
        "observed_prices": len(np.unique(known // HOUR)),
        "usual_high": float(np.quantile(series.values, _USUAL_HIGH)) if len(series.values) else None,
        "volatility_daily": float(changes.std() * np.sqrt(24)) if len(changes) else None,
    }


def _forecast(result: Forecast | NoForecast) -> dict[str, float | None]:
    """The forecast at each of LEADS with its intervals, never below nothing, and the mean of the next day."""
    found: dict[str, float | None] = {"mean_price_24h": None}
    for lead in LEADS:
        names = [f"price_{lead}h", *(f"price_{lead}h_{side}_{_of(level)}" for level in LEVELS for side in _SIDES)]
        found |= dict.fromkeys(names)
        if isinstance(result, Forecast):
            point, halves = result.point[lead - 1], result.halves[:, lead - 1]
            values = [point, *(point + sign * half for half in halves for sign in (-1.0, 1.0))]
            found |= {name: max(0.0, float(value)) for name, value in zip(names, values, strict=True)}
    if isinstance(result, Forecast):
        found["mean_price_24h"] = float(np.maximum(result.point[:24], 0.0).mean())
    return found


_SIDES = ("lower", "upper")


def _of(level: float) -> int:
    return round(100 * level)


def _with_risk(rows: pd.DataFrame, results: list[Forecast | NoForecast], prior: spot_risk.Prior) -> pd.DataFrame:
    day = 24 - 1
    half = np.array([one.halves[0, day] if isinstance(one, Forecast) else np.nan for one in results])
    counts, hours = _floats(rows, "interruptions"), _floats(rows, "instance_hours")
    risk = spot_risk.interruption_risk(counts, hours, prior)
    pressure = spot_risk.price_pressure(_floats(rows, "price_24h"), half, _floats(rows, "usual_high"))
    pressure = np.where(np.isnan(half), np.nan, pressure)
    index = spot_risk.risk_index(risk, pressure)
    return rows.assign(
        interruption_rate=spot_risk.interruption_rate(counts, hours, prior),
        interruption_risk_24h=risk,
        price_pressure=_or_none(pressure),
        risk_index=index,
        expected_cost_per_hour=_or_none(spot_risk.expected_cost(_floats(rows, "mean_price_24h"), index)),
    )


def _floats(rows: pd.DataFrame, name: str) -> Floats:
    return np.asarray(rows[name], dtype=np.float64)


def _or_none(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
