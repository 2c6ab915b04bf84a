"""How the records and values of a topic are spoilt: JSON text by `faults`, Avro here."""

from __future__ import annotations

import io
from typing import Any, Protocol, TypeVar

import fastavro

from pipelines.local.simulator import faults
from pipelines.local.simulator.avro_schemas import GUID_FRAME, ID_FRAME, AvroSchema
from pipelines.local.simulator.config import SimulationConfig
from pipelines.local.simulator.gateway_avro import GUID_HEAD, payload
from pipelines.local.simulator.incidents import AVRO_METRICS, AVRO_TOPICS
from pipelines.local.simulator.report import Payload

Row = TypeVar("Row")
# No registry counts so far.
_UNKNOWN_ID = 2_000_000_000
_TEN_YEARS_US = 10 * 365 * 86_400_000_000


class Faults(Protocol[Row]):
    """What can be wrong in a topic: `reasons`, in the order they are dealt out."""

    @property
    def reasons(self) -> tuple[str, ...]: ...

    def record(self, row: Row, reason: str) -> Row:
        """A bad version of a good record."""
        ...

    def value(self, row: Row, reason: str) -> Payload | None:
        """A bad Kafka value made from one good record; None if `reason` is a fault of a record."""
        ...


class TextFaults:
    """Those of JSON."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.reasons = faults.reasons(topic)

    def record(self, row: str, reason: str) -> str:
        return faults.spoil_record(_numbered(row), reason, self._topic)

    def value(self, row: str, reason: str) -> Payload | None:
        if reason not in faults.VALUE_FAULTS:
            return None
        return Payload(faults.spoil_value(_numbered(row), reason, self._topic))


class AvroFaults:
    """Those of Avro: its records stand alone, and a schema that nobody knows loses only its own."""

    reasons = ("future_time", "missing_resource", "truncated_avro", "unknown_schema_id", "empty_value", "tombstone")

    def __init__(self, versions: tuple[AvroSchema, ...]) -> None:
        self._schemas = {head: schema.parsed() for schema in versions for head in (schema.by_id, schema.by_guid)}

    def record(self, row: bytes, reason: str) -> bytes:
        head = row[: _head(row)]
        schema = self._schemas[head]
        record: Any = fastavro.schemaless_reader(io.BytesIO(row[len(head) :]), schema, None)
        if reason == "future_time":
            record["event_time"] = int(record["event_time"].timestamp() * 1_000_000) + _TEN_YEARS_US
        else:
            record["resource_id"] = ""
        buffer = io.BytesIO(head)
        buffer.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(buffer, schema, record)
        return buffer.getvalue()

    def value(self, row: bytes, reason: str) -> Payload | None:
        head = _head(row)
        if reason == "truncated_avro":
            return payload(row[: head + (len(row) - head) * 3 // 5])
        if reason == "unknown_schema_id":
            return Payload(ID_FRAME + _UNKNOWN_ID.to_bytes(4, "big") + row[head:])
        return {"empty_value": Payload(b""), "tombstone": Payload(None)}.get(reason)


def faults_of(topic: str, config: SimulationConfig) -> Faults[Any]:
    """Those of a topic, JSON or Avro."""
    if topic not in AVRO_TOPICS:
        return TextFaults(topic)
    assert config.avro is not None
    return AvroFaults(config.avro.metrics if topic == AVRO_METRICS else config.avro.heartbeats)


def _head(row: bytes) -> int:
    return GUID_HEAD if row.startswith(GUID_FRAME) else len(ID_FRAME) + 4


def _numbered(row: str) -> str:
    return row.replace('"NaN"', '"0"')
