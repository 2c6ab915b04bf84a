"""The schemas that gateways write with, as they are registered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastavro import parse_schema

from pipelines.schema_registry import guids_of

ID_FRAME, GUID_FRAME = b"\x00", b"\x01"


@dataclass(frozen=True, kw_only=True, slots=True)
class AvroSchema:
    """One version of a topic's schema: the id that the registry gave it, and its text."""

    schema_id: int
    text: str

    def parsed(self) -> Any:
        return parse_schema(json.loads(self.text))

    @property
    def by_id(self) -> bytes:
        """Confluent's framing in front of a record: 0x00 and the id."""
        return ID_FRAME + self.schema_id.to_bytes(4, "big")

    @property
    def by_guid(self) -> bytes:
        """The other one, in a header: 0x01 and the GUID."""
        return GUID_FRAME + guids_of(self.text)[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class AvroSchemas:
    """The versions in use of each topic, oldest first: not all gateways are upgraded at once."""

    metrics: tuple[AvroSchema, ...]
    heartbeats: tuple[AvroSchema, ...]
