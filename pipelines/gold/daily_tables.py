"""The gold tables that are worked out by the day, each after those that it reads."""

from __future__ import annotations

from pipelines.errors import ContractError
from pipelines.gold.daily import DailyTable

DAILY_TABLES: tuple[DailyTable, ...] = ()


def daily_table(name: str) -> DailyTable:
    """By its full name, or without the layer. Raises ContractError, which lists those that there are."""
    for daily in DAILY_TABLES:
        if name in (daily.table.full_name, daily.table.name):
            return daily
    there = ", ".join(daily.table.name for daily in DAILY_TABLES)
    raise ContractError(f"table {name} is not worked out by the day; those are: {there}")
