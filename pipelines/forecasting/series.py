"""What is measured at times of its own → the regular series that models need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Seconds = NDArray[np.int64]

HOUR = 3600
DAY = 86_400


@dataclass(frozen=True)
class Series:
    """`values[i]` is of the time [start + i·step, start + (i+1)·step), in seconds since 1970 UTC; all are finite.

    `observed` is how many of them were measured rather than filled in.
    """

    start: int
    step: int
    values: Floats
    observed: int

    @property
    def end(self) -> int:
        """The first second that the series knows nothing of."""
        return self.start + len(self.values) * self.step

    def last(self, steps: int) -> Series:
        """Its newest part."""
        dropped = max(0, len(self.values) - steps)
        return Series(self.start + dropped * self.step, self.step, self.values[dropped:], min(self.observed, steps))


def mean_per_step(times: Seconds, values: Floats, step: int, longest_gap: int) -> Series:
    """Measurements → the mean of each step; steps without one lie on a line between their neighbours.

    What lies before a gap of more than `longest_gap` seconds is left out: it tells of another time. Values that are no
    finite numbers count as not measured. An empty series if nothing was measured.
    """
    known = np.isfinite(values)
    slots, place = np.unique(times[known] // step, return_inverse=True)
    if not len(slots):
        return Series(0, step, np.empty(0), 0)
    means = np.bincount(place, weights=values[known]) / np.bincount(place)
    breaks = np.flatnonzero(np.diff(slots) * step > longest_gap)
    if len(breaks):
        slots, means = slots[breaks[-1] + 1 :], means[breaks[-1] + 1 :]
    grid = np.arange(slots[0], slots[-1] + 1)
    return Series(int(slots[0]) * step, step, np.interp(grid, slots, means), len(slots))


def last_per_step(times: Seconds, values: Floats, step: int, until: int) -> Series:
    """Changes of a value that holds until the next one → the value at the end of each step, up to `until` (seconds)."""
    known = np.isfinite(values) & (times < until)
    times, values = times[known], values[known]
    last_slot = until // step - 1
    if not len(times) or times.min() // step > last_slot:
        return Series(0, step, np.empty(0), 0)
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    grid = np.arange(times[0] // step, last_slot + 1)
    at = np.searchsorted(times, (grid + 1) * step, side="left") - 1
    return Series(int(grid[0]) * step, step, values[at], len(np.unique(times // step)))
