"""The Azure activity log in its three forms: diagnostic setting, REST API, Log Analytics table."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

MACHINE = "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/VM"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"


def activity(**changes: Any) -> dict[str, Any]:
    return {
        "time": "2026-03-02T10:16:32.9873441Z", "resourceId": MACHINE, "category": "Administrative",
        "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DEALLOCATE/ACTION", **changes,
    }  # fmt: skip


def api_event(**changes: Any) -> dict[str, Any]:
    return {
        "eventTimestamp": "2026-03-02T10:16:32Z", "eventDataId": "e-1", "resourceId": MACHINE, "caller": "ann@corp.com",
        "operationName": {"value": "Microsoft.Compute/virtualMachines/write", "localizedValue": "Create VM"},
        "category": {"value": "Administrative", "localizedValue": "Administrative"}, "status": {"value": "Failed"},
        "subStatus": {"value": "Conflict"}, "level": "Error", "httpRequest": {"clientIpAddress": "10.0.0.1"}, **changes,
    }  # fmt: skip


def table_row(**columns: Any) -> dict[str, Any]:
    return {
        "Type": "AzureActivity", "TimeGenerated": "2026-03-02T10:16:32Z", "_ItemId": "i", "_ResourceId": MACHINE,
        **columns,
    }  # fmt: skip


def test_an_operation_tells_who_did_what_and_why_it_failed(decode: Decode) -> None:
    failed = activity(
        resultType="Failure", resultSignature="Failed.Forbidden", callerIpAddress="203.0.113.10", level="Error",
        location="West Europe", correlationId="c", durationMs="12",
        identity={"authorization": {"scope": "/s"}, "claims": {f"{CLAIMS}upn": "ann@corp.com", "name": "Ann"}},
        properties={"statusMessage": '{"error":{"code":"AuthorizationFailed","message":"no"}}', "statusCode": "403"},
    )  # fmt: skip

    [[event]] = decode({"records": [failed]}, topic="insights-operational-logs")

    assert (event.table, event.source, event.category) == ("events", "azure.activity_log", "audit")
    assert (event.action, event.actor) == ("MICROSOFT.COMPUTE/VIRTUALMACHINES/DEALLOCATE/ACTION", "ann@corp.com")
    assert (event.outcome, event.row["reason"], event.severity_text) == ("failure", "AuthorizationFailed", "Error")
    assert event.message == failed["properties"]["statusMessage"]
    assert (event.source_address, event.cloud_region) == ("203.0.113.10", "westeurope")
    assert (event.resource_id, event.resource_type) == (MACHINE.lower(), "microsoft.compute/virtualmachines")
    kept = {name: json.loads(event.attributes.pop(name)) for name in ("identity", "properties")}
    assert kept == {"identity": failed["identity"], "properties": failed["properties"]}
    assert event.attributes == {
        "category": "Administrative", "resultType": "Failure", "resultSignature": "Failed.Forbidden",
        "correlationId": "c", "durationMs": "12",
    }  # fmt: skip


def test_categories_forms_and_bad_ones(decode: Decode) -> None:
    health = {"title": "Stopped", "cause": "PlatformInitiated", "currentHealthStatus": "Unavailable"}
    outage = {"title": "Outage", "incidentType": "Incident"}
    records = [
        activity(category="ServiceHealth", resultType="Active", properties=outage),
        activity(category="ResourceHealth", resultType="Updated", properties={"eventProperties": health}),
        activity(category="Autoscale", resultType="Succeeded", Level=5, level="Informational"),
        activity(category="Alert", resultType="Activated", Level=4),
        activity(category="Policy", identity="Ann Other", properties='{"message":"audited"}'),
        activity(category="Recommendation", identity={"claims": {f"{CLAIMS}emailaddress": "Microsoft.Advisor"}}),
        activity(category="Write", operationName="microsoft.support/supporttickets/write", resultType="Success"),
        activity(category="Security", resourceId="", identity={"authorization": {"scope": "/Subscriptions/S2"}}),
        api_event(),
        table_row(
            OperationNameValue="MICROSOFT.X/A/WRITE", ActivityStatusValue="Success", CategoryValue="Administrative",
            Caller="ann@corp.com", CallerIpAddress="10.0.0.1", EventDataId="e-2", Level="Informational",
            Properties='{"message":"m"}', Properties_d={"message": "m"}, Claims="{}",
        ),
        table_row(
            OperationName="Create VM", ActivityStatus="Failed", ActivitySubstatus="Conflict", Category="Policy",
            Claims=json.dumps({"appid": "app-1"}), HTTPRequest='{"clientIpAddress":"10.0.0.2"}',
        ),
        activity(time="soon"),
        activity(operationName=None),
        {"time": "2026-03-02T10:16:32Z", "category": "Policy", "operationName": "o"},
        table_row(ActivityStatusValue="Success"),
    ]  # fmt: skip

    [found] = decode({"records": records})

    events = [one for one in found if one.table == "events"]
    assert [(one.category, one.outcome, one.row["reason"], one.actor) for one in events] == [
        ("health", None, "Incident", None),
        ("health", None, "PlatformInitiated", None),
        ("scaling", "success", None, None),
        ("alert", None, None, None),
        ("policy", None, None, "Ann Other"),
        ("recommendation", None, None, "Microsoft.Advisor"),
        ("audit", "success", None, None),
        ("security", None, None, None),
        ("audit", "failure", "Conflict", "ann@corp.com"),
        ("audit", "success", None, "ann@corp.com"),
        ("policy", "failure", "Conflict", "app-1"),
    ]
    assert [one.severity_text for one in events][2:4] == ["Informational", "Informational"]
    assert (events[2].attributes["Level"], events[7].resource_id) == ("5", "/subscriptions/s2")
    assert [one.message for one in events][:5] == ["Outage", None, None, None, "audited"]
    api, new, old = events[8:]
    assert (api.action, api.native_id, api.source_address) == (
        "Microsoft.Compute/virtualMachines/write", "e-1", "10.0.0.1",
    )  # fmt: skip
    assert (new.action, new.native_id, new.source) == (
        "MICROSOFT.X/A/WRITE", "e-2", "azure.log_analytics.azureactivity",
    )  # fmt: skip
    assert (old.action, old.native_id, old.source_address) == ("Create VM", "i", "10.0.0.2")
    assert json.loads(api.attributes["operationName"])["localizedValue"] == "Create VM"
    assert [one.reason for one in found if one.table == "quarantine"] == [
        "bad_time", "no_action", "no_resource", "no_action",
    ]  # fmt: skip


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.tuples(anything, anything, anything), min_size=30, max_size=60))
def test_no_identity_properties_or_status_stops_it(decode: Decode, parts: list[tuple[Any, Any, Any]]) -> None:
    records = [activity(identity=who, properties=what, resultType=how) for who, what, how in parts]

    [found] = decode(records)

    assert [one.action for one in found] == [record["operationName"] for record in records]
