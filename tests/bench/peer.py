"""The peer: what a good engineer would write by hand without Spark: confluent-kafka, pyarrow and deltalake.

It does the same work: every value to a bronze table; every record decoded, checked, deduplicated and written to a
silver table. One process, as such consumers are.
"""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from deltalake import DeltaTable, write_deltalake

_BATCH = 100_000
_BRONZE = pa.schema(
    [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("kafka_timestamp", pa.timestamp("us", tz="UTC")),
        ("ingest_time", pa.timestamp("us", tz="UTC")),
    ]
)
_SILVER = pa.schema(
    [
        ("event_id", pa.string()),
        ("event_time", pa.timestamp("us", tz="UTC")),
        ("source", pa.string()),
        ("resource_id", pa.string()),
        ("namespace", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("dimensions", pa.map_(pa.string(), pa.string())),
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
    ]
)


def bronze(bootstrap: str, topics: tuple[str, ...], path: Path) -> float:
    """Seconds to consume all that is in `topics` and append it to a Delta table."""
    metadata = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10)
    partitions = [TopicPartition(name, index, 0) for name in topics for index in metadata.topics[name].partitions]
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "peer", "enable.auto.commit": False, "fetch.max.bytes": 50 << 20}
    )
    left = sum(consumer.get_watermark_offsets(partition)[1] for partition in partitions)
    begun = time.perf_counter()
    consumer.assign(partitions)
    columns: list[list[object]] = [[] for _ in _BRONZE]
    while left:
        messages = consumer.consume(10_000, timeout=1.0)
        now = datetime.now(UTC)
        for message in messages:
            row = (
                message.topic(), message.partition(), message.offset(), message.key(), message.value(),
                message.timestamp()[1] * 1000, now,
            )  # fmt: skip
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        left -= len(messages)
        if len(columns[0]) >= _BATCH or not left:
            arrays = [pa.array(column, field.type) for column, field in zip(columns, _BRONZE, strict=True)]
            write_deltalake(path, pa.Table.from_arrays(arrays, schema=_BRONZE), mode="append")
            columns = [[] for _ in _BRONZE]
    consumer.close()
    return time.perf_counter() - begun


def silver(source: Path, path: Path) -> float:
    """Seconds to decode, check, deduplicate and append all of a bronze table."""
    begun = time.perf_counter()
    seen: set[bytes] = set()
    for batch in DeltaTable(source).to_pyarrow_dataset().to_batches(batch_size=_BATCH):
        rows: list[tuple[object, ...]] = []
        positions = zip(
            batch["topic"].to_pylist(), batch["partition"].to_pylist(), batch["offset"].to_pylist(),
            batch["value"].to_pylist(), strict=True,
        )  # fmt: skip
        for topic, partition, offset, value in positions:
            for record in _records(value):
                decoded = _decode(record)
                if decoded is None:
                    continue
                identity = hashlib.md5(repr(decoded).encode(), usedforsecurity=False)
                if identity.digest() in seen:
                    continue
                seen.add(identity.digest())
                rows.append((identity.hexdigest(), *decoded, topic, partition, offset))
        columns = list(zip(*rows, strict=True)) or [() for _ in _SILVER]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, _SILVER, strict=True)]
        write_deltalake(path, pa.Table.from_arrays(arrays, schema=_SILVER), mode="append")
    return time.perf_counter() - begun


def _records(value: bytes | None) -> list[object]:
    try:
        text = (value or b"").decode()
        if text.startswith('{"records"'):
            found = json.loads(text)["records"]
            return found if isinstance(found, list) else []
        return [json.loads(line) for line in text.splitlines()]
    except (ValueError, KeyError, TypeError):
        return []


def _decode(record: object) -> tuple[object, ...] | None:
    try:
        if not isinstance(record, dict):
            return None
        if "labels" in record:
            labels = {name: text for name, text in record["labels"].items() if name != "__name__"}
            return (
                datetime.fromisoformat(record["timestamp"]), "prometheus", labels["instance"], "prometheus",
                record["name"], float(record["value"]), sorted(labels.items()),
            )  # fmt: skip
        if "metric_name" in record:
            dimensions, value = record["dimensions"], record["value"]
            return (
                datetime.fromtimestamp(record["timestamp"] / 1000, UTC), "aws.metric_stream",
                f"{record['account_id']}:{record['region']}:{sorted(dimensions.items())}", record["namespace"],
                record["metric_name"], value["sum"] / value["count"], sorted(dimensions.items()),
            )  # fmt: skip
        time_generated = datetime.fromisoformat(record["TimeGenerated"][:26] + "+00:00")
        if record["Type"] == "Heartbeat":
            return (time_generated, "heartbeat", record["_ResourceId"], None, None, None, None)
        return (
            time_generated, "perf", record["_ResourceId"], record["ObjectName"], record["CounterName"],
            float(record["CounterValue"]), [("instance", record["InstanceName"])],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError):
        return None
