"""How remarkable a new log pattern is: by severity, by how well the resource is known, and by how many are new."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.detection.logs.novelty import (
    ERROR,
    FATAL,
    INFO,
    WARN,
    NoveltyRules,
    novelty_scores,
    past_probation,
    ranks_among_new,
)

RULES = NoveltyRules(probation_minutes=60, probation_messages=100, mass_minutes=10, mass_free=5)


def score(severity: int, known_minutes: int = 600, rank: int = 0) -> float:
    return float(novelty_scores(np.array([severity]), np.array([known_minutes]), np.array([rank]), RULES)[0])


def ranks(minutes: list[int], severity: list[int], earlier: list[int] | None = None) -> list[int]:
    before = np.array(earlier or [], dtype=np.int64)
    found = ranks_among_new(np.array(minutes), np.array(severity), before, np.full(len(before), INFO), RULES)
    return found.tolist()


def test_nothing_is_new_to_a_resource_that_is_not_known_for_an_hour_and_a_hundred_messages() -> None:
    known_minutes, messages = np.array([59, 60, 600, 600]), np.array([1000, 100, 99, 100])

    assert past_probation(known_minutes, messages, RULES).tolist() == [False, True, False, True]


@given(severity=st.integers(0, 24), age=st.integers(60, 10**7), rank=st.integers(0, 1000))
def test_a_score_is_within_0_and_1(severity: int, age: int, rank: int) -> None:
    assert 0 <= score(severity, age, rank) <= 1


@given(severity=st.integers(WARN, 24), age=st.integers(60, 10**7), rank=st.integers(0, RULES.mass_free - 1))
def test_from_warnings_on_a_new_pattern_is_an_anomaly(severity: int, age: int, rank: int) -> None:
    assert score(severity, age, rank) >= 0.8


@given(age=st.integers(60, 10**7))
def test_a_new_pattern_without_a_warning_is_none(age: int) -> None:
    assert score(0, age) < score(INFO, age) < 0.8


def test_the_graver_and_the_better_known_the_resource_the_higher_the_score() -> None:
    by_severity = [score(severity) for severity in (0, INFO, WARN, ERROR, FATAL)]
    by_age = [score(ERROR, age) for age in (60, 120, 1440, 100_000)]

    assert by_severity == sorted(set(by_severity))
    assert by_age == sorted(set(by_age))


def test_of_many_new_patterns_the_first_five_keep_their_score() -> None:
    scores = [score(WARN, rank=rank) for rank in ranks([0] * 20, [WARN] * 20)]

    assert len({*scores[:5]}) == 1
    assert scores[5:] == sorted(scores[5:], reverse=True)
    assert max(scores[5:]) < 0.8


def test_new_patterns_of_ten_minutes_ago_do_not_count_any_more() -> None:
    assert ranks([100], [INFO], earlier=[90, 91, 99]) == [2]


def test_harmless_new_patterns_do_not_hide_an_error() -> None:
    assert ranks([0, 0, 0, 0], [INFO, INFO, INFO, ERROR]) == [0, 1, 2, 0]
    assert ranks([0, 0], [ERROR, INFO]) == [0, 1]
