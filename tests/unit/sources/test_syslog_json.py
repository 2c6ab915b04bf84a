"""Syslog and journal entries as JSON, under the names that each relay gives the members."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

AT = datetime(2026, 3, 1, 12, 0, 0, 500000)
RSYSLOG = {
    "message": " Accepted publickey", "hostname": "Web-1", "severity": "info", "facility": "authpriv",
    "timereported": "2026-03-01T12:00:00.500000+00:00", "syslogtag": "sshd[811]:", "fromhost-ip": "10.0.0.1",
}  # fmt: skip


def test_each_relay_has_names_of_its_own(decode: Decode) -> None:
    relays: tuple[dict[str, Any], ...] = (
        RSYSLOG,
        {"@timestamp": "2026-03-01T12:00:00.5Z", "@version": "1", "message": "m", "sysloghost": "Web-1",
         "severity": "info", "facility": "daemon", "programname": "sshd", "procid": "811"},
        {"PROGRAM": "sshd", "PRIORITY": "info", "PID": "811", "MESSAGE": "m", "HOST": "Web-1", "FACILITY": "auth",
         "ISODATE": "2026-03-01T12:00:00.5+00:00"},
        {"@timestamp": "2026-03-01T12:00:00.500Z", "message": "m", "host": "10.0.0.9", "logsource": "Web-1",
         "program": "sshd", "severity": 6, "severity_label": "Informational", "facility_label": "daemon",
         "priority": 30, "timestamp": "Mar  1 12:00:00"},
        {"@timestamp": 1772366400.5, "pri": "30", "host": "Web-1", "ident": "sshd", "pid": "811", "message": "m"},
        {"appname": "sshd", "facility": "daemon", "hostname": "Web-1", "message": "m", "msgid": "ID1", "procid": 811,
         "severity": "info", "source_type": "syslog", "timestamp": "2026-03-01T12:00:00.5Z", "version": 1},
        {"__REALTIME_TIMESTAMP": "1772366400500000", "_HOSTNAME": "Web-1", "SYSLOG_IDENTIFIER": "sshd",
         "PRIORITY": "6", "MESSAGE": "m", "_PID": "811", "__CURSOR": "s=1", "_TRANSPORT": "syslog"},
        {"@timestamp": "2026-03-01T12:00:00.5Z", "message": "m", "host": {"hostname": "Web-1"},
         "log": {"syslog": {"severity": {"code": 6}, "priority": 30}}, "process": {"name": "sshd", "pid": 811}},
    )  # fmt: skip

    found = decode(*relays)

    assert [(log.table, log.source) for [log] in found] == [("logs", "syslog.json")] * len(relays)
    assert [(log.event_time, log.logger) for [log] in found] == [(AT, "sshd")] * len(relays)
    assert [log.host_name for [log] in found] == ["web-1"] * len(relays)
    assert [log.severity_number for [log] in found] == [9] * len(relays)
    assert found[0][0].attributes == {
        "severity": "info", "facility": "authpriv", "timereported": "2026-03-01T12:00:00.500000+00:00",
        "syslogtag": "sshd[811]:", "fromhost-ip": "10.0.0.1",
    }  # fmt: skip
    assert found[0][0].message == "Accepted publickey"
    assert found[6][0].native_id == "s=1"


def test_what_stands_for_nothing(decode: Decode) -> None:
    nil = {**RSYSLOG, "hostname": "-", "fromhost": "Relay", "programname": "-", "message": "\ufeffm", "procid": "-"}
    of_syslog_ng = {"PROGRAM": "app", "PRIORITY": "info", "ISODATE": "2026-03-01T12:00:00Z", "HOST": "h",
                    "FACILITY": "user"}  # fmt: skip

    [[log], [empty]] = decode(nil, of_syslog_ng)

    assert (log.host_name, log.logger, log.message) == ("relay", "sshd", "m")
    assert (empty.table, empty.message) == ("logs", "")


def test_times_without_a_year_and_names_twice(decode: Decode) -> None:
    dated = {"PROGRAM": "cron", "PRIORITY": "notice", "MESSAGE": "m", "HOST": "h", "DATE": "Dec 24 20:00:00"}
    both = {**RSYSLOG, "msg": "another", "host": "relay"}

    [[first], [second]] = decode(dated, both)

    assert first.event_time == datetime(2025, 12, 24, 20)
    assert (second.attributes["msg"], second.attributes["host"]) == ("another", "relay")


def test_what_is_not_syslog_or_cannot_be_used(decode: Decode) -> None:
    found = decode(
        {"message": "hello", "user": "x"},
        {"message": "hello", "severity": "info"},
        {"TimeGenerated": "2026-03-01T12:00:00Z", "message": "m", "host": "h", "facility": "x"},
        {**RSYSLOG, "timereported": "soon"},
        {**RSYSLOG, "hostname": None, "fromhost-ip": None, "syslogtag": ""},
    )

    assert [one.reason for [one] in found] == [
        "unknown_envelope", "unknown_envelope", "unsupported_table", "bad_time", "no_resource",
    ]  # fmt: skip


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(texts, min_size=30, max_size=60))
def test_any_message_arrives_as_it_was_written(decode: Decode, messages: list[str]) -> None:
    [found] = decode([{**RSYSLOG, "message": message} for message in messages])

    # rsyslog writes the blank behind the tag.
    assert [log.message for log in found] == [message.removeprefix(" ").removeprefix("\ufeff") for message in messages]
