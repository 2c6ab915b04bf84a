"""A host against its siblings: what they share is no difference, one spike is none, and a lasting one is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.detection.peers.distance import FloatArray, PeerParameters, PeerScores, fresh_state, peer_scores

PARAMETERS = PeerParameters()
HOSTS = 12
GROUP = np.zeros(HOSTS, dtype=np.int64)


def watch(buckets: FloatArray, group: np.ndarray = GROUP, parameters: PeerParameters = PARAMETERS) -> list[PeerScores]:
    """Score `buckets` (time, hosts) one by one."""
    state = fresh_state(buckets.shape[1])
    return [peer_scores(group, values, state, parameters) for values in buckets]


def alike(buckets: int, seed: int = 1, hosts: int = HOSTS) -> FloatArray:
    """Hosts of one service: the same course for all, and a little of their own."""
    random = np.random.default_rng(seed)
    course = 50 + 20 * np.sin(np.arange(buckets) / 10)
    return course[:, None] + random.normal(size=(buckets, hosts))


def test_a_host_that_goes_its_own_way_is_found_and_no_other() -> None:
    values = alike(150)
    values[120:, 3] -= 15
    last = watch(values)[-1]
    assert last.score[3] > 0.8
    assert (np.delete(last.score, 3) < 0.5).all()


def test_what_hits_all_is_no_difference() -> None:
    values = alike(150)
    values[120:] += 200
    assert all((scores.score < 0.5).all() for scores in watch(values))


def test_one_spike_is_not_enough_however_high() -> None:
    values = alike(150)
    values[120, 3] = 1e9
    assert all((scores.score < 0.8).all() for scores in watch(values))


def test_hosts_that_are_alike_raise_no_alarm_in_small_groups_either() -> None:
    """Five hosts a group, 400 groups: 120,000 scores after the first hour: 0.8 allows twelve."""
    group = np.repeat(np.arange(400), 5)
    scores = watch(alike(120, hosts=2000), group, PeerParameters(relative_floor=0.0))
    assert sum(int((bucket.score >= 0.8).sum()) for bucket in scores) <= 12


def test_a_difference_that_stays_becomes_usual() -> None:
    values = alike(20_000)
    values[100:, 3] += 8
    scores = watch(values)
    assert scores[150].score[3] > 0.8
    assert scores[-1].score[3] < 0.5
    assert scores[-1].lower[3] < values[-1, 3] < scores[-1].upper[3]


def test_expected_is_the_median_of_the_siblings_alone() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 100.0, 7.0])
    scores = peer_scores(np.zeros(6, dtype=np.int64), values, fresh_state(6), PARAMETERS)
    np.testing.assert_array_equal(scores.expected, [4.0, 4.0, 4.0, 3.0, 3.0, 3.0])
    assert (scores.lower < scores.expected).all()
    assert (scores.expected < scores.upper).all()


def test_a_host_that_was_never_like_its_siblings_or_wanders_by_habit_is_left_alone() -> None:
    values = alike(400)
    values[:, 3] += 15
    values[:, 5] += 12 * np.sin(np.arange(400) / 7)
    assert all((scores.score < 0.8).all() for scores in watch(values))


def test_fewer_than_four_siblings_say_nothing() -> None:
    values = np.array([1.0, 1.0, 1.0, 99.0, np.nan])
    scores = peer_scores(np.zeros(5, dtype=np.int64), values, fresh_state(5), PARAMETERS)
    assert (scores.score == 0).all()
    assert np.isnan(scores.expected).all()


def test_a_host_that_was_not_measured_keeps_its_score() -> None:
    values = alike(140)
    values[120:, 3] += 40
    values[139, 3] = np.nan
    before, after = watch(values)[-2:]
    assert after.score[3] == before.score[3] > 0.8
    assert np.isnan(after.expected[3])


@settings(max_examples=50, deadline=None)
@given(
    group=st.lists(st.integers(0, 3), min_size=1, max_size=40),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_host_is_measured_from_median_and_deviation_of_the_others(group: list[int], seed: int) -> None:
    """The three-sorts way gives what leaving out each host in turn gives; ties and all."""
    groups, values = np.array(group), np.random.default_rng(seed).integers(0, 6, len(group)).astype(float)
    scores = peer_scores(groups, values, fresh_state(len(group)), PARAMETERS)
    for host in range(len(group)):
        others = values[(groups == groups[host]) & (np.arange(len(group)) != host)]
        if len(others) < 4:
            assert np.isnan(scores.expected[host])
            continue
        median = np.median(others)
        few = 1 + 2 / len(others)
        spread = max(1.4826 * few * np.median(np.abs(others - median)), 0.02 * abs(median), 1e-9)
        assert scores.expected[host] == median
        # The first bucket is where it lies, and how far it wanders.
        difference = np.clip((values[host] - median) / spread, -10, 10)
        centre, reach = median + spread * difference, 4 * spread * max(1.0, 1.2533 * abs(difference))
        assert scores.upper[host] == pytest.approx(centre + reach)
        assert scores.lower[host] == pytest.approx(centre - reach)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_hosts_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    group, values, state = (
        random.integers(0, 4, 40),
        random.normal(size=40).round(1),
        np.abs(random.normal(size=(40, 4))),
    )
    values[random.random(40) < 0.1] = np.nan
    order = random.permutation(40)
    state_ordered = state[order]
    scores = peer_scores(group, values, state, PARAMETERS)
    ordered = peer_scores(group[order], values[order], state_ordered, PARAMETERS)
    for name in ("score", "expected", "lower", "upper"):
        np.testing.assert_array_equal(getattr(scores, name)[order], getattr(ordered, name))
    np.testing.assert_array_equal(state[order], state_ordered)
