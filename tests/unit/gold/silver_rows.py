"""Hand-made rows of a table: what a test does not say is null, and what every row must have is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.tables import Table

_COUNTER = iter(range(10**9))


def frame(spark: SparkSession, table: Table, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Rows in the columns of the contract."""
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], schema)


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
