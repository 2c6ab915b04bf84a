"""What each quarantine reason means, in a sentence an operator can act on. The row rules add those of the contracts."""

from __future__ import annotations

from itertools import chain

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.errors import QueryError
from pipelines.quality.row_rules import counted_rules, messages
from pipelines.tables import all_contracts

DECODING = {
    "null_value": "the Kafka value is null (a tombstone)",
    "empty_value": "the Kafka value is empty",
    "invalid_utf8": "the Kafka value, or this line of it, is not UTF-8 text",
    "malformed_line": "a line of text that is cut off, or not in the format of its neighbours",
    "malformed_json": "the text is not JSON, or it is cut off",
    "wrong_shape": "well-formed JSON, but not an object with members of the documented types",
    "duplicate_key": "the value has `records` twice, so which of the two is meant cannot be told",
    "malformed_gzip": "the value is compressed, and cut off or damaged",
    "unknown_schema": "an Avro record whose schema the registry does not know, or is not one of ours",
    "malformed_avro": "an Avro record that cannot be read with the schema it names",
    "wrong_type": "a field of its Avro schema has another type than the column of that name",
    "unknown_envelope": "an object that no telemetry family recognises as its own",
    "unsupported_table": "a Log Analytics table that has no decoder",
    "no_value": "no measurement in the record",
    "bad_value": "the measurement is not a number",
    "bad_dimensions": "labels or dimensions are not an object",
}

# What is neither telemetry nor an error, by the code that decoders give it.
IGNORED = {
    "empty_records": "an export, page or file without any record",
    "control_message": "the sender's own housekeeping: it checks a destination or confirms a subscription",
    "test_notification": "a test that the service sends when a notification is set up",
    "digest_file": "CloudTrail's list of its log files and their hashes",
    "no_data_points": "a metric, document or resource that measures nothing",
    "bookmark": "a bookmark of a Kubernetes watch, which holds no event",
    "event_forgotten": "a Kubernetes watch says that the API server has dropped an old event",
}


def explanations() -> dict[str, str]:
    """Reason code → sentence, all of them."""
    return messages(tuple(table for table in all_contracts() if table.layer == "silver")) | DECODING


def counted() -> dict[str, str]:
    """Code → sentence of the rules that rows of silver may break: they warn, or stop the stream."""
    return {rule.reason: rule.message for table in all_contracts() for rule in counted_rules(table)}


def message(reason: Column) -> Column:
    sentences = list(chain.from_iterable((F.lit(code), F.lit(text)) for code, text in explanations().items()))
    return F.create_map(*sentences)[reason]


def check_reason(code: str) -> str:
    """Its sentence. Raises QueryError if there is no such code."""
    known = explanations()
    if code not in known:
        raise QueryError(f"there is no reason code {code!r}; the codes are: {', '.join(sorted(known))}")
    return known[code]
