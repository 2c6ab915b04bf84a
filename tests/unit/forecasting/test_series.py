"""From measurements at times of their own to regular series."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.forecasting.series import HOUR, last_per_step, mean_per_step


def seconds(*times: int) -> np.ndarray:
    return np.array(times, dtype=np.int64)


def test_a_step_is_the_mean_of_what_was_measured_in_it_and_small_gaps_are_filled() -> None:
    found = mean_per_step(seconds(0, 10, 3 * HOUR), np.array([1.0, 3.0, 8.0]), HOUR, longest_gap=4 * HOUR)

    assert (found.start, found.end, found.observed) == (0, 4 * HOUR, 2)
    assert found.values.tolist() == [2.0, 4.0, 6.0, 8.0]


def test_what_lies_before_a_long_gap_is_left_out() -> None:
    found = mean_per_step(seconds(0, 9 * HOUR, 10 * HOUR), np.array([1.0, 5.0, 6.0]), HOUR, longest_gap=4 * HOUR)

    assert (found.start, found.values.tolist()) == (9 * HOUR, [5.0, 6.0])


def test_what_is_no_number_was_not_measured() -> None:
    found = mean_per_step(seconds(0, HOUR), np.array([np.nan, np.inf]), HOUR, longest_gap=HOUR)

    assert len(found.values) == 0


def test_a_price_holds_until_the_next() -> None:
    found = last_per_step(seconds(3 * HOUR, 10, 20), np.array([7.0, 1.0, 2.0]), HOUR, until=5 * HOUR)

    assert (found.start, found.end, found.observed) == (0, 5 * HOUR, 2)
    assert found.values.tolist() == [2.0, 2.0, 2.0, 7.0, 7.0]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(-1e6, 1e6)), min_size=1), st.integers(60, HOUR))
def test_a_regular_series_is_whole_and_stays_within_what_was_measured(
    points: list[tuple[int, float]], step: int
) -> None:
    times, values = np.array([t for t, _ in points]), np.array([v for _, v in points])
    found = mean_per_step(times, values, step, longest_gap=10**7)

    assert np.isfinite(found.values).all()
    assert found.start <= times.min() < found.start + step
    assert found.end - step <= times.max() < found.end
    assert values.min() - 1e-6 <= found.values.min()
    assert found.values.max() <= values.max() + 1e-6
