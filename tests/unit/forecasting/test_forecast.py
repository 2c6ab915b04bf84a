"""What a forecast promises: a model only where it is better than naive, honest intervals, and honesty about too little.

Series here come from seeds that nothing was chosen by.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from pipelines.forecasting.candidates import Kind
from pipelines.forecasting.curve import Bounds, curve
from pipelines.forecasting.forecast import Forecast, NoForecast, Profile, forecast_all
from pipelines.forecasting.limits import Direction, Limit, crossing, trend_per_day
from pipelines.forecasting.series import HOUR, Floats, Series

DAYS = 14
KNOWN = DAYS * 24
HORIZON = 72
HOURLY = Profile(Kind.USAGE, seasons=(24, 168), horizon=HORIZON)
FULL = Limit(100.0, Direction.UP)
Make = Callable[[np.random.Generator, Floats], Floats]


def filling(rng: np.random.Generator, hours: Floats) -> Floats:
    return 56 + hours / 24 + rng.normal(0, 0.5, len(hours))


def flat(rng: np.random.Generator, hours: Floats) -> Floats:
    return 50 + rng.normal(0, 3, len(hours))


def seasonal(rng: np.random.Generator, hours: Floats) -> Floats:
    return 50 + 20 * np.sin(2 * np.pi * hours / 24 + rng.uniform(0, 6)) + rng.normal(0, 2, len(hours))


def random_walk(rng: np.random.Generator, hours: Floats) -> Floats:
    return 50 + rng.normal(0, 1, len(hours)).cumsum()


def sample(make: Make, count: int, known: int = KNOWN) -> tuple[list[Series], Floats]:
    """Series, and what came after them (count, HORIZON)."""
    rng, hours = np.random.default_rng(987), np.arange(float(known + HORIZON))
    values = np.stack([make(rng, hours) for _ in range(count)])
    return [Series(0, HOUR, row[:known], known) for row in values], values[:, known:]


def forecasts(series: list[Series]) -> list[Forecast]:
    found = forecast_all(series, HOURLY)
    assert all(isinstance(one, Forecast) for one in found)
    return [one for one in found if isinstance(one, Forecast)]


@cache
def tried(make: Make) -> tuple[list[Series], Floats, list[Forecast]]:
    """24 series of a kind, what came after them, and what was forecast: several tests look at the same."""
    series, came = sample(make, 24)
    return series, came, forecasts(series)


def share(found: list[Forecast], condition: Callable[[Forecast], bool]) -> float:
    return sum(map(condition, found)) / len(found)


def is_naive(forecast: Forecast) -> bool:
    assert forecast.score is not None
    return forecast.score.model == forecast.score.naive_model


def mean_error(found: list[Forecast], came: Floats) -> float:
    return float(np.abs(np.stack([one.point for one in found]) - came).mean())


def last_value_error(series: list[Series], came: Floats) -> float:
    return float(np.abs(np.array([one.values[-1] for one in series])[:, None] - came).mean())


def test_a_disk_at_seventy_percent_that_fills_one_a_day_is_full_in_thirty_days() -> None:
    for one in tried(filling)[2]:
        assert not is_naive(one)
        assert trend_per_day(one, HOUR, 24) == pytest.approx(1, abs=0.07)
        found = crossing(one, FULL, HOUR, 24, DAYS)
        assert found.days == pytest.approx(30, abs=2)
        assert found.earliest is not None
        assert found.earliest <= found.days <= (found.latest or np.inf)


def test_what_is_free_runs_out_as_what_is_used_fills_up() -> None:
    series, _ = sample(lambda rng, hours: 100 - filling(rng, hours), 2)
    for one in forecasts(series):
        assert crossing(one, Limit(0.0, Direction.DOWN), HOUR, 24, DAYS).days == pytest.approx(30, abs=2)


def test_a_flat_series_is_never_full() -> None:
    for one in tried(flat)[2]:
        found = crossing(one, FULL, HOUR, 24, DAYS)
        assert (found.days, found.latest) == (None, None)


def test_no_date_is_given_further_ahead_than_ten_times_the_past() -> None:
    series, _ = sample(lambda rng, hours: 20 + 0.5 * filling(rng, hours), 1)  # 55 %, half a percent a day: 90 days
    (found,) = forecasts(series)

    assert crossing(found, FULL, HOUR, 24, known_days=14).days == pytest.approx(90, abs=8)
    assert crossing(found, FULL, HOUR, 24, known_days=8).days is None


def test_what_is_full_already_is_full_at_once() -> None:
    series, _ = sample(lambda rng, hours: np.full(len(hours), 100.0), 1)
    (found,) = forecasts(series)

    assert crossing(found, FULL, HOUR, 24, DAYS).days == 0


def test_seasons_are_known_and_beat_the_last_value() -> None:
    series, came, found = tried(seasonal)

    assert share(found, lambda one: one.score is not None and one.score.skill > 0) > 0.5
    assert mean_error(found, came) < 0.3 * last_value_error(series, came)


def test_a_random_walk_shows_the_naive_forecast_and_loses_little_by_it_where_it_does_not() -> None:
    series, came, found = tried(random_walk)

    assert share(found, is_naive) >= 0.85
    assert all(one.score is not None and one.score.skill == 0 for one in found if is_naive(one))
    assert mean_error(found, came) < 1.1 * last_value_error(series, came)


@pytest.mark.parametrize("make", [filling, flat, seasonal, random_walk])
def test_intervals_hold_about_as_many_values_as_they_say(make: Make) -> None:
    _, came, found = tried(make)
    errors = np.abs(np.stack([one.point for one in found]) - came)
    near, far = ((errors <= np.stack([one.halves[level] for one in found])).mean() for level in (0, 1))

    assert 0.72 <= near <= 0.9
    assert 0.9 <= far <= 1.0


def test_too_little_for_a_backtest_is_the_last_value_with_intervals_of_a_walk() -> None:
    (series,), _ = sample(random_walk, 1, known=12)
    (found,) = forecasts([series])

    assert (found.model, found.score) == ("Naive", None)
    assert (found.point == series.values[-1]).all()
    near, far = found.halves
    assert (near < far).all()
    assert (np.diff(near) > 0).all()
    # A day by the hour and as one: no further ahead than twice the 12 hours that are known.
    assert len(curve(found, series, Bounds(0, 100))) == 24 + 1


def test_next_to_nothing_is_no_forecast_with_a_reason() -> None:
    series, _ = sample(flat, 1, known=5)

    assert forecast_all(series, HOURLY) == [NoForecast("only 5 steps of 60 minutes are known, 8 are needed")]
    empty = Series(0, HOUR, np.empty(0), 0)
    assert forecast_all([empty], HOURLY) == [NoForecast("only 0 steps of 60 minutes are known, 8 are needed")]


def test_a_series_that_never_changes_is_forecast_to_stay() -> None:
    series, _ = sample(lambda rng, hours: np.full(len(hours), 5.0), 1)
    (found,) = forecasts(series)

    assert (found.model, set(found.point)) == ("Naive", {5.0})
    assert found.score is not None
    assert (found.score.skill, np.isnan(found.score.mase)) == (0.0, True)


def test_a_forecast_does_not_depend_on_the_series_beside_it() -> None:
    ones, others = sample(seasonal, 2)[0], sample(filling, 2, known=100)[0]
    together = forecast_all([ones[0], others[0], ones[1], others[1]], HOURLY)

    for alone, beside in zip(forecasts([ones[1], others[0]]), (together[2], together[1]), strict=True):
        assert isinstance(beside, Forecast)
        assert (beside.model, beside.spread) == (alone.model, alone.spread)
        assert beside.point.tolist() == alone.point.tolist()


def test_the_curve_is_the_first_day_by_the_hour_and_days_within_what_can_be() -> None:
    series, _ = sample(seasonal, 1)
    (found,) = forecasts(series)
    points = curve(found, series[0], Bounds(45.0, 55.0))

    assert [point.seconds for point in points] == [HOUR] * 24 + [24 * HOUR] * 3
    assert points[0].time == points[24].time == series[0].end
    for point in points:
        bounds = [point.lower_95, point.lower_80, point.value, point.upper_80, point.upper_95]
        assert bounds == sorted(bounds)
        assert 45 <= bounds[0] <= bounds[-1] <= 55
