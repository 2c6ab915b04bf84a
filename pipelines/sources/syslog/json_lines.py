"""Syslog and journal entries as JSON: of rsyslog, syslog-ng, logstash, fluentd, fluent-bit, Vector, Beats.

rsyslog's properties: https://www.rsyslog.com/doc/configuration/properties.html
syslog-ng's macros: https://syslog-ng.github.io/admin-guide/110_Template_and_rewrite/000_Customize_message_format/004_Macros_of_syslog-ng
The journal's fields: https://www.freedesktop.org/software/systemd/man/latest/systemd.journal-fields.html
Everyone names the members anew; these are the names that are in use.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import kept
from pipelines.sources.reading.severities import severity_number, syslog_word
from pipelines.sources.reading.variant import left_over, member, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log
from pipelines.sources.syslog.times import time_of

_MESSAGES = ("message", "MESSAGE", "msg", "Message", "short_message", "rawmsg")
_HOSTS = (
    "hostname", "sysloghost", "_HOSTNAME", "HOST", "host.hostname", "host.name", "logsource", "host", "Hostname",
    "syslog_hostname", "fromhost", "HOST_FROM", "source_host", "fromhost-ip", "source_ip",
)  # fmt: skip
_TIMES = (
    "timereported", "@timestamp", "timestamp", "TIMESTAMP", "ISODATE", "time", "date", "timegenerated", "DATE",
    "syslog_timestamp", "eventtime", "datetime", "_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP",
)  # fmt: skip
_PROGRAMS = (
    "programname", "app-name", "appname", "app_name", "SYSLOG_IDENTIFIER", "PROGRAM", "program", "ident",
    "syslog_program", "process.name", "syslogtag", "tag", "_COMM", "_SYSTEMD_UNIT",
)  # fmt: skip
_SEVERITIES = (
    "syslogseverity-text", "severity_label", "severity", "syslogseverity", "syslog_severity", "severity-text",
    "log.syslog.severity.name", "log.syslog.severity.code", "log.level", "level", "PRIORITY", "LEVEL", "priority",
)  # fmt: skip
_PRIS = ("pri", "PRI", "syslog_pri", "priority", "log.syslog.priority", "event.priority")
# rsyslog keeps the blank behind the tag as the first of the message, in `msg` and whatever a template names it.
_RSYSLOG = (
    "syslogtag", "programname", "app-name", "timereported", "timegenerated", "syslogseverity", "syslogseverity-text",
    "inputname",
)  # fmt: skip
# What rsyslog writes for nothing.
_NIL = "-"
# What none but syslog or the journal has.
_SURE_SIGNS = (
    "syslogtag", "programname", "syslogfacility", "syslogfacility-text", "syslogseverity", "syslogseverity-text",
    "facility_label", "timereported", "fromhost", "sysloghost", "app-name", "procid", "msgid", "structured-data",
    "log.syslog", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "_SYSTEMD_UNIT", "__REALTIME_TIMESTAMP", "_TRANSPORT",
    "_BOOT_ID", "PROGRAM", "ISODATE", "LEGACY_MSGHDR", "syslog_pri", "syslog_program", "facility", "FACILITY",
)  # fmt: skip
# Others have them too, but not beside host, message and time.
_SIGNS = ("severity", "PRIORITY", "priority", "pri", "ident", "appname", "program", "tag", "level")


def is_syslog_record(record: Column, topic: Column) -> Column:
    # syslog-ng leaves out what is empty, also a message.
    is_of_syslog_ng = member(record, "FACILITY").isNotNull() & member(record, "PRIORITY").isNotNull()
    says = (member(record, *_MESSAGES).isNotNull() | is_of_syslog_ng) & member(record, "TimeGenerated").isNull()
    from_host = word(record, *_HOSTS).isNotNull()
    is_sure = member(record, *_SURE_SIGNS).isNotNull()
    is_likely = member(record, *_SIGNS).isNotNull() | F.contains(F.lower(topic), F.lit("syslog"))
    is_timed = member(record, *_TIMES).isNotNull()
    return says & ((is_sure & (from_host | is_timed)) | (is_likely & from_host & is_timed))


def decode(record: Column, part: Column, topic: Column) -> Log:
    named = _said(record, *_HOSTS)
    # An object without a name in it.
    written_host = F.when(~F.startswith(named, F.lit("{")), named)
    host, written = F.lower(written_host), F.coalesce(text(record, *_MESSAGES), F.lit(""))
    is_of_rsyslog = member(record, *_RSYSLOG).isNotNull() & F.startswith(written, F.lit(" "))
    message = F.when(is_of_rsyslog, F.substring(written, F.lit(2), F.length(written))).otherwise(written)
    severity = F.coalesce(_severity(kept(word(record, *_SEVERITIES))), _severity_in(_small(word(record, *_PRIS))))
    # A tag has the process in it: `sshd[811]:`.
    program = F.nullif(F.regexp_extract(_said(record, *_PROGRAMS), r"^(.*?)(?:\[[^\]]*\])?:?\s*$", 1), F.lit(""))
    arrival = F.col("kafka_timestamp")
    return Log(
        source=F.lit("syslog.json"),
        native_id=word(record, "__CURSOR", "uuid"),
        event_time=time_of(kept(word(record, *_TIMES)), arrival),
        resource_id=F.coalesce(host, program),
        resource_type=F.when(host.isNotNull(), "host"),
        host_name=host,
        severity_text=severity,
        severity_number=severity_number(severity),
        logger=program,
        message=F.regexp_replace(message, "^\ufeff", ""),
        attributes=left_over(record, dict.fromkeys(_MESSAGES, written) | dict.fromkeys(_HOSTS, written_host)),
    )


def _said(record: Column, *names: str) -> Column:
    return F.coalesce(*(F.nullif(word(record, name), F.lit(_NIL)) for name in names))


def _severity(written: Column) -> Column:
    """A word as it is, 0 to 7 as its word."""
    number = _small(written)
    return F.when(number.isNull(), written).when(number <= 7, syslog_word(number))


def _severity_in(pri: Column) -> Column:
    return F.when(pri <= 191, syslog_word(pri % 8))


def _small(written: Column) -> Column:
    return F.when(F.rlike(written, F.lit(r"^\d{1,3}$")), written.try_cast("int"))


FAMILIES = (RecordFamily("syslog.json", is_syslog_record, Log, decode),)
