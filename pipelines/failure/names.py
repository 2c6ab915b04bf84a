"""What the model of failures is given of a machine, by name, and for which horizons it answers.

A group holds what says the same thing in several ways (how full a disk is, how fast it fills): attribution takes a
group as one, as taking one of them away alone would show little while the others still tell.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

HORIZONS_HOURS = (1, 24, 168)
# No feature looks back further; what is older is not read.
LOOK_BACK = timedelta(hours=168)
UTILISATIONS = ("cpu", "memory", "disk")

GROUPS: dict[str, tuple[str, ...]] = {
    "heartbeats": (
        "minutes_since_heartbeat",  # age of the last heartbeat, up to LOOK_BACK
        "longest_gap_minutes_1h",  # between heartbeats that came in order
        "longest_gap_minutes_24h",
        "longest_gap_minutes_168h",
        "gap_deviation_minutes_24h",  # standard deviation of the gaps
    ),
    "history": (
        "silences_168h",  # gaps longer than the silence that counts as a failure
        "hours_observed_168h",  # since the first heartbeat, up to LOOK_BACK
        "agent_changes_168h",  # the agent's version became another
    ),
    "logs": (
        "errors_1h",  # ERROR of OpenTelemetry, severity 17 to 20
        "errors_24h",
        "criticals_1h",  # FATAL, severity 21 and above
        "criticals_24h",
        "error_burst",  # log2 of errors in the last hour against the machine's own mean of an hour
    ),
    "events": (
        "failures_24h",  # events with outcome failure
        "reboots_168h",
        "health_events_168h",  # of the cloud, about the machine
        "interruptions_24h",  # of spot capacity, and advice to rebalance
        "state_changes_24h",
    ),
    "cpu": ("cpu_percent", "cpu_percent_24h", "cpu_deviation_24h", "cpu_slope_day"),
    "memory": ("memory_percent", "memory_percent_24h", "memory_deviation_24h", "memory_slope_day", "memory_hours_left"),
    "disk": ("disk_percent", "disk_percent_24h", "disk_deviation_24h", "disk_slope_day", "disk_hours_left"),
    "anomalies": ("anomalies_24h",),
}  # fmt: skip
FEATURES = tuple(name for group in GROUPS.values() for name in group)
# Counts and spans over orders of magnitude: a linear model is given their logarithm.
LOGARITHMIC = (
    *GROUPS["heartbeats"], "silences_168h", "agent_changes_168h", "errors_1h", "errors_24h", "criticals_1h",
    "criticals_24h", *GROUPS["events"], "memory_hours_left", "disk_hours_left", "anomalies_24h",
)  # fmt: skip
# A trend that reaches the limit later than this, or never, says no more than that.
MOST_HOURS_LEFT = 1000.0


class KnownBy(StrEnum):
    """When a row is known: as it arrived here, or, for a history imported at once, as it happened."""

    INGEST = "ingest"
    EVENT = "event"


def risk(hours: int) -> str:
    return f"risk_{hours}h"


def base_rate(hours: int) -> str:
    return f"base_rate_{hours}h"
