"""The contracts of our own Avro topics, registered, for the gateways that the simulator makes up."""

from __future__ import annotations

from pipelines.local import services
from pipelines.local.simulator import AVRO_TOPICS, AvroSchema, AvroSchemas
from pipelines.operations.avro_contracts import avro_contracts, register
from pipelines.settings import Settings


def gateway_schemas(settings: Settings) -> AvroSchemas | None:
    """Registers what is not registered yet; None where there is no registry.

    Raises ServiceError if an outside one is set and does not answer.
    """
    if services.registry_url_if_any(settings) is None:
        return None
    versions: dict[str, tuple[AvroSchema, ...]] = dict.fromkeys(AVRO_TOPICS, ())
    for done in register(services.registry_url(settings), avro_contracts()):
        if done.contract.topic in versions:
            schema = AvroSchema(schema_id=done.schema_id, text=done.contract.schema)
            versions[done.contract.topic] = (*versions[done.contract.topic], schema)
    heartbeats, metrics = (versions[topic] for topic in AVRO_TOPICS)
    return AvroSchemas(heartbeats=heartbeats, metrics=metrics)
