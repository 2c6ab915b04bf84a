"""Azure Log Analytics data export, tables Syslog and Event (the Windows event log).

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/syslog and …/tables/event
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_rows import SHARED, is_row_of, shared
from pipelines.sources.reading.severities import severity_number
from pipelines.sources.reading.variant import rest, text, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log


def decode_syslog(record: Column, part: Column, topic: Column) -> Log:
    severity = word(record, "SeverityLevel")
    return Log(
        **shared("Syslog", record),
        event_time=time(record, "TimeGenerated"),
        severity_text=severity,
        severity_number=severity_number(severity),
        logger=word(record, "ProcessName", "Facility"),
        message=text(record, "SyslogMessage"),
        attributes=rest(record, *SHARED, "SeverityLevel", "ProcessName", "SyslogMessage"),
    )


def decode_event(record: Column, part: Column, topic: Column) -> Log:
    severity = word(record, "EventLevelName")
    return Log(
        **shared("Event", record),
        event_time=time(record, "TimeGenerated"),
        severity_text=severity,
        severity_number=severity_number(severity),
        logger=word(record, "Source", "EventLog"),
        message=F.coalesce(word(record, "RenderedDescription"), text(record, "EventData")),
        attributes=rest(record, *SHARED, "EventLevelName", "Source", "RenderedDescription"),
    )


FAMILIES = (
    RecordFamily("azure.log_analytics.syslog", is_row_of("Syslog"), Log, decode_syslog),
    RecordFamily("azure.log_analytics.event", is_row_of("Event"), Log, decode_event),
)
