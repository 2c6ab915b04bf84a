"""The security tables by the day: what is read of silver for it, and that a day worked out alone is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.gold.daily import DailyTable, Days, Silver
from pipelines.gold.drift import compliance, config_drift
from pipelines.gold.security import audit
from pipelines.settings import Settings
from pipelines.tables import Table
from tests.unit.gold.audit_records import call
from tests.unit.gold.silver_rows import after, silver

SUNDAY, MONDAY, TUESDAY = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
DAY = 86_400.0


@dataclass(frozen=True)
class Held(Silver):
    """Tables that are held in memory."""

    rows: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def all(self, table: Table) -> DataFrame:
        identity = table.keys[0] if table.keys else table.column_names[0]
        return silver(self.spark, table, self.rows.get(table.full_name, []), identity=identity)


def stopped(name: str, old: str, new: str, seconds: float) -> dict[str, Any]:
    return {
        "event_id": name, "source": "azure.log_analytics.configurationchange", "resource_id": "web-1",
        "item_type": "service", "item_name": "WinDefend", "change_type": "Modified", "field": "SvcState",
        "old_value": old, "new_value": new, "event_time": after(seconds),
    }  # fmt: skip


def test_a_day_worked_out_alone_is_as_it_is_among_others(spark: SparkSession, settings: Settings) -> None:
    events = [
        {"event_id": "stop", **call("StopLogging", "cloudtrail")},
        {"event_id": "late", **call("StopLogging", "cloudtrail", event_time=after(DAY))},
        {"event_id": "net", **call("net stop", "x", actor="CORP\\eve", resource_id="web-1", event_time=after(-60))},
    ]
    changes = [stopped("c1", "Running", "Stopped", 0), stopped("c2", "Stopped", "Running", DAY)]
    held = {"silver.events": events, "silver.config_changes": changes}

    def of(daily: DailyTable, first: date, last: date, *columns: str) -> list[tuple[Any, ...]]:
        rows = daily.rows(Held(spark, settings, Days(first, last), held)).collect()
        held[daily.table.full_name] = [row.asDict() for row in rows]
        return sorted((row["day"], *(row[name] for name in columns)) for row in rows)

    assert of(audit.DAILY, MONDAY, MONDAY, "event_id") == [(MONDAY, "stop")]
    both = of(config_drift.DAILY, MONDAY, TUESDAY, "status", "changed_by", "since")
    assert both == [
        (MONDAY, "open", "CORP\\eve", after(0).replace(tzinfo=None)),
        (TUESDAY, "closed", "CORP\\eve", after(0).replace(tzinfo=None)),
    ]
    # Who did it, and since when, is still known on a day that is worked out alone.
    assert of(config_drift.DAILY, TUESDAY, TUESDAY, "status", "changed_by", "since") == both[1:]
    assert of(compliance.DAILY, SUNDAY, TUESDAY, "account", "score") == [
        (MONDAY, "unknown", 0.0),
        (TUESDAY, "unknown", 1.0),
    ]


def test_a_day_that_has_not_come_is_empty(spark: SparkSession, settings: Settings) -> None:
    never = Held(spark, settings, Days(date(2400, 1, 1), date(2400, 1, 1)))

    assert config_drift.rows(never).isEmpty()
    assert compliance.rows(never).isEmpty()
