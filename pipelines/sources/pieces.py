"""Kafka value → its pieces, the slow path: for values that are not wholly of one of the families that send most.

A value is parsed once, as a variant, and taken apart, so that each piece can be recognised and decoded by itself, and
one bad element costs nothing but itself. What is no JSON (compressed, Avro, lines of text) is one piece: its bytes.

Each step is a projection, as what an expression names twice is evaluated twice. What a lambda names is evaluated for
each element, so what it needs of the value comes from a column.
"""

from __future__ import annotations

from functools import cache, partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources.envelope import BLANK, STRICT
from pipelines.sources.family import MAP
from pipelines.sources.reading.variant import (
    elements,
    members,
    parse_single_quoted,
    parse_whole,
    read_listed,
    whole_of,
    word,
)

# Of each piece: record if it is JSON, payload if it is not, or the reason why it is neither; raw is its text, if known.
PIECE = "struct<record: variant, payload: binary, raw: string, reason: string>"
# Confluent's two framings of Avro: a schema's id before the record, or its GUID in a header beside the bare record. The
# second is made like the first here: the header's value before the record.
SCHEMA_HEADER = "__value_schema_id"
ID_FRAME, GUID_FRAME = b"\x00", b"\x01"
_BETWEEN_OBJECTS = r"\}\s*\{"
_COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda")  # gzip, and zlib at its levels
_MARK = "\ufeff"
# Each byte is a sign in it, so that bytes can be split as text and put together again.
_LATIN_1 = "ISO-8859-1"
# Lists that answers of APIs and tools hold, and what may stand beside them, which is about the answer: its next page.
# An object that says more is a record itself. https://learn.microsoft.com/rest/api/azure/#async-operations-throttling-and-paging
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
_ANSWERS = {"value": r"^(value|nextLink|@odata\..*)$", "Events": "^(Events|NextToken|ResponseMetadata)$"}
# Bytes that no text has, in whatever encoding it is.
_BINARY = r"[\x00-\x08\x0E-\x1A\x1C-\x1F]"


def take_apart(values: DataFrame) -> DataFrame:
    """Adds `records`, array<variant>, or else `pieces`, array<PIECE>; one of both has elements, but where `is_taken`.

    `values` has value (binary), headers and is_taken.
    """
    found = values
    for columns in _steps():
        found = found.withColumns(columns)
    return found.select(*(name for name in values.columns if name != "headers"), "records", "pieces")


@cache
def _steps() -> tuple[dict[str, Column], ...]:
    """Projections, each of what the ones before it made."""
    text, lead, document = F.col("text"), F.col("lead"), F.col("document")
    joined = F.concat(F.lit("["), F.regexp_replace(text, _BETWEEN_OBJECTS, "},{"), F.lit("]"))
    spoilt = (lead == "json") & F.col("whole").isNull() & F.col("is_bracketed")
    still = spoilt & F.col("joined").isNull()
    return (
        {"text": F.when(~F.col("is_taken"), _without_mark(F.col("value").cast("string")))},
        {"lead": F.when(~F.col("is_taken"), _lead(F.col("value"), F.col("headers"))), "is_bracketed": _is_bracketed()},
        {"read": F.when(lead == "json", read_listed(text))},
        {"whole": whole_of(F.col("read"))},
        {"joined": F.when(spoilt, parse_whole(joined))},
        {"quoted": F.when(still, parse_single_quoted(text)), "spoilt": _spoilt_lines(lead)},
        {"document": F.coalesce("whole", "joined", "quoted")},
        {"document": F.when(~_repeats_records(text), document), "repeats": document.isNotNull()},
        {"listed": elements(document, *_ANSWERS)},
        {"answered": _answered(text, F.col("listed"))},
        {"records": _records_of(document, F.col("answered"))},
        {"pieces": F.when(~F.col("is_taken") & (F.coalesce(F.size("records"), F.lit(0)) <= 0), _pieces(lead))},
    )


def is_framed(payload: Column) -> Column:
    """Whether a piece's payload is an Avro record behind the id of its schema."""
    return F.startswith(payload, F.lit(ID_FRAME)) | F.startswith(payload, F.lit(GUID_FRAME))


def enclosed(record: Column) -> Column:
    """The message in a queue's or a topic's own envelope (SQS, SNS, as a function is handed it), or the record in what
    `aws cloudtrail lookup-events` tells of it; null if it is none."""
    notification = F.when(word(record, "Type") == "Notification", word(record, "Message"))
    return F.coalesce(
        F.when(word(record, "messageId", "MessageId").isNotNull(), word(record, "body", "Body")),
        word(record, "Sns.Message"),
        notification,
        F.when(word(record, "EventId").isNotNull(), word(record, "CloudTrailEvent")),
    )


def unwrap(record: Column, message: Column) -> Column:
    """The record that an envelope's message holds; `record` if there is no message, or none that can be read."""
    parsed = parse_whole(message)
    # One record in an envelope of its own, as a bucket sends it to a queue.
    only = F.when(F.size(elements(parsed, "Records")) == 1, F.get(elements(parsed, "Records"), F.lit(0)))
    return F.when(message.isNotNull(), F.coalesce(only, parsed, record)).otherwise(record)


def _without_mark(text: Column) -> Column:
    return F.when(F.startswith(text, F.lit(_MARK)), F.substring(text, 2, 2_147_483_647)).otherwise(text)


def _is_bracketed() -> Column:
    start = F.substring(F.ltrim(F.substring("text", 1, 100), F.lit(BLANK)), 1, 1)
    return start.isin("{", "[")


def _lead(value: Column, headers: Column) -> Column:
    """How to go on with a value: `json`, `bytes`, `guid`, or the reason why it holds nothing to decode."""
    text = value.cast("string")
    is_binary = reduce(Column.__or__, (F.startswith(value, F.lit(start)) for start in (ID_FRAME, *_COMPRESSED)))
    return (
        F.when(value.isNull(), "null_value")
        .when((F.size(headers) > 0) & _schema_header(headers).isNotNull(), "guid")
        .when(is_binary, "bytes")
        .when(~F.is_valid_utf8(text), "invalid_utf8")
        .when(F.btrim(text, F.lit(BLANK)) == "", "empty_value")
        .otherwise("json")
    )


def _schema_header(headers: Column) -> Column:
    return F.get(F.filter(headers, lambda header: header["key"] == SCHEMA_HEADER), F.lit(0))["value"]


def _pieces(lead: Column) -> Column:
    """Of a value without records."""
    text = F.col("text")
    lines = F.filter(F.split(text, r"\r?\n"), lambda line: F.btrim(line, F.lit(BLANK)) != "")
    pieces = (
        F.when(lead == "bytes", F.array(_piece(payload=F.col("value"))))
        .when(lead == "guid", F.array(_piece(payload=F.concat(_schema_header(F.col("headers")), F.col("value")))))
        .when(F.col("spoilt").isNotNull(), _around_spoilt(F.col("spoilt")))
        .when(lead != "json", F.array(_piece(raw=text, reason=lead)))
        .when(F.col("document").isNotNull(), F.array(_piece(raw=text, reason=F.lit("empty_records"))))
        .when(F.col("repeats"), F.array(_piece(raw=text, reason=F.lit("duplicate_key"))))
        .when(~F.col("is_bracketed"), F.array(_piece(payload=F.col("value"))))
        .when(F.size(lines) > 1, F.transform(lines, _line))
        .otherwise(F.array(_piece(raw=text, reason=F.lit("malformed_json"))))
    )
    return pieces.cast(f"array<{PIECE}>")


def _records_of(document: Column, answered: Column) -> Column:
    """The records of an export, of an answer, of several in a list, of a list, or the one that the document is."""
    listed = elements(document)
    of_several = F.flatten(
        F.transform(listed, lambda one: F.coalesce(elements(one, "records", "Records"), F.array(one)))
    )
    alone = F.when(document.isNotNull() & listed.isNull(), F.array(document))
    return F.coalesce(elements(document, "records", "Records"), answered, alone, of_several)


def _answered(text: Column, listed: Column) -> Column:
    """What an answer lists, if all of it are objects; null if the text is none, or has a member twice."""
    names = F.map_keys(F.from_json(F.when(F.size(listed) > 0, text), MAP, STRICT))
    is_answer = reduce(Column.__or__, (F.forall(names, partial(_is_one_of, known)) for known in _ANSWERS.values()))
    is_whole = is_answer & (F.size(F.array_distinct(names)) == F.size(names))
    return F.when(is_whole & F.forall(listed, lambda one: members(one).isNotNull()), listed)


def _is_one_of(known: str, name: Column) -> Column:
    return F.rlike(name, F.lit(known))


def _spoilt_lines(lead: Column) -> Column:
    """The lines of a text of several of which one is no UTF-8, in Latin 1; null for other values."""
    text = F.decode("value", _LATIN_1)
    is_text = (lead == "invalid_utf8") & F.contains(text, F.lit("\n")) & ~F.rlike(text, F.lit(_BINARY))
    return F.when(is_text, F.split(text, r"\r?\n"))


def _around_spoilt(lines: Column) -> Column:
    """A spoilt line is a piece alone; the others are what they would be without it."""

    def is_good(line: Column) -> Column:
        return F.is_valid_utf8(F.encode(line, _LATIN_1).cast("string"))

    good = F.filter(lines, is_good)
    rest = F.array_join(good, "\n")
    records = F.transform(
        F.filter(good, lambda line: F.btrim(line, F.lit(BLANK)) != ""),
        lambda line: _line(F.encode(line, _LATIN_1).cast("string")),
    )
    payload = F.when(F.btrim(rest, F.lit(BLANK)) != "", F.array(_piece(payload=F.encode(rest, _LATIN_1))))
    bad = F.transform(
        F.filter(lines, lambda line: ~is_good(line)),
        lambda line: _piece(raw=F.encode(line, _LATIN_1).cast("string"), reason=F.lit("invalid_utf8")),
    )
    others = F.when(F.col("is_bracketed"), records).otherwise(F.coalesce(payload, F.array().cast(f"array<{PIECE}>")))
    return F.concat(others, bad)


def _line(line: Column) -> Column:
    record = F.coalesce(parse_whole(line), parse_single_quoted(line))
    return _piece(record=record, raw=line, reason=F.when(record.isNull(), "malformed_json"))


def _piece(
    record: Column | None = None,
    payload: Column | None = None,
    raw: Column | None = None,
    reason: Column | None = None,
) -> Column:
    def known(column: Column | None, kind: str) -> Column:
        return F.lit(None).cast(kind) if column is None else column.cast(kind)

    return F.struct(
        known(record, "variant").alias("record"),
        known(payload, "binary").alias("payload"),
        known(raw, "string").alias("raw"),
        known(reason, "string").alias("reason"),
    )


def _repeats_records(text: Column) -> Column:
    """The key `records` twice in one object, of which a variant would keep the last. A map keeps both."""
    is_possible = F.substring_index(text, "records", 2) != text
    names = F.map_keys(F.from_json(text, MAP, {**STRICT, "allowSingleQuotes": "true"}))
    repeats = F.size(F.filter(names, lambda name: name == "records")) > 1
    return F.coalesce(F.when(is_possible, repeats), F.lit(0) == 1)
