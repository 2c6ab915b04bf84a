"""What to simulate: one frozen, validated value; the same value gives the same bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from pipelines.errors import SettingsError
from pipelines.local.simulator.avro_schemas import AvroSchemas

# Prometheus scrapes this many times as often as the other families report.
SCRAPES_PER_INTERVAL = 4
# The Kafka adapter of Prometheus writes whole seconds: two scrapes within one second would look like one sample twice.
MINIMUM_INTERVAL_SECONDS = float(SCRAPES_PER_INTERVAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetSize:
    """Machines of each kind. Databases and load balancers come along with `aws`, pods with `kubernetes`, and edge
    gateways with `arc` where there are Avro schemas to write with."""

    arc: int = 70
    azure: int = 40
    aws: int = 50
    kubernetes: int = 40

    @property
    def hosts(self) -> int:
        return self.arc + self.azure + self.aws + self.kubernetes

    @classmethod
    def of(cls, hosts: int) -> FleetSize:
        """`hosts` machines in the default mix: 35 % Arc, 20 % Azure, 25 % AWS, 20 % Kubernetes nodes."""
        azure, aws, kubernetes = round(hosts * 0.20), round(hosts * 0.25), round(hosts * 0.20)
        return cls(arc=hosts - azure - aws - kubernetes, azure=azure, aws=aws, kubernetes=kubernetes)


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationConfig:
    """The simulated span, the fleet and how badly its transport behaves.

    Shares are of items (one row, metric or sample) between 0 and 1. Raises SettingsError when a value makes no sense.
    """

    start: datetime
    duration: timedelta
    seed: int = 1
    fleet: FleetSize = FleetSize()
    interval_seconds: float = 60.0
    """How often a machine reports; Prometheus scrapes four times as often."""
    step_seconds: float = 5.0
    """How much simulated time is sent at once: the grain of arrival times."""
    bad_share: float = 0.001
    duplicate_share: float = 0.005
    late_share: float = 0.003
    control_share: float = 0.001
    """Values without any telemetry, such as an empty `records`, as a share of Log Analytics values."""
    late_max_seconds: float = 6 * 3600.0
    incident_share: float = 0.03
    """Incidents of each kind as a share of the machines; at least one of each kind, or none at all with 0."""
    restarts_per_host_day: float = 0.1
    gaps_per_host_day: float = 0.1
    avro: AvroSchemas | None = None
    """Schemas of the topics of our own agents; without them there are no edge gateways."""
    guid_share: float = 0.25
    """Gateways that name the schema by its GUID in a header, as a share of them."""

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise SettingsError(f"simulation start {self.start.isoformat()} has no time zone: add one, such as Z")
        if self.duration <= timedelta(0):
            raise SettingsError(f"simulation duration {self.duration} should be longer than nothing")
        if self.seed < 0:
            raise SettingsError(f"simulation seed {self.seed} should not be negative")
        if self.interval_seconds < MINIMUM_INTERVAL_SECONDS:
            raise SettingsError(
                f"simulation interval {self.interval_seconds:.2f} s is below {MINIMUM_INTERVAL_SECONDS:.0f} s, where "
                "Prometheus samples could no longer be told apart: take more hosts or a lower rate"
            )
        if self.step_seconds < 0.01:
            raise SettingsError(f"simulation step {self.step_seconds} s should be at least 0.01 s")
        if self.fleet.hosts < 1 or min(self.fleet.arc, self.fleet.azure, self.fleet.aws, self.fleet.kubernetes) < 0:
            raise SettingsError(f"simulated fleet {self.fleet} should have at least one machine and no negative number")
        for field in fields(self):
            if field.name.endswith("_share") and not 0 <= getattr(self, field.name) <= 0.5:
                raise SettingsError(f"simulation {field.name} is {getattr(self, field.name)}: should be 0 to 0.5")

    @property
    def gateways(self) -> int:
        """One edge gateway for each five Arc machines of its plant."""
        return 0 if self.avro is None else -(-self.fleet.arc // 5)

    @property
    def start_ms(self) -> int:
        return round(self.start.timestamp() * 1000)

    @property
    def end_ms(self) -> int:
        return self.start_ms + round(self.duration.total_seconds() * 1000)

    @property
    def interval_ms(self) -> int:
        return round(self.interval_seconds * 1000)


def expected_rate(config: SimulationConfig) -> float:
    """Items a second this fleet sends by itself, before duplicates."""
    from pipelines.local.simulator.fleet import build_fleet  # fleet needs this module: a cycle at import time only

    fleet = build_fleet(config.fleet, config.seed, config.gateways)
    return fleet.items_per_interval(SCRAPES_PER_INTERVAL) / config.interval_seconds


def scale_interval(config: SimulationConfig, rate: float) -> SimulationConfig:
    """The same fleet reporting as often as gives `rate` items/s. Raises SettingsError when it is too small for that."""
    return replace(config, interval_seconds=config.interval_seconds * expected_rate(config) / rate)


def scale_hosts(config: SimulationConfig, rate: float) -> SimulationConfig:
    """A fleet in the default mix, as large as gives `rate` items/s at (nearly) the configured interval."""
    model = replace(config, fleet=FleetSize.of(200))
    hosts = max(1, math.ceil(200 * rate / expected_rate(model)))
    sized = replace(config, fleet=FleetSize.of(hosts))
    return replace(
        sized, interval_seconds=max(MINIMUM_INTERVAL_SECONDS, sized.interval_seconds * expected_rate(sized) / rate)
    )
