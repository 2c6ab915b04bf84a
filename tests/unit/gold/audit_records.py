"""Audit records as silver has them, of each kind that gold.security_audit reads."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.unit.gold.silver_rows import NOON

ANN = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "userName": "ann"}
ROOT = {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"}


def call(
    action: str | None,
    service: str | None = "iam",
    identity: dict[str, Any] | None = ANN,
    request: Any = None,
    extra: Any = None,
    **columns: Any,
) -> dict[str, Any]:
    """CloudTrail."""
    attributes = {"eventType": "AwsApiCall", "userAgent": "aws-cli/2"}
    attributes |= {"eventSource": f"{service}.amazonaws.com"} if service else {}
    attributes |= {"userIdentity": json.dumps(identity)} if identity else {}
    attributes |= {"requestParameters": json.dumps(request, separators=(",", ":"))} if request is not None else {}
    attributes |= {"additionalEventData": json.dumps(extra)} if extra is not None else {}
    return {
        "event_time": NOON, "source": "aws.cloudtrail", "cloud_provider": "aws", "cloud_account_id": "111122223333",
        "cloud_region": "eu-west-1", "resource_id": "arn:aws:x", "category": "audit", "action": action,
        "actor": (identity or {}).get("arn"), "outcome": "success", "source_address": "192.0.2.7",
        "attributes": attributes, **columns,
    }  # fmt: skip


def operation(action: str, request: Any = None, correlation: str | None = None, **columns: Any) -> dict[str, Any]:
    """The activity log of Azure."""
    properties = {"requestbody": json.dumps(request)} if request is not None else {}
    attributes = {"properties": json.dumps(properties)}
    attributes |= {"correlationId": correlation} if correlation else {}
    return {
        "event_time": NOON, "source": "azure.activity_log", "cloud_provider": "azure", "cloud_account_id": "s-1",
        "resource_id": "/subscriptions/s-1/providers/x", "category": "audit", "action": action,
        "actor": "bob@example.com", "outcome": "success", "source_address": "198.51.100.4", "attributes": attributes,
        **columns,
    }  # fmt: skip


def windows(number: int | None, actor: str | None = "CORP\\ann", columns: Any = None, **others: Any) -> dict[str, Any]:
    """SecurityEvent; `columns` are those of its row that silver keeps as attributes."""
    attributes = {"EventID": str(number)} if number is not None else {}
    return {
        "event_time": NOON, "source": "azure.log_analytics.securityevent", "resource_id": "dc-1", "host_name": "dc-1",
        "category": "audit", "action": f"{number} - Something.", "actor": actor,
        "attributes": attributes | (columns or {}), **others,
    }  # fmt: skip


def event_log(number: int, log: str) -> dict[str, Any]:
    """Event: any log of a Windows machine."""
    return {
        "event_time": NOON, "source": "azure.log_analytics.event", "resource_id": "web-1", "message": "Something.",
        "attributes": {"EventID": str(number), "EventLog": log},
    }  # fmt: skip


def sign_in(user: str = "eve@example.com", result: str = "0", **details: Any) -> dict[str, Any]:
    """A sign-in to Entra ID without a sentence: silver.logs has its details as the message."""
    properties = {
        "userPrincipalName": user,
        "ipAddress": "203.0.113.9",
        "status": {"errorCode": int(result)},
        **details,
    }
    return {
        "event_time": NOON, "source": "azure.resource_logs", "resource_id": "/tenants/t-1", "logger": "SignInLogs",
        "message": json.dumps(properties),
        "attributes": {"operationName": "Sign-in activity", "resultType": result, "callerIpAddress": "203.0.113.9"},
    }  # fmt: skip


def directory_change(activity: str, result: str = "success", **details: Any) -> dict[str, Any]:
    """A change of Entra ID with a sentence: its details are attributes."""
    by = {"user": {"userPrincipalName": "admin@example.com", "ipAddress": "203.0.113.9"}}
    properties = {"activityDisplayName": activity, "result": result, "initiatedBy": by, **details}
    told = {
        f"properties.{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in properties.items()
    }
    return {
        "event_time": NOON, "source": "azure.resource_logs", "resource_id": "/tenants/t-1", "logger": "AuditLogs",
        "message": "A sentence", "attributes": {"operationName": activity, **told},
    }  # fmt: skip


def kubernetes(verb: str, resource: str, user: str = "carl", code: int = 201, request: Any = None) -> dict[str, Any]:
    """A line of an API server's audit log."""
    name, _, subresource = resource.partition("/")
    event = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete", "verb": verb,
        "requestURI": "/apis/x", "user": {"username": user}, "sourceIPs": ["198.51.100.9"],
        "objectRef": {"resource": name, "namespace": "shop", "name": "web", "subresource": subresource or None},
        "responseStatus": {"code": code}, "requestObject": request,
    }  # fmt: skip
    return {
        "event_time": NOON, "source": "aws.cloudwatch_logs", "resource_id": "arn:aws:logs:eks",
        "logger": "kube-apiserver-audit", "message": json.dumps(event), "attributes": {"logGroup": "/aws/eks/shop"},
    }  # fmt: skip


def ssh(message: str, time: datetime = NOON) -> dict[str, Any]:
    return {
        "event_time": time, "source": "syslog", "resource_id": "web-1", "host_name": "web-1", "logger": "sshd",
        "message": message, "attributes": {},
    }  # fmt: skip
