"""Are the forecasts better than none? On made series of kinds that we know, held against the last value and the season.

Series are forecast from three origins each, 72 hours ahead, by the very code of the tables: what is chosen is chosen on
the past of the origin alone. No model, margin or width was chosen by series of this seed; margins were by others of
these generators. Run alone, it prints:

    python -m tests.bench.forecasts --series 40
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from pipelines.forecasting.candidates import Kind
from pipelines.forecasting.forecast import Forecast, Profile, forecast_all
from pipelines.forecasting.series import DAY, HOUR, Floats, Series

KNOWN, AHEAD, ORIGINS, STRIDE = 14 * 24, 72, 3, 36
_SEASONS = (24, 168)
_SEED = 4242
Make = Callable[[np.random.Generator, int], Floats]


def cpu(rng: np.random.Generator, hours: int) -> Floats:
    """Office hours of weekdays on a base, bursts, and noise that grows with the load."""
    hour = np.arange(hours)
    of_day = (hour + rng.integers(24)) % 24
    is_weekend = (hour // 24 + rng.integers(7)) % 7 >= 5
    shape = np.exp(-(((of_day - 13) / rng.uniform(3, 5)) ** 2)) * np.where(is_weekend, rng.uniform(0.1, 0.6), 1)
    load = rng.uniform(5, 20) + rng.uniform(20, 60) * shape
    bursts = rng.exponential(15, hours) * (rng.random(hours) < 0.02)
    return np.clip(load * (1 + rng.normal(0, 0.1, hours)) + bursts, 0, 100)


def filling_disk(rng: np.random.Generator, hours: int) -> Floats:
    """It grows with the working day, and a clean-up takes back a part of it every few days."""
    grown = rng.gamma(1, rng.uniform(0.01, 0.08), hours) * (1 + np.sin(2 * np.pi * np.arange(hours) / 24))
    cleaned = (rng.random(hours) < 1 / rng.uniform(60, 240)) * rng.uniform(0, 3, hours)
    return np.clip(rng.uniform(20, 60) + np.cumsum(grown - cleaned) + rng.normal(0, 0.1, hours), 0, 100)


def steady_disk(rng: np.random.Generator, hours: int) -> Floats:
    """It fills at an even rate, as logs without rotation do."""
    return rng.uniform(20, 60) + rng.uniform(0.1, 1.5) * np.arange(hours) / 24 + rng.normal(0, 0.3, hours)


def leaking_memory(rng: np.random.Generator, hours: int) -> Floats:
    """It leaks until a restart, the time of which nobody knows."""
    used, level = np.empty(hours), rng.uniform(30, 50)
    rate, base = rng.uniform(0.1, 0.6), level
    for hour in range(hours):
        level = base if level > 90 or rng.random() < 1 / 300 else level + rate
        used[hour] = level
    return np.clip(used + rng.normal(0, 0.8, hours), 0, 100)


def flat(rng: np.random.Generator, hours: int) -> Floats:
    return rng.uniform(20, 80) + rng.normal(0, rng.uniform(0.5, 4), hours)


def random_walk(rng: np.random.Generator, hours: int) -> Floats:
    return 50 + rng.normal(0, 0.5, hours).cumsum()


def reverting_price(rng: np.random.Generator, hours: int) -> Floats:
    """The log of the price comes back to its mean, and jumps now and then; it changes a few times a day."""
    log, pull, price = 0.0, rng.uniform(0.005, 0.05), np.empty(hours)
    size = rng.uniform(0.01, 0.03)
    for hour in range(hours):
        if rng.random() < 0.3:
            log += -pull / 0.3 * log + rng.normal(0, size) + (rng.random() < 0.02) * rng.normal(0, 0.2)
        price[hour] = np.exp(log)
    return rng.uniform(0.05, 2) * price


def walking_price(rng: np.random.Generator, hours: int) -> Floats:
    steps = rng.normal(0, 0.02, hours) * (rng.random(hours) < 0.2)
    return rng.uniform(0.05, 2) * np.exp(steps.cumsum())


KINDS: dict[str, tuple[Kind, Make]] = {
    "CPU, days and weeks": (Kind.USAGE, cpu),
    "disk, with clean-ups": (Kind.USAGE, filling_disk),
    "disk, even": (Kind.USAGE, steady_disk),
    "memory, leak and restarts": (Kind.USAGE, leaking_memory),
    "flat": (Kind.USAGE, flat),
    "random walk": (Kind.USAGE, random_walk),
    "spot price, reverting": (Kind.PRICE, reverting_price),
    "spot price, random walk": (Kind.PRICE, walking_price),
}


@dataclass(frozen=True)
class Result:
    """Mean absolute errors over all series, origins and leads, each series in units of its own best naive error: 1 is
    as good as the better of last value and seasonal naive would have been, chosen in hindsight."""

    shown: float
    last_value: float
    season_of_a_day: float
    share_of_models: float
    coverage_80: float
    coverage_95: float
    seconds: float
    models: dict[str, int]


def measure_kind(kind: Kind, make: Make, count: int, seed: int) -> Result:
    rng = np.random.default_rng(seed)
    length = KNOWN + STRIDE * (ORIGINS - 1) + AHEAD
    made = [make(rng, length) for _ in range(count)]
    cuts = [KNOWN + STRIDE * origin for origin in range(ORIGINS)]
    pasts = [values[cut - KNOWN : cut] for values in made for cut in cuts]
    came = np.stack([values[cut : cut + AHEAD] for values in made for cut in cuts])
    started = time.perf_counter()
    found = forecast_all([Series(0, HOUR, past, KNOWN) for past in pasts], Profile(kind, _SEASONS, AHEAD))
    seconds = time.perf_counter() - started
    forecasts = [one for one in found if isinstance(one, Forecast)]
    assert len(forecasts) == len(pasts)
    errors = np.abs(np.stack([one.point for one in forecasts]) - came)
    last = np.abs(np.stack([np.full(AHEAD, past[-1]) for past in pasts]) - came)
    day = np.abs(np.stack([np.tile(past[-24:], AHEAD // 24) for past in pasts]) - came)
    by_series = [_by_series(one, count) for one in (errors, last, day)]
    unit = np.maximum(np.minimum(by_series[1], by_series[2]), 1e-12)
    halves = np.stack([one.halves for one in forecasts])
    return Result(
        *(float((one / unit).mean()) for one in by_series),
        share_of_models=float(np.mean([one.score is not None and one.score.skill > 0 for one in forecasts])),
        coverage_80=float((errors <= halves[:, 0]).mean()),
        coverage_95=float((errors <= halves[:, 1]).mean()),
        seconds=seconds,
        models=dict(Counter(one.model for one in forecasts).most_common()),
    )


def _by_series(errors: Floats, count: int) -> Floats:
    return errors.reshape(count, -1).mean(axis=1)


def measure(count: int, console: Console) -> dict[str, object]:
    """Print the backtest; what `--out` writes."""
    table = Table(box=None, pad_edge=False)
    names = ("kind", "shown", "last value", "day before", "by a model", "in 80 %", "in 95 %", "ms a series", "mostly")
    for name in names:
        table.add_column(name, justify="left" if name in ("kind", "mostly") else "right")
    results = {}
    for place, (name, (kind, make)) in enumerate(KINDS.items()):
        result = measure_kind(kind, make, count, _SEED + place)
        results[name] = asdict(result)
        table.add_row(
            name, f"{result.shown:.2f}", f"{result.last_value:.2f}", f"{result.season_of_a_day:.2f}",
            f"{result.share_of_models:.0%}", f"{result.coverage_80:.0%}", f"{result.coverage_95:.0%}",
            f"{1000 * result.seconds / (count * ORIGINS):.0f}", ", ".join(list(result.models)[:2]),
        )  # fmt: skip
    console.print(
        f"forecasts of {AHEAD} hours from {KNOWN * HOUR // DAY} days, {count} series of a kind, {ORIGINS} origins "
        "each: mean absolute error, 1 being the better naive one of each series in hindsight"
    )
    console.print(table)
    return results


def measure_speed(count: int, n_jobs: int) -> float:
    """Seconds for `count` series of all kinds of use, 14 days by the hour, forecast 14 days ahead."""
    rng = np.random.default_rng(_SEED)
    makes = [make for kind, make in KINDS.values() if kind is Kind.USAGE]
    series = [Series(0, HOUR, makes[place % len(makes)](rng, KNOWN), KNOWN) for place in range(count)]
    profile = Profile(Kind.USAGE, _SEASONS, 14 * 24, n_jobs)
    forecast_all(series[: len(makes)], profile)
    started = time.perf_counter()
    forecast_all(series, profile)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=40, help="series of each kind")
    parser.add_argument("--speed", type=int, default=0, help="also forecast so many series at a time, for the speed")
    parser.add_argument("--jobs", type=int, default=2, help="processes for --speed")
    parser.add_argument("--out", type=Path)
    arguments, console = parser.parse_args(), Console(width=140)
    found = measure(arguments.series, console)
    if arguments.speed:
        seconds = measure_speed(arguments.speed, arguments.jobs)
        console.print(f"{arguments.speed:,} series in {seconds:.1f} s with {arguments.jobs} processes")
        found["speed"] = {"series": arguments.speed, "seconds": seconds, "jobs": arguments.jobs}
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
