"""The proof: it holds when every item is accounted for, and each way in which it can fail makes it fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines import bronze, routing
from pipelines.operations import late_duplicates, reconcile
from pipelines.operations.reconcile import TopicBalance
from pipelines.settings import Settings, load_settings
from pipelines.tables import Table, ensure_table, read_table
from tests.conftest import NO_SCHEMAS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

Item = tuple[str, int, str, bool]  # topic, offset, event_id, is_ignored
Kept = tuple[str, int, str | None, bool]  # topic, offset, event_id, is_quarantined


def account(spark: SparkSession, items: list[Item], rows: list[Kept]) -> dict[str, TopicBalance]:
    position = "topic string, partition int, offset bigint, item int, part int"
    item_frame = spark.createDataFrame(
        [
            (topic, 0, offset, 0, 0, event, ignored, topic.startswith("other"))
            for topic, offset, event, ignored in items
        ],
        f"{position}, event_id string, is_ignored boolean, is_other boolean",
    )
    row_frame = spark.createDataFrame(
        [(topic, 0, offset, 0, 0, event, bad) for topic, offset, event, bad in rows],
        f"{position}, event_id string, is_quarantined boolean",
    )
    found = reconcile.balances(item_frame, row_frame).collect()
    return {row["topic"]: TopicBalance(**row.asDict()) for row in found}


def counts(balance: TopicBalance) -> dict[str, int]:
    """What is not zero."""
    return {name: count for name, count in asdict(balance).items() if name != "topic" and count}


def test_it_holds_when_every_item_is_somewhere(spark: SparkSession) -> None:
    items: list[Item] = [
        ("t", 0, "a", False), ("t", 1, "a", False), ("t", 2, "x", False), ("t", 3, "y", True), ("u", 0, "b", False),
    ]  # fmt: skip
    rows: list[Kept] = [("t", 0, "a", False), ("t", 2, None, True), ("u", 0, "b", False)]

    found = account(spark, items, rows)

    assert counts(found["t"]) == {
        "values": 4, "items": 4, "silver": 1, "duplicates": 1, "quarantined": 1, "ignored": 1,
    }  # fmt: skip
    assert counts(found["u"]) == {"values": 1, "items": 1, "silver": 1}
    assert found["t"].holds
    assert found["u"].holds


def test_an_item_that_is_nowhere_is_missing(spark: SparkSession) -> None:
    found = account(spark, [("t", 0, "a", False), ("t", 1, "b", False)], [("t", 0, "a", False)])["t"]

    assert found.missing == 1
    assert not found.holds


def test_a_quarantined_twin_does_not_make_a_lost_item_a_duplicate(spark: SparkSession) -> None:
    found = account(spark, [("t", 0, "a", False), ("t", 1, "a", False)], [("t", 0, "a", True)])["t"]

    assert (found.duplicates, found.missing) == (0, 1)
    assert not found.holds


def test_what_is_known_by_its_content_may_repeat_a_quarantined_one(spark: SparkSession) -> None:
    items: list[Item] = [("other", 0, "a", False), ("other", 1, "a", False)]
    found = account(spark, items, [("other", 0, "a", True)])["other"]

    assert (found.quarantined, found.duplicates, found.missing) == (1, 1, 0)
    assert found.holds


def test_a_row_that_came_from_no_bronze_value_is_unexpected(spark: SparkSession) -> None:
    found = account(spark, [("t", 0, "a", False)], [("t", 0, "a", False), ("t", 9, "z", False)])["t"]

    assert found.unexpected == 1
    assert not found.holds


def test_rows_of_a_topic_that_bronze_does_not_know_are_unexpected(spark: SparkSession) -> None:
    found = account(spark, [("t", 0, "a", False)], [("t", 0, "a", False), ("ghost", 0, "z", True)])

    assert found["t"].holds
    assert found["ghost"].unexpected == 1
    assert not found["ghost"].holds


def test_an_item_that_is_in_silver_twice_is_unexpected(spark: SparkSession) -> None:
    found = account(spark, [("t", 0, "a", False)], [("t", 0, "a", False), ("t", 0, "a", False)])["t"]

    assert found.unexpected == 1
    assert not found.holds


def test_an_item_that_is_in_silver_and_in_quarantine_is_unexpected(spark: SparkSession) -> None:
    found = account(spark, [("t", 0, "a", False)], [("t", 0, "a", False), ("t", 0, None, True)])["t"]

    assert found.unexpected == 1
    assert not found.holds


def test_a_repeat_after_the_window_is_silver_and_is_told(spark: SparkSession) -> None:
    """Seven deliveries of one event, all in silver: nothing is wrong, but six are late duplicates."""
    items: list[Item] = [("t", offset, "a", False) for offset in range(7)]
    found = account(spark, items, [(topic, offset, event, False) for topic, offset, event, _ in items])["t"]

    assert (found.silver, found.duplicates, found.late_duplicates) == (7, 0, 6)
    assert found.holds


def test_a_repeat_in_another_topic_is_a_duplicate_there(spark: SparkSession) -> None:
    found = account(spark, [("t", 0, "a", False), ("u", 0, "a", False)], [("t", 0, "a", False)])

    assert counts(found["u"]) == {"values": 1, "items": 1, "duplicates": 1}
    assert found["t"].holds
    assert found["u"].holds


class Lake:
    """Tables on disk, written as silver would, so that rows can be taken away and put in."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self._spark, self.settings = spark, settings
        for table in (bronze.TABLE, *routing.TABLES):
            ensure_table(spark, settings, table)
        sample = '{{"labels":{{"instance":"a:1"}},"name":"m","timestamp":"2026-03-02T11:00:0{}Z","value":"1"}}'
        values = [sample.format(0), sample.format(1), sample.format(1), "{", '{"records":[]}', None]
        rows = [("p", 0, number, value and value.encode(), NOON, NOON, None) for number, value in enumerate(values)]
        schema = (
            "topic string, partition int, offset bigint, value binary, kafka_timestamp timestamp, "
            "ingest_time timestamp, headers array<struct<key: string, value: binary>>"
        )
        spark.createDataFrame(rows, schema).write.format("delta").mode("append").save(bronze.TABLE.path(settings))
        decoded = routing.to_items(read_table(spark, settings, bronze.TABLE), settings).dropDuplicates(["event_id"])
        self._append(routing.METRICS, decoded.where("reason IS NULL"))
        self._append(
            routing.QUARANTINE,
            decoded.where("reason <> 'empty_records'").selectExpr(
                "*", "reason AS message", "CAST(NULL AS timestamp) AS resolved_at"
            ),
        )

    def _append(self, table: Table, rows: DataFrame) -> None:
        rows = rows.withColumn("raw", rows["raw"].cast("binary"))
        rows.select(*table.column_names).write.format("delta").mode("append").save(table.path(self.settings))

    @contextmanager
    def after(self, statement: str, table: Table) -> Iterator[TopicBalance]:
        """The account after a statement that changes `{table}`; the change is taken back afterwards."""
        name = f"delta.`{table.path(self.settings)}`"
        (latest,) = self._spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()
        self._spark.sql(statement.format(table=name))
        try:
            yield self.balance
        finally:
            self._spark.sql(f"RESTORE TABLE {name} TO VERSION AS OF {latest['version']}")

    @property
    def balance(self) -> TopicBalance:
        (balance,) = reconcile.reconcile(self._spark, self.settings, NO_SCHEMAS)
        return balance


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(spark, load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("lake"))}))


def test_from_the_tables(lake: Lake) -> None:
    balance = lake.balance

    assert counts(balance) == {
        "values": 6, "items": 6, "silver": 2, "duplicates": 1, "quarantined": 2, "ignored": 1,
    }  # fmt: skip
    assert balance.holds


def test_both_deliveries_are_missed_if_the_one_that_was_kept_is_taken_away(lake: Lake) -> None:
    with lake.after("DELETE FROM {table} WHERE offset IN (1, 2)", routing.METRICS) as balance:
        assert (balance.missing, balance.duplicates, balance.silver) == (2, 0, 1)
        assert not balance.holds


def test_a_row_taken_from_quarantine_is_missed(lake: Lake) -> None:
    with lake.after("DELETE FROM {table} WHERE offset = 5", routing.QUARANTINE) as balance:
        assert (balance.missing, balance.quarantined) == (1, 1)
        assert not balance.holds


def test_a_batch_written_twice_is_seen(lake: Lake) -> None:
    with lake.after("INSERT INTO {table} SELECT * FROM {table}", routing.METRICS) as balance:
        assert balance.unexpected == 2
        assert not balance.holds


def test_late_duplicates_are_removed_but_for_the_first_delivery(lake: Lake, spark: SparkSession) -> None:
    columns = ", ".join(
        "3 - `offset` AS `offset`" if name == "offset" else f"`{name}`" for name in routing.METRICS.column_names
    )
    statement = f"INSERT INTO {{table}} SELECT {columns} FROM {{table}} WHERE `offset` IN (1, 2)"
    with lake.after(statement, routing.METRICS) as balance:
        assert (balance.late_duplicates, balance.duplicates) == (1, 0)

        removed = late_duplicates.remove_late_duplicates(spark, lake.settings)

        assert removed == {"silver.metrics": 1}
        assert (lake.balance.late_duplicates, lake.balance.duplicates, lake.balance.holds) == (0, 1, True)
        assert late_duplicates.remove_late_duplicates(spark, lake.settings) == {}
