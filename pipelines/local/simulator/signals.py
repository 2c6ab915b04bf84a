"""The numbers: daily rhythm, each machine's own level and mood, autocorrelated noise, counters that only grow.

All of it in numpy over a contiguous range of series at once; the Python cost per value is the text around it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.local.simulator.fleet import Host

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

DAY = 86_400.0
BUSIEST_HOUR = 14.5
# How much of one value's noise is left in the next, a minute later or so.
AUTOCORRELATION = 0.9
_DECIMALS = 6


class HostLoad:
    """How busy each machine is: 0 idle, 1 the busiest hour; shared by all its metrics, so that they correlate."""

    def __init__(self, hosts: Sequence[Host], rng: np.random.Generator) -> None:
        draws = rng.random((len(hosts), 6))
        self._peak = BUSIEST_HOUR * 3600 - np.array([host.site.utc_offset_hours * 3600 for host in hosts])
        self._peak += (draws[:, 0] - 0.5) * 3 * 3600
        self._offset = np.array([host.site.utc_offset_hours * 3600 for host in hosts])
        self._swing = 0.5 + 0.5 * draws[:, 1]
        self._weekend = 0.3 + 0.6 * draws[:, 2]
        self._periods = 600.0 * np.exp(2.5 * draws[:, 3:5])
        self._phases = 2 * np.pi * draws[:, 4:6]

    def at(self, first: int, last: int, seconds: Floats) -> Floats:
        """The load of hosts `first` to `last` at their own `seconds` (epoch)."""
        part = slice(first, last)
        daily = 0.5 + 0.5 * np.cos(2 * np.pi * (seconds - self._peak[part]) / DAY)
        # 1970-01-01 was a Thursday: days 2 and 3 of each week counted from there are Saturday and Sunday.
        weekday = np.floor((seconds + self._offset[part]) / DAY) % 7
        daily = np.where((weekday == 2) | (weekday == 3), daily * self._weekend[part], daily)
        angle = 2 * np.pi * seconds / self._periods[part].T + self._phases[part].T
        wander = 0.10 * np.sin(angle[0]) + 0.07 * np.sin(angle[1])
        load: Floats = 0.5 + self._swing[part] * (daily - 0.5) + wander
        return load


class Signals:
    """The state of every series of some hosts, in their order; `advance` moves a range of them one report on."""

    def __init__(self, hosts: Sequence[Host], rng: np.random.Generator) -> None:
        metrics = [metric for host in hosts for metric in host.metrics]
        self._rng = rng
        spread = rng.random(len(metrics))
        low, high = np.array([metric.base for metric in metrics]).reshape(-1, 2).T
        self.base: Floats = low + (high - low) * spread
        self._gain = np.array([metric.gain for metric in metrics])
        self._noise = np.array([metric.noise for metric in metrics], dtype=np.float64)
        self._low = np.array([metric.low for metric in metrics])
        self._high = np.array([metric.high for metric in metrics])
        self._whole: Bools = np.array([metric.whole for metric in metrics], dtype=np.bool_)
        self._counter: Bools = np.array([metric.counter for metric in metrics], dtype=np.bool_)
        self._state: Floats = rng.standard_normal(len(metrics))
        # One age for all counters of a host: the buckets of a histogram have counted for equally long.
        ages = np.repeat(rng.uniform(0.5, 30, len(hosts)) * DAY, [len(host.metrics) for host in hosts])
        self._total: Floats = np.where(self._counter, self.base * ages, 0.0)

    def advance(self, first: int, last: int, load: Floats, elapsed: float) -> Floats:
        """The next values of series `first` to `last`, whose hosts carry `load`, `elapsed` seconds after the former."""
        part = slice(first, last)
        state = self._state[part]
        state *= AUTOCORRELATION
        state += np.sqrt(1 - AUTOCORRELATION**2) * self._rng.standard_normal(last - first)
        raw = self.base[part] * (1 + self._gain[part] * (load - 0.5) + self._noise[part] * state)
        values = np.clip(raw, self._low[part], self._high[part])
        counter = self._counter[part]
        total = self._total[part]
        total += np.where(counter, values * elapsed, 0.0)
        return np.where(counter, total, values)

    def reset(self, series: Ints) -> None:
        """What a restart does to counters."""
        self._total[series] = 0.0

    def rounded(self, first: int, last: int, values: Floats) -> Floats:
        """As producers write them: whole numbers where the metric counts something, else six decimals."""
        result: Floats = np.where(self._whole[first:last], np.floor(values), np.round(values, _DECIMALS))
        return result
