"""Azure Monitor alerts, in the common schema and in the older ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

MACHINE = "/subscriptions/S1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/VM"


def alert(**essentials: Any) -> dict[str, Any]:
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": "/subscriptions/S1/providers/Microsoft.AlertsManagement/alerts/a-1", "alertRule": "cpu high",
                "severity": "Sev3", "signalType": "Metric", "monitorCondition": "Fired", "alertTargetIDs": [MACHINE],
                "firedDateTime": "2026-03-02T10:00:00.5Z", "description": "too busy", **essentials,
            },
            "alertContext": {"condition": {"windowSize": "PT5M"}},
        },
    }  # fmt: skip


def test_each_schema_and_bad_ones(decode: Decode) -> None:
    metric_alert = {
        "schemaId": "AzureMonitorMetricAlert",
        "data": {
            "status": "Activated", "properties": None,
            "context": {"timestamp": "2026-03-02T10:00:00Z", "id": "/r/1", "name": "cpu", "resourceId": MACHINE},
        },
    }  # fmt: skip
    activity = {
        "channels": "Operation", "caller": "ann@corp.com", "eventTimestamp": "2026-03-02T10:00:00Z", "level": "Error",
        "operationName": "Microsoft.Compute/virtualMachines/delete", "resourceId": MACHINE, "status": "Succeeded",
        "eventSource": "Administrative", "eventDataId": "e-1",
    }  # fmt: skip
    activity_alert = {
        "schemaId": "Microsoft.Insights/activityLogs",
        "data": {"status": "Activated", "context": {"activityLog": activity}},
    }

    fired, resolved, old, operation, *bad = decode(
        alert(),
        alert(monitorCondition="Resolved", resolvedDateTime="2026-03-02T10:30:00Z", alertTargetIDs=[]),
        metric_alert,
        activity_alert,
        alert(firedDateTime="soon"),
        alert(monitorCondition=None),
    )

    [one] = fired
    assert (one.table, one.source, one.category, one.action) == ("events", "azure.alert", "alert", "Fired")
    assert (one.row["reason"], one.message, one.severity_text) == ("cpu high", "too busy", "Sev3")
    assert (one.resource_id, one.cloud_account_id) == (MACHINE.lower(), "s1")
    assert one.attributes == {
        "schemaId": "azureMonitorCommonAlertSchema", "alertRule": "cpu high", "signalType": "Metric",
        "description": "too busy",
        "alertTargetIDs": f'["{MACHINE}"]', "firedDateTime": "2026-03-02T10:00:00.5Z",
        "alertContext": '{"condition":{"windowSize":"PT5M"}}',
    }  # fmt: skip
    assert resolved[0].event_time == datetime(2026, 3, 2, 10, 30)
    assert resolved[0].resource_id == "/subscriptions/s1/providers/microsoft.alertsmanagement/alerts/a-1"
    assert (old[0].action, old[0].message, old[0].resource_id) == ("Activated", "cpu", MACHINE.lower())
    assert (operation[0].source, operation[0].actor, operation[0].outcome) == (
        "azure.activity_log", "ann@corp.com", "success",
    )  # fmt: skip
    assert [[found.reason for found in value] for value in bad] == [["bad_time"], ["no_action"]]


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(descriptions=st.lists(texts, min_size=30, max_size=60))
def test_any_description_arrives_as_it_was_written(decode: Decode, descriptions: list[str]) -> None:
    [found] = decode([alert(description=description) for description in descriptions])

    assert [one.message for one in found] == descriptions
