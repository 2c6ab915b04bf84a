"""Charges of silver.costs made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

_COUNTER = iter(range(10**9))


def at(day: date, hour: float = 0) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def charge(start: datetime, end: datetime | None, billed: str, effective: str | None = "", **columns: Any) -> Any:
    """A row of silver.costs of a delivery that has no name. An effective cost of "" is what was billed."""
    place = next(_COUNTER)
    accrued = billed if effective == "" else effective
    return {
        "event_id": f"e{place}", "event_time": start, "kafka_timestamp": start, "ingest_time": start, "source": "focus",
        "cloud_provider": "aws", "ProviderName": "AWS", "BillingAccountId": "b", "SubAccountId": "s",
        "BillingPeriodStart": start.replace(day=1, hour=0), "BillingCurrency": "USD", "ServiceName": "Compute",
        "ServiceCategory": "Compute", "RegionId": "eu-west-1", "ChargeCategory": "Usage", "ChargePeriodStart": start,
        "ChargePeriodEnd": end, "BilledCost": Decimal(billed), "charge_id": f"c{place}", "export_id": "x",
        "EffectiveCost": None if accrued is None else Decimal(accrued), "topic": "finops.costs", "partition": 0,
        "offset": place, "item": 0, "part": 0, **columns,
    }  # fmt: skip
