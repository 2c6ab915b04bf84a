"""gold.alerts → a Kafka topic: every transition as a CloudEvent, at least once, those of an alert in their order."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.alerts.delivery.cloud_events import cloud_events
from pipelines.alerts.delivery.options import Delivery
from pipelines.alerts.delivery.transitions import TABLE, in_order
from pipelines.settings import Settings
from pipelines.streams import Trigger, read_appends, start_query
from pipelines.tables import ensure_table

QUERY = "alerts_to_kafka"
# A broker that cannot be reached holds the micro-batch up and does not fail it: the producer tries on for a day.
_PATIENCE_MS = 24 * 60 * 60 * 1000


def start(
    spark: SparkSession, settings: Settings, delivery: Delivery, bootstrap_servers: str, trigger: Trigger
) -> StreamingQuery:
    """Start the query. The topic has to exist, unless the broker makes topics by itself."""
    ensure_table(spark, settings, TABLE)
    transitions = read_appends(spark, settings, TABLE, settings.gold)
    # The connection is set for all; what else is set is about reading.
    connection = {key: value for key, value in settings.kafka.options.items() if key.startswith("kafka.")}

    def send(batch: DataFrame, _batch_id: int) -> None:
        (
            # One task, as files of a batch are read in any order. Transitions are few.
            cloud_events(batch.coalesce(1).sortWithinPartitions(in_order()), delivery.source)
            .write.format("kafka")
            .options(**connection)
            .option("kafka.bootstrap.servers", bootstrap_servers)
            .option("kafka.max.block.ms", _PATIENCE_MS)
            .option("kafka.delivery.timeout.ms", _PATIENCE_MS)
            .option("topic", delivery.topic)
            .save()
        )

    writer = transitions.writeStream.outputMode("append").foreachBatch(send)
    return start_query(writer, settings, QUERY, trigger, delivery.trigger_interval)
