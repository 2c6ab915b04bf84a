"""Schemas by the id or GUID that an Avro record carries, from a registry with Confluent's API, asked once each.

Not every such registry can be asked by GUID (Apicurio 3.0 cannot). But Confluent's GUID of a schema follows from its
text, so it is then looked for among all that are registered.
"""

from __future__ import annotations

import hashlib
import json
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


def guids_of(schema: str) -> tuple[bytes, ...]:
    """The GUIDs by which a schema may be named: the MD5 of its text, as it is and as Confluent's registry keeps it.

    That is without blanks between its members. Of a schema without references, metadata and rules, as ours are.
    """
    compact = json.dumps(json.loads(schema), separators=(",", ":"), ensure_ascii=False)
    texts = dict.fromkeys((schema, compact))
    return tuple(hashlib.md5(text.encode(), usedforsecurity=False).digest() for text in texts)


class RegisteredSchemas:
    """Those of a registry. `url` gives its address, or None while there is none: it may be started later."""

    def __init__(self, url: Callable[[], str | None]) -> None:
        self._url = url
        self._known: dict[bytes, str] = {}
        self._missed: dict[bytes, float] = {}
        self._by_guid: dict[bytes, str] = {}
        self._listed: set[tuple[str, int]] = set()
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
                return str(client.get_schema(int.from_bytes(identity, "big")).schema_str)
            return self._with_guid(client, identity)
        except (SchemaRegistryError, OSError):
            return None

    def _with_guid(self, client: SchemaRegistryClient, guid: bytes) -> str | None:
        try:
            return str(client.get_schema_by_guid(str(uuid.UUID(bytes=guid))).schema_str)
        except SchemaRegistryError as error:
            if error.http_status_code != 404:
                raise
        for subject in client.get_subjects():
            for version in client.get_versions(subject):
                if (subject, version) in self._listed:
                    continue
                schema = client.get_version(subject, version).schema
                if schema.schema_type == "AVRO":
                    text = str(schema.schema_str)
                    self._by_guid |= dict.fromkeys(guids_of(text), text)
                self._listed.add((subject, version))
        return self._by_guid.get(guid)
