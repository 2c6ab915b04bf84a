"""Seconds from the commit of a transition to Alertmanager's API: `python -m tests.bench.alert_delivery`.

Alertmanager is a real one on this machine. The figure is in seconds, with the two streams of delivery running and
nothing else.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import urllib3

from pipelines.alerts.delivery import to_alertmanager, to_kafka
from pipelines.alerts.delivery.options import Delivery
from pipelines.alerts.delivery.transitions import TABLE
from pipelines.local import services
from pipelines.session import build_session
from pipelines.settings import load_settings
from pipelines.streams import Trigger
from pipelines.tables import ensure_table, read_table

_GIVE_UP_SECONDS = 60.0
_WARM_UP = 3


def firing(number: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "transition_id": f"t{number}",
        "fingerprint": f"f{number}",
        "alert_name": "Bench",
        "state": "firing",
        "previous_state": "pending",
        "transition_time": now,
        "active_since": now,
        "severity": "info",
        "resource_id": f"vm-{number}",
        "value": 1.0,
        "labels": {"alertname": "Bench", "severity": "info", "resource_id": f"vm-{number}"},
        "annotations": {"summary": "made up"},
        "evaluated_at": now,
    }


def shown(url: str, number: int) -> bool:
    query = {"filter": f'resource_id="vm-{number}"'}
    return bool(urllib3.request("GET", f"{url}/api/v2/alerts", fields=query, timeout=5.0).json())


def measure(root: Path, count: int) -> list[float]:
    """Seconds that each transition took."""
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(root)})
    bootstrap = services.up(settings).status.address
    url = services.up_alertmanager(settings).status.address
    assert bootstrap is not None
    assert url is not None
    spark = build_session(settings, "alert-delivery-bench")
    try:
        delivery = Delivery((url,))
        ensure_table(spark, settings, TABLE)
        schema = read_table(spark, settings, TABLE).schema
        deliverer = to_alertmanager.Deliverer(delivery, to_alertmanager.told_in(settings))
        to_alertmanager.start(spark, settings, deliverer, Trigger.CONTINUOUS)
        to_kafka.start(spark, settings, delivery, bootstrap, Trigger.CONTINUOUS)
        found = []
        for number in range(_WARM_UP + count):
            row = firing(number)
            frame = spark.createDataFrame([tuple(row[name] for name in schema.names)], schema).coalesce(1)
            frame.write.format("delta").mode("append").save(TABLE.path(settings))
            committed = time.monotonic()
            while not shown(url, number):
                assert time.monotonic() - committed < _GIVE_UP_SECONDS
                time.sleep(0.02)
            found.append(time.monotonic() - committed)
        return found[_WARM_UP:]
    finally:
        spark.stop()
        services.down(settings)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    with tempfile.TemporaryDirectory() as folder:
        seconds = np.array(measure(Path(folder), parser.parse_args().count))
    p50, p99 = np.quantile(seconds, [0.5, 0.99])
    print(f"{len(seconds)} transitions: p50 {p50:.2f} s, p99 {p99:.2f} s, most {seconds.max():.2f} s")
