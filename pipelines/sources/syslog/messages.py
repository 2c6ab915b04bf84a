"""Syslog as text, one or more messages a Kafka value: of rsyslog (omkafka), syslog-ng, or devices by way of a relay.

https://www.rsyslog.com/doc/configuration/modules/omkafka.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.lines import text_of
from pipelines.sources.reading.severities import severity_number, syslog_word
from pipelines.sources.reading.variant import member, members, merged, none_if_empty, pairs, parse_whole, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log
from pipelines.sources.syslog.lines import ELEMENT, FIELDS, PARAM, fields_of, is_syslog, messages_of
from pipelines.sources.syslog.times import time_of

# RFC 5424, by number.
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "security", "console", "solaris-cron", *(f"local{number}" for number in range(8)),
)  # fmt: skip
_HIGHEST_PRI = 191
_NIL = "-"
# Common Event Expression: members as JSON behind this.
_COOKIE = r"^@cee:\s*(\{[\s\S]*+)$"
# The member of a part for what could not be read.
_LINE = "line"


def is_syslog_text(record: Column, topic: Column) -> Column:
    return F.coalesce(is_syslog(text_of(record), topic), F.lit(0) == 1)


def messages(record: Column) -> Column:
    def read(line: Column) -> Column:
        return F.struct(line.alias("line"), fields_of(line).alias("fields"))

    def part(one: Column) -> Column:
        fields = [F.get(one["fields"], place).alias(name) for place, name in enumerate(FIELDS)]
        return F.to_variant_object(F.struct(F.when(one["fields"].isNull(), one["line"]).alias(_LINE), *fields))

    return F.transform(F.transform(messages_of(text_of(record)), read), part)


def decode(record: Column, part: Column, topic: Column) -> Log:
    written = {name: F.nullif(word(part, name), F.lit(_NIL)) for name in FIELDS}
    pri = written["pri"].try_cast("int")
    severity = syslog_word(pri % 8)
    arrival = F.col("kafka_timestamp")
    host = F.lower(written["host"])
    # What a program writes to its own machine's socket names no machine. A code such as %SYS-5-CONFIG_I is no program.
    program = F.when(~F.rlike(written["program"], F.lit(r"^%|^[A-Z]\w*-\d-")), written["program"])
    return Log(
        source=F.lit("syslog"),
        # A sender without a clock writes none: it was sent when it arrived.
        event_time=F.when(written["time"].isNull(), arrival).otherwise(time_of(written["time"], arrival)),
        resource_id=F.coalesce(host, program),
        resource_type=F.when(host.isNotNull(), "host"),
        host_name=host,
        severity_text=severity,
        severity_number=severity_number(severity),
        logger=written["program"],
        message=F.regexp_replace(text(part, "message"), "^\ufeff", ""),
        attributes=merged(
            members(parse_whole(F.nullif(F.regexp_extract(text(part, "message"), _COOKIE, 1), F.lit("")))),
            pairs(facility=facility_word(F.floor(pri / 8)), pid=written["pid"], msgid=written["message_id"]),
            structured_data(written["structured"]),
        ),
        unusable=F.when(member(part, _LINE).isNotNull() | (pri > _HIGHEST_PRI), "malformed_line"),
    )


def facility_word(code: Column) -> Column:
    """0 to 23 → its word."""
    return F.get(F.array(*map(F.lit, FACILITIES)), code.cast("int"))


def structured_data(text_: Column) -> Column:
    """`[id@1 name="value"]…` → `id@1.name`: value. A name that comes again has all its values, with commas between."""

    def of_element(element: Column) -> Column:
        owner = F.regexp_extract(element, ELEMENT, 1)
        names, values = (F.regexp_extract_all(element, F.lit(PARAM), F.lit(group)) for group in (1, 2))
        found = F.transform(
            F.arrays_zip(names.alias("name"), values.alias("value")),
            lambda pair: F.struct(
                F.concat(owner, F.lit("."), pair["name"]).alias("name"), _unquoted(pair["value"]).alias("value")
            ),
        )
        return F.when(F.size(found) > 0, found).otherwise(
            F.array(F.struct(owner.alias("name"), F.lit("").alias("value")))
        )

    found = F.flatten(F.transform(F.regexp_extract_all(text_, F.lit(ELEMENT), F.lit(0)), of_element))

    def with_all_values(pairs_: Column) -> Column:
        names = F.array_distinct(F.transform(pairs_, lambda pair: pair["name"]))
        return F.map_from_entries(
            F.transform(
                names,
                lambda name: F.struct(
                    name,
                    F.array_join(
                        F.transform(F.filter(pairs_, lambda pair: pair["name"] == name), lambda pair: pair["value"]),
                        ",",
                    ),
                ),
            )
        )

    return none_if_empty(once(found, with_all_values))


def _unquoted(quoted: Column) -> Column:
    inner = F.substring(quoted, F.lit(2), F.length(quoted) - 2)
    return F.regexp_replace(inner, r'\\(["\\\]])', "$1")


FAMILIES = (RecordFamily("syslog", is_syslog_text, Log, decode, parts=messages),)
