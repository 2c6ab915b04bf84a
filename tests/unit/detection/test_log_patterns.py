"""Bounds on what is kept of patterns: how many, and of how many resources."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipelines.detection.logs.patterns import (
    SKETCH,
    PatternRules,
    assign_patterns,
    distinct_estimate,
    fold_patterns,
    smallest,
)
from pipelines.detection.logs.state import blank_state
from pipelines.detection.logs.templates import OTHER

NOTHING = blank_state().patterns
RULES = PatternRules()
WORDS = ("alpha", "beta", "gamma", "delta")


def forms(*messages: str, at: int = 0) -> pd.DataFrame:
    """The first is seen most often, and first."""
    return pd.DataFrame(
        {
            "masked": messages,
            "minute": 0,
            "count": [len(messages) - place for place in range(len(messages))],
            "severity": 9,
            "first_seen": [at + place for place in range(len(messages))],
            "last_seen": [at + place for place in range(len(messages))],
            "source": "test",
            "logger": None,
            "example": messages,
            "resources": [np.array([1])] * len(messages),
        }
    )


def learn(known: pd.DataFrame, news: pd.DataFrame, rules: PatternRules = RULES) -> pd.DataFrame:
    return fold_patterns(known, assign_patterns(known, news, rules), pd.Series([], dtype=object), rules)


def test_rare_messages_beyond_the_limit_of_a_batch_count_as_one_pattern() -> None:
    patterns = learn(NOTHING, forms(*WORDS), replace(RULES, most_forms=2))

    assert dict(zip(patterns["template"], patterns["count"], strict=True)) == {"alpha": 4, "beta": 3, OTHER.template: 3}


def test_patterns_that_were_not_seen_for_longest_are_forgotten() -> None:
    rules = replace(RULES, most_patterns=3)
    patterns = learn(learn(NOTHING, forms(*WORDS[:3]), rules), forms("alpha", "delta", at=100), rules)

    assert patterns["template"].tolist() == ["alpha", "gamma", "delta"]


def test_counts_add_up() -> None:
    patterns = learn(learn(NOTHING, forms("alpha")), forms("alpha", at=50))

    (row,) = patterns.to_dict("records")
    assert (row["count"], row["first_seen"], row["last_seen"]) == (2, 0, 50)


def test_few_resources_are_counted_exactly() -> None:
    hashes = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, SKETCH - 1)

    assert distinct_estimate(smallest([hashes, hashes[:7]])) == SKETCH - 1


@pytest.mark.parametrize("resources", [500, 20_000])
def test_many_resources_are_estimated(resources: int) -> None:
    random = np.random.default_rng(2)
    estimates = [distinct_estimate(smallest([random.integers(-(2**63), 2**63 - 1, resources)])) for _ in range(100)]

    assert np.mean(estimates) == pytest.approx(resources, rel=0.05)
    assert np.std(estimates) / resources == pytest.approx(0.13, abs=0.04)
