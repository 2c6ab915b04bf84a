"""What the bench feeds: the simulator's fleet, in its producers' envelopes, with its duplicates and bad records."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.local.kafka_client import create_topics
from pipelines.local.simulator import TOPICS, FleetSize, SimulationConfig, expected_rate, publish, simulate
from pipelines.settings import Settings

PARTITIONS = 2


@dataclass(frozen=True)
class Load:
    """What one run was fed: telemetry records (items) and Kafka values."""

    items: int
    values: int


def reset(settings: Settings) -> None:
    """Remove the tables and checkpoints of the run before; the topics stay."""
    for folder in ("bronze", "silver", "gold", "_checkpoints", "_quality", "peer"):
        shutil.rmtree(settings.root / folder, ignore_errors=True)


def fill(bootstrap: str, items: int, seed: int) -> Load:
    """About `items` records of history into the topics, Prometheus samples and batched envelopes half and half."""
    create_topics(bootstrap, list(TOPICS), PARTITIONS)
    fleet = FleetSize(arc=300, azure=150, aws=250, kubernetes=40)
    config = SimulationConfig(
        start=datetime(2026, 1, 1, tzinfo=UTC), duration=timedelta(hours=1), seed=seed, fleet=fleet
    )
    duration = timedelta(seconds=max(600, round(items / expected_rate(config))))
    end = datetime.now(UTC).replace(microsecond=0)
    config = SimulationConfig(start=end - duration, duration=duration, seed=seed, fleet=fleet)
    report = publish(simulate(config), bootstrap)
    return Load(report.items, report.messages)
