"""The broker dies while the streams run, and comes back: nothing is lost and nothing is there twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from pipelines.local import services, state
from pipelines.operations.reconcile import reconcile
from pipelines.settings import Settings
from tests.conftest import NO_SCHEMAS, Kafka, Launcher, SettingsFactory, wait_until

pytestmark = pytest.mark.faults

TOPIC = "prometheus.metrics"


@pytest.fixture
def own_broker(make_settings: SettingsFactory) -> Iterator[tuple[Settings, Kafka]]:
    """A broker that may be killed, and its topics: the others' is not touched."""
    settings = make_settings()
    address = services.up(settings).status.address
    assert address is not None
    yield settings, Kafka(address)
    services.down(settings)


def sample(number: int) -> str:
    time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f'{{"labels":{{"instance":"a:{number}"}},"name":"up","timestamp":"{time}","value":"{number}"}}'


def rows(settings: Settings) -> int:
    path = str(settings.table_path("silver", "metrics"))
    return DeltaTable(path).count() if DeltaTable.is_deltatable(path) else 0


@pytest.mark.timeout(600)
def test_a_killed_broker_costs_nothing(
    spark: SparkSession, own_broker: tuple[Settings, Kafka], launch: Launcher
) -> None:
    settings, kafka = own_broker
    environ = {**kafka.environ, "LAKEHOUSE_ROOT": str(settings.root)}
    kafka.produce(TOPIC, *(sample(number) for number in range(300)))
    program = launch("lakehouse", "run", "all", environ=environ)
    wait_until(lambda: rows(settings) == 300, 240, "silver has the first rows", program)

    child = state.read(settings.services_dir)["broker"].child
    assert child is not None
    psutil.Process(child.pid).kill()
    # A producer that keeps trying, as agents do.
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True, "log_level": 0})
    for number in range(300, 600):
        producer.produce(
            kafka.topic(TOPIC), sample(number), on_delivery=lambda error, _: failures.append(error) if error else None
        )
    services.up(settings)
    assert producer.flush(60) == 0
    assert failures == []
    kafka.produce(TOPIC, *(sample(number) for number in range(600, 900)))

    wait_until(lambda: rows(settings) == 900 or program.process.poll() is not None, 240, "silver has all rows")
    if program.process.poll() is None:
        program.signal(signal.SIGTERM)
        assert program.wait(60) == 0, program.output
    else:  # then it has said why, and starting it again is all there is to do
        assert program.process.returncode == 1
        assert "start the job again" in program.output
        assert "Traceback" not in program.output
        again = launch("lakehouse", "run", "all", "--trigger", "available-now", environ=environ)
        assert again.wait(180) == 0, again.output
    assert rows(settings) == 900
    (balance,) = reconcile(spark, settings, NO_SCHEMAS)
    assert balance.holds
    assert (balance.silver, balance.duplicates, balance.late_duplicates) == (900, 0, 0)
