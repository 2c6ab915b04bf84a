"""The pictures of the demo's page: matplotlib draws, the page's style sheet colours, so that dark mode works too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from io import StringIO
from itertools import count
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipelines.operations.findings import Finding
from pipelines.operations.report import CpuBand, Flow, Strip

# Stand-ins that matplotlib takes for colours and the page replaces by its own.
_INK, _MUTED, _GRID, _BAD = "#000001", "#000002", "#000003", "#000004"
_SERIES = ("#000011", "#000012", "#000013", "#000014")
_VARIABLES = {
    _INK: "var(--ink)",
    _MUTED: "var(--muted)",
    _GRID: "var(--line)",
    _BAD: "var(--bad)",
    **{colour: f"var(--s{place})" for place, colour in enumerate(_SERIES, start=1)},
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "ytick.major.size": 0,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
}
_EPOCH = datetime(1970, 1, 1)  # matplotlib counts days from here, in UTC
_numbers = count(1)


def arrivals_chart(flows: Sequence[Flow]) -> str:
    """Silver rows over time, one small picture a family, as their sizes differ too much for one scale."""
    with rc_context(_STYLE):
        figure = _figure(8.6, 1.35 * len(flows) + 0.3)
        every = figure.subplots(len(flows), 1, sharex=True, squeeze=False)[:, 0]
        for axes, flow, colour in zip(every, flows, _SERIES, strict=False):
            times, rows = _numbers_of(flow.times), np.asarray(flow.rows)
            axes.fill_between(times, rows, step="post", color=colour, alpha=0.25, linewidth=0)
            axes.step(times, rows, where="post", color=colour, linewidth=1.6)
            axes.set_ylim(bottom=0)
            axes.set_title(flow.family, loc="left", fontsize=10, color=_INK, fontweight="bold")
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        _time_axis(every[-1])
        families = ", ".join(f"{flow.family} {sum(flow.rows):,}" for flow in flows)
        return _svg(figure, f"Records per {span_name(flows[0].seconds)} by family over time. In all: {families}.")


def cpu_chart(band: CpuBand) -> str:
    """The fleet's median CPU and its 95th percentile."""
    with rc_context(_STYLE):
        figure = _figure(8.6, 2.6)
        axes = figure.subplots()
        times = _numbers_of(band.times)
        axes.fill_between(times, band.p50, band.p95, color=_SERIES[0], alpha=0.2, linewidth=0)
        for values, name, style in ((band.p95, "p95", "-"), (band.p50, "p50", "-")):
            width = 2.0 if name == "p50" else 1.0
            axes.plot(times, values, style, color=_SERIES[0], linewidth=width)
            axes.annotate(
                name, (times[-1], values[-1]), (5, 0), textcoords="offset points", va="center", color=_SERIES[0]
            )
        axes.set_ylim(0, max(10.0, min(100.0, max(band.p95) * 1.15)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
        _time_axis(axes)
        low, high = min(band.p50), max(band.p50)
        return _svg(
            figure,
            f"CPU of {band.hosts} machines by minute: the median stays between {low:.0f} and {high:.0f} percent, "
            f"the 95th percentile peaks at {max(band.p95):.0f} percent.",
        )


def strip_chart(strips: Sequence[Strip], end: datetime) -> str:
    """A line an agent, drawn while it sends; what a silent one leaves out until `end` is marked."""
    with rc_context(_STYLE | {"axes.grid.axis": "x"}):
        figure = _figure(8.6, 0.185 * len(strips) + 0.6)
        axes = figure.subplots()
        closing = _number(end)
        for place, strip in enumerate(strips):
            spans = [(_number(first), _number(last) - _number(first)) for first, last in strip.runs]
            # A single heartbeat has no length, and should be seen all the same.
            spans = [(start, max(length, 1 / 2880)) for start, length in spans]
            silent = strip.state == "silent"
            axes.broken_barh(spans, (place - 0.26, 0.52), facecolors=_SERIES[1], alpha=0.7, linewidth=0)
            if silent and spans:
                start = spans[-1][0] + spans[-1][1]
                axes.broken_barh([(start, closing - start)], (place - 0.26, 0.52), facecolors=_BAD, linewidth=0)
        axes.set_ylim(len(strips) - 0.4, -0.6)
        axes.set_yticks(range(len(strips)), [strip.host for strip in strips], fontsize=8)
        for label, strip in zip(axes.get_yticklabels(), strips, strict=True):
            if strip.state == "silent":
                label.set(color=_BAD, fontweight="bold")
        axes.set_xlim(right=closing)
        _time_axis(axes)
        silent_hosts = [strip.host for strip in strips if strip.state == "silent"]
        named = f"Silent at the end: {', '.join(silent_hosts)}." if silent_hosts else "None is silent at the end."
        return _svg(figure, f"Heartbeats of {len(strips)} agents over time, gaps left blank. {named}")


def finding_chart(finding: Finding) -> str:
    """A metric through an incident, which is shaded, with the band that was expected and what was called out."""
    with rc_context(_STYLE):
        figure = _figure(4.2, 2.1)
        axes = figure.subplots()
        incident, points = finding.incident, finding.points
        end = incident.end or points[-1].time
        axes.axvspan(_number(incident.start), _number(end), color=_BAD, alpha=0.13, linewidth=0)
        values = np.asarray([point.value for point in points])
        known = [point for point in points if point.lower is not None and point.upper is not None]
        lower = np.asarray([point.lower for point in known], dtype=np.float64)
        upper = np.asarray([point.upper for point in known], dtype=np.float64)
        axes.fill_between(
            _numbers_of([point.time for point in known]), lower, upper, color=_SERIES[0], alpha=0.18, linewidth=0
        )
        axes.plot(_numbers_of([point.time for point in points]), values, color=_SERIES[0], linewidth=1.4)
        called = [point for point in points if point.is_anomaly]
        axes.plot(
            _numbers_of([point.time for point in called]), [point.value for point in called], ".", color=_BAD, ms=7
        )
        # A band that is wide while little is known must not press the values to a line.
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        margin = 0.15 * (high - low) or 1.0
        axes.set_ylim(low - margin, high + margin)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        _time_axis(axes, ticks=4)
        what = incident.kind.replace("_", " ")
        during = f"from {incident.start:%H:%M} to {end:%H:%M} UTC"
        seen = "missed" if finding.found_at is None else f"first found at {finding.found_at:%H:%M:%S}"
        return _svg(figure, f"{incident.metric} of {incident.host}; {what} {during} is shaded, {seen}.")


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _time_axis(axes: Axes, ticks: int = 8) -> None:
    # The shortest spans must be named too, or a chart of a quarter of an hour has no interval to choose from.
    locator = mdates.AutoDateLocator(minticks=2, maxticks=ticks)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formats = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
    formatter = mdates.ConciseDateFormatter(locator, formats=formats, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    axes.margins(x=0.01)


def _numbers_of(times: Sequence[datetime]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray([_number(time) for time in times])


def _number(time: datetime) -> float:
    return (time - _EPOCH) / timedelta(days=1)


def span_name(seconds: int) -> str:
    names = {60: "minute", 3_600: "hour", 86_400: "day"}
    return names.get(seconds, f"{seconds} seconds" if seconds < 60 else f"{seconds // 60} minutes")


def _svg(figure: Figure, description: str) -> str:
    """The drawing as one element that scales, has a description, and takes the page's colours and font."""
    buffer = StringIO()
    # Ids are hashed with this: two drawings on one page may not share any.
    with rc_context({"svg.hashsalt": f"chart-{next(_numbers)}"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[A-Za-z.]+\d*_\d+"', "", text)
    text = re.sub(r"font: ([^;\"]*?)([\d.]+)px [^;\"]*", r"font: \1\2px var(--sans)", text)
    text = re.sub(r"#0000[01][1-4]", lambda match: _VARIABLES[match[0]], text)
    text = re.sub(r'(<svg [^>]*?) ?width="[^"]*pt"', r"\1", text)
    text = re.sub(r'(<svg [^>]*?) ?height="[^"]*pt"', r"\1", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(description, quote=True)}" ', 1).strip()
