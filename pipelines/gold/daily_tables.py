"""The gold tables that are worked out by the day, each after those that it reads."""

from __future__ import annotations

from pipelines.errors import ContractError
from pipelines.gold import (
    cost_anomalies,
    cost_daily,
    incidents,
    resource_health,
    rightsizing,
    savings,
    unit_costs,
    usage_hourly,
)
from pipelines.gold.daily import DailyTable
from pipelines.gold.drift import compliance, config_drift
from pipelines.gold.security import audit

DAILY_TABLES: tuple[DailyTable, ...] = (
    resource_health.DAILY,
    incidents.DAILY,
    audit.DAILY,
    config_drift.DAILY,
    compliance.DAILY,
    cost_daily.DAILY,
    cost_anomalies.DAILY,
    usage_hourly.DAILY,
    rightsizing.DAILY,
    savings.DAILY,
    unit_costs.DAILY,
)


def daily_table(name: str) -> DailyTable:
    """By its full name, or without the layer. Raises ContractError, which lists those that there are."""
    for daily in DAILY_TABLES:
        if name in (daily.table.full_name, daily.table.name):
            return daily
    there = ", ".join(daily.table.name for daily in DAILY_TABLES)
    raise ContractError(f"table {name} is not worked out by the day; those are: {there}")
