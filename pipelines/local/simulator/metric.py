"""One series a machine reports, and how its numbers behave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.local.simulator.truth import IncidentKind

GIB = 2.0**30


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One series of a machine. A gauge's value, or a counter's growth a second, is
    `base * (1 + gain * (load - 0.5) + noise * autocorrelated normal)`, kept within [low, high]."""

    name: str
    namespace: str
    base: tuple[float, float]
    """Range from which each machine takes its own mean."""
    gain: float = 0.0
    noise: float = 0.05
    low: float = 0.0
    high: float = 1e15
    counter: bool = False
    whole: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    """Perf: the instance; CloudWatch: further dimensions; Prometheus: further labels."""
    unit: str = "None"
    samples: int = 1
    """CloudWatch: measurements in one interval (`count`)."""
    percentiles: bool = False
    stressed_by: IncidentKind | None = None
    limit: float = 0.0
    """The value an incident drives the metric to."""
    availability: bool = False
    """Prometheus `up`: stays, with 0, while the machine is down."""
    nan_share: float = 0.0

    @property
    def instance(self) -> str | None:
        return self.labels[0][1] if self.labels else None


def percent(name: str, namespace: str, *, mean: tuple[float, float], **rest: Any) -> Metric:
    """A metric between 0 and 100, with a typical mean in the range `mean`."""
    return Metric(name=name, namespace=namespace, base=mean, high=100.0, **rest)
