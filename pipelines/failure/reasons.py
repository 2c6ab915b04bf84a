"""Why a machine's risk is what it is: the groups of signs that raise it most, in words and with their values."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from pipelines.failure.model import HAZARD, FailureModel
from pipelines.failure.names import MOST_HOURS_LEFT

_MOST_REASONS = 3
# In log-odds: what makes a failure less than a tenth more likely is no reason.
_LEAST_CONTRIBUTION = 0.1


def reasons(model: FailureModel, features: pd.DataFrame) -> list[list[str]]:
    """For each row up to three sentences, what matters most first; `features` may have disk_volume.

    None if nothing sets the machine apart from others.
    """
    contributions = model.contributions(features)
    groups = np.array(contributions.columns)
    order = np.argsort(-contributions.to_numpy(), axis=1, kind="stable")[:, :_MOST_REASONS]
    values = contributions.to_numpy()
    prefix = [f"no signs were learned from ({HAZARD})"] if model.name == HAZARD else []
    found = []
    for place, (_, row) in enumerate(features.iterrows()):
        named = [groups[at] for at in order[place] if values[place, at] >= _LEAST_CONTRIBUTION]
        found.append(prefix + [_SENTENCES[group](row) for group in named])
    return found


def _disk(row: pd.Series) -> str:
    volume = row.get("disk_volume")
    place = f"disk {volume}" if isinstance(volume, str) and volume else "disk"
    # Windows names volumes with a colon of their own.
    return f"{place if place.endswith(':') else place + ':'} {_level(row, 'disk')}"


def _level(row: pd.Series, kind: str) -> str:
    said = "not reported" if _is_missing(row[f"{kind}_percent"]) else f"{row[f'{kind}_percent']:.0f}% used"
    if not _is_missing(row[f"{kind}_slope_day"]):
        said += f", {row[f'{kind}_slope_day']:+.1f}%/day"
    left = row.get(f"{kind}_hours_left")
    if left is not None and not _is_missing(left) and left < MOST_HOURS_LEFT:
        said += f", full in {left:.0f} h"
    return said


def _memory(row: pd.Series) -> str:
    return f"memory: {_level(row, 'memory')}"


def _cpu(row: pd.Series) -> str:
    return f"CPU: {_level(row, 'cpu')}"


def _heartbeats(row: pd.Series) -> str:
    return (
        f"heartbeats: last one {row['minutes_since_heartbeat']:.0f} min ago, longest gap "
        f"{row['longest_gap_minutes_24h']:.0f} min in 24 h, {row['longest_gap_minutes_168h']:.0f} min in 7 days"
    )


def _history(row: pd.Series) -> str:
    said = f"{row['silences_168h']:.0f} silences in 7 days"
    if row["agent_changes_168h"] > 0:
        said += f", agent replaced {row['agent_changes_168h']:.0f} times"
    if row["hours_observed_168h"] < 168:
        said += f", known for {row['hours_observed_168h']:.0f} h"
    return said


def _logs(row: pd.Series) -> str:
    said = f"{row['errors_1h']:.0f} errors in 1 h, {row['errors_24h']:.0f} in 24 h"
    if row["criticals_24h"] > 0:
        said += f", {row['criticals_24h']:.0f} critical in 24 h"
    return f"{said}; {2 ** row['error_burst']:.1f} times its own usual hour"


def _events(row: pd.Series) -> str:
    counts = {
        "failed operations in 24 h": "failures_24h",
        "interruption warnings in 24 h": "interruptions_24h",
        "state changes in 24 h": "state_changes_24h",
        "reboots in 7 days": "reboots_168h",
        "cloud health events in 7 days": "health_events_168h",
    }
    named = [f"{row[name]:.0f} {what}" for what, name in counts.items() if row[name] > 0]
    return ", ".join(named) or "no events in 7 days"


def _anomalies(row: pd.Series) -> str:
    return (
        "anomalies: not scored"
        if _is_missing(row["anomalies_24h"])
        else f"{row['anomalies_24h']:.0f} anomalies in 24 h"
    )


def _is_missing(value: float) -> bool:
    return value is None or math.isnan(value)


_SENTENCES: dict[str, Callable[[pd.Series], str]] = {
    "heartbeats": _heartbeats, "history": _history, "logs": _logs, "events": _events, "cpu": _cpu, "memory": _memory,
    "disk": _disk, "anomalies": _anomalies,
}  # fmt: skip
