"""Azure Log Analytics data export, table SecurityEvent: the security log of Windows machines.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/securityevent
Events: https://learn.microsoft.com/windows-server/identity/ad-ds/plan/appendix-l--events-to-monitor
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_rows import SHARED, is_row_of, shared
from pipelines.sources.reading.severities import event_level_word
from pipelines.sources.reading.variant import left_over, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

# What Windows writes for nothing.
_NOTHING = "-"
# Events that only report a failure. Others (4768, 4776, …) report either, which Keywords or Status tell.
_FAILURES = ("4625", "4771", "4777", "4649", "4773", "4775", "5152", "5153", "5155", "5157", "5159")
_SUCCESSES = (
    "1102", "4624", "4634", "4647", "4648", "4672", "4688", "4689", "4697", "4698", "4699", "4700", "4701", "4702",
    "4720", "4722", "4724", "4725", "4726", "4728", "4732", "4738", "4740", "4756", "4767", "4781", "5156", "5158",
)  # fmt: skip
# Bits of Keywords, as of an event in the log.
_AUDIT_FAILURE, _AUDIT_SUCCESS = 0x10000000000000, 0x20000000000000


def decode_security_event(record: Column, part: Column, topic: Column) -> Event:
    activity, number, level = word(record, "Activity"), word(record, "EventID"), word(record, "EventLevelName", "Level")
    actor = _said(record, "Account", "SubjectAccount", "TargetAccount", "SubjectUserName", "TargetUserName")
    address = _said(record, "IpAddress", "ClientIPAddress", "ClientAddress")
    outcome = outcome_of(word(record, "Keywords"), word(record, "Status"), number)
    message = word(record, "RenderedDescription", "EventData")
    same = {("Account",): actor, ("IpAddress",): address, ("RenderedDescription", "EventData"): message}
    return Event(
        **shared("SecurityEvent", record),
        event_time=time(record, "TimeGenerated"),
        category=F.lit("audit"),
        action=F.coalesce(activity, F.concat(F.lit("EventID "), number)),
        actor=actor,
        outcome=outcome,
        reason=F.when(outcome == "failure", _said(record, "FailureReason", "SubStatus", "Status")),
        message=message,
        severity_text=event_level_word(level),
        source_address=address,
        attributes=left_over(record, same, *SHARED, "Activity", "EventLevelName"),
    )


def _said(record: Column, *names: str) -> Column:
    return F.coalesce(*(F.nullif(word(record, name), F.lit(_NOTHING)) for name in names))


def outcome_of(keywords: Column, status: Column, number: Column) -> Column:
    """success or failure, of what an event of the security log says of it; null if nothing does."""
    bits = F.coalesce(
        F.conv(F.nullif(F.regexp_extract(keywords, r"^0[xX]([0-9a-fA-F]{1,16})$", 1), F.lit("")), 16, -10),
        keywords,
    ).try_cast("bigint")
    by_word = F.when(F.rlike(keywords, F.lit("(?i)audit failure")), "failure").when(
        F.rlike(keywords, F.lit("(?i)audit success")), "success"
    )
    by_bits = F.when(bits.bitwiseAND(_AUDIT_FAILURE) != 0, "failure").when(
        bits.bitwiseAND(_AUDIT_SUCCESS) != 0, "success"
    )
    by_number = F.when(number.isin(*_FAILURES), "failure").when(number.isin(*_SUCCESSES), "success")
    status = F.lower(status)
    by_status = F.when(F.rlike(status, F.lit("^0x0+$")), "success").when(F.rlike(status, F.lit("^0x")), "failure")
    return F.coalesce(by_word, by_bits, by_number, by_status)


FAMILIES = (
    RecordFamily("azure.log_analytics.securityevent", is_row_of("SecurityEvent"), Event, decode_security_event),
)
