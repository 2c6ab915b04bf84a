"""The values of a host's series, which come one by one, as rows of all its metrics."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.detection.host_track import score_host
from pipelines.detection.multivariate import fresh_state, score_rows
from tests.unit.detection.scored_rows import START, noise, two_metric_host

BUNDLE = two_metric_host()
HOST = BUNDLE.hosts["/host"]
VALUES = np.stack([noise(40, 3), noise(40, 4)], axis=1)


def flat(rows: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, times and values of these rows of VALUES."""
    minutes = np.repeat(np.array(rows), 2)
    return np.tile([1, 2], len(rows)).astype(np.int64), START + 60.0 * minutes, VALUES[list(rows)].ravel()


def test_a_row_is_scored_once_a_later_one_has_begun() -> None:
    track, scored = score_host(HOST, "1", None, *flat(range(3)))

    assert scored is not None
    assert scored.times.tolist() == [START, START + 60]
    assert track is not None
    assert track.open_row == START + 120


def test_the_scores_are_those_of_the_model() -> None:
    _, scored = score_host(HOST, "1", None, *flat(range(40)))

    expected = score_rows(HOST.model, fresh_state(HOST.model), VALUES[:39])
    assert scored is not None
    np.testing.assert_array_equal(scored.scores.score, expected.score)


@settings(max_examples=20)
@given(st.sets(st.integers(1, 39), max_size=6))
def test_where_a_batch_ends_changes_nothing(cuts: set[int]) -> None:
    _, whole = score_host(HOST, "1", None, *flat(range(40)))
    track, scores = None, []
    edges = [0, *sorted(cuts), 40]
    for first, last in pairwise(edges):
        track, scored = score_host(HOST, "1", track, *flat(range(first, last)))
        if scored is not None:
            scores.append(scored.scores.score)

    assert whole is not None
    np.testing.assert_array_equal(np.concatenate(scores), whole.scores.score)


def test_what_comes_too_late_for_its_row_is_left_out() -> None:
    track, _ = score_host(HOST, "1", None, *flat(range(5)))
    after, scored = score_host(HOST, "1", track, np.array([1]), np.array([float(START)]), np.array([99.0]))

    assert scored is None
    assert after is track


def test_series_that_the_model_does_not_know_are_left_out() -> None:
    track, scored = score_host(HOST, "1", None, np.array([77]), np.array([float(START)]), np.array([1.0]))
    assert (track, scored) == (None, None)


def test_another_version_of_the_model_begins_anew() -> None:
    track, _ = score_host(HOST, "1", None, *flat(range(5)))
    after, _ = score_host(HOST, "2", track, *flat(range(5, 7)))

    assert after is not None
    assert after.version == "2"
