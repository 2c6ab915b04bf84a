"""Log Analytics export, tables Syslog and Event: the lines of Linux machines and the event log of Windows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

MACHINE = "/subscriptions/s1/resourceGroups/G/providers/Microsoft.HybridCompute/machines/Web-1"


def syslog(**changes: Any) -> dict[str, Any]:
    return {
        "Type": "Syslog", "TimeGenerated": "2026-03-02T10:15:03.1234567Z", "Computer": "Web-1", "_ItemId": "i-1",
        "_ResourceId": MACHINE, "Facility": "authpriv", "SeverityLevel": "notice", "ProcessName": "sudo",
        "ProcessID": 4711, "SyslogMessage": "root : TTY=pts/0", "HostIP": "10.0.0.4", **changes,
    }  # fmt: skip


def test_a_syslog_row_is_a_log_record_in_opentelemetry_words(decode: Decode) -> None:
    [[log]] = decode({"records": [syslog()]}, topic="am-Syslog")

    assert (log.table, log.source, log.native_id) == ("logs", "azure.log_analytics.syslog", "i-1")
    assert (log.message, log.logger, log.severity_text, log.severity_number) == (
        "root : TTY=pts/0",
        "sudo",
        "notice",
        10,
    )
    assert (log.resource_id, log.host_name) == (MACHINE.lower(), "web-1")
    assert (log.cloud_provider, log.cloud_account_id) == ("azure", "s1")
    assert log.event_time == datetime(2026, 3, 2, 10, 15, 3, 123456, UTC).replace(tzinfo=None)


def test_what_has_no_column_is_an_attribute(decode: Decode) -> None:
    [[log]] = decode({"records": [syslog(New={"a": [1, 0.10]})]})

    assert log.attributes == {"Facility": "authpriv", "ProcessID": "4711", "HostIP": "10.0.0.4", "New": '{"a":[1,0.1]}'}


def test_a_row_without_type_is_told_by_its_topic(decode: Decode) -> None:
    row = syslog()
    del row["Type"]

    [[log]] = decode({"records": [row]}, topic="am-Syslog")

    assert log.table == "logs"


def test_one_bad_row_goes_alone(decode: Decode) -> None:
    rows = [syslog(), syslog(TimeGenerated="soon"), syslog(SyslogMessage=None), syslog(SyslogMessage="")]

    [found] = decode({"records": rows})

    assert [(one.table, one.reason) for one in found if one.table == "quarantine"] == [
        ("quarantine", "bad_time"), ("quarantine", "no_message"),
    ]  # fmt: skip
    assert [one.message for one in found if one.table == "logs"] == ["root : TTY=pts/0", ""]


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(texts, min_size=30, max_size=60))
def test_any_message_arrives_as_it_was_written(decode: Decode, messages: list[str]) -> None:
    found = decode(*({"records": [syslog(SyslogMessage=message)]} for message in messages))

    assert [log.message for [log] in found] == messages
