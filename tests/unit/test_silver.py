"""Silver's steps on small frames: the row rules, what is a duplicate, and what goes where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import routing, silver
from pipelines.errors import QualityError
from pipelines.quality import ledger, reasons
from pipelines.routing import HEARTBEATS, METRICS, QUARANTINE
from pipelines.routing.routed import judge
from pipelines.rules import Action
from pipelines.settings import Settings
from pipelines.tables import contract, ensure_table, read_table
from tests.conftest import NO_SCHEMAS

TABLES = (METRICS, HEARTBEATS, QUARANTINE)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_DECODED = (
    "topic string, partition int, offset bigint, item int, table string, reason string, raw string, event_id string, "
    "event_time timestamp, kafka_timestamp timestamp, ingest_time timestamp, resource_id string, namespace string, "
    "metric string, value double, part bigint, record variant, payload binary, source string, host_name string, "
    "cloud_account_id string, cloud_region string"
)
_GOOD: dict[str, Any] = {
    "topic": "t", "partition": 0, "offset": 0, "item": 0, "table": "metrics", "event_id": "e", "event_time": NOON,
    "kafka_timestamp": NOON, "ingest_time": NOON, "resource_id": "r", "namespace": "n", "metric": "m", "value": 1.0,
    "raw": "sent", "part": 0,
}  # fmt: skip


def decoded(spark: SparkSession, *changes: dict[str, Any]) -> DataFrame:
    """Frames as `decode` gives them: a good metric, but for the changes; each at an offset of its own."""
    names = [column.split()[0] for column in _DECODED.split(", ")]
    rows = [{**_GOOD, "offset": offset, **change} for offset, change in enumerate(changes)]
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], _DECODED)


def validated(spark: SparkSession, settings: Settings, *changes: dict[str, Any]) -> list[str | None]:
    rows = routing.validate(decoded(spark, *changes), settings).orderBy("offset")
    return [row["reason"] for row in rows.select("reason").collect()]


def test_each_rule_of_the_contracts_has_a_reason_of_its_own(spark: SparkSession, settings: Settings) -> None:
    heartbeat = {"table": "heartbeats", "metric": None, "namespace": None, "value": None}
    found = validated(
        spark,
        settings,
        {},
        {"event_time": None},
        {"event_time": NOON + timedelta(days=1)},
        {"resource_id": None},
        {"resource_id": ""},
        {"metric": None},
        {"metric": ""},
        {"namespace": None},
        {"value": None},
        {"value": float("nan")},
        heartbeat,
        {**heartbeat, "event_time": None},
        {**heartbeat, "event_time": NOON + timedelta(days=1)},
        {**heartbeat, "resource_id": None},
        {"resource_id": '{"a":1}'},
        {"metric": "[]"},
        {"host_name": "[fe80::1]"},
        {**heartbeat, "host_name": '["h"]'},
    )

    assert found == [
        None, "bad_time", "future_time", "no_resource", "no_resource", "no_metric", "no_metric", "no_metric",
        "no_value", None, None, "bad_time", "future_time", "no_resource",
        "wrong_shape", "wrong_shape", None, "wrong_shape",
    ]  # fmt: skip


def test_every_rule_is_tried_above_and_explained(spark: SparkSession) -> None:
    ours = (METRICS, HEARTBEATS)
    rules = {rule.reason for table in ours for rule in table.rules if rule.action is Action.QUARANTINE}

    assert rules == {"bad_time", "future_time", "no_resource", "no_metric", "no_value", "wrong_shape"}
    assert rules <= set(reasons.explanations())


def test_the_future_begins_after_the_tolerance_counted_from_arrival(spark: SparkSession, settings: Settings) -> None:
    tolerance = timedelta(minutes=10)
    just_after = timedelta(microseconds=1)
    found = validated(
        spark,
        settings,
        {"event_time": NOON + tolerance},
        {"event_time": NOON + tolerance + just_after},
        # The earlier of both arrivals counts: a producer may stamp what it likes.
        {"event_time": NOON + tolerance + just_after, "kafka_timestamp": NOON + timedelta(days=9)},
        {"event_time": NOON + tolerance + just_after, "ingest_time": NOON + timedelta(days=9)},
        {"event_time": NOON - timedelta(days=400)},
    )

    assert found == [None, "future_time", "future_time", "future_time", None]


def test_a_reason_of_the_decoder_stands(spark: SparkSession, settings: Settings) -> None:
    assert validated(spark, settings, {"reason": "bad_value", "value": None, "event_time": None}) == ["bad_value"]


def test_the_text_is_kept_for_what_is_bad_and_for_nothing_else(spark: SparkSession, settings: Settings) -> None:
    row = {
        "Type": "Perf",
        "TimeGenerated": "2026-03-02T11:00:00Z",
        "Computer": "h",
        "ObjectName": "o",
        "CounterValue": 1,
    }
    value = json.dumps(
        {
            "records": [
                {**row, "CounterName": "good", "CounterValue": 1},
                {**row, "CounterName": "", "CounterValue": 1.5},
            ]
        }
    )
    columns = (
        "topic string, partition int, offset bigint, kafka_timestamp timestamp, ingest_time timestamp, value binary, "
        "headers array<struct<key: string, value: binary>>"
    )
    bronze_rows = spark.createDataFrame([("am-Perf", 0, 7, NOON, NOON, value.encode(), None)], columns)

    good, bad = routing.to_items(bronze_rows, settings).orderBy("item").collect()

    assert (good.reason, good.raw) == (None, None)
    assert bad.reason == "no_metric"
    assert json.loads(bad.raw) == {**row, "CounterName": "", "CounterValue": 1.5}


def test_what_is_bad_is_known_by_its_position_and_so_never_a_duplicate(spark: SparkSession, settings: Settings) -> None:
    bad = {"metric": None}
    rows = routing.validate(decoded(spark, {}, {}, bad, bad, {**bad, "offset": 2, "item": 1}), settings)

    ids = [(row["event_id"], row["reason"]) for row in rows.collect()]

    assert ids.count(("e", None)) == 2  # two deliveries of one record
    assert len({event for event, reason in ids if reason is not None}) == 3


def test_ignored_items_are_no_rows_at_all(spark: SparkSession, settings: Settings) -> None:
    values = [
        b'{"records":[]}',
        b'{"labels":{"instance":"a"},"name":"m","timestamp":"2026-03-02T12:00:00Z","value":"1"}',
    ]
    bronze = spark.createDataFrame(
        [("t", 0, offset, value, NOON, NOON, None) for offset, value in enumerate(values)],
        "topic string, partition int, offset bigint, value binary, kafka_timestamp timestamp, ingest_time timestamp, "
        "headers array<struct<key: string, value: binary>>",
    )

    routed = routing.route(routing.to_items(bronze, settings).persist())
    rows = routed.of(METRICS).select("offset")

    assert_df_equality(rows, spark.createDataFrame([(1,)], "offset bigint"), ignore_nullable=True)


@pytest.fixture
def routed(spark: SparkSession, settings: Settings) -> DataFrame:
    """A micro-batch with one row for each table."""
    for table in TABLES:
        ensure_table(spark, settings, table)
    rows = routing.validate(decoded(spark, {}, {"table": "heartbeats", "event_id": "h"}, {"metric": None}), settings)
    wanted = {name for table in TABLES for name in table.column_names} - {"message"}
    types = {column.name: column.type for table in TABLES for column in table.columns}
    rows = rows.withColumn("series_id", F.lit(1).cast("bigint"))
    absent = {name: F.lit(None).cast(types[name]) for name in wanted - set(rows.columns)}
    return rows.withColumns(absent)


def placed(spark: SparkSession, settings: Settings) -> dict[str, list[int]]:
    return {
        table.name: sorted(row["offset"] for row in read_table(spark, settings, table).select("offset").collect())
        for table in TABLES
    }


def test_each_row_goes_to_its_table_and_what_is_bad_to_quarantine(
    spark: SparkSession, settings: Settings, routed: DataFrame, inside_a_query: None
) -> None:
    silver.write_batch(routed, 0, settings, NO_SCHEMAS)

    assert placed(spark, settings) == {"metrics": [0], "heartbeats": [1], "quarantine": [2]}
    bad = read_table(spark, settings, QUARANTINE).select("reason", "message", F.col("raw").cast("string"))
    assert bad.collect() == [("no_metric", "no metric name", "sent")]


@pytest.mark.timeout(60)
def test_a_batch_that_comes_again_is_not_written_again(
    spark: SparkSession, settings: Settings, routed: DataFrame, inside_a_query: None
) -> None:
    """Also after a crash between two of its tables: what was not written then is written now."""
    silver.write_batch(routed.where("table = 'metrics' AND reason IS NULL"), 0, settings, NO_SCHEMAS)

    silver.write_batch(routed, 0, settings, NO_SCHEMAS)
    silver.write_batch(routed, 0, settings, NO_SCHEMAS)

    assert placed(spark, settings) == {"metrics": [0], "heartbeats": [1], "quarantine": [2]}


def test_the_next_batch_is_another_one(
    spark: SparkSession, settings: Settings, routed: DataFrame, inside_a_query: None
) -> None:
    silver.write_batch(routed, 0, settings, NO_SCHEMAS)
    silver.write_batch(routed, 1, settings, NO_SCHEMAS)

    assert placed(spark, settings) == {"metrics": [0, 0], "heartbeats": [1, 1], "quarantine": [2, 2]}


def counted(spark: SparkSession, settings: Settings) -> dict[tuple[str, str], tuple[int, int]]:
    """gold.quality: by table and rule, the rows that were checked and those that broke it."""
    ensure_table(spark, settings, ledger.TABLE)
    ledger.flush(spark, settings)
    rows = read_table(spark, settings, ledger.TABLE).collect()
    assert len({(row.batch_id, row.table_name, row.rule) for row in rows}) == len(rows)
    return {(row.table_name.removeprefix("silver."), row.rule): (row.checked, row.broken) for row in rows}


def test_what_only_warns_is_written_and_counted(
    spark: SparkSession, settings: Settings, routed: DataFrame, inside_a_query: None
) -> None:
    old = F.when(F.col("offset") < 2, F.col("event_time") - F.expr("INTERVAL 2 DAYS")).otherwise(F.col("event_time"))
    rows = routed.withColumn("event_time", old).withColumn("unit", F.lit("%")).withColumn("value", F.col("value") * 200)
    undecoded = rows.where("offset = 2").withColumns(
        {"table": F.lit(None).cast("string"), "reason": F.lit("malformed_json"), "offset": F.lit(9).cast("bigint")}
    )

    silver.write_batch(rows.unionByName(undecoded), 0, settings, NO_SCHEMAS)
    silver.write_batch(rows.unionByName(undecoded), 0, settings, NO_SCHEMAS)

    assert placed(spark, settings) == {"metrics": [0], "heartbeats": [1], "quarantine": [2, 9]}
    found = counted(spark, settings)
    assert {rule: counts for rule, counts in found.items() if counts[1]} == {
        ("metrics", "stale_time"): (1, 1),
        ("metrics", "percent_out_of_range"): (1, 1),
        ("metrics", "no_metric"): (2, 1),
        ("heartbeats", "stale_time"): (1, 1),
        ("quarantine", "malformed_json"): (1, 1),
    }
    assert {rule for table, rule in found if table == "metrics"} == {rule.reason for rule in METRICS.rules}


def test_an_invariant_that_is_broken_stops_the_batch_before_anything_is_written(
    spark: SparkSession, settings: Settings, routed: DataFrame, inside_a_query: None
) -> None:
    no_series = F.when(F.col("table") != "metrics", F.col("series_id"))
    with pytest.raises(
        QualityError,
        match=r"table silver\.metrics, rule no_series: 1 rows break it, for example topic t, partition 0, offset 0, "
        r"item 0 .*metrics\.yaml.*start the job again",
    ):
        silver.write_batch(routed.withColumn("series_id", no_series), 0, settings, NO_SCHEMAS)

    assert placed(spark, settings) == {"metrics": [], "heartbeats": [], "quarantine": []}
    assert counted(spark, settings) == {}

    silver.write_batch(routed, 0, settings, NO_SCHEMAS)

    assert placed(spark, settings) == {"metrics": [0], "heartbeats": [1], "quarantine": [2]}


def test_rules_of_other_families_are_counted_as_well(spark: SparkSession, settings: Settings) -> None:
    logs = contract("silver.logs")
    row: dict[str, Any] = {
        "event_id": "e", "event_time": NOON, "kafka_timestamp": NOON, "ingest_time": NOON, "resource_id": "r",
        "message": "m", "topic": "t", "partition": 0, "offset": 0, "item": 0, "part": 0,
    }  # fmt: skip
    changes: list[dict[str, Any]] = [
        {}, {"message": ""}, {"message": None}, {"event_id": None}, {"ignored": "bookmark", "message": ""},
        {"unusable": "wrong_type"}, {"event_time": NOON - timedelta(days=3), "message": ""},
    ]  # fmt: skip
    columns = [*((column.name, column.type) for column in logs.columns)]
    columns += [(name, "string") for name in ("unusable", "ignored", "raw")]
    data = [tuple({**row, **change}.get(name) for name, _ in columns) for change in changes]
    rows = spark.createDataFrame(data, ", ".join(f"`{name}` {kind}" for name, kind in columns))
    parameters = routing.parameters(settings)

    tally = routing.Routed({"logs": [judge(rows, logs, parameters)]}).tally(parameters)

    assert tally.good == {"silver.logs": 4}
    assert tally.bad == {("silver.logs", "no_message"): 1, ("silver.logs", "wrong_type"): 1}
    assert {rule: number for (_, rule), number in tally.broken.items()} == {
        "no_event_id": 1, "stale_time": 1, "empty_message": 2,
    }  # fmt: skip


@pytest.fixture
def inside_a_query(spark: SparkSession) -> Any:
    """What Spark tells a foreachBatch function about its query."""
    key = "sql.streaming.queryId"
    spark.sparkContext.setLocalProperty(key, "some-query")
    yield
    spark.sparkContext.setLocalProperty(key, None)  # type: ignore[arg-type]
