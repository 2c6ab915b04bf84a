"""Seconds from a condition that is true in Kafka to the alert in Alertmanager. It is run by

    python -m tests.bench.alert_end_to_end

All is real and apart: the broker, `lakehouse run all`, `lakehouse run alerts`, Alertmanager. The rule is PodRestarts of
conf/alerts.yaml, which has no `for`: it is true as soon as Kafka has the last record that shows the sixth restart of a
pod. The clock runs from the broker's receipt for that record to the alert in Alertmanager's API; the moments are drawn
by lot, so that they fall anywhere between two triggers. The target is 15 s in the p99.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import urllib3
from confluent_kafka import Producer

from pipelines.local import services
from pipelines.local.kafka_client import create_topics
from pipelines.settings import Settings, load_settings, without_outside_services

TOPIC = "prometheus.metrics"
_WARM_UP = 3
_START_SECONDS, _GIVE_UP_SECONDS = 300.0, 120.0
_SEED = 20261127


@contextmanager
def lakehouse(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`lakehouse …` on the root of `settings`, ended with SIGTERM."""
    command = [str(Path(sys.executable).with_name("lakehouse")), *arguments]
    environ = without_outside_services(os.environ) | {"LAKEHOUSE_ROOT": str(settings.root)}
    log = settings.root / f"{'-'.join(arguments)}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield child
        assert child.poll() is None, f"{' '.join(command)} has ended; it said:\n{log.read_text()[-3000:]}"
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(90)


def restarts(pod: int, count: int) -> str:
    """What prometheus-kafka-adapter sends: the counter of a pod now."""
    labels = {"instance": "kube-state-metrics:8080", "namespace": "shop", "pod": f"web-{pod}", "container": "web"}
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = "kube_pod_container_status_restarts_total"
    return json.dumps({"labels": labels, "name": name, "timestamp": now, "value": str(count)})


def send(producer: Producer, *values: str) -> float:
    """When the broker has them all, by the monotonic clock."""
    for value in values:
        producer.produce(TOPIC, value)
    assert producer.flush(30) == 0
    return time.monotonic()


def is_shown(url: str, pod: int) -> bool:
    query = {"filter": f'pod="web-{pod}"'}
    return bool(urllib3.request("GET", f"{url}/api/v2/alerts", fields=query, timeout=5.0).json())


def seconds_to(url: str, pod: int, begun: float, give_up: float) -> float:
    while not is_shown(url, pod):
        assert time.monotonic() - begun < give_up, f"no alert of web-{pod} after {give_up:.0f} s"
        time.sleep(0.02)
    return time.monotonic() - begun


def measure(settings: Settings, count: int, rate: int) -> list[float]:
    """Seconds of each alert, with `rate` records/s of a simulated fleet beside it."""
    bootstrap, url = services.up(settings).status.address, services.up_alertmanager(settings).status.address
    assert bootstrap is not None
    assert url is not None
    create_topics(bootstrap, [TOPIC, "alerts"], 2)
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    rng, found = random.Random(_SEED), []
    try:
        with ExitStack() as running:
            running.enter_context(lakehouse(settings, "run", "all"))
            # Alerts are of silver, which is not there before its first batch.
            send(producer, restarts(0, 0))
            until_there(settings.table_path("silver", "metrics") / "_delta_log")
            running.enter_context(lakehouse(settings, "run", "alerts"))
            if rate:
                load = ("simulate", "--live", "--rate", str(rate), "--duration", f"{30 * (count + 20)} seconds")
                running.enter_context(lakehouse(settings, *load))
            for pod in range(_WARM_UP + count):
                send(producer, restarts(pod, 0))
                time.sleep(rng.uniform(2, 8))
                begun = send(producer, restarts(pod, 6))
                found.append(seconds_to(url, pod, begun, _GIVE_UP_SECONDS if pod else _START_SECONDS))
    finally:
        services.down(settings)
    return found[_WARM_UP:]


def until_there(path: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} is not there after {_START_SECONDS:.0f} s"
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--rate", type=int, default=0, help="records/s of a simulated fleet meanwhile")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-alerts-") as folder:
        settings = load_settings("local", without_outside_services({"LAKEHOUSE_ROOT": folder}))
        seconds = np.array(measure(settings, asked.count, asked.rate))
    p50, p99 = np.quantile(seconds, [0.5, 0.99])
    print(f"{len(seconds)} alerts: p50 {p50:.1f} s, p99 {p99:.1f} s, most {seconds.max():.1f} s (target 15 s)")


if __name__ == "__main__":
    main()
