"""How scores are distributed at training, to tell later whether they still are: histograms, and their distance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import ModelError

FILE = "reference.json"
# Most scores are near zero, so the bins are narrow there.
EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Distribution:
    """Scores of one detector: how many in each bin of `EDGES`, and how many were alerts."""

    counts: tuple[int, ...]
    alerts: int

    @property
    def rows(self) -> int:
        return sum(self.counts)

    @property
    def alert_rate(self) -> float:
        return self.alerts / self.rows if self.rows else 0.0


def distribution(scores: NDArray[np.float64], threshold: float) -> Distribution:
    counts, _ = np.histogram(scores, EDGES)
    return Distribution(tuple(int(count) for count in counts), int((scores >= threshold).sum()))


def add(one: Distribution, other: Distribution) -> Distribution:
    counts = tuple(a + b for a, b in zip(one.counts, other.counts, strict=True))
    return Distribution(counts, one.alerts + other.alerts)


NOTHING = Distribution((0,) * (len(EDGES) - 1), 0)


def stability(now: Distribution, reference: Distribution) -> float:
    """Population stability index: `sum((p - q) * ln(p / q))` over the bins, each share with half a row added.

    Known from credit scoring (Siddiqi, Credit Risk Scorecards, 2006): below 0.1 nothing has changed, above 0.25 much.
    """
    shares = [(np.array(one.counts) + 0.5) / (one.rows + 0.5 * len(one.counts)) for one in (now, reference)]
    return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())


def to_json(reference: Mapping[str, Distribution]) -> str:
    """By detector."""
    return json.dumps({"edges": EDGES, "detectors": {name: asdict(one) for name, one in reference.items()}}, indent=1)


def from_json(text: str) -> dict[str, Distribution]:
    """Raises ModelError if it was written with other bins."""
    told: dict[str, Any] = json.loads(text)
    if tuple(told["edges"]) != EDGES:
        raise ModelError(f"{FILE} of the run has other bins than this release: train anew")
    return {name: Distribution(tuple(one["counts"]), one["alerts"]) for name, one in told["detectors"].items()}
