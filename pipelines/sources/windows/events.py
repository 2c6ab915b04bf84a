"""Events of Windows as JSON, as forwarders and converters write them: NXLog (members side by side), Winlogbeat
(`winlog`), and the event's XML as JSON (`Event`). Only of the logs that tell of security.

https://docs.nxlog.co/refman/current/im/msvistalog.html,
https://www.elastic.co/docs/reference/beats/winlogbeat/exported-fields-winlog,
https://learn.microsoft.com/windows/win32/wes/eventschema-systempropertiestype-complextype
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_events import outcome_of
from pipelines.sources.reading.hoist import variant_get
from pipelines.sources.reading.times import to_time_of_any_format
from pipelines.sources.reading.variant import member, members, merged, pairs, rest, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

_CHANNELS = ("security", "system", "microsoft-windows-windows defender/operational")
_SYSTEM = "$['Event']['System']"
# `Hostname` and `@timestamp` are the event's; NXLog's `EventTime` is in the machine's own zone, so it comes last.
_TIMES = ("@timestamp", "TimeCreated", "EventTime", "EventReceivedTime")
_NUMBERS = ("EventID", "winlog.event_id", "Event.System.EventID")
_PLACES = ("Channel", "winlog.channel", "Event.System.Channel")
_CREATED = f"{_SYSTEM}['TimeCreated']['#attributes']['SystemTime']"
_RECORDS = ("RecordNumber", "winlog.record_id", "Event.System.EventRecordID")
_HOSTS = ("Hostname", "Computer", "winlog.computer_name", "Event.System.Computer", "host.name")


def _number(record: Column) -> Column:
    """Converters write an `EventID` that has qualifiers as an object."""
    qualified = variant_get(record, f"{_SYSTEM}['EventID']['#text']", "string")
    return F.coalesce(qualified, word(record, *_NUMBERS))


def claims(record: Column, topic: Column) -> Column:
    is_exported = word(record, "TimeGenerated").isNotNull()
    named = word(record, *_NUMBERS).isNotNull() & word(record, *_HOSTS).isNotNull()
    return F.coalesce(~is_exported & named & F.lower(word(record, *_PLACES)).isin(*_CHANNELS), F.lit(0) == 1)


def decode(record: Column, part: Column, topic: Column) -> Event:
    number, channel, host = _number(record), word(record, *_PLACES), F.lower(word(record, *_HOSTS))
    attributes = merged(
        rest(record, "@timestamp", "Message", "message", "winlog", "Event"),
        F.map_filter(F.coalesce(members(record, "winlog"), F.create_map().cast("map<string,string>")), _is_extra),
        _fields(record),
        pairs(EventID=number, Channel=channel),
    )

    def said(*names: str) -> Column:
        return F.coalesce(*(F.when(~attributes[name].isin("-", ""), attributes[name]) for name in names))

    def account(kind: str) -> Column:
        return F.concat_ws("\\", said(f"{kind}DomainName"), said(f"{kind}UserName"))

    subject = F.when(said("SubjectUserName").isNotNull(), account("Subject"))
    target = F.when(said("TargetUserName").isNotNull(), account("Target"))
    outcome = outcome_of(F.coalesce(said("Keywords"), word(record, "winlog.keywords")), said("Status"), number)
    return Event(
        source=F.lit("windows.event"),
        event_time=F.coalesce(
            *(to_time_of_any_format(word(record, name)) for name in _TIMES),
            to_time_of_any_format(variant_get(record, _CREATED, "string")),
        ),
        native_id=F.concat_ws("/", channel, word(record, *_RECORDS)),
        resource_id=host,
        host_name=host,
        category=F.lit("audit"),
        action=F.concat(F.lit("EventID "), number),
        actor=F.coalesce(subject, target, said("AccountName")),
        outcome=outcome,
        reason=F.when(outcome == "failure", said("SubStatus", "Status")),
        message=word(record, "Message", "message"),
        source_address=said("IpAddress", "ClientAddress"),
        attributes=attributes,
    )  # fmt: skip


def _is_extra(name: Column, value: Column) -> Column:
    return value.isNotNull() & ~name.isin(
        "event_data", "user_data", "channel", "event_id", "computer_name", "record_id"
    )


def _fields(record: Column) -> Column:
    """What the event itself says: EventData, or the one member of UserData."""
    data = member(record, "winlog.event_data", "winlog.user_data", "Event.EventData", "Event.UserData.LogFileCleared")
    return F.coalesce(members(data), pairs(UserData=word(record, "Event.UserData", "Event.EventData")))


FAMILIES = (RecordFamily("windows.event", claims, Event, decode),)
