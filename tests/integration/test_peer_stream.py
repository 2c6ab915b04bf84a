"""silver.metrics → silver.anomaly_scores by the peer stream: who is compared with whom, and each score once."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from pipelines.detection.peers import stream as peer_stream
from pipelines.settings import Settings
from pipelines.streams import Trigger
from pipelines.tables import read_table
from tests.unit.detection.measured import append

START = 1_790_000_040  # epoch seconds, at a full minute
# After the hour in which a host is only watched.
UNLIKE_FROM = 62
HOSTS = 6
_ROWS = (
    "event_id string, series_id bigint, resource_id string, host_name string, resource_type string, namespace string, "
    "metric string, unit string, dimensions map<string,string>, second bigint, value double"
)


def measurements(minutes: range, metric: str = "node_load1", hosts: int = HOSTS) -> list[tuple[Any, ...]]:
    """Hosts of Prometheus, which label each series with the host, measured each minute; the last is far off."""
    return [
        (
            f"{metric}-{host}-{minute}",
            1000 * len(metric) + host,
            f"host{host}:9100",
            f"host{host}",
            "prometheus.target",
            "prometheus",
            metric,
            None,
            {"instance": f"host{host}:9100", "job": "node"},
            START + 60 * minute,
            90.0 if host == hosts - 1 and minute >= UNLIKE_FROM else 50.0 + (host + minute) % 3,
        )
        for minute in minutes
        for host in range(hosts)
    ]


def write(spark: SparkSession, settings: Settings, *rows: tuple[Any, ...]) -> None:
    frame = spark.createDataFrame(list(rows), _ROWS).selectExpr("*", "timestamp_seconds(second) AS event_time")
    arrived = {"kafka_timestamp": "event_time + INTERVAL 5 SECONDS"}
    append(spark, settings, peer_stream.METRICS, frame.drop("second"), arrived)


def run(spark: SparkSession, settings: Settings) -> None:
    assert peer_stream.start(spark, settings, Trigger.AVAILABLE_NOW).awaitTermination(240)


def scores(spark: SparkSession, settings: Settings) -> list[Row]:
    return read_table(spark, settings, peer_stream.TABLE).orderBy("event_time", "series_id").collect()


@pytest.mark.timeout(400)
def test_the_host_unlike_its_siblings_is_written_once_and_goes_on_after_a_restart(
    spark: SparkSession, settings: Settings
) -> None:
    counter, few = "node_network_receive_bytes_total", "node_load15"
    write(spark, settings, *measurements(range(80)), *measurements(range(80), counter))
    write(spark, settings, *measurements(range(80), few, hosts=4))
    run(spark, settings)
    first = scores(spark, settings)

    assert {(row.host_name, row.metric, row.detector) for row in first} == {("host5", "node_load1", "peer")}
    assert first[-1].is_anomaly
    assert first[-1].expected == pytest.approx(51, abs=1)
    assert int(first[-1].event_time.timestamp()) == START + 60 * 78

    write(spark, settings, *measurements(range(80, 85)))
    run(spark, settings)
    both = scores(spark, settings)

    assert both[: len(first)] == first
    assert [int(row.event_time.timestamp()) for row in both[len(first) :]] == [START + 60 * at for at in range(79, 84)]
    assert len({row.score_id for row in both}) == len(both)

    run(spark, settings)
    assert scores(spark, settings) == both
