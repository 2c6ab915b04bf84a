"""Quarantine that is worked off: after a fix each record goes to its table once, whatever it was quarantined for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze, silver
from pipelines.operations.reconcile import reconcile
from pipelines.operations.redrive import redrive
from pipelines.routing import METRICS, QUARANTINE
from pipelines.settings import Settings
from pipelines.sources import other, pieces
from pipelines.streams import Trigger
from pipelines.tables import contract, ensure_table, read_table
from tests.conftest import NO_SCHEMAS, catch_up

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOGS, EVENTS = contract("silver.logs"), contract("silver.events")
_COLUMNS = (
    "topic string, partition int, offset bigint, key binary, value binary, "
    "headers array<struct<key: string, value: binary>>, kafka_timestamp timestamp, ingest_time timestamp"
)
KUBERNETES = {
    "kind": "Event", "apiVersion": "v1", "metadata": {"name": "pod.1", "namespace": "shop", "uid": "u-1"},
    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "pod"}, "reason": "Killing", "message": "Stopping",
    "type": "Normal", "lastTimestamp": "2026-11-21T11:00:00Z", "count": 1,
}  # fmt: skip
UNKNOWN = {"greeting": "hello"}


def perf(number: int) -> dict[str, Any]:
    return {
        "TimeGenerated": "2026-11-21T11:00:00Z", "Computer": f"h-{number}", "ObjectName": "Memory",
        "CounterName": "% Used", "CounterValue": number, "Type": "Perf",
    }  # fmt: skip


def functions_log(time: str, message: str) -> str:
    return (
        f'{{"time":"{time}","resourceId":"/SUBSCRIPTIONS/A/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.WEB/SITES/F",'
        f'"category":"FunctionAppLogs","operationName":"o","properties":{{\'message\':\'{message}\'}}}}'
    )


def arrive(spark: SparkSession, settings: Settings, *values: Any, offset: int = 0, at: datetime = NOON) -> None:
    """Values in bronze, as the bronze stream would have put them there."""
    texts = (value if isinstance(value, str) else json.dumps(value) for value in values)
    rows = [("t", 0, number, None, text.encode(), None, at, at) for number, text in enumerate(texts, start=offset)]
    ensure_table(spark, settings, bronze.TABLE)
    frame = spark.createDataFrame(rows, _COLUMNS)
    frame.write.format("delta").mode("append").save(bronze.TABLE.path(settings))


def waiting(spark: SparkSession, settings: Settings) -> list[tuple[int, int, str]]:
    rows = read_table(spark, settings, QUARANTINE).where(F.col("resolved_at").isNull())
    return sorted((row["offset"], row["item"], row["reason"]) for row in rows.collect())


def count(spark: SparkSession, settings: Settings, table: Any) -> int:
    return read_table(spark, settings, table).count()


def nothing(_text: Column) -> Column:
    return F.lit(None).cast("variant")


@contextmanager
def before_the_fix(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A build that knows neither Kubernetes events nor single quotes."""
    families = tuple(family for family in other.RECORD_FAMILIES if "kubernetes" not in family.name)
    with monkeypatch.context() as patch:
        patch.setattr(other, "RECORD_FAMILIES", families)
        patch.setattr(pieces, "parse_single_quoted", nothing)
        pieces._steps.cache_clear()
        yield
    pieces._steps.cache_clear()


def test_after_a_fix_each_record_is_in_its_table_once(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = "2026-11-21T11:00:00Z", "yesterday"
    arrive(
        spark,
        settings,
        KUBERNETES,
        {"records": [perf(1), KUBERNETES | {"message": "beside others"}, perf(2)]},
        UNKNOWN,
        '{"records":[' + ",".join((functions_log(good, "a"), functions_log(bad, "b"), functions_log(good, "c"))) + "]}",
        "[" + functions_log(bad, "d") + "]",
    )
    arrive(spark, settings, KUBERNETES | {"message": "later"}, offset=9, at=NOON + timedelta(minutes=10))
    with before_the_fix(monkeypatch):
        catch_up(spark, settings, "none", "silver")
        assert waiting(spark, settings) == [
            (0, 0, "unknown_envelope"), (1, 1, "unknown_envelope"), (2, 0, "unknown_envelope"),
            (3, 0, "malformed_json"), (4, 0, "malformed_json"), (9, 0, "unknown_envelope"),
        ]  # fmt: skip
    assert count(spark, settings, METRICS) == 2

    # Only what was ingested since then.
    since = redrive(spark, settings, NO_SCHEMAS, "unknown_envelope", NOON + timedelta(minutes=5))
    assert (since.tried, since.resolved, since.still_bad, since.written) == (1, 1, 0, {"events": 1})

    # The neighbours that were good before are not written again, and what is still bad waits on.
    done = redrive(spark, settings, NO_SCHEMAS, "unknown_envelope")
    assert (done.tried, done.resolved, done.still_bad, done.written) == (3, 2, 1, {"events": 2})
    assert (count(spark, settings, METRICS), count(spark, settings, EVENTS)) == (2, 3)

    # A value that was bad as a whole: its good records, and those that are bad by themselves, for their own reason.
    split = redrive(spark, settings, NO_SCHEMAS, "malformed_json")
    assert (split.tried, split.resolved, split.still_bad, split.written) == (2, 1, 1, {"logs": 2})
    assert waiting(spark, settings) == [(2, 0, "unknown_envelope"), (3, 1, "bad_time"), (4, 0, "bad_time")]

    assert redrive(spark, settings, NO_SCHEMAS, "malformed_json").tried == 0
    (balance,) = reconcile(spark, settings, NO_SCHEMAS)
    assert balance.holds
    assert (balance.items, balance.silver, balance.quarantined, balance.duplicates) == (10, 7, 3, 0)


@pytest.mark.timeout(600)
def test_it_may_run_beside_the_stream(spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which goes on to quarantine others, so that both change the table at once."""
    with before_the_fix(monkeypatch):
        values = ({"records": [perf(number), KUBERNETES | {"message": str(number)}]} for number in range(20))
        arrive(spark, settings, *values)
        catch_up(spark, settings, "none", "silver")
    enough = threading.Event()

    def feed() -> None:
        offset = 100
        while not enough.is_set():
            arrive(spark, settings, {"records": [perf(offset), UNKNOWN | {"number": offset}]}, offset=offset)
            offset += 1
            time.sleep(0.5)

    query = silver.start(spark, settings, NO_SCHEMAS, Trigger.CONTINUOUS)
    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        done = redrive(spark, settings, NO_SCHEMAS, "unknown_envelope")
    finally:
        enough.set()
        feeder.join(60)
        query.processAllAvailable()
        query.stop()

    assert (done.resolved, done.written) == (20, {"events": 20})
    (balance,) = reconcile(spark, settings, NO_SCHEMAS)
    assert balance.holds
    assert (balance.late_duplicates, balance.unexpected, balance.duplicates) == (0, 0, 0)
