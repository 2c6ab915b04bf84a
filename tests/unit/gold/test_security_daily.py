"""The security tables as they are refreshed: from silver as it lies there, day by day, as often as one likes."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from pipelines.gold.daily import DailyTable, Days, refresh, replace
from pipelines.gold.drift import compliance, config_drift
from pipelines.gold.security import audit
from pipelines.settings import Settings
from pipelines.tables import Table, ensure_table, read_table
from tests.unit.gold.audit_records import call
from tests.unit.gold.silver_rows import after, silver

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
DAY = 86_400.0


def stopped(name: str, old: str, new: str, seconds: float) -> dict[str, object]:
    return {
        "event_id": name, "source": "azure.log_analytics.configurationchange", "resource_id": "web-1",
        "item_type": "service", "item_name": "WinDefend", "change_type": "Modified", "field": "SvcState",
        "old_value": old, "new_value": new, "event_time": after(seconds),
    }  # fmt: skip


def test_a_refresh_finds_what_is_new_and_a_day_worked_out_again_is_the_same(
    spark: SparkSession, settings: Settings
) -> None:
    def keep(table: Table, *rows: dict[str, object]) -> None:
        ensure_table(spark, settings, table)
        silver(spark, table, rows).write.format("delta").mode("append").save(table.path(settings))

    def days_of(table: Table, *columns: str) -> list[tuple[object, ...]]:
        rows = read_table(spark, settings, table).select("day", *columns)
        return sorted(tuple(row) for row in rows.collect())

    def refreshed(daily: DailyTable) -> bool:
        return bool(refresh(spark, settings, daily))

    keep(
        audit.EVENTS,
        {"event_id": "stop", **call("StopLogging", "cloudtrail")},
        {"event_id": "late", **call("StopLogging", "cloudtrail", event_time=after(DAY))},
        {"event_id": "net", **call("net stop", "x", actor="CORP\\eve", resource_id="web-1", event_time=after(-60))},
    )
    keep(config_drift.CHANGES, stopped("c1", "Running", "Stopped", 0))

    assert refreshed(audit.DAILY)
    assert days_of(audit.TABLE, "event_id") == [(MONDAY, "stop"), (TUESDAY, "late")]
    assert refreshed(config_drift.DAILY)
    since = [row for row in days_of(config_drift.TABLE, "status", "changed_by") if row[0] <= TUESDAY]
    assert since == [(MONDAY, "open", "CORP\\eve"), (TUESDAY, "open", "CORP\\eve")]

    keep(config_drift.CHANGES, stopped("c2", "Stopped", "Running", DAY))
    replace(spark, settings, config_drift.DAILY, Days(TUESDAY, TUESDAY))
    replace(spark, settings, compliance.DAILY, Days(MONDAY, TUESDAY))
    replace(spark, settings, audit.DAILY, Days(MONDAY, MONDAY))

    # Who did it is still known on a day that is worked out alone.
    since = [row for row in days_of(config_drift.TABLE, "status", "changed_by") if row[0] <= TUESDAY]
    assert since == [(MONDAY, "open", "CORP\\eve"), (TUESDAY, "closed", "CORP\\eve")]
    assert days_of(compliance.TABLE, "account", "score") == [(MONDAY, "unknown", 0.0), (TUESDAY, "unknown", 1.0)]
    assert days_of(audit.TABLE, "event_id") == [(MONDAY, "stop"), (TUESDAY, "late")]
