"""What each quarantine reason means, in a sentence an operator can act on. The row rules add those of the contracts."""

from __future__ import annotations

from itertools import chain

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.quality.row_rules import messages
from pipelines.tables import contract

DECODING = {
    "null_value": "the Kafka value is null (a tombstone)",
    "empty_value": "the Kafka value is empty",
    "invalid_utf8": "the Kafka value is not UTF-8 text",
    "malformed_json": "the text is not JSON, or it is cut off",
    "wrong_shape": "well-formed JSON, but not an object with members of the documented types",
    "duplicate_key": "the value has `records` twice, so which of the two is meant cannot be told",
    "unknown_envelope": "an object that no telemetry family recognises as its own",
    "unsupported_table": "a Log Analytics table that has no decoder",
    "no_value": "no measurement in the record",
    "bad_value": "the measurement is not a number",
    "bad_dimensions": "labels or dimensions are not an object",
}


def explanations() -> dict[str, str]:
    """Reason code → sentence, all of them."""
    return messages((contract("silver.heartbeats"), contract("silver.metrics"))) | DECODING


def message(reason: Column) -> Column:
    sentences = list(chain.from_iterable((F.lit(code), F.lit(text)) for code, text in explanations().items()))
    return F.create_map(*sentences)[reason]
