"""When machines failed, and which moments can teach it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pipelines.failure.failures import downtimes, is_failure, time_to_failure
from pipelines.failure.split import SplitRule, failures_in, is_test_machine, labelled, split

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SILENT = timedelta(minutes=5)
EVENT = "resource_id string, event_time timestamp, category string, action string, message string"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def answers(
    spark: SparkSession, beats: list[float], events: list[tuple[Any, ...]], until: float, moments: list[float]
) -> dict[float, tuple[float | None, float]]:
    """Minutes after noon → minutes to the failure (None: none), and minutes followed; moments that count alone."""
    heartbeats = spark.createDataFrame(
        [("m", at(minute)) for minute in beats], "resource_id string, event_time timestamp"
    )
    happened = spark.createDataFrame([("m", at(minute), *rest) for minute, *rest in events], EVENT)
    grid = spark.createDataFrame([("m", at(minute)) for minute in moments], "resource_id string, as_of timestamp")
    found = time_to_failure(grid, downtimes(heartbeats, happened, SILENT, at(until)), at(until)).collect()
    minutes = {(row["as_of"].astimezone(UTC) - NOON).total_seconds() / 60: row for row in found}
    return {
        minute: (row["hours_to_failure"] and pytest.approx(row["hours_to_failure"] * 60), row["hours_followed"] * 60)
        for minute, row in sorted(minutes.items())
    }


def test_a_silence_begins_when_the_heartbeat_is_overdue_and_ends_with_the_next(spark: SparkSession) -> None:
    found = answers(spark, [0, 4, 8, 60, 63], [], until=64, moments=[8, 12, 13, 14, 59, 60])

    assert found == {
        8: (5, 56),  # overdue at 13
        12: (1, 52),
        60: (None, 4),  # up again; from 13 to 60 it was down, and cannot fail
    }


def test_a_silence_that_lasts_is_a_failure(spark: SparkSession) -> None:
    assert answers(spark, [0, 4], [], until=600, moments=[4, 100]) == {4: (5, 596)}


def test_a_heartbeat_that_may_still_come_is_no_silence(spark: SparkSession) -> None:
    assert answers(spark, [0, 4], [], until=9, moments=[4]) == {4: (None, 5)}


def test_what_comes_after_the_end_is_not_looked_at(spark: SparkSession) -> None:
    stopped = [(30, "state_change", "EC2 Instance State-change Notification", "it: stopped")]
    assert answers(spark, [0, 4, 8, 12], stopped, until=13, moments=[4]) == {4: (None, 9)}


def test_a_stop_that_the_cloud_tells_is_a_failure(spark: SparkSession) -> None:
    beats = [float(minute) for minute in range(0, 12)] + [100.0]
    stopped = [(10, "state_change", "EC2 Instance State-change Notification", "EC2 Instance State-change: stopped")]

    assert answers(spark, beats, stopped, until=101, moments=[9, 11, 50, 100]) == {9: (1, 92), 100: (None, 1)}


@pytest.mark.parametrize(
    ("category", "action", "message", "fails"),
    [
        ("state_change", "EC2 Instance State-change Notification", "EC2 Instance State-change: terminated", True),
        ("state_change", "EC2 Instance State-change Notification", "EC2 Instance State-change: shutting-down", True),
        ("state_change", "EC2 Instance State-change Notification", "EC2 Instance State-change: running", False),
        ("interruption", "EC2 Spot Instance Interruption Warning", None, True),
        ("interruption", "EC2 Instance Rebalance Recommendation", None, False),
        ("kubernetes", "NodeNotReady", "Node is not ready", True),
        ("health", "AWS Health Event", "will be stopped", False),
        (None, None, None, False),
    ],
)
def test_which_events_are_failures(
    spark: SparkSession, category: str | None, action: str | None, message: str | None, fails: bool
) -> None:
    events = spark.createDataFrame([("m", NOON, category, action, message)], EVENT)

    assert events.select(is_failure().alias("fails")).collect() == [(fails,)]


def history(machines: int = 20, hours: int = 1000) -> pd.DataFrame:
    """Every machine fails once, in the middle of its history; rows an hour apart until then, and after."""
    rows = [
        (f"m{machine}", pd.Timestamp("2026-01-01") + pd.Timedelta(hours=hour), middle, float(hours - hour))
        for machine in range(machines)
        for hour in range(hours)
        for middle in [hours / 2 - hour if hour < hours / 2 else float("nan")]
    ]
    return pd.DataFrame(rows, columns=["resource_id", "as_of", "hours_to_failure", "hours_followed"])


def test_a_row_whose_horizon_runs_past_the_end_teaches_nothing_even_if_it_failed() -> None:
    rows = pd.DataFrame(
        {
            "resource_id": ["a", "b", "c", "d"],
            "as_of": pd.Timestamp("2026-01-01"),
            "hours_to_failure": [3.0, 30.0, float("nan"), 3.0],
            "hours_followed": [24.0, 24.0, 24.0, 23.9],
        }
    )

    found = labelled(rows, 24)

    assert dict(zip(found["resource_id"], found["failed"], strict=True)) == {"a": True, "b": False, "c": False}


@pytest.mark.parametrize("horizon", [1, 24, 168])
def test_what_judges_shares_neither_machines_nor_time_with_what_learned(horizon: int) -> None:
    blocks = split(history(), horizon, SplitRule())
    learned = pd.concat([blocks.fit, blocks.calibrate])

    assert len(blocks.fit) > 0
    assert len(blocks.calibrate) > 0
    assert not set(learned["resource_id"]) & set(blocks.test["resource_id"])
    # Not even by the horizon: what a row of one block is told by happened before the next block begins.
    assert blocks.fit["as_of"].max() + pd.Timedelta(hours=horizon) < blocks.calibrate["as_of"].min()
    assert blocks.calibrate["as_of"].max() + pd.Timedelta(hours=horizon) < blocks.test["as_of"].min()


def test_the_machines_that_judge_are_the_same_at_every_training() -> None:
    machines = pd.Series([f"m{number}" for number in range(500)])
    chosen = is_test_machine(machines, 0.3)

    assert 0.2 < chosen.mean() < 0.4
    assert (is_test_machine(machines[::-1], 0.3)[::-1] == chosen).all()


def test_many_rows_tell_of_one_failure() -> None:
    rows = labelled(history(machines=3), 24)

    assert int(rows["failed"].sum()) == 72
    assert failures_in(rows) == 3
