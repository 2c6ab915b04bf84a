"""Simulations that take seconds, made once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from pipelines.local.simulator import (
    Message,
    Simulation,
)
from tests.unit.simulated_fleet import (
    COUNTERS,
    DIRTY,
    SPOTLESS,
    Day,
    host_of,
    instance_of,
    metric_of,
    moment,
    records,
    value_of,
)


@pytest.fixture(scope="session")
def day() -> Day:
    """Eight hours of one fleet with incidents, and nothing else wrong."""
    config = replace(
        SPOTLESS, duration=timedelta(hours=8), incident_share=0.05, restarts_per_host_day=0.2, gaps_per_host_day=0.2
    )
    simulation = Simulation(config)
    watched = {incident.metric for incident in simulation.incidents} | {"Heartbeat", "% Used Memory"} | set(COUNTERS)
    points = defaultdict(list)
    for message in simulation.messages():
        for record in records([message], message.topic):
            if (metric := metric_of(record)) in watched:
                value = 1.0 if metric == "Heartbeat" else value_of(record)
                point = (moment(record).timestamp() * 1000, value, instance_of(record))
                points[host_of(record), metric].append(point)
    return Day(simulation, points)


@pytest.fixture(scope="session")
def dirty() -> tuple[Simulation, list[Message]]:
    simulation = Simulation(DIRTY)
    return simulation, list(simulation.messages())
