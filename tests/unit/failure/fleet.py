"""A fleet of our own making whose failures have causes that can be seen, and causes that cannot.

Hour by hour each machine that is up has a hazard (failures an hour), the sum of

- pure chance: 1 / 60 days times the machine's own frailty (gamma, mean 1, shape 2). Nothing tells when;
- a full disk: 0.04 while it is more than 96 % full. Disks fill at a steady rate of their own and are cleaned at random;
- a memory leak: 0.06 while more than 94 % are used. Leaks begin at random, and most end by themselves before that;
- trouble with the hardware: 0.03 while it lasts. It shows as errors in the log and as heartbeats that are late.

So much of what fails cannot be foreseen at all: no model can come near certainty. All else is noise that a model
must not take for a sign: CPU with its daily rhythm, restarts, harmless bursts of errors, state changes, cloud events.
A failure lasts hours; meanwhile the machine is down, and afterwards its memory is free, its disk cleaned in most cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.failure.names import FEATURES, MOST_HOURS_LEFT

Floats = NDArray[np.float64]

START = datetime(2026, 1, 1)
_WEEK = 168


@dataclass(frozen=True)
class FleetPlan:
    machines: int = 200
    days: int = 90
    seed: int = 1
    step_hours: int = 3
    chance_days: float = 60.0  # between failures by pure chance
    signs: float = 1.0  # times the hazards that can be seen


@dataclass(frozen=True)
class _Course:
    """hours × machines: what was so in each hour, and whether a failure began in the hour that follows."""

    up: NDArray[np.bool_]
    onset: Floats  # hours since the start of a failure that began in the hour; NaN: none
    cpu: Floats
    memory: Floats
    disk: Floats
    errors: Floats
    criticals: Floats
    gap: Floats
    silent: Floats
    hazard: Floats
    counts: dict[str, Floats]


def history(plan: FleetPlan) -> pd.DataFrame:
    """What training reads: resource_id, as_of, FEATURES, disk_volume, hours_to_failure, hours_followed.

    And `true_risk_1h`, the probability by which the dice were thrown: nobody can know more of the next hour.
    """
    course = _live(plan)
    features = _features(course)
    hours, machines = course.up.shape
    upcoming = np.full((hours + 1, machines), np.nan)
    for hour in range(hours - 1, -1, -1):
        upcoming[hour] = np.where(np.isnan(course.onset[hour]), upcoming[hour + 1], course.onset[hour])
    moments = np.arange(1, hours + 1)
    rows = {
        "resource_id": np.tile([f"fleet-{plan.seed}-machine-{number:04}" for number in range(machines)], (hours, 1)),
        "as_of": np.tile((np.datetime64(START, "ns") + moments * np.timedelta64(1, "h"))[:, None], machines),
        "true_risk_1h": 1 - np.exp(-np.vstack([course.hazard[1:], course.hazard[-1:]])),
        "disk_volume": np.full((hours, machines), "/var"),
        "hours_to_failure": upcoming[1:] - moments[:, None],
        "hours_followed": np.tile((hours - moments)[:, None].astype(float), machines),
        **features,
    }
    # The row at the end of an hour is about a machine that is up then: the next hour says so.
    still_up = np.vstack([course.up[1:], course.up[-1:]]) & np.isnan(course.onset)
    chosen = still_up & (moments % plan.step_hours == 0)[:, None]
    frame = pd.DataFrame({name: values[chosen] for name, values in rows.items()})
    return frame.sort_values(["as_of", "resource_id"], ignore_index=True)


def _live(plan: FleetPlan) -> _Course:
    rng = np.random.default_rng(plan.seed)
    hours, machines = plan.days * 24, plan.machines
    frailty = rng.gamma(2.0, 0.5, machines)
    disk, fill = rng.uniform(20, 85, machines), rng.gamma(1.0, 0.04, machines)  # % an hour
    own_memory, busy, noisy = rng.uniform(30, 65, machines), rng.uniform(5, 50, machines), rng.gamma(1.0, 0.5, machines)
    leak, trouble, down = np.zeros(machines), np.zeros(machines), np.zeros(machines)
    memory = own_memory.copy()
    shape = (hours, machines)
    up, onset = np.zeros(shape, dtype=np.bool_), np.full(shape, np.nan)
    found = {
        name: np.zeros(shape) for name in ("cpu", "memory", "disk", "errors", "criticals", "gap", "silent", "hazard")
    }
    names = ("agent_changes", "failures", "reboots", "health_events", "interruptions", "state_changes")
    counts = {name: np.zeros(shape) for name in names}
    rates = dict(zip(names, (0.001, 0.01, 0.002, 0.0005, 0.0, 0.004), strict=True))
    for hour in range(hours):
        was_down = down > 0
        down = np.maximum(0, down - 1)
        alive = ~was_down
        up[hour] = alive
        back = was_down & (down == 0)
        leak = np.where(leak > 0, leak, np.where(rng.random(machines) < 1 / 1200, rng.uniform(0.2, 2.0, machines), 0))
        freed = back | (rng.random(machines) < np.where(leak > 0, 1 / 60, 0))
        leak, memory = np.where(freed, 0, leak), np.where(freed, own_memory, np.minimum(99, memory + leak))
        cleaned = (back & (rng.random(machines) < 0.8)) | (
            rng.random(machines) < np.where(disk > 80, 1 / 200, 1 / 3000)
        )
        disk = np.where(cleaned, rng.uniform(20, 60, machines), np.minimum(99.5, disk + fill))
        ends = trouble - 1
        begins = rng.random(machines) < 1 / 1000
        trouble = np.where(back, 0, np.where(begins, rng.integers(6, 72, machines), np.maximum(0, ends)))
        harmless = rng.random(machines) < 0.004
        hazard = frailty / (plan.chance_days * 24) + plan.signs * (
            0.04 * (disk > 96) + 0.06 * (memory > 94) + 0.03 * (trouble > 0)
        )
        found["cpu"][hour] = np.clip(
            busy * (1 + 0.5 * np.sin(hour / 24 * 2 * np.pi)) + rng.normal(0, 4, machines), 0, 100
        )
        found["memory"][hour] = np.clip(memory + rng.normal(0, 1, machines), 0, 100)
        found["disk"][hour] = np.clip(disk + rng.normal(0, 0.2, machines), 0, 100)
        found["errors"][hour] = rng.poisson(noisy + 12 * (trouble > 0) + 25 * harmless)
        found["criticals"][hour] = rng.poisson(0.01 + 0.3 * (trouble > 0))
        found["gap"][hour] = 1 + rng.exponential(0.1, machines) + (trouble > 0) * rng.exponential(1.2, machines)
        found["silent"][hour] = back
        found["hazard"][hour] = hazard
        for name, rate in rates.items():
            counts[name][hour] = rng.poisson(rate, machines)
        fails = alive & (rng.random(machines) < 1 - np.exp(-hazard))
        onset[hour] = np.where(fails, hour + rng.random(machines), np.nan)
        lasts = np.ceil(rng.lognormal(1.0, 0.8, machines))
        found["gap"][hour] = np.where(back, 60.0, found["gap"][hour])
        down = np.where(fails, lasts, down)
    return _Course(up=up, onset=onset, counts=counts, **found)


def _features(course: _Course) -> dict[str, Floats]:
    """As the real ones: of the hour that ends, and windows back from it; a machine that is down reports nothing."""
    up = course.up.astype(float)
    hours, machines = up.shape
    errors, criticals, gap = course.errors * up, course.criticals * up, course.gap * up
    counts = {name: values * up for name, values in course.counts.items()}
    observed = np.tile(np.minimum(np.arange(1, hours + 1), _WEEK)[:, None].astype(float), machines)
    found = {
        "minutes_since_heartbeat": np.full((hours, machines), 0.5),
        "longest_gap_minutes_1h": gap,
        "longest_gap_minutes_24h": _largest(gap, 24),
        "longest_gap_minutes_168h": _largest(gap, _WEEK),
        "gap_deviation_minutes_24h": _spread(gap, up, 24),
        "silences_168h": _total(course.silent, _WEEK),
        "hours_observed_168h": observed,
        "agent_changes_168h": _total(counts["agent_changes"], _WEEK),
        "errors_1h": errors,
        "errors_24h": _total(errors, 24),
        "criticals_1h": criticals,
        "criticals_24h": _total(criticals, 24),
        "error_burst": np.log2((errors + 1) / (_total(errors, _WEEK) / observed + 1)),
        "failures_24h": _total(counts["failures"], 24),
        "reboots_168h": _total(counts["reboots"], _WEEK),
        "health_events_168h": _total(counts["health_events"], _WEEK),
        "interruptions_24h": _total(counts["interruptions"], 24),
        "state_changes_24h": _total(counts["state_changes"], 24),
        "anomalies_24h": np.full((hours, machines), np.nan),
    }
    for kind, level in (("cpu", course.cpu), ("memory", course.memory), ("disk", course.disk)):
        before = (
            np.vstack([np.full((23, machines), np.nan), level[:-23]]) if hours > 23 else np.full(level.shape, np.nan)
        )
        slope = (level - before) / 23 * 24
        found[f"{kind}_percent"] = level
        found[f"{kind}_percent_24h"] = _total(level * up, 24) / np.maximum(1, _total(up, 24))
        found[f"{kind}_deviation_24h"] = _spread(level, up, 24)
        found[f"{kind}_slope_day"] = slope
        if kind != "cpu":
            with np.errstate(divide="ignore", invalid="ignore"):
                left = np.where(slope > 0, (100 - level) / slope * 24, MOST_HOURS_LEFT)
            found[f"{kind}_hours_left"] = np.where(np.isnan(slope), np.nan, np.minimum(left, MOST_HOURS_LEFT))
    assert set(found) == set(FEATURES)
    return found


def _total(values: Floats, window: int) -> Floats:
    summed = np.cumsum(values, axis=0)
    total: Floats = summed - np.vstack([np.zeros((window, values.shape[1])), summed])[: values.shape[0]]
    return total


def _spread(values: Floats, up: Floats, window: int) -> Floats:
    number = np.maximum(1, _total(up, window))
    mean = _total(values * up, window) / number
    spread: Floats = np.sqrt(np.maximum(0, _total(values**2 * up, window) / number - mean**2))
    return spread


def _largest(values: Floats, window: int) -> Floats:
    largest: Floats = pd.DataFrame(values).rolling(window, min_periods=1).max().to_numpy()
    return largest
