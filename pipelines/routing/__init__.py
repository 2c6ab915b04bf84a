"""From decoded items to the rows of the silver tables."""

from pipelines.routing.items import look_at, to_items, validate
from pipelines.routing.route import route, route_others
from pipelines.routing.routed import Routed, parameters
from pipelines.routing.tables import HEARTBEATS, METRICS, QUARANTINE, RECORD_TABLES, TABLES

__all__ = [
    "HEARTBEATS",
    "METRICS",
    "QUARANTINE",
    "RECORD_TABLES",
    "TABLES",
    "Routed",
    "look_at",
    "parameters",
    "route",
    "route_others",
    "to_items",
    "validate",
]
