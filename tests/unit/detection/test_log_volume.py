"""Which minutes are over and scored, silence among them, and that counts scatter alike whatever their size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.detection.logs.state import blank_state
from pipelines.detection.logs.volume import (
    Points,
    VolumeRules,
    advance_clocks,
    closing_points,
    steadied,
    unsteadied,
)

RULES = VolumeRules(grace_minutes=1, silent_minutes=10, most_zeros=60, forget_minutes=1000)
NOTHING = blank_state().resources.set_index("resource_id")


def heard(**newest: int) -> pd.DataFrame:
    """What a batch says of resources: the newest minute of each, and a record in each of the five before it."""
    return pd.DataFrame(
        {
            "resource_id": list(newest),
            "host_name": [f"host of {name}" for name in newest],
            "first_minute": [minute - 5 for minute in newest.values()],
            "newest_minute": list(newest.values()),
            "messages": 6,
            "kafka_timestamp": 1,
            "ingest_time": 2,
        }
    )


def clocks(*batches: dict[str, int]) -> pd.DataFrame:
    known = NOTHING
    for batch in batches:
        known = advance_clocks(known, heard(**batch), RULES)
    return known


def close(
    counted: dict[int, int], last: int = -1, before: int = 99, to: int = 110, rules: VolumeRules = RULES
) -> list[tuple[int, int]]:
    """(minute, count) of the minutes of one series that are scored."""
    minutes, counts = np.array(list(counted), dtype=np.int64), np.array(list(counted.values()), dtype=np.int64)
    points = Points(np.zeros(len(minutes), dtype=np.int64), minutes, counts)
    found = closing_points(np.array([last]), np.array([before]), np.array([to]), points, rules)
    return list(zip(found.minute.tolist(), found.count.tolist(), strict=True))


def test_a_minute_is_over_when_a_later_one_has_begun_and_the_grace_is_past() -> None:
    assert clocks({"a": 100}).loc["a", "closed_to"] == 98


def test_of_a_new_resource_all_minutes_count_from_its_first() -> None:
    assert clocks({"a": 100}).loc["a", "closed_before"] == 94


def test_what_was_over_stays_over() -> None:
    known = clocks({"a": 100}, {"a": 90})

    assert known.loc["a", ["closed_before", "closed_to"]].tolist() == [98, 98]


def test_a_silent_resource_is_held_against_the_others() -> None:
    assert clocks({"a": 100, "b": 100}, {"b": 150}).loc["a", "closed_to"] == 140


def test_a_resource_that_delivers_late_is_not_taken_for_silent() -> None:
    assert clocks({"late": 100, "b": 150}, {"b": 200}).loc["late", "closed_to"] == 98


def test_a_resource_silent_for_long_is_forgotten() -> None:
    assert list(clocks({"a": 100, "b": 100}, {"b": 1100}).index) == ["b"]


def test_records_and_description_are_kept_up() -> None:
    row = clocks({"a": 100}, {"a": 102}).loc["a"]

    assert (row["messages"], row["first_minute"], row["newest_minute"]) == (12, 95, 102)
    assert row["host_name"] == "host of a"


def test_a_silent_minute_counts_zero_between_and_after() -> None:
    assert close({101: 7, 104: 3}, to=106) == [(101, 7), (102, 0), (103, 0), (104, 3), (105, 0), (106, 0)]


def test_silence_goes_on_from_the_batch_before() -> None:
    assert close({}, last=97, before=99, to=102) == [(100, 0), (101, 0), (102, 0)]


def test_silence_is_scored_for_a_while_only() -> None:
    rules = VolumeRules(most_zeros=3)

    assert close({}, last=98, before=99, to=500, rules=rules) == [(100, 0), (101, 0)]
    assert close({400: 1}, last=98, before=99, to=400, rules=rules) == [(100, 0), (101, 0), (400, 1)]


@given(
    events=st.dictionaries(st.integers(100, 160), st.integers(1, 9), max_size=20),
    cuts=st.lists(st.integers(100, 160), max_size=4),
)
def test_however_time_is_cut_into_batches_the_same_minutes_are_scored(events: dict[int, int], cuts: list[int]) -> None:
    rules = VolumeRules(most_zeros=5)
    events = dict(sorted(events.items()))
    whole = close(events, last=99, before=99, to=160, rules=rules)
    pieces: list[tuple[int, int]] = []
    last, before = 99, 99
    for to in [*sorted(set(cuts)), 160]:
        part = {minute: count for minute, count in events.items() if before < minute <= to}
        pieces += close(part, last=last, before=before, to=to, rules=rules)
        last, before = max([last, *part]), max(before, to)

    assert pieces == whole


@pytest.mark.parametrize("mean", [5, 50, 5000])
def test_counts_scatter_by_one_whatever_their_mean(mean: int) -> None:
    counts = np.random.default_rng(1).poisson(mean, 20_000)

    assert steadied(counts).std() == pytest.approx(1, abs=0.06)


@given(st.integers(0, 10**9))
def test_a_count_comes_back(count: int) -> None:
    assert unsteadied(steadied(np.array([count])))[0] == pytest.approx(count, rel=1e-9, abs=1e-9)


def test_no_bound_is_below_zero() -> None:
    assert unsteadied(np.array([-5.0, 0.1])).tolist() == [0.0, 0.0]
