"""Shapes of Azure's records that are rarer: flow logs, older alerts, metrics with flat dimensions, subscriptions."""

from __future__ import annotations

from typing import Any

from tests.unit.sources.conftest import Decode

NETWORK = "/subscriptions/S1/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/N"
ACCOUNT = "/subscriptions/S1/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/A"


def test_flow_logs_are_about_the_network(decode: Decode) -> None:
    flow = {
        "time": "2026-03-02T10:00:00Z", "category": "FlowLogFlowEvent", "operationName": "FlowLogFlowEvent",
        "targetResourceID": NETWORK, "flowLogResourceID": f"{NETWORK}/flowLogs/F", "flowRecords": {"flows": []},
    }  # fmt: skip

    [[one]] = decode({"records": [flow]})

    assert (one.table, one.resource_id, one.resource_type) == (
        "logs", NETWORK.lower(), "microsoft.network/virtualnetworks",
    )  # fmt: skip
    assert one.attributes["flowLogResourceID"] == f"{NETWORK}/flowLogs/F"


def test_series_that_differ_in_flat_dimensions_are_two(decode: Decode) -> None:
    def metric(call: str, **more: Any) -> dict[str, Any]:
        return {
            "time": "2026-03-02T10:00:00Z", "resourceId": ACCOUNT, "metricName": "Availability", "timeGrain": "PT1M",
            "average": 100, "ApiName": call, "GeoType": "Primary", **more,
        }  # fmt: skip

    [[get, put, both]] = decode({"records": [metric("Get"), metric("Put"), metric("Put", dimensions={"tier": "hot"})]})

    assert get.dimensions == {"ApiName": "Get", "GeoType": "Primary"}
    assert both.dimensions == {"ApiName": "Put", "GeoType": "Primary", "tier": "hot"}
    assert len({get.series_id, put.series_id, both.series_id}) == 3
    assert get.attributes is None


def test_what_is_about_a_whole_subscription_has_no_type(decode: Decode) -> None:
    operation = {
        "time": "2026-03-02T10:00:00Z", "category": "Administrative", "operationName": "x", "resultType": "Success",
    }  # fmt: skip

    [[subscription, group]] = decode(
        [
            {**operation, "resourceId": "/SUBSCRIPTIONS/S1"},
            {**operation, "resourceId": "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G"},
        ]
    )

    assert (subscription.cloud_account_id, subscription.resource_type) == ("s1", None)
    assert (group.cloud_account_id, group.resource_type) == ("s1", None)


def test_both_ids_of_an_activity_row_are_kept(decode: Decode) -> None:
    row = {
        "Type": "AzureActivity", "TimeGenerated": "2026-03-02T10:00:00Z", "_ResourceId": ACCOUNT, "_ItemId": "item",
        "EventDataId": "event", "OperationNameValue": "x", "CategoryValue": "Administrative",
    }  # fmt: skip

    [[one]] = decode(row)

    assert (one.native_id, one.attributes["_ItemId"]) == ("event", "item")


def test_alerts_of_each_older_schema(decode: Decode) -> None:
    classic = {
        "status": "Activated", "properties": {"team": "ops"},
        "context": {
            "timestamp": "2026-03-02T10:00:00Z", "id": "/r/1", "name": "requests", "description": "too many",
            "conditionType": "Metric", "condition": {"metricValue": "10"}, "resourceId": ACCOUNT,
        },
    }  # fmt: skip
    log = {
        "schemaId": "Microsoft.Insights/LogAlert",
        "data": {
            "SubscriptionId": "S1", "AlertRuleName": "errors", "SearchQuery": "Event", "ResultCount": 2,
            "SearchIntervalEndtimeUtc": "2026-03-02T10:05:00", "Severity": "Warning", "ResourceId": ACCOUNT,
        },
    }  # fmt: skip
    incident = {
        "schemaId": "Microsoft.Insights/activityLogs",
        "data": {
            "status": "Activated", "properties": {"team": "ops"},
            "context": {
                "activityLog": {
                    "eventSource": "ServiceHealth", "eventTimestamp": "2026-03-02T10:00:00Z", "eventDataId": "e",
                    "operationName": "Microsoft.ServiceHealth/incident/action", "subscriptionId": "S1",
                    "properties": {"title": "Network", "incidentType": "Incident"},
                }
            },
        },
    }  # fmt: skip

    [one], [two], [three] = decode(classic, log, incident)

    assert (one.source, one.action, one.row["reason"], one.message) == (
        "azure.alert", "Activated", "requests", "too many",
    )  # fmt: skip
    assert (one.resource_id, one.attributes["properties"]) == (ACCOUNT.lower(), '{"team":"ops"}')
    assert (two.action, two.message, two.severity_text, two.resource_id) == (
        "Fired", "errors", "Warning", ACCOUNT.lower(),
    )  # fmt: skip
    assert (two.attributes["ResultCount"], two.attributes["SearchQuery"]) == ("2", "Event")
    assert (three.category, three.message, three.resource_id) == ("health", "Network", "/subscriptions/s1")
    assert three.attributes["alert.properties"] == '{"team":"ops"}'
    assert three.attributes["alert.status"] == "Activated"
