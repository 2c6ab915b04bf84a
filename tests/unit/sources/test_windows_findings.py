"""Windows events of a forwarder, from their JSON to gold.security_audit: who tried, who may, who covered it up."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from pipelines.gold.security.audit import EVENTS, LOGS, findings, hits
from pipelines.gold.security.rules import security_rules
from tests.unit.gold.silver_rows import silver
from tests.unit.sources.conftest import Decode


def event(number: int, record: int, channel: str = "Security", **fields: str) -> dict[str, Any]:
    """As Winlogbeat writes one."""
    return {
        "@timestamp": f"2026-11-20T12:31:{record:02}.250Z",
        "host": {"name": "dc-1"},
        "message": "Something.",
        "winlog": {
            "channel": channel, "computer_name": "dc-1", "event_id": str(number), "record_id": record,
            "event_data": fields,
        },
    }  # fmt: skip


def subject(name: str) -> dict[str, str]:
    return {"SubjectUserName": name, "SubjectDomainName": "CORP"}


SENT = {
    "failed": event(4625, 1, TargetUserName="eve", TargetDomainName="CORP", IpAddress="192.0.2.6", LogonType="3",
                    Status="0xc000006d", SubStatus="0xc000006a", SubjectUserName="-", SubjectDomainName="-"),
    "privileged": event(4672, 2, **subject("ann"), PrivilegeList="SeDebugPrivilege"),
    "machine": event(4672, 3, **subject("DC-1$")),
    "cleared": {
        "@timestamp": "2026-11-20T12:32:00Z", "Hostname": "dc-1", "EventID": 1102, "Channel": "Security",
        "RecordNumber": 4, **subject("bob"),
    },
    "not the log": event(1102, 5, "System", **subject("bob")),
    "administrator": event(4732, 6, **subject("bob"), TargetUserName="Administrators", TargetSid="S-1-5-32-544",
                           MemberName="-", MemberSid="S-1-5-21-1-2-3-1105"),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(spark: SparkSession, decode: Decode) -> dict[str, list[Row]]:
    decoded = dict(zip(SENT, decode(*SENT.values()), strict=True))
    rows = []
    for case, [one] in decoded.items():
        assert (one.table, one.source) == ("events", "windows.event")
        told = one.row.asDict(recursive=True)
        rows.append({name: told[name] for name in EVENTS.column_names if name in told} | {"event_id": case})
    matched = hits(silver(spark, EVENTS, rows), silver(spark, LOGS, []), security_rules()).localCheckpoint()
    of_case: dict[str, list[Row]] = {case: [] for case in SENT}
    for row in findings(matched, security_rules()).collect():
        of_case[row["event_id"]].append(row)
    return of_case


def test_a_failed_sign_in_names_who_tried_and_from_where(found: dict[str, list[Row]]) -> None:
    [tried] = found["failed"]

    assert (tried["rule"], tried["outcome"], tried["source_address"]) == ("failed_sign_in", "failure", "192.0.2.6")
    assert tried["actor"] == "eve"
    assert (tried["resource_id"], tried["technique_id"]) == ("dc-1", "T1110")


def test_a_sign_in_with_the_rights_of_an_administrator_is_told_from_a_machines(found: dict[str, list[Row]]) -> None:
    [privileged] = found["privileged"]

    assert (privileged["rule"], privileged["actor"]) == ("privileged_sign_in", "CORP\\ann")
    assert found["machine"] == []


def test_who_cleared_the_security_log(found: dict[str, list[Row]]) -> None:
    [cleared] = found["cleared"]

    assert (cleared["rule"], cleared["actor"], cleared["severity"]) == ("log_cleared", "CORP\\bob", "critical")
    assert found["not the log"] == []


def test_who_made_whom_an_administrator(found: dict[str, list[Row]]) -> None:
    [given] = found["administrator"]

    assert (given["rule"], given["actor"], given["target"]) == ("group_membership_given", "CORP\\bob", "Administrators")
