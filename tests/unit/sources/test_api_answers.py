"""Answers of APIs and tools are taken apart as exports are; what only looks like one stays whole, with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.sources.conftest import Decode, Found

ID = "/subscriptions/s-1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web-1"


def activity(number: int) -> dict[str, Any]:
    """A row of the activity log, as the REST API has it."""
    return {
        "eventDataId": f"a-{number}", "eventTimestamp": f"2026-11-20T12:31:{number:02}Z", "caller": "ann@example.com",
        "operationName": {"value": "Microsoft.Compute/virtualMachines/delete", "localizedValue": "Delete"},
        "category": {"value": "Administrative"}, "status": {"value": "Succeeded"}, "resourceId": ID,
        "subscriptionId": "s-1", "level": "Informational",
    }  # fmt: skip


def trail(number: int) -> dict[str, Any]:
    return {
        "eventVersion": "1.09", "eventID": f"t-{number}", "eventTime": f"2026-11-20T12:31:{number:02}Z",
        "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333", "sourceIPAddress": "192.0.2.5",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann"},
    }  # fmt: skip


def looked_up(number: int, text: str | None = None) -> dict[str, Any]:
    return {
        "EventId": f"t-{number}", "EventName": "CreateUser", "EventTime": "2026-11-20T12:31:00+00:00",
        "Username": "ann", "Resources": [], "CloudTrailEvent": json.dumps(trail(number)) if text is None else text,
    }  # fmt: skip


SENT: dict[str, Any] = {
    "page": {"value": [activity(1), activity(2)], "nextLink": "https://management.azure.com/x?$skiptoken=1"},
    "with context": {"@odata.context": "https://x/$metadata", "value": [activity(3)]},
    "looked up": {"Events": [looked_up(1), looked_up(2)], "NextToken": "n"},
    "one": looked_up(3),
    "one spoilt": {"Events": [looked_up(4), looked_up(5, "{broken")]},
    "one unknown": {"value": [activity(6), {"colour": "red"}]},
    "says more": {"value": [activity(7)], "Events": 1},
    "no objects": {"value": [activity(8), 3]},
    "events of another": {"Events": [{"colour": "red"}], "Kind": "x"},
    "empty": {"value": []},
    "twice": f'{{"value": [{json.dumps(activity(9))}], "value": [{json.dumps(activity(10))}]}}',
}


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(SENT, decode(*SENT.values()), strict=True))


@pytest.mark.parametrize(("answer", "ids"), [("page", ["a-1", "a-2"]), ("with context", ["a-3"])])
def test_rows_of_an_answer_of_azure_are_records(found: dict[str, list[Found]], answer: str, ids: list[str]) -> None:
    assert [(one.table, one.source) for one in found[answer]] == [("events", "azure.activity_log")] * len(ids)
    assert [one.row["actor"] for one in found[answer]] == ["ann@example.com"] * len(ids)
    assert [one.row["event_time"].second for one in found[answer]] == [int(one[2:]) for one in ids]


@pytest.mark.parametrize(("answer", "seconds"), [("looked up", [1, 2]), ("one", [3])])
def test_what_lookup_events_answers_is_cloudtrails(
    found: dict[str, list[Found]], answer: str, seconds: list[int]
) -> None:
    assert [(one.table, one.source) for one in found[answer]] == [("events", "aws.cloudtrail")] * len(seconds)
    assert [one.event_time.second for one in found[answer]] == seconds
    assert {one.actor for one in found[answer]} == {"arn:aws:iam::111122223333:user/ann"}


def test_a_record_that_cannot_be_read_costs_but_itself(found: dict[str, list[Found]]) -> None:
    for answer, said in (("one spoilt", "{broken"), ("one unknown", "red")):
        good, bad = found[answer]

        assert (good.table, bad.table) == ("events", "quarantine")
        assert bad.reason == "unknown_envelope"
        assert said.encode() in bad.raw


def test_what_is_no_answer_stays_whole_with_its_reason(found: dict[str, list[Found]]) -> None:
    for other in ("says more", "no objects", "events of another", "empty"):
        [kept] = found[other]

        assert (kept.table, kept.reason) == ("quarantine", "unknown_envelope"), other
        assert json.loads(kept.raw) == SENT[other]


def test_a_list_that_is_there_twice_is_not_half_lost(found: dict[str, list[Found]]) -> None:
    [kept] = found["twice"]

    assert kept.table == "quarantine"
    assert kept.raw.decode() == SENT["twice"]
