"""What the tests of all families share: Kafka values in, the rows of every silver table out."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from typing import Any, Protocol

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from pipelines.routing import QUARANTINE, route, route_others, to_items
from pipelines.schema_registry import Schemas
from pipelines.settings import load_settings
from pipelines.sources.decode import POSITION
from tests.conftest import NO_SCHEMAS

ARRIVAL = datetime(2026, 11, 21, 12, tzinfo=UTC)
BRONZE = (
    "topic string, partition int, offset long, kafka_timestamp timestamp, ingest_time timestamp, value binary, "
    "headers array<struct<key: string, value: binary>>"
)
Value = bytes | str | Mapping[str, Any] | Sequence[Any] | tuple[bytes | str, list[tuple[str, bytes]]]


@dataclass(frozen=True)
class Found:
    """A row as silver has it, or, of table `quarantine` or `ignored`, the reason code for which it is there."""

    table: str
    row: Row
    reason: str | None = None

    def __getattr__(self, column: str) -> Any:
        return self.row[column]


class ItemsOf(Protocol):
    def __call__(self, rows: list[tuple[Any, ...]]) -> DataFrame: ...


class Decode(Protocol):
    def __call__(self, *values: Value, topic: str = "any", schemas: Schemas = NO_SCHEMAS) -> list[list[Found]]: ...


@pytest.fixture(scope="session")
def items_of(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> ItemsOf:
    """`to_items` of rows of bronze. Planned once: Spark takes seconds for that, and each test has but a few rows."""
    sent = tmp_path_factory.mktemp("decode") / "values.pickle"

    def read(_: int) -> Any:
        return pickle.loads(sent.read_bytes())

    source = spark.createDataFrame(spark.sparkContext.parallelize([0], 1).flatMap(read), BRONZE)
    items = to_items(source, load_settings("local", {}))
    # A text of bytes that are no UTF-8 would not come back as it was.
    as_bytes = items.withColumn("raw", F.col("raw").cast("binary"))

    def run(rows: list[tuple[Any, ...]]) -> DataFrame:
        sent.write_bytes(pickle.dumps(rows))
        found = spark.createDataFrame(as_bytes.collect(), as_bytes.schema)
        return found.withColumn("raw", F.col("raw").cast("string"))

    return run


@pytest.fixture(scope="session")
def decode(items_of: ItemsOf) -> Decode:
    """Kafka values, all at once as Spark costs the same for one, to what becomes of each, in order of item and part.

    What is no bytes and no text is sent as JSON; a value and its headers are a tuple of both.
    """

    def run(*values: Value, topic: str = "any", schemas: Schemas = NO_SCHEMAS) -> list[list[Found]]:
        items = items_of([(topic, 0, offset, ARRIVAL, ARRIVAL, *_sent(value)) for offset, value in enumerate(values)])
        routed = route(items)
        routed.add(route_others(items, load_settings("local", {}), schemas))
        judged = [(name, row) for name, frames in routed.tables.items() for rows in frames for row in rows.collect()]
        judged += [("", row) for rows in routed.none for row in rows.collect()]
        found = [Found("ignored", row, row["ignored"]) for _, row in judged if row["ignored"] is not None]
        found += [Found(name, row) for name, row in judged if row["ignored"] is None and row["why"] is None]
        if any(row["why"] is not None for _, row in judged):
            bad = routed.bad()
            assert bad is not None
            found += [Found(QUARANTINE.name, row, row["reason"]) for row in bad.collect()]
        routed.release()
        _have_the_same_id_when_sent_again(items, found)
        by_value: list[list[Found]] = [[] for _ in values]
        for one in sorted(found, key=lambda one: (one.row["item"], one.row["part"])):
            by_value[one.row["offset"]].append(one)
        return by_value

    return run


def _have_the_same_id_when_sent_again(items: DataFrame, found: list[Found]) -> None:
    """What a family claims is known by what it says; only what surely none does, by where it came."""
    by_position = {
        (row["offset"], row["item"])
        for row in items.where(F.col("record").isNotNull()).select(*POSITION, "event_id").collect()
        if row["event_id"] == md5("\x1f".join(str(row[name]) for name in POSITION).encode()).hexdigest()
    }
    good = {(one.row["offset"], one.row["item"]) for one in found if one.table != QUARANTINE.name}
    assert not by_position & good


def _sent(value: Value) -> tuple[bytes, list[tuple[str, bytes]] | None]:
    if isinstance(value, tuple):
        return _as_bytes(value[0]), value[1]
    return _as_bytes(value), None


def _as_bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()
