"""A host against its own history: what a score means, who is blamed, and that nothing but the past is used."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.detection import multivariate
from pipelines.detection.multivariate import FloatArray, HostModel, HostScores, ModelError

HOUR_ROWS = 24  # Rows at an interval of one hour: a day.
METRICS = ("cpu", "memory", "disk", "network", "errors", "version")
CPU, MEMORY, DISK, NETWORK, ERRORS, VERSION = range(6)


def rows_of(days: int, seed: int) -> FloatArray:
    """A host's days: cpu and network follow the day, memory and disk wander, errors are rare, version never changes."""
    random = np.random.default_rng(seed)
    count = days * HOUR_ROWS
    day = np.sin(2 * np.pi * np.arange(count) / HOUR_ROWS)
    noise = random.normal(size=(count, 6))
    return np.column_stack(
        [
            40 + 20 * day + noise[:, 0],
            8e9 + 2e8 * noise[:, 1],
            70 + noise[:, 2],
            1e6 * (3 + 2 * day + 0.2 * noise[:, 3]),
            np.maximum(noise[:, 4] - 2, 0),
            np.full(count, 7.0),
        ]
    )


@pytest.fixture(scope="module")
def model() -> HostModel:
    return multivariate.fit(rows_of(60, seed=1), METRICS, seed=1)


def scored(model: HostModel, values: FloatArray) -> HostScores:
    return multivariate.score_rows(model, multivariate.fresh_state(model), values)


def test_usual_days_raise_no_alarm(model: HostModel) -> None:
    scores = scored(model, rows_of(30, seed=2))
    assert (scores.score < 0.8).all()
    assert np.median(scores.score) < 0.2


@pytest.mark.parametrize("metric", [CPU, MEMORY, DISK, NETWORK, ERRORS, VERSION])
def test_a_disturbed_metric_raises_the_alarm_and_is_named_first(model: HostModel, metric: int) -> None:
    days = rows_of(10, seed=3)
    days[100:110, metric] += 8 * np.maximum(days[:, metric].std(), 0.5)
    scores = scored(model, days)
    assert scores.score[100:110].max() > 0.8
    assert scores.score[:100].max() < 0.8
    assert (scores.contributors[102:110, 0] == metric).all()
    assert (scores.shares[102:110, 0] > 0.5).all()


def test_an_alarm_ends_with_its_cause_however_great_that_was(model: HostModel) -> None:
    days = rows_of(10, seed=3)
    days[100:110, DISK] += 1e6
    scores = scored(model, days).score
    assert (scores[100:110] > 0.8).all()
    assert (scores[150:] < 0.8).all()


def test_a_value_usual_at_noon_is_unusual_at_night(model: HostModel) -> None:
    """The value lies well within all that cpu and network ever were; only the hour is wrong."""
    days = rows_of(10, seed=4)
    night = np.arange(96 + 15, 96 + 22)
    days[night, CPU], days[night, NETWORK] = 60.0, 5e6
    assert scored(model, days).score[night].max() > 0.8


def test_the_greater_of_two_alarms_has_the_greater_score(model: HostModel) -> None:
    alarms = []
    for size in (1, 2, 10, 1e3, 1e6, 1e9):
        days = rows_of(5, seed=5)
        days[50:55, DISK] += 20 * size
        alarms.append(scored(model, days).score[54])
    assert all(0.8 < less < more < 1 for less, more in pairwise(alarms))


def test_expected_follows_the_day_and_bounds_hold_what_is_usual(model: HostModel) -> None:
    days = rows_of(20, seed=6)
    scores = scored(model, days)
    assert np.abs(scores.expected[:, CPU] - days[:, CPU]).mean() < 3
    inside = (scores.lower <= days) & (days <= scores.upper)
    assert inside.mean() > 0.98
    assert (scores.lower <= scores.expected).all()
    assert (scores.expected <= scores.upper).all()


def test_leading_gives_the_row_of_the_first_contributor(model: HostModel) -> None:
    days = rows_of(5, seed=7)
    days[50:60, DISK] = 90.0
    scores = scored(model, days)
    value, expected, lower, upper = multivariate.leading(scores, days)
    assert value[55] == 90.0
    assert lower[55] <= expected[55] <= upper[55] < 90.0
    assert expected[55] == scores.expected[55, DISK]


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 120), max_size=6), holes=st.integers(0, 2**32 - 1))
def test_scores_are_the_same_in_any_split_of_the_rows(model: HostModel, cuts: list[int], holes: int) -> None:
    days = rows_of(5, seed=8)
    days[np.random.default_rng(holes).random(days.shape) < 0.2] = np.nan
    state = multivariate.fresh_state(model)
    parts = [multivariate.score_rows(model, state, part) for part in np.split(days, sorted(cuts))]
    whole = scored(model, days)
    for name in ("score", "expected", "lower", "upper", "contributors", "shares"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))


@settings(max_examples=20, deadline=None)
@given(now=st.integers(1, 119))
def test_no_score_knows_what_comes_later(model: HostModel, now: int) -> None:
    days = rows_of(5, seed=9)
    other = days.copy()
    other[now:] = 1e12
    np.testing.assert_array_equal(scored(model, days).score[:now], scored(model, other).score[:now])


def test_training_twice_gives_the_same_model() -> None:
    history = rows_of(20, seed=10)
    first, second = (multivariate.to_arrays(multivariate.fit(history, METRICS, seed=3)) for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_a_model_survives_its_file(model: HostModel) -> None:
    file = io.BytesIO()
    np.savez(file, **multivariate.to_arrays(model))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = multivariate.from_arrays(dict(arrays))
    days = rows_of(5, seed=11)
    assert again.metric_names == METRICS
    np.testing.assert_array_equal(scored(again, days).score, scored(model, days).score)


def test_arrays_of_something_else_are_refused(model: HostModel) -> None:
    arrays = multivariate.to_arrays(model)
    del arrays["tails"]
    with pytest.raises(ModelError, match="tails missing"):
        multivariate.from_arrays(arrays)


def test_a_metric_that_was_never_measured_is_left_out() -> None:
    history = rows_of(60, seed=12)
    history[:, NETWORK] = np.nan
    model = multivariate.fit(history, METRICS, seed=1)
    scores = scored(model, rows_of(5, seed=13))
    assert np.isfinite(scores.score).all()
    assert (scores.score < 0.8).all()
    assert (scores.contributors != NETWORK).all()
    assert np.isnan(scores.expected[:, NETWORK]).all()


def test_a_hole_in_the_measurements_is_no_anomaly(model: HostModel) -> None:
    days = rows_of(5, seed=14)
    days[40:60, CPU] = np.nan
    days[70:80] = np.nan
    scores = scored(model, days)
    assert (scores.score < 0.8).all()
    assert (scores.score[70:80] == scores.score[69]).all()


def test_rows_that_never_came_move_the_place_in_the_day(model: HostModel) -> None:
    days = rows_of(5, seed=15)
    state = multivariate.fresh_state(model)
    multivariate.score_rows(model, state, days[:50])
    multivariate.skip_rows(model, state, 7)
    assert (multivariate.score_rows(model, state, days[57:]).score < 0.8).all()


def test_a_constant_metric_counts_as_soon_as_it_changes(model: HostModel) -> None:
    days = rows_of(5, seed=16)
    days[60:, VERSION] = 8.0
    scores = scored(model, days)
    assert (scores.score[65:70] > 0.8).all()
    assert (scores.contributors[65:70, 0] == VERSION).all()


@pytest.mark.parametrize(
    ("history", "names", "message"),
    [
        (np.zeros((10, 2)), ("a", "b"), "at least 200"),
        (np.zeros((300, 2)), ("a",), "one column a metric"),
        (np.full((300, 2), np.nan), ("a", "b"), "without one value of a, b"),
    ],
)
def test_a_history_that_teaches_nothing_is_refused(history: FloatArray, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        multivariate.fit(history, names, seed=1)


def test_rows_of_another_host_are_refused(model: HostModel) -> None:
    with pytest.raises(ModelError, match="6 metrics"):
        scored(model, np.zeros((5, 4)))
    with pytest.raises(ModelError, match="fresh_state"):
        multivariate.score_rows(model, np.zeros(3), np.zeros((5, 6)))
