"""Series → forecasts: backtest, choice, point forecast and intervals of many series at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.forecasting.backtest import Backtest, Plan, backtest, forecast_points, plan_for
from pipelines.forecasting.candidates import LAST_VALUE, Candidate, Kind, candidates
from pipelines.forecasting.choice import Score, choose
from pipelines.forecasting.intervals import WALK, Spread, spread_of, spread_of_walk
from pipelines.forecasting.series import Floats, Series

# Fewer steps than this do not even tell how much the series changes.
SHORTEST = 8


@dataclass(frozen=True)
class Profile:
    """What to forecast: `seasons` are the lengths of a day and a week in steps (none where less is known than that),
    `horizon` the steps to forecast. `n_jobs`: processes that share the work; 1 where Spark has them already."""

    kind: Kind
    seasons: tuple[int, ...]
    horizon: int
    n_jobs: int = 1


@dataclass(frozen=True)
class Forecast:
    """`point` (horizon,) from the end of the series on. `score` is None where there was too little to backtest."""

    model: str
    point: Floats
    spread: Spread
    score: Score | None

    @property
    def halves(self) -> Floats:
        """(levels, horizon): half the interval of each of intervals.LEVELS."""
        return self.spread.halves(np.arange(1.0, len(self.point) + 1))


@dataclass(frozen=True)
class NoForecast:
    reason: str


def forecast_all(series: Sequence[Series], profile: Profile) -> list[Forecast | NoForecast]:
    """One result for each series, in their order."""
    found: list[Forecast | NoForecast] = [NoForecast("not forecast")] * len(series)
    groups: dict[Plan, list[int]] = defaultdict(list)
    for place, one in enumerate(series):
        plan = plan_for(len(one.values))
        if plan is None:
            found[place] = _without_backtest(one, profile.horizon)
        else:
            groups[plan].append(place)
    for plan, places in groups.items():
        forecasts = _with_backtest([series[place] for place in places], plan, profile)
        for place, forecast in zip(places, forecasts, strict=True):
            found[place] = forecast
    return found


def _without_backtest(series: Series, horizon: int) -> Forecast | NoForecast:
    known = len(series.values)
    if known < SHORTEST:
        return NoForecast(f"only {known} steps of {series.step // 60} minutes are known, {SHORTEST} are needed")
    point = np.full(horizon, series.values[-1])
    return Forecast(LAST_VALUE, point, spread_of_walk(np.diff(series.values)), score=None)


def _with_backtest(series: list[Series], plan: Plan, profile: Profile) -> list[Forecast]:
    models = candidates(profile.kind, profile.seasons, plan.fitted)
    tested = backtest(series, models, plan, profile.n_jobs)
    scales = np.array([_mean_change(one.values, profile.seasons) for one in series])
    scores = choose(tested, tuple(model.is_naive for model in models), scales)
    points = _points(series, scores, models, profile)
    return [
        Forecast(score.model, points[place], _spread(tested, place, series[place], score.model), score)
        for place, score in enumerate(scores)
    ]


def _points(series: list[Series], scores: tuple[Score, ...], models: tuple[Candidate, ...], profile: Profile) -> Floats:
    """Each series with the model that it got, those of one model in one call."""
    points = np.empty((len(series), profile.horizon))
    for model in models:
        places = [place for place, score in enumerate(scores) if score.model == model.name]
        if places:
            points[places] = forecast_points([series[p] for p in places], model, profile.horizon, profile.n_jobs)
    return points


def _spread(tested: Backtest, place: int, series: Series, model: str) -> Spread:
    """The last value is what is shown where nothing is known to be better: a walk may well be what it is. As it needs
    no fitting, every step of the past is an origin."""
    errors = tested.errors[place, :, :, tested.models.index(model)]
    if model != LAST_VALUE:
        return spread_of(errors, least_growth_beyond=0.0)
    spans = np.lib.stride_tricks.sliding_window_view(series.values, errors.shape[1] + 1)
    return spread_of(spans[:, 1:] - spans[:, :1], least_growth_beyond=WALK)


def _mean_change(values: Floats, seasons: tuple[int, ...]) -> float:
    """From a day to the next where there is one, else from step to step."""
    lag = seasons[0] if seasons and len(values) > 2 * seasons[0] else 1
    return float(np.abs(values[lag:] - values[:-lag]).mean())
