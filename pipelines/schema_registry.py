"""Schemas by the id or GUID that an Avro record carries, from a registry with Confluent's API, asked once each."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Protocol

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

# A schema that is not known yet is asked for again after this time, so that a flood of such records does not become one
# of questions.
_ASK_AGAIN_SECONDS = 5.0
_TIMEOUT_SECONDS = 5.0


class Schemas(Protocol):
    """`schema` of a frame, an id of 4 bytes or a GUID of 16: its Avro JSON, or None if it cannot be had now."""

    def schema(self, identity: bytes) -> str | None: ...


class RegisteredSchemas:
    """Those of a registry. `url` gives its address, or None while there is none: it may be started later."""

    def __init__(self, url: Callable[[], str | None]) -> None:
        self._url = url
        self._known: dict[bytes, str] = {}
        self._missed: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def schema(self, identity: bytes) -> str | None:
        with self._lock:
            if identity in self._known:
                return self._known[identity]
            if time.monotonic() - self._missed.get(identity, -_ASK_AGAIN_SECONDS) < _ASK_AGAIN_SECONDS:
                return None
            found = self._ask(identity)
            if found is None:
                self._missed[identity] = time.monotonic()
            else:
                self._known[identity] = found
            return found

    def _ask(self, identity: bytes) -> str | None:
        address = self._url()
        if address is None:
            return None
        client = SchemaRegistryClient({"url": address, "timeout": _TIMEOUT_SECONDS, "max.retries": 1})
        try:
            if len(identity) == 4:
                schema = client.get_schema(int.from_bytes(identity, "big"))
            else:
                schema = client.get_schema_by_guid(str(uuid.UUID(bytes=identity)))
        except (SchemaRegistryError, OSError):
            return None
        return schema.schema_str
