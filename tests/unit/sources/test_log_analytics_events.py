"""Log Analytics export, table SecurityEvent: who did what on a Windows machine, and whether it was let."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode


def audit(number: Any, **columns: Any) -> dict[str, Any]:
    return {
        "Type": "SecurityEvent", "TimeGenerated": "2026-03-02T09:12:44Z", "Computer": "Dc-1", "_ItemId": "i",
        "EventID": number, "Activity": f"{number} - Something.", "Account": "CORP\\ann", **columns,
    }  # fmt: skip


def test_a_logon_tells_who_from_where_and_that_it_failed(decode: Decode) -> None:
    failed = audit(
        4625, Activity="4625 - An account failed to log on.", IpAddress="10.0.0.9", FailureReason="%%2313", LogonType=3,
        SubStatus="0xc000006a", EventData="<EventData/>", Level="8", Channel="Security",
    )  # fmt: skip

    [[event]] = decode({"records": [failed]}, topic="am-SecurityEvent")

    assert (event.table, event.category, event.action) == ("events", "audit", "4625 - An account failed to log on.")
    assert (event.actor, event.outcome, event.row["reason"]) == ("CORP\\ann", "failure", "%%2313")
    assert (event.source_address, event.host_name, event.resource_id) == ("10.0.0.9", "dc-1", "dc-1")
    assert event.message == "<EventData/>"
    assert event.attributes == {
        "EventID": "4625", "FailureReason": "%%2313", "LogonType": "3", "SubStatus": "0xc000006a", "Level": "8",
        "Channel": "Security",
    }  # fmt: skip


def test_what_tells_the_outcome(decode: Decode) -> None:
    rows = [
        audit(4624, IpAddress="-"),
        audit(4776, Status="0x0"),
        audit(4776, Status="0xC0000064"),
        audit(4768, Keywords="0x8010000000000000"),
        audit(4768, Keywords="0x8020000000000000"),
        audit(4768, Keywords="Audit Failure"),
        audit(4768, Keywords=-9214364837600034816),
        audit(5061, Keywords="none"),
        audit("4624", Account="-", TargetAccount="CORP\\bob", Activity=None),
        audit(None, Activity=None),
    ]

    [found] = decode({"records": rows})

    events = [one for one in found if one.table == "events"]
    assert [one.outcome for one in events] == [
        "success", "success", "failure", "failure", "success", "failure", "success", None, "success",
    ]  # fmt: skip
    assert (events[0].source_address, events[2].row["reason"]) == (None, "0xC0000064")
    assert (events[-1].actor, events[-1].action) == ("CORP\\bob", "EventID 4624")
    assert [one.reason for one in found if one.table == "quarantine"] == ["no_action"]


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(anything, anything, anything), min_size=30, max_size=60))
def test_no_keywords_status_or_number_stops_it(decode: Decode, rows: list[tuple[Any, Any, Any]]) -> None:
    sent = [audit(number, Keywords=keywords, Status=status, Activity="a") for number, keywords, status in rows]

    [found] = decode(sent)

    assert [one.table for one in found] == ["events"] * len(rows)
