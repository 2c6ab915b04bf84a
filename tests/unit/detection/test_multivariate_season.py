"""The daily course: found at the interval the rows have, and only where one half of the history foretells the other."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.detection.multivariate.season import FloatArray, learn_season


def course(rows: int, rows_a_day: int) -> FloatArray:
    """A day with a morning rise and an evening fall, standardised."""
    phase = np.arange(rows) % rows_a_day / rows_a_day
    working = ((phase > 0.35) & (phase < 0.75)).astype(float)
    return (working - working.mean()) / working.std()


@pytest.mark.parametrize("rows_a_day", [24, 96, 144, 288, 480, 720, 1440])
def test_the_rows_of_a_day_are_counted_at_any_interval(rows_a_day: int) -> None:
    rows = 8 * rows_a_day
    daily = course(rows, rows_a_day)
    noise = np.random.default_rng(1).normal(size=(2, rows))
    season = learn_season(np.column_stack([daily + 0.3 * noise[0], noise[1]]))
    assert season.period == rows_a_day
    learnt = season.profile[np.arange(rows_a_day) * len(season.profile) // rows_a_day]
    assert np.corrcoef(learnt[:, 0], daily[:rows_a_day])[0, 1] > 0.95
    assert np.abs(learnt[:, 1]).max() < 0.3


def test_noise_has_no_season() -> None:
    season = learn_season(np.random.default_rng(2).normal(size=(3000, 3)))
    assert season.period == 1
    assert (season.profile == 0).all()


def test_what_happened_on_one_day_alone_is_no_season() -> None:
    values = np.random.default_rng(3).normal(size=(10 * 144, 2))
    values[500:530] += 5
    assert learn_season(values).period == 1


def test_less_than_four_days_are_no_season() -> None:
    values = course(3 * 1440, 1440)[:, None] + 0.1 * np.random.default_rng(4).normal(size=(3 * 1440, 1))
    assert learn_season(values).period != 1440


def test_holes_change_little() -> None:
    random = np.random.default_rng(5)
    whole = course(10 * 288, 288)[:, None] + 0.3 * random.normal(size=(10 * 288, 2))
    holed = np.where(random.random(whole.shape) < 0.3, np.nan, whole)
    assert learn_season(holed).period == 288
    assert np.abs(learn_season(holed).profile - learn_season(whole).profile).max() < 0.3
