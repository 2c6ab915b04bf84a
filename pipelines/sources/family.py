"""What one telemetry family tells silver: how its records are recognised and parsed, and how to decode one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from pyspark.sql import Column
from pyspark.sql import functions as F

MAP = "map<string,string>"


@dataclass(frozen=True)
class Decoded:
    """The columns of one record, whatever its table; null where it has none."""

    table: Column  # the silver table it belongs to
    source: Column
    native_id: Column
    event_time: Column
    resource_id: Column
    reason: Column  # why it cannot be used although it is a whole object; null if it can
    content: Column  # the measurement as sent: hashed into event_id, as an id alone does not tell two records apart
    cloud_provider: Column | None = None
    cloud_account_id: Column | None = None
    cloud_region: Column | None = None
    resource_type: Column | None = None
    host_name: Column | None = None
    attributes: Column | None = None
    namespace: Column | None = None
    metric: Column | None = None
    unit: Column | None = None
    value: Column | None = None
    minimum: Column | None = None
    maximum: Column | None = None
    total: Column | None = None
    sample_count: Column | None = None
    percentiles: Column | None = None
    interval_seconds: Column | None = None
    dimensions: Column | None = None
    agent_version: Column | None = None
    os_type: Column | None = None
    os_name: Column | None = None
    os_version: Column | None = None


FIELDS = tuple(field.name for field in fields(Decoded))
_TYPES = {
    "event_time": "timestamp",
    "attributes": MAP,
    "dimensions": MAP,
    "percentiles": "map<string,double>",
    "value": "double",
    "minimum": "double",
    "maximum": "double",
    "total": "double",
    "sample_count": "double",
    "interval_seconds": "int",
}


@dataclass(frozen=True)
class Family:
    """A telemetry family: `decode` is pure, from a record and its topic (only a hint) to Columns.

    marker: the member that every record of it has, and no record of another family.
    schema: DDL struct of its members. Scalars are strings, converted strictly later: `from_json` would make null of
        what it cannot convert, and nobody could say why.
    """

    name: str
    marker: str
    schema: str
    decode: Callable[[Column, Column], Decoded]


def field_of(decoded: Decoded, name: str) -> Column | None:
    column = getattr(decoded, name)
    return None if column is None else column.cast(_TYPES.get(name, "string"))


def nothing_for(name: str) -> Column:
    return F.lit(None).cast(_TYPES.get(name, "string"))


def strings(*members: str) -> str:
    """DDL of members that are read as text."""
    return ", ".join(f"`{member}`: string" for member in members)
