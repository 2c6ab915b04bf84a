"""Our own Avro topics with a real registry: contracts, both framings, evolution, and what waits for its schema."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines import bronze, routing, silver
from pipelines.cli.gateway_schemas import gateway_schemas
from pipelines.errors import ContractError
from pipelines.local import services
from pipelines.local.schemas import schemas_of
from pipelines.local.simulator import AVRO_TOPICS, FleetSize, Simulation, SimulationConfig
from pipelines.operations.avro_contracts import AvroContract, avro_contracts, register
from pipelines.operations.reconcile import reconcile
from pipelines.operations.redrive import redrive
from pipelines.schema_registry import guids_of
from pipelines.settings import Settings, load_settings
from pipelines.streams import Trigger
from pipelines.tables import read_table
from tests.conftest import Kafka, SettingsFactory, catch_up, wait_until

NOW = datetime.now(UTC).replace(microsecond=0)
TOPIC = "telemetry.metrics"
FIRST, LATEST = ([contract for contract in avro_contracts() if contract.topic == TOPIC][place] for place in (0, -1))
REASONS = {
    "future_time": "future_time",
    "missing_resource": "no_resource",
    "truncated_avro": "malformed_avro",
    "unknown_schema_id": "unknown_schema",
    "empty_value": "empty_value",
    "tombstone": "null_value",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("registry"))})
    services.up_registry(made)
    yield services.registry_url(made)
    services.down(made)


@pytest.fixture
def settings(make_settings: SettingsFactory, kafka: Kafka, registry: str) -> Settings:
    return make_settings(**kafka.environ, SCHEMA_REGISTRY_URL=registry)


def body(schema: str, **changes: Any) -> bytes:
    record = {
        "event_time": NOW, "resource_id": "h", "namespace": "n", "metric": "m", "value": 1.0, "dimensions": {},
        "attributes": {}, **changes,
    }  # fmt: skip
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, json.loads(schema), record)
    return buffer.getvalue()


def framed(schema_id: int, schema: str, **changes: Any) -> bytes:
    return b"\x00" + schema_id.to_bytes(4, "big") + body(schema, **changes)


def grown(schema: str, name: str) -> str:
    parsed = json.loads(schema)
    return json.dumps(
        {**parsed, "fields": [*parsed["fields"], {"name": name, "type": ["null", "string"], "default": None}]}
    )


def next_id(url: str) -> int:
    """Of the schema that will be registered next."""
    probe = {"type": "record", "name": "Probe", "fields": [{"name": f"f{uuid.uuid4().hex}", "type": "string"}]}
    client = SchemaRegistryClient({"url": url})
    return int(client.register_schema("probe-value", Schema(json.dumps(probe), "AVRO"))) + 1


def rows(spark: SparkSession, settings: Settings) -> dict[str, Any]:
    found = read_table(spark, settings, routing.METRICS).select("metric", "attributes", "percentiles").collect()
    assert len({row["metric"] for row in found}) == len(found)
    return {row["metric"]: row for row in found}


def waiting(spark: SparkSession, settings: Settings) -> list[str]:
    found = read_table(spark, settings, routing.QUARANTINE).where(F.col("resolved_at").isNull())
    return sorted(row["reason"] for row in found.collect())


def test_what_is_not_compatible_cannot_be_registered(registry: str) -> None:
    first, again = list(register(registry, avro_contracts())), list(register(registry, avro_contracts()))
    assert first == again
    assert len({done.schema_id for done in first}) == len(first)

    # A field without a default, as old records lack it.
    parsed = json.loads(LATEST.schema)
    wrong = json.dumps({**parsed, "fields": [*parsed["fields"], {"name": "rack", "type": "string"}]})
    with pytest.raises(ContractError, match="not BACKWARD compatible"):
        list(register(registry, (AvroContract(TOPIC, LATEST.version + 1, LATEST.path, wrong),)))


def test_what_has_no_schema_yet_waits_and_is_brought_in_once(
    spark: SparkSession, settings: Settings, kafka: Kafka, registry: str
) -> None:
    ids = {done.contract: done.schema_id for done in register(registry, avro_contracts())}
    later, later_id = grown(LATEST.schema, "rack"), next_id(registry)
    known = framed(ids[LATEST], LATEST.schema, metric="known")
    kafka.produce(TOPIC, known, known, framed(later_id, later, metric="early", rack="r1"))
    schemas = schemas_of(settings)
    catch_up(spark, settings, kafka.bootstrap, "bronze")
    catch_up(spark, settings, kafka.bootstrap, "silver", schemas)
    assert (set(rows(spark, settings)), waiting(spark, settings)) == ({"known"}, ["unknown_schema"])

    [done] = register(registry, (replace(LATEST, version=LATEST.version + 1, schema=later),))
    assert done.schema_id == later_id
    schemas = schemas_of(settings)
    tried = redrive(spark, settings, schemas, "unknown_schema")
    assert (tried.tried, tried.resolved, tried.still_bad, tried.written) == (1, 1, 0, {"metrics": 1})
    assert rows(spark, settings)["early"]["attributes"] == {"rack": "r1"}
    assert waiting(spark, settings) == []
    assert redrive(spark, settings, schemas, "unknown_schema").tried == 0

    (balance,) = reconcile(spark, settings, schemas)
    assert balance.holds
    assert (balance.items, balance.silver, balance.duplicates) == (3, 2, 1)


@pytest.mark.timeout(400)
def test_schemas_evolve_while_the_streams_run(
    spark: SparkSession, settings: Settings, kafka: Kafka, registry: str
) -> None:
    ids = {done.contract: done.schema_id for done in register(registry, avro_contracts())}
    schemas = schemas_of(settings)
    kafka.produce(TOPIC, framed(ids[FIRST], FIRST.schema, metric="first"))
    queries = [
        bronze.start(spark, settings, kafka.bootstrap, Trigger.CONTINUOUS),
        silver.start(spark, settings, schemas, Trigger.CONTINUOUS),
    ]

    def has(*metrics: str) -> None:
        wait_until(
            lambda: all(query.isActive for query in queries) and set(metrics) <= set(rows(spark, settings)),
            120,
            f"silver has {metrics}",
        )

    try:
        has("first")
        kafka.produce(TOPIC, framed(ids[LATEST], LATEST.schema, metric="second", percentiles={"p99": 9.5}))
        has("first", "second")
        # A version that did not exist when the streams started; and one whose value has become a text, past the check.
        third = grown(LATEST.schema, "floor")
        [done] = register(registry, (replace(LATEST, version=LATEST.version + 1, schema=third),))
        parsed = json.loads(FIRST.schema)
        fields = [{**field, "type": "string"} if field["name"] == "value" else field for field in parsed["fields"]]
        changed = json.dumps({**parsed, "fields": fields})
        client = SchemaRegistryClient({"url": registry})
        changed_id = client.register_schema("elsewhere-value", Schema(changed, "AVRO"))
        kafka.produce(TOPIC, framed(changed_id, changed, metric="changed", value="1.5"))
        kafka.produce(TOPIC, framed(done.schema_id, third, metric="third", floor="2"))
        header = ("__value_schema_id", b"\x01" + guids_of(LATEST.schema)[0])
        kafka.produce(TOPIC, body(LATEST.schema, metric="by guid", percentiles={"p50": 1.0}), headers=[header])
        has("first", "second", "third", "by guid")
        for query in queries:
            query.processAllAvailable()
    finally:
        for query in queries:
            query.stop()

    found = rows(spark, settings)
    assert {name: row["percentiles"] for name, row in found.items()} == {
        "first": None, "second": {"p99": 9.5}, "third": None, "by guid": {"p50": 1.0},
    }  # fmt: skip
    assert found["third"]["attributes"] == {"floor": "2"}
    assert waiting(spark, settings) == ["wrong_type"]
    (balance,) = reconcile(spark, settings, schemas)
    assert balance.holds
    assert (balance.items, balance.silver, balance.quarantined) == (5, 4, 1)


def test_what_gateways_send_is_accounted_for_to_the_item(spark: SparkSession, settings: Settings, kafka: Kafka) -> None:
    schemas = gateway_schemas(settings)
    assert schemas is not None
    simulation = Simulation(
        SimulationConfig(
            start=datetime.now(UTC) - timedelta(minutes=20),
            duration=timedelta(minutes=20),
            seed=3,
            fleet=FleetSize(arc=50, azure=0, aws=0, kubernetes=0),
            bad_share=0.03,
            duplicate_share=0.05,
            late_share=0.03,
            avro=schemas,
        )
    )
    kafka.publish(message for message in simulation.messages() if message.topic in AVRO_TOPICS)
    catch_up(spark, settings, kafka.bootstrap, "bronze")
    catch_up(spark, settings, kafka.bootstrap, "silver", schemas_of(settings))

    balances = {balance.topic: balance for balance in reconcile(spark, settings, schemas_of(settings))}
    quarantine = read_table(spark, settings, routing.QUARANTINE).groupBy("topic", "reason").count().collect()
    for name in AVRO_TOPICS:
        sent, found = simulation.summary()[name], balances[kafka.topic(name)]
        assert found.holds
        assert (found.items, found.silver, found.duplicates) == (sent.items, sent.unique, sent.duplicates)
        assert found.quarantined == sum(sent.bad.values()) > 0
        reasons = {row["reason"]: row["count"] for row in quarantine if row["topic"] == kafka.topic(name)}
        assert reasons == {REASONS[fault]: count for fault, count in sent.bad.items()}


def test_a_schema_is_found_by_its_guid_though_this_registry_has_none(settings: Settings, registry: str) -> None:
    """Apicurio cannot be asked for one: the schemas that it has are looked through. One that it lacks stops nothing."""
    [done] = register(registry, (FIRST,))

    schemas = schemas_of(settings)

    assert schemas.schema(done.schema_id.to_bytes(4, "big")) is not None
    for guid in guids_of(FIRST.schema):
        found = schemas.schema(guid)
        assert found is not None
        assert json.loads(found) == json.loads(FIRST.schema)
    assert schemas.schema(bytes(16)) is None
