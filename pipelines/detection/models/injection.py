"""Anomalies of known place and shape, put into copies of real series: what models are compared by.

Each host gets one of each shape, at places that do not overlap, drawn from the seed and the host's name. Sizes are in
standard deviations of the series before the held-back part: a spike of 8 over 1 to 3 rows, in one series; a level shift
of 4 over 40 rows, in up to three series at once; a flatline of 60 rows, in one series; a drift that reaches 5 over 90
rows, in one series. These sizes are chosen, not tuned: large enough for an operator to agree, small enough to be
missed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.detection.scores import FloatVector, IntVector

# Where little is held back anomalies are shorter, so that they stay the exception.
_MOST_OF_SLOT = 0.2


@dataclass(frozen=True)
class Shape:
    name: str
    rows: tuple[int, int]
    series: int
    size: float


SHAPES = (
    Shape("spike", (1, 3), 1, 8.0),
    Shape("shift", (40, 40), 3, 4.0),
    Shape("flatline", (60, 60), 1, 0.0),
    Shape("drift", (90, 90), 1, 5.0),
)


@dataclass(frozen=True, eq=False)
class Injected:
    """`values` (rows,) as they would have been; `spans` (anomalies, 2): from and until, epoch seconds."""

    values: FloatVector
    spans: FloatVector


def inject(frame: pd.DataFrame, resource_id: str, held_from: float, interval: int, seed: int) -> Injected:
    """Put anomalies into what was measured from `held_from` on. `frame`: `series_id`, `time`, `value`, in order."""
    random = np.random.default_rng([seed, zlib.crc32(resource_id.encode())])
    ids, times = frame["series_id"].to_numpy(), frame["time"].to_numpy()
    values = frame["value"].to_numpy(dtype=np.float64).copy()
    end = float(times.max())
    # A slot for each shape, in drawn order, so that none overlap; one that does not hold its shape stays empty.
    edges = np.linspace(held_from, end, len(SHAPES) + 1)
    spans = []
    for slot, place in enumerate(random.permutation(len(SHAPES))):
        shape = SHAPES[place]
        space = edges[slot + 1] - edges[slot]
        rows = min(int(random.integers(shape.rows[0], shape.rows[1] + 1)), int(space / interval * _MOST_OF_SLOT))
        length = interval * max(rows, 1)
        room = space - length
        offset = random.random()
        chosen = random.permutation(np.unique(ids))[: shape.series]
        if room <= 0:
            continue
        begin = edges[slot] + offset * room
        sign = random.choice((-1.0, 1.0))
        touched = [
            _distort(values, ids, times, series, (begin, begin + length, held_from), shape, sign) for series in chosen
        ]
        if any(touched):
            spans.append((begin, begin + length))
    return Injected(values, np.array(spans, dtype=np.float64).reshape(-1, 2))


def _distort(
    values: FloatVector,
    ids: IntVector,
    times: FloatVector,
    series: int,
    span: tuple[float, float, float],
    shape: Shape,
    sign: float,
) -> bool:
    """Change `values` of one series in [begin, end); whether it had rows there and anything to measure sizes by."""
    begin, end, held_from = span
    rows = np.flatnonzero((ids == series) & (times >= begin) & (times < end))
    before = values[(ids == series) & (times < held_from)]
    if not len(rows) or len(before) < 2:
        return False
    scale = float(before.std()) or abs(float(before.mean())) * 0.1 or 1.0
    if shape.name == "flatline":
        values[rows] = values[rows[0]]
    elif shape.name == "drift":
        values[rows] += sign * scale * shape.size * (times[rows] - begin) / (end - begin)
    else:
        values[rows] += sign * scale * shape.size
    return True
