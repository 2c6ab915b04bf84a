"""Who signed in to the directory and who asked a cluster for what: logs that gold.security_audit is made of."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.unit.sources.conftest import Decode


def sign_in(**changes: Any) -> dict[str, Any]:
    return {
        "Type": "SigninLogs", "TimeGenerated": "2026-03-02T09:12:44.1234567Z", "_ItemId": "i", "TenantId": "w-1",
        "AADTenantId": "T-1", "OperationName": "Sign-in activity", "ResultType": "50126", "Level": "4",
        "UserPrincipalName": "eve@example.com", "IPAddress": "203.0.113.9", "Status": {"errorCode": 50126},
        "ResultDescription": "Invalid username or password", **changes,
    }  # fmt: skip


def request(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a-1", "stage": "ResponseComplete",
        "level": "Request", "stageTimestamp": "2026-03-02T09:12:44.000000Z", "verb": "create",
        "user": {"username": "carl"}, "objectRef": {"resource": "pods", "subresource": "exec"}, **changes,
    }  # fmt: skip


def test_directory_logs_of_a_workspace_go_where_those_of_a_diagnostic_setting_go(decode: Decode) -> None:
    audit = {"Type": "AuditLogs", "TimeGenerated": "2026-03-02T09:12:44Z", "AADTenantId": "T-1",
             "OperationName": "Add member to role", "InitiatedBy": {"user": {"userPrincipalName": "ann"}}}  # fmt: skip

    [[first, second], [third]] = decode(
        {"records": [sign_in(), audit]}, {k: v for k, v in sign_in().items() if k != "Type"}, topic="am-SigninLogs"
    )

    assert (first.table, first.source, first.logger) == ("logs", "azure.log_analytics.signinlogs", "SigninLogs")
    assert (first.resource_id, first.message) == ("/tenants/t-1", "Invalid username or password")
    assert first.event_time == datetime(2026, 3, 2, 9, 12, 44, 123456)
    assert (first.severity_text, first.attributes["ResultType"]) == ("Informational", "50126")
    assert json.loads(first.attributes["Status"]) == {"errorCode": 50126}
    assert (second.logger, second.message) == ("AuditLogs", "Add member to role")
    assert json.loads(second.attributes["InitiatedBy"])["user"]["userPrincipalName"] == "ann"
    assert (third.table, third.logger) == ("logs", "SigninLogs")


def test_requests_to_a_cluster_are_lines_of_its_log(decode: Decode) -> None:
    items = [{k: v for k, v in request(auditID=f"a-{n}").items() if k not in ("kind", "apiVersion")} for n in (2, 3)]
    batch = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items}

    [[alone], both, empty, [untimed]] = decode(
        request(cluster="shop"), batch, {**batch, "items": []}, request(stageTimestamp="never")
    )

    assert (alone.table, alone.source, alone.resource_id) == ("logs", "kubernetes.audit", "k8s://shop/audit")
    assert json.loads(alone.message) == request(cluster="shop")
    assert [json.loads(one.message)["apiVersion"] for one in both] == ["audit.k8s.io/v1"] * 2
    assert [one.native_id for one in both] == ["a-2", "a-3"]
    assert [one.reason for one in empty] == ["empty_records"]
    assert (untimed.table, untimed.reason) == ("quarantine", "bad_time")
