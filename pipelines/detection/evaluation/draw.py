"""A picture of a scored history: the value with the band that was expected, what was labelled, the score below."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipelines.detection.evaluation.backtest import Scored
from pipelines.detection.scores import FloatVector

_BLUE, _BAND, _LABEL, _RED, _GREY = "#1f5fa8", "#1f5fa822", "#f2b70540", "#c62828", "#777777"
# More columns than a picture has pixels hide what lies between them: each keeps its lowest and its highest.
_COLUMNS = 1400


def draw(
    title: str,
    times: FloatVector,
    scored: Scored,
    labelled: list[tuple[int, int]],
    threshold: float,
    path: Path,
) -> None:
    """Write a PNG. `times` epoch seconds (rows,); `labelled` (first, last) rows of what is marked as anomalous."""
    figure = Figure(figsize=(12, 4.6), dpi=110, layout="constrained")
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    days = times / 86_400.0
    kept = _extremes(scored.value)
    for axes in (top, below):
        for first, last in labelled:
            axes.axvspan(days[first], days[last], color=_LABEL, lw=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#00000012")
    known = kept[np.isfinite(scored.lower[kept]) & np.isfinite(scored.upper[kept])]
    top.fill_between(days[known], scored.lower[known], scored.upper[known], color=_BAND, lw=0, label="expected band")
    top.plot(days[kept], scored.value[kept], color=_BLUE, lw=0.7, label="value")
    said = np.flatnonzero(scored.score >= threshold)
    top.plot(days[said], scored.value[said], ".", color=_RED, ms=6, label=f"anomaly ({len(said)} rows)")
    _keep_values_in_view(top, scored.value)
    top.set_title(title, loc="left", fontsize=11)
    if labelled:
        top.fill_between([], [], [], color=_LABEL, label="labelled")
    top.legend(loc="upper left", fontsize=8, frameon=False, ncols=4)
    shown = _extremes(scored.score)
    below.plot(days[shown], scored.score[shown], color=_GREY, lw=0.7)
    below.axhline(threshold, color=_RED, lw=0.7, ls="--")
    below.set_ylim(0, 1.02)
    below.set_ylabel("score", fontsize=9)
    locator = mdates.AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _extremes(values: FloatVector) -> NDArray[np.int64]:
    """Rows to draw, in order: of each column of the picture the lowest and the highest."""
    if len(values) <= 2 * _COLUMNS:
        return np.arange(len(values))
    filled = np.where(np.isfinite(values), values, 0.0)
    parts = np.array_split(np.arange(len(values)), _COLUMNS)
    rows = [row for part in parts for row in (part[filled[part].argmin()], part[filled[part].argmax()])]
    return np.unique(np.array(rows, dtype=np.int64))


def _keep_values_in_view(axes: Axes, values: FloatVector) -> None:
    """A band that is wide while little is known must not press the values to a line."""
    finite = values[np.isfinite(values)]
    if len(finite):
        low, high = float(finite.min()), float(finite.max())
        margin = 0.12 * (high - low) or 1.0
        axes.set_ylim(low - margin, high + 2 * margin)
