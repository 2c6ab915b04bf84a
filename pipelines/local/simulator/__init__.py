"""A believable hybrid fleet that speaks in its producers' own envelopes, deterministic by seed.

config = SimulationConfig(start=datetime(2026, 3, 2, tzinfo=UTC), duration=timedelta(hours=6), seed=7)
simulation = Simulation(config)
for message in simulation.messages():
    ...
write_truth(path, simulation.incidents, simulation.summary())
"""

from pipelines.local.simulator.avro_schemas import AvroSchema, AvroSchemas
from pipelines.local.simulator.config import FleetSize, SimulationConfig, expected_rate, scale_hosts, scale_interval
from pipelines.local.simulator.incidents import AVRO_TOPICS, TOPICS
from pipelines.local.simulator.publish import Clock, PublishError, PublishReport, Stamp, publish
from pipelines.local.simulator.stream import Simulation, simulate
from pipelines.local.simulator.transport import Message
from pipelines.local.simulator.truth import Incident, IncidentKind, Summary, TopicCounts, write_truth

__all__ = [
    "AVRO_TOPICS",
    "TOPICS",
    "AvroSchema",
    "AvroSchemas",
    "Clock",
    "FleetSize",
    "Incident",
    "IncidentKind",
    "Message",
    "PublishError",
    "PublishReport",
    "Simulation",
    "SimulationConfig",
    "Stamp",
    "Summary",
    "TopicCounts",
    "expected_rate",
    "publish",
    "scale_hosts",
    "scale_interval",
    "simulate",
    "write_truth",
]
