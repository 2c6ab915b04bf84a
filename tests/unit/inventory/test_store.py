"""silver.inventory is a function of the rows of silver: whatever the order, the batches and their repetitions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import reduce
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, Row, SparkSession

from pipelines.inventory.columns import TOLD_BY
from pipelines.inventory.statements import statements_of
from pipelines.inventory.store import TABLE
from pipelines.inventory.stream import write_batch
from pipelines.settings import Settings
from pipelines.tables import contract, ensure_table, read_table
from tests.unit.inventory.conftest import Silver, at, minutes

VM = "/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm-1"
FACTS = ("resource_id", "valid_from", "valid_to", "is_current", "tags", "owner", "os_version", "told", "first_seen")
Batch = tuple[str, list[dict[str, Any]]]


class Inventory:
    """The table, and silver tables that it is made of; `hear` is one micro-batch of one of them."""

    def __init__(self, spark: SparkSession, settings: Settings, silver: Silver) -> None:
        self.spark, self.settings, self.silver = spark, settings, silver
        for table in (TABLE, *(contract(f"silver.{name}") for name in TOLD_BY)):
            ensure_table(spark, settings, table)

    def arrive(self, table: str, *rows: Mapping[str, Any]) -> None:
        """In silver, but the stream has not come to it."""
        path = contract(f"silver.{table}").path(self.settings)
        self.silver(table, *rows).coalesce(1).write.format("delta").mode("append").save(path)

    def batch(self, table: str, *rows: Mapping[str, Any]) -> None:
        self.batch_of((table, list(rows)))

    def batch_of(self, *parts: Batch) -> None:
        """As the stream has them: rows of several tables at once."""
        statements = [statements_of(self.silver(table, *rows), table) for table, rows in parts]
        write_batch(reduce(DataFrame.unionByName, statements), self.settings)

    def hear(self, table: str, *rows: Mapping[str, Any]) -> None:
        self.arrive(table, *rows)
        self.batch(table, *rows)

    @property
    def table(self) -> DataFrame:
        return read_table(self.spark, self.settings, TABLE)

    def rows(self) -> list[Row]:
        return self.table.select(*FACTS).orderBy("resource_id", "valid_from").collect()

    def commits(self) -> int:
        return DeltaTable.forPath(self.spark, TABLE.path(self.settings)).history().count()


@pytest.fixture
def inventory(spark: SparkSession, settings: Settings, silver: Silver) -> Inventory:
    return Inventory(spark, settings, silver)


def beat(resource: str, minute: float, version: str) -> dict[str, Any]:
    return {"resource_id": resource, "event_time": at(minute), "os_version": version, "os_type": "Linux"}


def versions(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [(minutes(row["valid_from"]), minutes(row["valid_to"]), row["os_version"]) for row in rows]


def test_a_version_opens_when_a_fact_changes_and_late_news_finds_its_place(inventory: Inventory) -> None:
    inventory.hear("heartbeats", beat(VM, 0, "1"), beat(VM, 1, "1"))
    assert versions(inventory.rows()) == [(0, None, "1")]
    commits = inventory.commits()

    inventory.hear("heartbeats", beat(VM, 2, "1"), beat(VM, 10, "1"))  # says nothing new
    inventory.batch("heartbeats", beat(VM, 0, "1"), beat(VM, 1, "1"))  # the first batch again, as after a kill
    assert inventory.commits() == commits

    inventory.hear("heartbeats", beat(VM, 20, "2"), beat(VM, 30, "3"))  # two changes in one batch
    assert versions(inventory.rows()) == [(0, 20, "1"), (20, 30, "2"), (30, None, "3")]

    # Late: it said otherwise in between, and was back at 10, as silver knows though this batch does not say so.
    inventory.hear("heartbeats", beat(VM, 5, "0"))
    assert versions(inventory.rows()) == [(0, 5, "1"), (5, 10, "0"), (10, 20, "1"), (20, 30, "2"), (30, None, "3")]

    # Late: the change of 20 was made at 15, so a version begins earlier than it was believed to.
    inventory.hear("heartbeats", beat(VM, 15, "2"))
    assert versions(inventory.rows())[2:] == [(10, 15, "1"), (15, 30, "2"), (30, None, "3")]

    # Late: older than all that is known.
    inventory.hear("heartbeats", beat(VM, -5, "1"))
    assert versions(inventory.rows())[0] == (-5, 5, "1")
    assert {minutes(row["first_seen"]) for row in inventory.rows()} == {-5}
    assert [row["is_current"] for row in inventory.rows()] == [False, False, False, False, True]


def test_whatever_the_order_and_the_batches_the_table_is_the_same(
    spark: SparkSession, silver: Silver, make_settings: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Statements of three sources in one batch after the other, against all of them in one."""
    chance = random.Random(7)
    beats, costs = [], []
    for minute in range(24):
        resource = chance.choice(["a", "b", VM])
        beats.append(beat(resource, minute, str(chance.randint(1, 3))))
        tags = {key: chance.choice("xy") for key in ("owner", "env") if chance.random() < 0.7}
        costs.append({"resource_id": resource, "event_time": at(minute - 30 * chance.random()), "Tags": tags or None})
    found = []
    for batches in (1, 3, 4):
        root = str(tmp_path_factory.mktemp("lakehouse"))
        inventory = Inventory(spark, make_settings(LAKEHOUSE_ROOT=root), silver)
        chance.shuffle(beats)
        chance.shuffle(costs)
        for number in range(batches):
            parts: list[Batch] = [("heartbeats", beats[number::batches]), ("costs", costs[number::batches])]
            for table, rows in parts:
                inventory.arrive(table, *rows)
            inventory.batch_of(*parts)
            if number == 2:
                inventory.batch_of(*parts)
        found.append(inventory.rows())

    assert len(found[0]) > 10
    assert found[1] == found[0]
    assert found[2] == found[0]
