"""What a score means: the tail probability in the history, on one scale for all hosts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.detection.multivariate.tail import FloatArray, learn_tail, rarity, score_of

HISTORIES = {
    "exponential": lambda random: random.exponential(size=100_000),
    "normal": lambda random: np.abs(random.normal(size=100_000)),
    "wide": lambda random: 1e6 + 1e3 * random.exponential(size=100_000),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_score_is_the_same_rarity_whatever_the_host(name: str) -> None:
    """0.2 is one row in 10, 0.4 one in 100; 0.8, of which a history of some days holds no row, one in 10,000."""
    random = np.random.default_rng(1)
    history = HISTORIES[name](random)
    scores = score_of(rarity(HISTORIES[name](random), learn_tail(history)))
    assert (scores >= 0.2).mean() == pytest.approx(1e-1, rel=0.1)
    assert (scores >= 0.4).mean() == pytest.approx(1e-2, rel=0.2)
    assert (scores >= 0.8).mean() <= 2.5e-4


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=20, unique=True))
def test_the_greater_distance_never_has_the_smaller_score(distances: list[float]) -> None:
    tail = learn_tail(np.random.default_rng(2).exponential(size=1000))
    scores = score_of(rarity(np.sort(distances), tail))
    assert (np.diff(scores) >= 0).all()
    assert (scores >= 0).all()
    assert (scores < 1).all()


def test_beyond_the_history_no_two_distances_score_the_same() -> None:
    history = np.random.default_rng(3).exponential(size=1000)
    beyond: FloatArray = history.max() * np.geomspace(1, 1e6, 200)
    assert (np.diff(score_of(rarity(beyond, learn_tail(history)))) > 0).all()


def test_a_history_without_any_distance_still_tells_more_from_less() -> None:
    tail = learn_tail(np.zeros(1000))
    scores = score_of(rarity(np.array([0.0, 1e-6, 1.0]), tail))
    assert scores[0] < scores[1] < scores[2] < 1


def test_the_score_is_smooth_at_the_threshold() -> None:
    around = score_of(np.array([3.99, 4.0, 4.01]))
    assert around[1] == pytest.approx(0.8)
    assert np.diff(around) == pytest.approx([0.002, 0.002], rel=0.02)
