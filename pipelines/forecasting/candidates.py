"""Which models are tried on a series, by how much of its past is known and what it is of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from statsforecast.models import (
    MFLES,
    MSTL,
    AutoRegressive,
    Naive,
    RandomWalkWithDrift,
    SeasonalNaive,
    SeasonalWindowAverage,
    SimpleExponentialSmoothingOptimized,
    WindowAverage,
)

from pipelines.forecasting.trend_and_season import TrendAndSeason

LAST_VALUE = "Naive"
_MOST_SEASONS = 7
_RECENT = 0.3


class Kind(StrEnum):
    """Usage has trends and seasons; a price goes at random, and comes back to what is usual."""

    USAGE = "usage"
    PRICE = "price"


@dataclass(frozen=True)
class Candidate:
    """`needs` is the number of steps that must be known before it can be fitted. `is_naive`: no model at all."""

    name: str
    make: Callable[[], Any]
    needs: int
    is_naive: bool = False


def candidates(kind: Kind, seasons: tuple[int, ...], known: int) -> tuple[Candidate, ...]:
    """Those that `known` steps are enough for, naive ones first. `seasons`: lengths of a day and a week in steps, or
    none."""
    every = (*_naive(seasons), *(_usage(seasons, known) if kind is Kind.USAGE else _price(seasons, known)))
    return tuple(candidate for candidate in every if candidate.needs <= known)


def _naive(seasons: tuple[int, ...]) -> tuple[Candidate, ...]:
    seasonal = (_candidate(f"SeasonalNaive({s})", SeasonalNaive, s, season_length=s) for s in seasons)
    naive = (_candidate(LAST_VALUE, Naive, 1), *seasonal)
    return tuple(Candidate(one.name, one.make, one.needs, is_naive=True) for one in naive)


def _usage(seasons: tuple[int, ...], known: int) -> tuple[Candidate, ...]:
    found = [
        _candidate("SES", SimpleExponentialSmoothingOptimized, 8),
        _candidate("Trend", TrendAndSeason, 12, seasons=()),
        # A leak that began with the last restart: what was before it tells nothing.
        _candidate("RecentTrend", TrendAndSeason, 12, seasons=(), share=_RECENT),
    ]
    for place, season in enumerate(seasons):
        upto = seasons[: place + 1]
        found += [
            _candidate(f"SeasonalAverage({season})", _seasonal_average(season, known), 2 * season),
            _candidate(f"Trend+Season({_listed(upto)})", TrendAndSeason, 2 * season, seasons=upto),
        ]
    fitting = tuple(season for season in seasons if 2 * season <= known)
    if fitting:
        found.append(_candidate(f"MFLES({_listed(fitting)})", MFLES, 2 * fitting[-1], season_length=list(fitting)))
    for season in seasons[:1]:
        found += [
            _candidate(f"WindowAverage({season})", WindowAverage, season, window_size=season),
            # Of two seasons MSTL takes ten times as long as all others together.
            _candidate(f"MSTL({season})+Drift", _mstl_with_drift(season), 2 * season),
        ]
    return tuple(found)


def _price(seasons: tuple[int, ...], known: int) -> tuple[Candidate, ...]:
    averages = (_candidate(f"WindowAverage({s})", WindowAverage, s, window_size=s) for s in seasons)
    return (
        _candidate("SES", SimpleExponentialSmoothingOptimized, 8),
        _candidate("AR(1)", AutoRegressive, 48, lags=1),
        *averages,
        *(_candidate(f"SeasonalAverage({s})", _seasonal_average(s, known), 2 * s) for s in seasons[:1]),
    )


def _candidate(name: str, model: Callable[..., Any], needs: int, **parameters: Any) -> Candidate:
    return Candidate(name, partial(model, alias=name, **parameters), needs)


def _seasonal_average(season: int, known: int) -> Callable[..., Any]:
    """The mean of up to seven former days at that hour, or of up to seven weeks."""
    return partial(SeasonalWindowAverage, season_length=season, window_size=min(_MOST_SEASONS, known // season))


def _mstl_with_drift(season: int) -> Callable[..., Any]:
    return partial(MSTL, season_length=[season], trend_forecaster=RandomWalkWithDrift())


def _listed(seasons: tuple[int, ...]) -> str:
    return ",".join(map(str, seasons))
