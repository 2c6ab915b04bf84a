"""Our own Avro topics with a real registry: registered contracts, both framings, and what waits for its schema."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines import routing
from pipelines.errors import ContractError
from pipelines.local import services
from pipelines.local.schemas import schemas_of
from pipelines.operations.avro_contracts import AvroContract, avro_contracts, register
from pipelines.operations.reconcile import reconcile
from pipelines.operations.redrive import redrive
from pipelines.settings import Settings
from pipelines.tables import read_table
from tests.conftest import Kafka, SettingsFactory, catch_up

NOW = datetime.now(UTC).replace(microsecond=0)
METRICS = next(contract for contract in avro_contracts() if contract.topic == "telemetry.metrics")


@pytest.fixture
def settings(make_settings: SettingsFactory, kafka: Kafka) -> Iterator[Settings]:
    made = make_settings(**kafka.environ)
    services.up_registry(made)
    yield made
    services.down(made)


def framed(schema_id: int, schema: str, **changes: Any) -> bytes:
    record = {
        "event_time": NOW, "resource_id": "h", "namespace": "n", "metric": "m", "value": 1.0, "dimensions": {},
        "attributes": {}, **changes,
    }  # fmt: skip
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, json.loads(schema), record)
    return b"\x00" + schema_id.to_bytes(4, "big") + buffer.getvalue()


def grown(schema: str, field: dict[str, Any]) -> str:
    parsed = json.loads(schema)
    return json.dumps({**parsed, "fields": [*parsed["fields"], field]})


def test_registered_contracts_evolve_and_what_has_no_schema_yet_waits(
    spark: SparkSession, settings: Settings, kafka: Kafka
) -> None:
    url = services.registry_url(settings)
    ids = {done.contract.topic: done.schema_id for done in register(url, avro_contracts())}
    assert [done.schema_id for done in register(url, (METRICS,))] == [ids["telemetry.metrics"]]

    # Not compatible: a field without a default, as old records lack it.
    wrong = AvroContract(METRICS.topic, 2, METRICS.path, grown(METRICS.schema, {"name": "rack", "type": "string"}))
    with pytest.raises(ContractError, match="not BACKWARD compatible"):
        list(register(url, (wrong,)))

    # A field that is added with a default, used by a sender before its schema is registered.
    later = grown(METRICS.schema, {"name": "rack", "type": ["null", "string"], "default": None})
    next_id = max(ids.values()) + 1
    known = framed(ids["telemetry.metrics"], METRICS.schema, metric="known")
    kafka.produce("telemetry.metrics", known, known, framed(next_id, later, metric="early", rack="r1"))
    schemas = schemas_of(settings)
    catch_up(spark, settings, kafka.bootstrap, "bronze")
    catch_up(spark, settings, kafka.bootstrap, "silver", schemas)

    def found() -> dict[str, Any]:
        rows = read_table(spark, settings, routing.METRICS).select("metric", "attributes").collect()
        return {row["metric"]: row["attributes"] for row in rows}

    def waiting() -> list[str]:
        rows = read_table(spark, settings, routing.QUARANTINE).where(F.col("resolved_at").isNull())
        return [row["reason"] for row in rows.collect()]

    assert (found(), waiting()) == ({"known": {}}, ["unknown_schema"])

    [done] = register(url, (replace(METRICS, version=2, schema=later),))
    assert done.schema_id == next_id
    schemas = schemas_of(settings)
    tried = redrive(spark, settings, schemas, "unknown_schema")
    assert (tried.tried, tried.resolved, tried.still_bad, tried.written) == (1, 1, 0, {"metrics": 1})
    assert (found(), waiting()) == ({"known": {}, "early": {"rack": "r1"}}, [])
    assert redrive(spark, settings, schemas, "unknown_schema").tried == 0

    (balance,) = reconcile(spark, settings, schemas)
    assert balance.holds
    assert (balance.items, balance.silver, balance.duplicates) == (3, 2, 1)


def test_the_registry_finds_a_schema_by_guid_or_says_that_it_does_not(settings: Settings) -> None:
    """Apicurio has no GUIDs: such a record waits in quarantine, and stops nothing."""
    client = SchemaRegistryClient({"url": services.registry_url(settings)})
    schema_id = client.register_schema("telemetry.metrics-value", Schema(METRICS.schema, "AVRO"))

    schemas = schemas_of(settings)

    assert schemas.schema(schema_id.to_bytes(4, "big")) is not None
    assert schemas.schema(bytes(16)) is None
