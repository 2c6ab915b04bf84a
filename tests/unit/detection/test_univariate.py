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
    values, times = noise(100), np.arange(100.0)
    late = score(np.zeros(101, dtype=np.int64), np.insert(times, 60, 30.5), np.insert(values, 60, 1e5), np.ones(1))
    on_time = score(np.zeros(100, dtype=np.int64), times, values, np.ones(1))
    assert late.score[60] >= ANOMALY_THRESHOLD
    np.testing.assert_array_equal(np.delete(columns(late), 60, axis=1), columns(on_time))


def test_the_state_of_a_series_is_small() -> None:
    assert STATE_WIDTH * 8 <= 4096
