"""Rows of gold.alerts as CloudEvents 1.0 in structured JSON, as messages for Kafka.

The form: CloudEvents 1.0.2, its JSON event format and its Kafka protocol binding (structured content mode).
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.alerts.delivery.transitions import TABLE

TYPE = "io.lakehouse.alert"
CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
# RFC 3339, to the microsecond.
_TIME = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"


def cloud_events(transitions: DataFrame, source: str) -> DataFrame:
    """Rows of gold.alerts → `key` (fingerprint), `value` (the event) and `headers`, a message each.

    `source` is a URI of this lakehouse; with it the id, that of the transition, is unique, so that a message that comes
    twice can be told. An alert that is about no single resource has no subject.
    """
    event = F.struct(
        F.lit("1.0").alias("specversion"),
        F.col("transition_id").alias("id"),
        F.lit(source).alias("source"),
        F.concat_ws(".", F.lit(TYPE), "state").alias("type"),
        F.nullif(F.col("resource_id"), F.lit("")).alias("subject"),
        F.date_format("transition_time", _TIME).alias("time"),
        F.lit("application/json").alias("datacontenttype"),
        F.struct(*TABLE.column_names).alias("data"),
    )
    return transitions.select(
        F.col("fingerprint").alias("key"),
        F.to_json(event, {"timestampFormat": _TIME}).alias("value"),
        F.array(_header("content-type", CONTENT_TYPE)).alias("headers"),
    )


def _header(name: str, value: str) -> Column:
    return F.struct(F.lit(name).alias("key"), F.encode(F.lit(value), "UTF-8").alias("value"))
