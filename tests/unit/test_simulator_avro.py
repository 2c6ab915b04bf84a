"""The simulator's edge gateways: Avro behind the ids of a registry, both framings, counted like the rest."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import fastavro
import numpy as np
import pytest

from pipelines.local.simulator import (
    AVRO_TOPICS,
    TOPICS,
    AvroSchema,
    AvroSchemas,
    FleetSize,
    IncidentKind,
    Message,
    Simulation,
    simulate,
)
from pipelines.local.simulator.fleet import build_fleet
from pipelines.local.simulator.gateway_avro import GatewayMetrics
from pipelines.local.simulator.report import Report
from pipelines.operations.avro_contracts import avro_contracts
from pipelines.schema_registry import guids_of
from tests.unit.simulated_fleet import DIRTY, SPOTLESS

HEARTBEATS, METRICS = AVRO_TOPICS
REGISTERED = {
    number: contract
    for number, contract in enumerate(avro_contracts(), start=100)
    if contract.topic in (HEARTBEATS, METRICS)
}
HEADS = {b"\x00" + number.to_bytes(4, "big"): contract.schema for number, contract in REGISTERED.items()} | {
    b"\x01" + guids_of(contract.schema)[0]: contract.schema for contract in REGISTERED.values()
}


def versions(topic: str) -> tuple[AvroSchema, ...]:
    return tuple(
        AvroSchema(schema_id=number, text=contract.schema)
        for number, contract in REGISTERED.items()
        if contract.topic == topic
    )


AVRO = AvroSchemas(metrics=versions(METRICS), heartbeats=versions(HEARTBEATS))
CLEAN = replace(SPOTLESS, avro=AVRO, fleet=FleetSize.of(120))


def head_of(message: Message) -> bytes:
    assert message.value is not None
    return message.headers[0][1] if message.headers else message.value[:5]


def record_of(message: Message) -> dict[str, Any]:
    assert message.value is not None
    body = io.BytesIO(message.value if message.headers else message.value[5:])
    record = fastavro.schemaless_reader(body, json.loads(HEADS[head_of(message)]), None)
    assert body.read() == b""
    assert isinstance(record, dict)
    return record


@pytest.fixture(scope="module")
def clean() -> dict[str, list[Message]]:
    messages = list(simulate(CLEAN))
    return {topic: [message for message in messages if message.topic == topic] for topic in AVRO_TOPICS}


@pytest.mark.parametrize("topic", AVRO_TOPICS)
def test_every_record_can_be_read_with_the_schema_it_names(topic: str, clean: dict[str, list[Message]]) -> None:
    records = [record_of(message) for message in clean[topic]]

    assert records
    assert {message.items for message in clean[topic]} == {1}
    assert {message.key for message in clean[topic]} == {None}
    assert all(CLEAN.start <= record["event_time"] < CLEAN.start + CLEAN.duration for record in records)
    assert {record["resource_type"] for record in records} == {"edge_gateway"}


@pytest.mark.parametrize("topic", AVRO_TOPICS)
def test_both_framings_occur_and_a_gateway_keeps_to_its_own(topic: str, clean: dict[str, list[Message]]) -> None:
    heads: dict[str, set[bytes]] = {}
    for message in clean[topic]:
        heads.setdefault(record_of(message)["host_name"], set()).add(head_of(message))

    assert all(len(own) == 1 for own in heads.values())
    assert {next(iter(own))[:1] for own in heads.values()} == {b"\x00", b"\x01"}
    assert {key for message in clean[topic] for key, _ in message.headers} == {"__value_schema_id"}


def test_old_and_new_versions_are_in_use_at_once(clean: dict[str, list[Message]]) -> None:
    used = {HEADS[head_of(message)] for message in clean[METRICS]}

    assert used == {schema.text for schema in AVRO.metrics}
    latencies = [record for record in map(record_of, clean[METRICS]) if record["metric"] == "gateway.uplink.latency"]
    assert {tuple(sorted(record.get("percentiles") or ())) for record in latencies} == {(), ("p50", "p90", "p99")}


def test_without_schemas_there_are_no_gateways() -> None:
    assert {message.topic for message in simulate(SPOTLESS)} == set(TOPICS)


def test_the_same_seed_gives_the_same_bytes_and_the_other_topics_are_as_without() -> None:
    short = replace(CLEAN, duration=timedelta(minutes=3))
    messages = list(simulate(short))

    assert messages == list(simulate(short))
    others = [message for message in messages if message.topic in TOPICS]
    assert others == list(simulate(replace(short, avro=None)))


def test_the_truth_counts_what_was_sent() -> None:
    simulation = Simulation(replace(DIRTY, avro=AVRO, bad_share=0.1, fleet=FleetSize.of(100)))
    messages = list(simulation.messages())

    for topic in AVRO_TOPICS:
        sent, counts = [message for message in messages if message.topic == topic], simulation.summary()[topic]
        assert (counts.values, counts.items) == (len(sent), len(sent))
        assert counts.items == counts.unique + counts.duplicates + sum(counts.bad.values())
        assert set(counts.bad) == {
            "future_time", "missing_resource", "truncated_avro", "unknown_schema_id", "empty_value", "tombstone",
        }  # fmt: skip
        assert counts.late > 0
        good = [
            (message.value, message.headers)
            for message in sent
            if message.value and head_of(message) in HEADS and _is_good(message)
        ]
        assert len(good) - len(set(good)) == counts.duplicates > 0
        assert len(set(good)) == counts.unique
        found = Counter(_fault(message) for message in sent) - Counter({None: len(good)})
        assert found == Counter(counts.bad)


def test_a_gateway_may_fall_silent_like_other_agents() -> None:
    config = replace(CLEAN, incident_share=0.2, fleet=FleetSize(arc=100, azure=0, aws=0, kubernetes=0))
    simulation = Simulation(config)
    silent = [
        incident
        for incident in simulation.incidents
        if incident.kind is IncidentKind.AGENT_SILENT and incident.topic == HEARTBEATS
    ]

    assert silent
    beats = [record_of(message) for message in simulation.messages() if message.topic == HEARTBEATS]
    for incident in silent:
        end_ms = incident.end_ms or config.end_ms
        heard = [
            beat
            for beat in beats
            if beat["resource_id"] == incident.resource_id
            and incident.start_ms + 5_000 < beat["event_time"].timestamp() * 1000 < end_ms - 5_000
        ]
        assert not heard


def test_speed() -> None:
    """At least 20,000 records/s; the best of three, since the machine has other things to do."""
    hosts = build_fleet(FleetSize.of(10), seed=1, gateways=2_000).gateways
    writer = GatewayMetrics(hosts, AVRO.metrics, 0.25, np.random.default_rng(1))
    owner = [place for place, host in enumerate(hosts) for _ in host.metrics]
    times_ms = np.full(len(hosts), CLEAN.start_ms)
    report = Report(0, len(hosts), 0, len(owner), times_ms, np.linspace(0.0, 99.0, len(owner)), owner)
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        rows = writer.rows(report)
        best = max(best, len(rows) / (time.perf_counter() - began))

    assert len(rows) == len(owner)
    assert best > 20_000, f"{best:,.0f} records/s"


def _is_good(message: Message) -> bool:
    return _fault(message) is None


def _fault(message: Message) -> str | None:
    if message.value is None:
        return "tombstone"
    if message.value == b"":
        return "empty_value"
    if head_of(message) not in HEADS:
        return "unknown_schema_id"
    try:
        record = record_of(message)
    except (EOFError, IndexError, UnicodeDecodeError):
        return "truncated_avro"
    if record["resource_id"] == "":
        return "missing_resource"
    return "future_time" if record["event_time"] > CLEAN.start + timedelta(days=300) else None
