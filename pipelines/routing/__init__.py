"""From decoded items to the rows of the silver tables."""

from pipelines.routing.items import is_ignored, is_other, to_items, validate
from pipelines.routing.route import route, route_others
from pipelines.routing.routed import Routed
from pipelines.routing.tables import HEARTBEATS, METRICS, QUARANTINE, RECORD_TABLES, TABLES

__all__ = [
    "HEARTBEATS",
    "METRICS",
    "QUARANTINE",
    "RECORD_TABLES",
    "TABLES",
    "Routed",
    "is_ignored",
    "is_other",
    "route",
    "route_others",
    "to_items",
    "validate",
]
