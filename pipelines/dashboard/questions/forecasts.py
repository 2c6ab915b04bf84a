"""What will be full, what will fail, and where to run on spot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class Capacity:
    series_id: int
    resource_id: str
    host_name: str | None
    metric: str
    part: str | None
    unit: str | None
    last_value: float | None
    capacity_limit: float
    days_to_full: float | None
    earliest: float | None
    latest: float | None
    shown: str
    model: str | None
    skill: float | None
    reason: str | None
    as_of: datetime


@dataclass(frozen=True)
class Curve:
    """`forecast`: structs of time, grain, value and bounds."""

    resource_id: str
    host_name: str | None
    metric: str
    unit: str | None
    capacity_limit: float
    last_value: float | None
    history_end: datetime | None
    days_to_full: float | None
    full_at: datetime | None
    forecast: list[dict[str, Any]] | None


@dataclass(frozen=True)
class Spot:
    instance_type: str
    product: str
    zone: str
    price: float
    price_24h: float | None
    lower: float | None
    upper: float | None
    cost_per_hour: float | None
    interruption_risk: float
    risk_index: float | None
    rank: int | None
    as_of: datetime


@dataclass(frozen=True)
class Risk:
    resource_id: str
    host_name: str | None
    is_down: bool
    risk_1h: float | None
    risk_24h: float | None
    risk_168h: float | None
    base_rate_24h: float
    reasons: list[str]
    is_calibrated: bool
    as_of: datetime


CAPACITY = Question(
    "capacity",
    "gold.capacity_forecast",
    Capacity,
    """
    SELECT series_id, resource_id, host_name, metric, array_to_string(map_values(dimensions), ', '), unit, last_value,
        capacity_limit, days_to_full, days_to_full_earliest, days_to_full_latest, shown, model, skill, reason, as_of
    FROM {table} ORDER BY days_to_full NULLS LAST, coalesce(host_name, resource_id), metric, series_id
    """,
    made_by="lakehouse forecast capacity",
)

CURVE = Question(
    "curve",
    "gold.capacity_forecast",
    Curve,
    """
    SELECT resource_id, host_name, metric, unit, capacity_limit, last_value, history_end, days_to_full,
        full_at, forecast
    FROM {table} WHERE series_id = $series
    """,
    made_by="lakehouse forecast capacity",
)

SPOT = Question(
    "spot",
    "gold.spot_forecast",
    Spot,
    """
    SELECT instance_type, product_description, availability_zone, price, price_24h, price_24h_lower_80,
        price_24h_upper_80, expected_cost_per_hour, interruption_risk_24h, risk_index, rank_in_type, as_of
    FROM {table} ORDER BY instance_type, product_description, rank_in_type NULLS LAST, availability_zone
    """,
    made_by="lakehouse forecast spot",
)

RISKS = Question(
    "risks",
    "gold.failure_risk",
    Risk,
    """
    SELECT resource_id, host_name, is_down, risk_1h, risk_24h, risk_168h, base_rate_24h, reasons, is_calibrated, as_of
    FROM {table} ORDER BY is_down DESC, risk_24h DESC NULLS LAST, coalesce(host_name, resource_id)
    """,
    made_by="lakehouse failure-risk",
)
