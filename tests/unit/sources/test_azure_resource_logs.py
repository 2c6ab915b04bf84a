"""Azure resource logs: times, levels and details as the services really write them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

SITE = "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.WEB/SITES/SHOP"
DIRECTORY = "/tenants/t-1/providers/Microsoft.aadiam"


def log(**changes: Any) -> dict[str, Any]:
    return {
        "time": "2026-03-02T12:06:12.123456789Z", "resourceId": SITE, "category": "FunctionAppLogs",
        "operationName": "Microsoft.Web/sites/functions/log", **changes,
    }  # fmt: skip


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def test_a_log_line_is_the_message_and_the_other_details_are_attributes(decode: Decode) -> None:
    record = log(
        level="Informational", Level=5, location="East US", Host="LN0-A",
        properties={"message": "Executed", "category": "Function.f", "levelId": 2, "n": 0.25, "none": None},
    )  # fmt: skip

    [[found]] = decode({"records": [record]}, topic="insights-logs-functionapplogs")

    assert (found.table, found.source, found.message) == ("logs", "azure.resource_logs", "Executed")
    assert (found.severity_text, found.severity_number, found.logger) == ("Informational", 9, "FunctionAppLogs")
    assert (found.resource_id, found.resource_type) == (SITE.lower(), "microsoft.web/sites")
    assert (found.cloud_account_id, found.cloud_region, found.host_name) == ("s1", "eastus", "ln0-a")
    assert found.event_time == datetime(2026, 3, 2, 12, 6, 12, 123456)
    assert found.attributes == {
        "operationName": "Microsoft.Web/sites/functions/log", "Level": "5", "properties.category": "Function.f",
        "properties.levelId": "2", "properties.n": "0.25",
    }  # fmt: skip


def test_details_in_each_form(decode: Decode) -> None:
    pseudo = "{'appName': 'shop','message':'it said {\\'a\\':1}','levelId':2}"
    details = {"clientIP": "10.0.0.1", "httpStatus": 502}
    flows = {"flows": [{"rule": "r", "flows": [{"mac": "m", "flowTuples": ["1,10.0.0.1"]}]}]}
    records = [
        log(properties=json.dumps({"message": "as text", "level": "Warning"})),
        log(properties=pseudo),
        log(properties="{'message':'it's spoilt'}"),
        log(properties=details),
        log(properties=json.dumps(details)),
        log(properties={"log": "I0302 line\n", "pod": "api-0"}, category="kube-apiserver"),
        log(properties={}, resultDescription="console line", category="AppServiceConsoleLogs"),
        log(properties={"errorMessage": "gone"}, resultDescription="404104", resultType="404104"),
        log(category="NetworkSecurityGroupFlowEvent", properties=flows),
        log(properties=None),
        log(properties=[1, 2]),
        without(log(), "operationName"),
    ]

    [found] = decode(records)

    assert [one.message if "{" not in one.message else json.loads(one.message) for one in found[3:5]] == [details] * 2
    assert [one.message for one in found[:3]] == ["as text", "it said {'a':1}", "{'message':'it's spoilt'}"]
    assert [one.message for one in found[5:8]] == ["I0302 line\n", "console line", "404104"]
    assert json.loads(found[8].message) == flows
    assert [one.message for one in found[9:]] == ["Microsoft.Web/sites/functions/log", "[1,2]", "FunctionAppLogs"]
    operation = {"operationName": "Microsoft.Web/sites/functions/log"}
    assert [one.attributes for one in found] == [
        {**operation, "properties.level": "Warning"},
        {**operation, "properties.appName": "shop", "properties.levelId": "2"},
        operation,
        operation,
        operation,
        {**operation, "properties.pod": "api-0"},
        operation,
        {**operation, "properties.errorMessage": "gone", "resultType": "404104"},
        operation,
        operation,
        operation,
        None,
    ]
    assert (found[0].severity_text, found[0].severity_number) == ("Warning", 13)


def test_times_and_places_go_by_many_names(decode: Decode) -> None:
    bare = without(log(), "time")
    records = [
        {**bare, "timeStamp": "2026-03-02T12:00:00+00:00"},
        {**bare, "timestamp": "2026-03-02T13:00:00+01:00"},
        {**bare, "EventTime": "2026-03-02T12:00:00"},
        {**bare, "time": "", "EventTimeString": "3/2/2026 12:00:00 PM +00:00"},
        {**bare, "eventTimestamp": "03/02/2026 12:00:00", "time": None},
        {**without(bare, "resourceId"), "ResourceId": SITE, "time": "2026-03-02T12:00:00Z"},
        {"Level": "4", "category": "SignInLogs", "operationName": "Sign-in activity", "resourceId": DIRECTORY,
         "location": "FR", "time": "2026-03-02T12:00:00Z", "identity": "Ann", "properties": {"id": "1"}},
        {"category": "AuditLogs", "operationName": "Update device", "tenantId": "T-1", "time": "2026-03-02T12:00:00Z"},
        {"EventName": "Retrieve Queue", "SubscriptionId": "S1", "EventTimeString": "3/2/2026 12:00:00 PM +00:00",
         "category": "OperationalLogs", "resourceId": SITE, "Status": "Failed", "EventProperties": '{"Via":"sb://q"}'},
        {"ActivityName": "SendMessage", "category": "RuntimeAuditLogs", "eventTimestamp": "3/2/2026 12:00:00 PM +00:00",
         "ResourceId": SITE, "Properties": "{}", "Count": 56, "SubscriptionId": "S2"},
        {**bare, "time": "never"},
        bare,
        {**without(bare, "resourceId"), "time": "2026-03-02T12:00:00Z"},
        {"category": "kept", "time": "2026-03-02T12:00:00Z"},
    ]  # fmt: skip

    [found] = decode(records)

    logs = [one for one in found if one.table == "logs"]
    assert {one.event_time for one in logs} == {datetime(2026, 3, 2, 12)}
    assert [one.resource_id for one in logs][5:8] == [SITE.lower(), DIRECTORY.lower(), "/tenants/t-1"]
    sign_in, audit, operation, runtime = logs[6:]
    assert (sign_in.severity_text, sign_in.severity_number, sign_in.cloud_region) == ("Informational", 9, None)
    assert sign_in.attributes == {"operationName": "Sign-in activity", "location": "FR", "identity": "Ann"}
    assert (sign_in.resource_type, sign_in.cloud_provider) == ("microsoft.aadiam", "azure")
    assert (audit.message, audit.attributes["tenantId"]) == ("Update device", "T-1")
    assert (operation.message, operation.attributes) == (
        '{"Via":"sb://q"}', {"EventName": "Retrieve Queue", "Status": "Failed"},
    )  # fmt: skip
    assert (runtime.message, runtime.attributes) == (
        "SendMessage",
        {"ActivityName": "SendMessage", "Count": "56", "SubscriptionId": "S2"},
    )
    assert [one.reason for one in found if one.table == "quarantine"] == [
        "bad_time", "bad_time", "no_resource", "unknown_envelope",
    ]  # fmt: skip


messages = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(messages, min_size=20, max_size=40))
def test_any_message_arrives_as_it_was_written(decode: Decode, texts: list[str]) -> None:
    objects = [log(properties={"message": text}) for text in texts]
    encoded = [log(properties=json.dumps({"message": text})) for text in texts]
    plain = [log(properties=f"' {text}") for text in texts]

    [found] = decode([*objects, *encoded, *plain])

    assert [one.message for one in found] == [*texts, *texts, *(f"' {text}" for text in texts)]
