"""What the tests of all families share: Kafka values in, the rows of every silver table out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Protocol

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from pipelines.routing import QUARANTINE, RECORD_TABLES, route, route_others, to_items
from pipelines.schema_registry import Schemas
from pipelines.settings import load_settings
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


class Decode(Protocol):
    def __call__(self, *values: Value, topic: str = "any", schemas: Schemas = NO_SCHEMAS) -> list[list[Found]]: ...


@pytest.fixture(scope="session")
def decode(spark: SparkSession) -> Decode:
    """Kafka values, all at once as Spark costs the same for one, to what becomes of each, in order of item and part.

    What is no bytes and no text is sent as JSON; a value and its headers are a tuple of both.
    """

    def run(*values: Value, topic: str = "any", schemas: Schemas = NO_SCHEMAS) -> list[list[Found]]:
        rows = [(topic, 0, offset, ARRIVAL, ARRIVAL, *_sent(value)) for offset, value in enumerate(values)]
        settings = load_settings("local", {})
        items = to_items(spark.createDataFrame(rows, BRONZE), settings).persist()
        routed = route(items)
        routed.add(route_others(items, settings, schemas))
        found: list[Found] = []
        for table in RECORD_TABLES:
            good = routed.of(table)
            found += [Found(table.name, row) for row in good.collect()] if good is not None else []
        bad = routed.bad()
        assert bad is not None
        found += [Found(QUARANTINE.name, row, row["reason"]) for row in bad.collect()]
        ignored = reduce(DataFrame.unionByName, (rows.where(F.col("ignored").isNotNull()) for rows in routed.all()))
        found += [Found("ignored", row, row["ignored"]) for row in ignored.collect()]
        routed.release()
        items.unpersist()
        by_value: list[list[Found]] = [[] for _ in values]
        for one in sorted(found, key=lambda one: (one.row["item"], one.row["part"])):
            by_value[one.row["offset"]].append(one)
        return by_value

    return run


def _sent(value: Value) -> tuple[bytes, list[tuple[str, bytes]] | None]:
    if isinstance(value, tuple):
        return _as_bytes(value[0]), value[1]
    return _as_bytes(value), None


def _as_bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()
