"""What a record becomes: one dataclass a silver table, its fields the table's columns, each a Spark Column or absent.

Types are those of the table's contract. What every row has besides (identity, arrival, position) is added to it later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import ClassVar

from pyspark.sql import Column


@dataclass(frozen=True, kw_only=True)
class SilverRow:
    """What all tables share. `unusable`: why the record cannot be used although it is well-formed; null if it can.

    `ignored`: why it is neither telemetry nor an error, such as a test message; null if it is telemetry."""

    table: ClassVar[str]

    source: Column
    event_time: Column
    resource_id: Column | None = None
    native_id: Column | None = None
    cloud_provider: Column | None = None
    cloud_account_id: Column | None = None
    cloud_region: Column | None = None
    resource_type: Column | None = None
    host_name: Column | None = None
    attributes: Column | None = None
    unusable: Column | None = None
    ignored: Column | None = None


@dataclass(frozen=True, kw_only=True)
class Metric(SilverRow):
    table: ClassVar[str] = "metrics"

    namespace: Column
    metric: Column
    value: Column
    unit: Column | None = None
    minimum: Column | None = None
    maximum: Column | None = None
    total: Column | None = None
    sample_count: Column | None = None
    percentiles: Column | None = None
    interval_seconds: Column | None = None
    dimensions: Column | None = None


@dataclass(frozen=True, kw_only=True)
class Log(SilverRow):
    table: ClassVar[str] = "logs"

    message: Column
    severity_text: Column | None = None
    severity_number: Column | None = None
    logger: Column | None = None
    trace_id: Column | None = None
    span_id: Column | None = None


@dataclass(frozen=True, kw_only=True)
class Event(SilverRow):
    table: ClassVar[str] = "events"

    category: Column
    action: Column
    actor: Column | None = None
    outcome: Column | None = None
    reason: Column | None = None
    message: Column | None = None
    severity_text: Column | None = None
    occurrences: Column | None = None
    source_address: Column | None = None


@dataclass(frozen=True, kw_only=True)
class Item(SilverRow):
    table: ClassVar[str] = "configuration_items"

    item_type: Column
    item_name: Column
    version: Column | None = None
    state: Column | None = None
    publisher: Column | None = None


@dataclass(frozen=True, kw_only=True)
class Change(SilverRow):
    table: ClassVar[str] = "config_changes"

    item_type: Column
    item_name: Column
    change_type: Column
    field: Column | None = None
    old_value: Column | None = None
    new_value: Column | None = None


@dataclass(frozen=True, kw_only=True)
class SpotPrice(SilverRow):
    table: ClassVar[str] = "spot_prices"

    instance_type: Column
    availability_zone: Column
    product_description: Column
    price: Column


@dataclass(frozen=True, kw_only=True)
class Cost(SilverRow):
    table: ClassVar[str] = "costs"

    focus: dict[str, Column] = field(default_factory=dict)  # FOCUS column → its value, of the type in the contract


def columns_of(row: SilverRow) -> dict[str, Column]:
    """Column name → expression, of what the row has."""
    named = {item.name: getattr(row, item.name) for item in fields(row) if item.name != "focus"}
    found = {name: column for name, column in named.items() if column is not None}
    return found | (row.focus if isinstance(row, Cost) else {})
