"""The contracts of our Avro topics, `schemas/avro/<topic>.v<version>.avsc`, and their registration.

A topic's versions are registered in order under BACKWARD compatibility: a reader with the new version reads what was
written with the one before, so a field may be added with a default, or removed, and none may change its type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from fastavro import parse_schema
from fastavro.schema import SchemaParseException

from pipelines.errors import ContractError, ServiceError
from pipelines.settings import SCHEMAS_DIR

_FILE = re.compile(r"(?P<topic>.+)\.v(?P<version>[1-9]\d*)\.avsc")
COMPATIBILITY = "BACKWARD"


@dataclass(frozen=True)
class AvroContract:
    """One version of a topic's schema, as text."""

    topic: str
    version: int
    path: Path
    schema: str

    @property
    def subject(self) -> str:
        """As Confluent's serializers name it by default (TopicNameStrategy)."""
        return f"{self.topic}-value"


@dataclass(frozen=True)
class Registration:
    """What became of a contract: its id in the registry."""

    contract: AvroContract
    schema_id: int


def avro_contracts(schemas_dir: Path = SCHEMAS_DIR) -> tuple[AvroContract, ...]:
    """All contracts, by topic and version. Raises ContractError if one cannot be read, or a version is missing."""
    found = sorted(
        (_read(path) for path in (schemas_dir / "avro").glob("*.avsc")), key=lambda one: (one.topic, one.version)
    )
    for contract in found:
        versions = [other.version for other in found if other.topic == contract.topic]
        if versions != list(range(1, len(versions) + 1)):
            raise ContractError(f"{contract.path.parent}: {contract.topic} has the versions {versions}, not 1, 2, 3 …")
    return tuple(found)


def register(url: str, contracts: tuple[AvroContract, ...]) -> Iterator[Registration]:
    """Register each, one after the other; what is there already keeps its id.

    Raises ContractError if one is not compatible with those registered, and ServiceError if the registry fails.
    """
    client = SchemaRegistryClient({"url": url, "timeout": 10})
    for contract in contracts:
        schema = Schema(contract.schema, "AVRO")
        try:
            yield Registration(contract, _register(client, contract, schema))
        except SchemaRegistryError as error:
            raise ServiceError(f"the schema registry at {url}: {contract.path.name}: {error}") from error


def _register(client: SchemaRegistryClient, contract: AvroContract, schema: Schema) -> int:
    try:
        schema_id = client.register_schema(contract.subject, schema)
    except SchemaRegistryError as error:
        if error.http_status_code != 409:
            raise
        raise ContractError(
            f"{contract.path}: is not {COMPATIBILITY} compatible with what is registered as {contract.subject}: "
            f"{error.error_message}. Give an added field a default, and change no type; else use a new topic"
        ) from error
    client.set_compatibility(contract.subject, COMPATIBILITY)
    return int(schema_id)


def _read(path: Path) -> AvroContract:
    named = _FILE.fullmatch(path.name)
    if named is None:
        raise ContractError(f"{path}: should be named <topic>.v<version>.avsc, such as telemetry.metrics.v1.avsc")
    try:
        text = path.read_text(encoding="utf-8")
        parse_schema(json.loads(text))
    except (OSError, ValueError, SchemaParseException) as error:
        raise ContractError(f"{path}: is no Avro schema: {error}") from error
    return AvroContract(named["topic"], int(named["version"]), path, text)
