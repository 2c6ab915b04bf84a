"""The univariate detector: what operators may rely on, for any series."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.detection.scores import ANOMALY_THRESHOLD, FloatVector, IntVector, Scores
from pipelines.detection.univariate import STATE_WIDTH, Parameters, fresh_states, score_points

VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.integers(0, 3).map(float)), max_size=120)


def score_one(values: FloatVector, strictness: float = 1.0, interval: float = 60.0) -> Scores:
    times = 1.7e9 + interval * np.arange(len(values))
    return score(np.zeros(len(values), dtype=np.int64), times, values, np.array([strictness]))


def score(series: IntVector, times: FloatVector, values: FloatVector, strictness: FloatVector) -> Scores:
    states = fresh_states(len(strictness))
    return score_points(states, series, times, values.astype(np.float64), Parameters(), strictness)


def columns(scores: Scores) -> FloatVector:
    return np.array([scores.score, scores.expected, scores.lower, scores.upper])


def noise(rows: int) -> FloatVector:
    return 50.0 + np.random.default_rng(7).normal(0.0, 1.0, rows)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.data())
def test_how_rows_are_split_into_calls_changes_no_score(values: list[float], data: st.DataObject) -> None:
    rows = np.array(values, dtype=np.float64)
    series = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows))), dtype=np.int64)
    times = 60.0 * np.arange(len(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    whole, parts = fresh_states(3), fresh_states(3)
    at_once = score_points(whole, series, times, rows, Parameters(), np.ones(3))
    pieces = [
        columns(score_points(parts, series[a:b], times[a:b], rows[a:b], Parameters(), np.ones(3)))
        for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)
    ]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), columns(at_once))
    np.testing.assert_array_equal(whole, parts)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES, VALUES)
def test_no_later_value_changes_an_earlier_score(past: list[float], one: list[float], other: list[float]) -> None:
    first, second = (columns(score_one(np.array([*past, *later], dtype=np.float64))) for later in (one, other))
    np.testing.assert_array_equal(first[:, : len(past)], second[:, : len(past)])


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_a_score_is_a_number_from_0_to_below_1(values: list[float]) -> None:
    scores = score_one(np.array(values, dtype=np.float64)).score
    assert np.all((scores >= 0.0) & (scores < 1.0))


def test_a_value_far_outside_all_that_was_seen_is_an_anomaly() -> None:
    values = noise(600)
    values[500] = 90.0
    assert score_one(values).score[500] >= ANOMALY_THRESHOLD


def test_plain_noise_gives_next_to_no_alert() -> None:
    assert np.sum(score_one(noise(5000)).score >= ANOMALY_THRESHOLD) <= 10


def test_an_incident_that_goes_on_gives_one_alert() -> None:
    values = noise(600)
    values[500:520] += 40.0
    assert np.flatnonzero(score_one(values).score[500:] >= ANOMALY_THRESHOLD).tolist() == [0]


def test_asking_for_more_evidence_lowers_the_score() -> None:
    values = noise(600)
    values[500] = 60.0
    scores = [score_one(values, strictness).score[500] for strictness in (1.0, 2.0, 4.0)]
    assert scores[0] > scores[1] > scores[2]


def test_a_value_that_is_not_a_number_is_no_anomaly_and_is_not_learnt() -> None:
    values = noise(100)
    gap = np.insert(values, 50, [np.nan, np.inf])
    times = np.arange(100.0)
    with_gap = score(np.zeros(102, dtype=np.int64), np.insert(times, 50, [49.2, 49.4]), gap, np.ones(1))
    without = score(np.zeros(100, dtype=np.int64), times, values, np.ones(1))
    assert with_gap.score[50:52].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(np.delete(columns(with_gap), [50, 51], axis=1), columns(without))


def test_a_row_that_comes_late_is_scored_but_not_learnt() -> None:
    values, times = noise(300), 60.0 * np.arange(300.0)
    late = score(np.zeros(301, dtype=np.int64), np.insert(times, 200, 30.5), np.insert(values, 200, 1e5), np.ones(1))
    on_time = score(np.zeros(300, dtype=np.int64), times, values, np.ones(1))
    assert late.score[200] >= ANOMALY_THRESHOLD
    np.testing.assert_array_equal(np.delete(columns(late), 200, axis=1), columns(on_time))


def test_the_state_of_a_series_is_small() -> None:
    assert STATE_WIDTH * 8 <= 4096


def test_a_much_stronger_anomaly_breaks_through_the_quiet_after_an_alert() -> None:
    values = noise(600)
    values[500], values[505], values[510] = 70.0, 70.0, 500.0
    alerts = score_one(values).score >= ANOMALY_THRESHOLD
    assert alerts[[500, 505, 510]].tolist() == [True, False, True]


def test_a_lasting_shift_is_found_within_rows_and_then_becomes_the_norm() -> None:
    values = noise(6000)
    values[1000:] += 6.0
    alerts = np.flatnonzero(score_one(values).score >= ANOMALY_THRESHOLD)
    assert np.any((alerts >= 1000) & (alerts < 1020))
    assert np.sum(alerts >= 4000) <= 2


def test_the_shape_of_the_day_is_expected_once_two_days_were_seen() -> None:
    times = 1.7e9 + 300.0 * np.arange(288 * 14)
    wave = 50.0 + 20.0 * np.sin(2.0 * np.pi * times / 86400.0)
    values = wave + np.random.default_rng(3).normal(0.0, 0.5, times.size)
    scores = score(np.zeros(times.size, dtype=np.int64), times, values, np.ones(1))
    last_week = slice(288 * 7, None)
    assert np.mean(np.abs(scores.expected[last_week] - wave[last_week])) < 2.0
    assert not np.any(scores.score[last_week] >= ANOMALY_THRESHOLD)


def test_a_spike_that_comes_every_night_is_less_surprising_for_it() -> None:
    values = 50.0 + np.random.default_rng(5).normal(0.0, 1.0, 288 * 14)
    values[100::288] = 80.0
    times, series = 300.0 * np.arange(values.size), np.zeros(values.size, dtype=np.int64)
    with_habit, without = (
        score_points(fresh_states(1), series, times, values, parameters, np.ones(1)).score[100::288]
        for parameters in (Parameters(), Parameters(habit_weight=0.0))
    )
    assert np.all(with_habit[3:] < without[3:])


def test_the_band_holds_nearly_all_values_and_is_narrower_than_the_range() -> None:
    values = noise(5000)
    scores = score_one(values)
    held = (values >= scores.lower) & (values <= scores.upper)
    assert 0.97 <= np.mean(held[1000:]) <= 1.0
    assert np.median((scores.upper - scores.lower)[1000:]) < np.ptp(values)


def test_a_series_that_never_changes_is_no_anomaly_until_it_does() -> None:
    values = np.full(500, 7.0)
    values[400] = 8.0
    scores = score_one(values)
    assert np.flatnonzero(scores.score >= ANOMALY_THRESHOLD).tolist() == [400]
    assert (scores.lower[400], scores.expected[400], scores.upper[400]) == (7.0, 7.0, 7.0)


def test_a_series_of_which_little_is_known_gives_no_alert() -> None:
    values = noise(int(Parameters().probation))
    values[50] = 1e6
    assert np.all(score_one(values).score == 0.0)


def test_the_unit_of_a_value_does_not_matter() -> None:
    values = noise(600)
    values[500] = 60.0
    np.testing.assert_allclose(score_one(values * 1024.0).score, score_one(values).score, atol=1e-9)


def test_columns_that_are_read_only_or_not_dense_are_taken_too() -> None:
    values = np.repeat(noise(50), 2)[::2]
    times, series = 60.0 * np.arange(50), np.zeros(50, dtype=np.int64)
    times.setflags(write=False)
    np.testing.assert_array_equal(
        columns(score_points(fresh_states(1), series, times, values, Parameters(), np.ones(1))),
        columns(score(series, times.copy(), noise(50), np.ones(1))),
    )
