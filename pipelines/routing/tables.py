"""The silver tables that records go to, and quarantine."""

from __future__ import annotations

from pipelines.tables import Table, contract

METRICS = contract("silver.metrics")
HEARTBEATS = contract("silver.heartbeats")
QUARANTINE = contract("silver.quarantine")
_OTHERS = ("logs", "events", "configuration_items", "config_changes", "costs", "spot_prices")
RECORD_TABLES: tuple[Table, ...] = (METRICS, HEARTBEATS, *(contract(f"silver.{name}") for name in _OTHERS))
TABLES = (*RECORD_TABLES, QUARANTINE)
