"""Windows events as JSON of forwarders, and CloudTrail as Lake answers it: who did what, from where, how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.unit.sources.conftest import Decode, Found

TIME = "2026-11-20T12:31:33.250Z"
NXLOG = {
    "@timestamp": TIME, "EventTime": "2026-11-20 08:31:33", "Hostname": "WEB-1.corp", "Keywords": -9214364837600034816,
    "EventID": 4624, "Channel": "Security", "RecordNumber": 7, "Message": "An account was logged on.",
    "TargetUserName": "ann", "TargetDomainName": "CORP", "SubjectUserName": "-", "LogonType": "10",
    "IpAddress": "192.0.2.5",
}  # fmt: skip
WINLOGBEAT = {
    "@timestamp": TIME, "agent": {"type": "winlogbeat"}, "host": {"name": "dc-1"}, "message": "Failed to log on.",
    "winlog": {
        "channel": "Security", "computer_name": "DC-1", "event_id": "4776", "record_id": 9, "task": "Logon",
        "keywords": ["Audit Failure"],
        "event_data": {"TargetUserName": "eve", "Status": "0xc000006a", "IpAddress": "192.0.2.6"},
    },
}  # fmt: skip
XML = {
    "Event": {
        "System": {
            "EventID": {"#text": 1102}, "Channel": "Security", "Computer": "dc-1", "EventRecordID": 3,
            "TimeCreated": {"#attributes": {"SystemTime": TIME}},
        },
        "UserData": {"LogFileCleared": {"SubjectUserName": "bob", "SubjectDomainName": "CORP"}},
    }
}  # fmt: skip
LAKE = {
    "eventVersion": "1.09", "eventTime": "2026-11-20 12:31:33.250", "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser", "awsRegion": "us-east-1", "eventID": "l-1", "recipientAccountId": "111122223333",
    "userIdentity": "{type=Root, principalid=111122223333, arn=arn:aws:iam::111122223333:root, accountid=111122223333}",
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    sent: dict[str, Any] = {"nxlog": NXLOG, "winlogbeat": WINLOGBEAT, "xml": XML, "lake": LAKE}
    sent["sysmon"] = NXLOG | {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1}
    return dict(zip(sent, decode(*sent.values()), strict=True))


@pytest.mark.parametrize(
    ("shape", "number", "actor", "outcome", "address", "host"),
    [
        ("nxlog", "4624", "CORP\\ann", "success", "192.0.2.5", "web-1.corp"),
        ("winlogbeat", "4776", "eve", "failure", "192.0.2.6", "dc-1"),
        ("xml", "1102", "CORP\\bob", "success", None, "dc-1"),
    ],
)
def test_each_shape_says_the_same(
    found: dict[str, list[Found]], shape: str, number: str, actor: str, outcome: str, address: str | None, host: str
) -> None:
    [event] = found[shape]

    assert (event.table, event.source, event.category) == ("events", "windows.event", "audit")
    assert event.event_time == datetime(2026, 11, 20, 12, 31, 33, 250_000)
    assert (event.attributes["EventID"], event.actor, event.outcome) == (number, actor, outcome)
    assert (event.source_address, event.resource_id, event.host_name) == (address, host, host)


def test_its_fields_are_kept_by_their_own_names(found: dict[str, list[Found]]) -> None:
    assert found["nxlog"][0].attributes["LogonType"] == "10"
    failed = found["winlogbeat"][0]
    assert (failed.attributes["TargetUserName"], failed.row["reason"], failed.attributes["task"]) == (
        "eve", "0xc000006a", "Logon",
    )  # fmt: skip


def test_a_log_that_does_not_tell_of_security_is_not_taken_for_one(found: dict[str, list[Found]]) -> None:
    assert [one.reason for one in found["sysmon"]] == ["unknown_envelope"]


def test_an_answer_of_cloudtrail_lake_names_who_called(found: dict[str, list[Found]]) -> None:
    [call] = found["lake"]
    assert (call.action, call.actor) == ("CreateUser", "arn:aws:iam::111122223333:root")
