"""How grave a finding or a control is, and how urgent an alert: their order, and their colours on every page."""

from __future__ import annotations

from collections.abc import Sequence

SEVERITIES = ("critical", "high", "medium", "low", "info")
_URGENCIES = ("page", "critical", "warning", "info")
_PLACES = {"critical": 4, "high": 1, "medium": 2, "low": 0, "info": 5}  # red, amber, purple, blue, grey


def gravity(severity: str) -> int:
    """0 is the gravest; a word that nobody knows comes last."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def urgency(severity: str) -> int:
    """Of alerts and incidents: what wakes somebody is 0."""
    return _URGENCIES.index(severity) if severity in _URGENCIES else len(_URGENCIES)


def places(severities: Sequence[str]) -> tuple[int, ...]:
    """Of `layout.daily.daily_bars`."""
    return tuple(_PLACES.get(severity, 5) for severity in severities)
