"""Statements in order of time → the versions of a resource."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from pipelines.inventory.history import history_of
from tests.unit.inventory.conftest import at, minutes

ANN, BOB = {"tags.owner": "ann"}, {"tags.owner": "bob"}
SCHEMA = (
    "resource_id string, event_time timestamp, source string, is_change boolean, "
    "facts array<struct<key: string, value: string>>"
)


class Said(NamedTuple):
    minute: float
    source: str
    facts: dict[str, str | None]
    is_change: bool = False


# Case → what is said, and the versions that follow: from, until, facts.
CASES: dict[str, tuple[list[Said], list[tuple[float, float | None, dict[str, str]]]]] = {
    "unchanged": (
        [Said(0, "a", {"os_type": "linux"}), Said(1, "a", {"os_type": "linux"})],
        [(0, None, {"os_type": "linux"})],
    ),
    "changed": (
        [Said(0, "a", {"os_version": "1"}), Said(1, "a", {"os_version": "2"}), Said(2, "a", {"os_version": "2"})],
        [(0, 1, {"os_version": "1"}), (1, None, {"os_version": "2"})],
    ),
    "there and back": (
        [Said(0, "a", {"os_version": "1"}), Said(1, "a", {"os_version": "2"}), Said(2, "a", {"os_version": "1"})],
        [(0, 1, {"os_version": "1"}), (1, 2, {"os_version": "2"}), (2, None, {"os_version": "1"})],
    ),
    "what one does not say stays": (
        [Said(0, "a", {"os_type": "linux"}), Said(1, "b", {}), Said(2, "b", {"host_name": "h"}), Said(3, "a", {})],
        [(0, 2, {"os_type": "linux"}), (2, None, {"os_type": "linux", "host_name": "h"})],
    ),
    "two who call it differently take no turns": (
        [Said(minute, source, {"os_name": source}) for minute, source in enumerate("ababab")],
        [(0, 1, {"os_name": "a"}), (1, None, {"os_name": "b"})],
    ),
    "but a new word of one is news": (
        [Said(0, "a", {"os_name": "a"}), Said(1, "b", {"os_name": "b"}), Said(2, "a", {"os_name": "c"})],
        [(0, 1, {"os_name": "a"}), (1, 2, {"os_name": "b"}), (2, None, {"os_name": "c"})],
    ),
    "a tag no longer listed is gone": (
        [Said(0, "bill", ANN | {"tags.env": "prod"}), Said(1, "bill", BOB), Said(2, "bill", {"os_type": "linux"})],
        [(0, 1, ANN | {"tags.env": "prod"}), (1, 2, BOB), (2, None, BOB | {"os_type": "linux"})],
    ),
    "a change names some tags only": (
        [Said(0, "bill", ANN | {"tags.env": "prod"}), Said(1, "trail", BOB, is_change=True)],
        [(0, 1, ANN | {"tags.env": "prod"}), (1, None, BOB | {"tags.env": "prod"})],
    ),
    "a bill that repeats itself does not undo a change": (
        [Said(0, "bill", ANN), Said(1, "trail", BOB, is_change=True), Said(2, "bill", ANN)],
        [(0, 1, ANN), (1, None, BOB)],
    ),
    "the same change again is one": (
        [Said(0, "trail", ANN, True), Said(1, "bill", BOB), Said(2, "trail", ANN, True)],
        [(0, 1, ANN), (1, 2, BOB), (2, None, ANN)],
    ),
    "a tag is removed": (
        [Said(0, "bill", ANN | {"tags.env": "prod"}), Said(1, "trail", {"tags.owner": None}, True)],
        [(0, 1, ANN | {"tags.env": "prod"}), (1, None, {"tags.env": "prod"})],
    ),
    "what is no longer listed but was set by another stays": (
        [Said(0, "bill", ANN), Said(1, "trail", BOB, True), Said(2, "bill", {"tags.env": "prod"})],
        [(0, 1, ANN), (1, 2, BOB), (2, None, BOB | {"tags.env": "prod"})],
    ),
    "of what is said at one time, the outcome": (
        [Said(0, "a", {"os_version": "1"}), Said(0, "a", {"os_version": "2"}), Said(1, "a", {"os_version": "2"})],
        [(0, None, {"os_version": "2"})],
    ),
    "a bare record": ([Said(0, "a", {})], [(0, None, {})]),
}


@pytest.fixture(scope="module")
def versions(spark: SparkSession) -> dict[str, list[Row]]:
    """Of all cases at once, each a resource; what is said comes last first."""
    rows = [
        (case, at(said.minute), said.source, said.is_change, sorted(said.facts.items()))
        for case, (all_, _) in CASES.items()
        for said in reversed(all_)
    ]
    bases = spark.createDataFrame([(case,) for case in CASES], "resource_id string").select(
        "resource_id", F.lit(None).alias("base"), F.lit(None).cast("timestamp").alias("first_seen")
    )
    found: dict[str, list[Row]] = {case: [] for case in CASES}
    for row in history_of(spark.createDataFrame(rows, SCHEMA), bases).orderBy("resource_id", "valid_from").collect():
        found[row["resource_id"]].append(row)
    return found


@pytest.mark.parametrize("case", CASES)
def test_versions_follow_from_what_is_said(case: str, versions: dict[str, list[Row]]) -> None:
    found: list[tuple[Any, ...]] = [
        (minutes(row["valid_from"]), minutes(row["valid_to"]), row["facts"]) for row in versions[case]
    ]

    assert found == CASES[case][1]


def test_a_version_knows_who_said_what_and_since_when(versions: dict[str, list[Row]]) -> None:
    first, second = versions["two who call it differently take no turns"]
    told = {source: (minutes(said["at"]), said["facts"]) for source, said in second["told"].items()}

    assert set(first["told"]) == {"a"}
    assert told == {"a": (0, {"os_name": "a"}), "b": (1, {"os_name": "b"})}


def test_first_seen_is_that_of_the_first_version_in_all(versions: dict[str, list[Row]]) -> None:
    assert [minutes(row["first_seen"]) for row in versions["there and back"]] == [0, 0, 0]
