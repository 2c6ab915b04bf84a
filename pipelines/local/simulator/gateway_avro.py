"""Our own agent on edge gateways: Avro in the contracts of `schemas/avro`, one record a Kafka value, no key.

Each record is behind the id of its schema, or, from the gateways whose serializer is set so, beside its GUID in the
header `__value_schema_id`. Until it is sent, a record is one string of bytes, the header's value in front.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import fastavro
import numpy as np

from pipelines.local.simulator.avro_schemas import GUID_FRAME, AvroSchema
from pipelines.local.simulator.fleet import Host
from pipelines.local.simulator.metric import Metric
from pipelines.local.simulator.report import Payload, Report

SCHEMA_HEADER = "__value_schema_id"
GUID_HEAD = 17
# How far p50, p90 and p99 of a latency lie from its average.
_QUANTILES = {"p50": 0.82, "p90": 1.7, "p99": 2.9}
_OLD_SHARE = 0.3


def payload(row: bytes) -> Payload:
    if row.startswith(GUID_FRAME):
        return Payload(row[GUID_HEAD:], ((SCHEMA_HEADER, row[:GUID_HEAD]),))
    return Payload(row)


class GatewayWriter:
    """What metrics and heartbeats share: each gateway's schema and framing, and records to rows."""

    records_per_value = (1, 2)

    def __init__(
        self, hosts: Sequence[Host], versions: Sequence[AvroSchema], guid_share: float, rng: np.random.Generator
    ) -> None:
        chances = rng.random((len(hosts), 2))
        old, new = versions[0], versions[-1]
        schemas = [old if chance < _OLD_SHARE else new for chance in chances[:, 0].tolist()]
        parsed = {schema: schema.parsed() for schema in versions}
        self._schemas = [parsed[schema] for schema in schemas]
        self._heads = [
            schema.by_guid if chance < guid_share else schema.by_id
            for schema, chance in zip(schemas, chances[:, 1].tolist(), strict=True)
        ]

    def wrap(self, rows: Sequence[bytes]) -> Payload:
        return payload(rows[0])

    def is_nan(self, row: bytes) -> bool:
        return False

    def _encode(self, records: Iterator[tuple[int, dict[str, Any]]]) -> list[bytes]:
        """Records, each with its gateway's place, through one buffer."""
        buffer, write, schemas, heads = io.BytesIO(), fastavro.schemaless_writer, self._schemas, self._heads
        ends = [0]
        for place, record in records:
            buffer.write(heads[place])
            write(buffer, schemas[place], record)
            ends.append(buffer.tell())
        written = buffer.getvalue()
        return [written[start:end] for start, end in pairwise(ends)]


class GatewayMetrics(GatewayWriter):
    """One record a metric and interval."""

    def __init__(
        self, hosts: Sequence[Host], versions: Sequence[AvroSchema], guid_share: float, rng: np.random.Generator
    ) -> None:
        super().__init__(hosts, versions, guid_share, rng)
        self._records = [_metric(host, metric) for host in hosts for metric in host.metrics]
        self._latency = [metric.percentiles for host in hosts for metric in host.metrics]

    def rows(self, report: Report) -> list[bytes]:
        return self._encode(self._measured(report))

    def _measured(self, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
        times_us = (report.times_ms * 1000).tolist()
        part = slice(report.first_series, report.last_series)
        for owner, record, latency, value in zip(
            report.owner, self._records[part], self._latency[part], report.values.tolist(), strict=True
        ):
            record["event_time"], record["value"] = times_us[owner], value
            if latency:
                record["percentiles"] = {name: round(value * factor, 6) for name, factor in _QUANTILES.items()}
            yield report.first_host + owner, record


class GatewayHeartbeats(GatewayWriter):
    """One record a gateway and interval, only while its agent lives."""

    def __init__(
        self, hosts: Sequence[Host], versions: Sequence[AvroSchema], guid_share: float, rng: np.random.Generator
    ) -> None:
        super().__init__(hosts, versions, guid_share, rng)
        self._records = [_heartbeat(host) for host in hosts]

    def rows(self, report: Report) -> list[bytes]:
        return self._encode(self._alive(report))

    def _alive(self, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
        places = range(report.first_host, report.last_host)
        for place, time_us in zip(places, (report.times_ms * 1000).tolist(), strict=True):
            record = self._records[place]
            record["event_time"] = time_us
            yield place, record


def _common(host: Host) -> dict[str, Any]:
    return {
        "resource_id": host.resource_id,
        "host_name": host.name,
        "resource_type": "edge_gateway",
        "attributes": {"plant": host.account, "host.ip": host.address},
    }


def _metric(host: Host, metric: Metric) -> dict[str, Any]:
    statistics = {"sample_count": float(metric.samples)} if metric.samples > 1 else {}
    return {
        **_common(host),
        **statistics,
        "namespace": metric.namespace,
        "metric": metric.name,
        "unit": metric.unit,
        "dimensions": dict(metric.labels),
    }


def _heartbeat(host: Host) -> dict[str, Any]:
    return {
        **_common(host),
        "agent_version": ("2.3.1", "2.4.0")[host.number % 2],
        "os_type": "linux",
        "os_name": "Debian GNU/Linux",
        "os_version": "12",
    }
