"""A state as a badge: a shape, a word and a colour, so that none of the three is needed to understand it."""

from __future__ import annotations

from dataclasses import dataclass

from dash import html

from pipelines.dashboard.layout.aria import aria


@dataclass(frozen=True)
class Tone:
    """`rank` sorts the worst first."""

    css: str
    shape: str
    rank: int


BAD, WARN, GOOD, QUIET = Tone("bad", "■", 0), Tone("warn", "▲", 1), Tone("good", "●", 3), Tone("quiet", "◌", 2)
_TONES = {
    "silent": BAD, "unavailable": BAD, "failed": BAD, "error": BAD, "firing": BAD, "critical": BAD, "page": BAD,
    "refused": BAD, "down": BAD, "open": BAD, "high": BAD,
    "medium": WARN, "late": WARN, "degraded": WARN, "warning": WARN, "pending": WARN,
    "drifting": WARN, "stale": WARN, "at risk": WARN, "connected": GOOD, "healthy": GOOD, "passed": GOOD,
    "resolved": GOOD, "ok": GOOD, "right": GOOD, "closed": GOOD, "idle": WARN, "oversized": WARN, "undersized": WARN,
}  # fmt: skip


def tone(state: str | None) -> Tone:
    """Of a word that nobody knows: quiet."""
    return _TONES.get((state or "").lower(), QUIET)


def badge(state: str | None) -> html.Span:
    found = tone(state)
    shape = html.Span(found.shape, **aria(hidden="true"))
    return html.Span([shape, " ", state or "unknown"], className=f"badge {found.css}")
