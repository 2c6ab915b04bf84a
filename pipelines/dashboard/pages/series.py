"""Series: what was measured, where it was expected to be, and which values were anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import plotly.graph_objects as go
from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.blocks import Child, Fact, facts, note, when
from pipelines.dashboard.layout.forms import Choice, choices
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part
from pipelines.dashboard.questions.series import POINTS, SCORED, Point, Scored

_RANGES = (("24", "24 hours"), ("6", "6 hours"), ("72", "3 days"), ("168", "7 days"))
_APART = timedelta(minutes=10)


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Series", tabIndex=-1),
        part("series", "What was usual, and what was not?", lambda: _chosen(at, answers)),
    ]


def _chosen(at: Address, answers: Answers) -> Child:
    span = answers.span(POINTS)
    if span is None:
        return note("Nothing has been scored yet.")
    hours = int(at.one_of("hours", tuple(value for value, _ in _RANGES), "24"))
    end = span.last.replace(second=0, microsecond=0) + timedelta(minutes=1)
    start = end - timedelta(hours=hours)
    # What can be chosen is what was scored in the last day, however far back the chart looks.
    scored = answers.ask(SCORED, start=end - timedelta(hours=24), end=end)
    if not scored:
        return note("Nothing with a value was scored in the last day.")
    resource = at.one_of("resource", tuple({one.resource_id for one in scored}), "")
    if at.get("resource") and not resource:
        asked = words.short_id(at.get("resource") or "")
        said: Child = [note(f"Nothing of {asked} was scored in the last day; here is another resource.")]
    else:
        said = []
    first = next(one for one in scored if not resource or one.resource_id == resource)
    of_resource = [one for one in scored if one.resource_id == first.resource_id]
    key = at.one_of("series", tuple(_key(one) for one in of_resource), _key(first))
    one = next(one for one in of_resource if _key(one) == key)
    points = answers.ask(
        POINTS,
        start=start,
        end=end,
        resource=one.resource_id,
        metric=one.metric,
        series=one.series_id,
        detector=one.detector,
    )
    form = choices(
        "choose",
        at,
        (
            Choice("resource", "Resource", _resources(scored), first.resource_id),
            Choice("series", "Metric", _series(of_resource), key),
            Choice("hours", "Time", _RANGES, str(hours)),
        ),
    )
    return [*said, form, *_shown(one, points, start, end, at)]


def _key(one: Scored) -> str:
    return f"{one.detector}.{one.series_id}.{one.metric}"


def _resources(scored: Sequence[Scored]) -> tuple[tuple[str, str], ...]:
    """Those with the most anomalies first."""
    anomalies: dict[str, int] = {}
    names: dict[str, str] = {}
    for one in scored:
        anomalies[one.resource_id] = anomalies.get(one.resource_id, 0) + one.anomalies
        names[one.resource_id] = one.host_name or words.short_id(one.resource_id)
    ordered = sorted(anomalies, key=lambda resource: (-anomalies[resource], names[resource]))
    return tuple((resource, names[resource] + _with(anomalies[resource])) for resource in ordered)


def _series(of_resource: Sequence[Scored]) -> tuple[tuple[str, str], ...]:
    several = {one.metric for one in of_resource if sum(one.metric == other.metric for other in of_resource) > 1}
    ordered = sorted(of_resource, key=lambda one: (-one.anomalies, one.metric, one.detector, one.series_id))
    return tuple(
        (
            _key(one),
            one.metric
            + (f", {one.detector}, series …{str(one.series_id)[-4:]}" if one.metric in several else "")
            + _with(one.anomalies),
        )
        for one in ordered
    )


def _with(anomalies: int) -> str:
    return f" ({words.count_of(anomalies, 'anomaly', 'anomalies')})" if anomalies else ""


def _shown(one: Scored, points: Sequence[Point], start: datetime, end: datetime, at: Address) -> list[Child]:
    name = one.host_name or words.short_id(one.resource_id)
    unusual = [point for point in points if point.is_anomaly]
    times = [point.event_time for point in points]
    figure = go.Figure(
        [
            *charts.band("usual band", times, [p.lower for p in points], [p.upper for p in points], 0.28),
            charts.line("expected", times, [p.expected for p in points], 2),
            charts.line("measured", times, [p.value for p in points], 0),
            charts.points("anomaly", [p.event_time for p in unusual], [p.value for p in unusual], "x", charts.RED),
        ]
    )
    figure.update_layout(yaxis_title=one.metric, xaxis_range=[start, end])
    figure.update_layout(yaxis_range=_range(points))
    found = words.count_of(len(unusual), "anomaly", "anomalies")
    summary = f"{words.count_of(len(points), 'value')} from {words.moment(start)} to {words.moment(end)}, {found}."
    if unusual:
        strongest = max(unusual, key=lambda point: point.anomaly_score)
        summary += (
            f" The strongest was at {words.moment(strongest.event_time)}: {words.number(strongest.value)} where "
            f"{words.number(strongest.expected)} was expected."
        )
    numbers = charts.Numbers(
        ("Time (UTC)", "Measured", "Expected", "Lower", "Upper", "Score"),
        [
            (
                words.moment(p.event_time), words.number(p.value), words.number(p.expected), words.number(p.lower),
                words.number(p.upper), f"{p.anomaly_score:.2f}",
            )
            for p in points
        ],
    )  # fmt: skip
    return [
        facts(
            Fact("values", words.number(len(points))),
            Fact("anomalies", words.number(len(unusual)), "bad" if unusual else "good"),
        ),
        charts.chart("values", f"{one.metric} of {name}", summary, figure, numbers, height=380),
        html.H3("When it was unusual"),
        _stretches(unusual, one.metric, at),
    ]


@dataclass(frozen=True)
class Stretch:
    """Anomalies with less than ten minutes from one to the next."""

    start: datetime
    end: datetime
    anomalies: int
    strongest: Point


def stretches(unusual: Sequence[Point]) -> tuple[Stretch, ...]:
    """The newest first."""
    runs: list[list[Point]] = []
    for point in unusual:
        if runs and point.event_time - runs[-1][-1].event_time < _APART:
            runs[-1].append(point)
        else:
            runs.append([point])
    return tuple(
        Stretch(run[0].event_time, run[-1].event_time, len(run), max(run, key=lambda point: point.anomaly_score))
        for run in reversed(runs)
    )


def _stretches(unusual: Sequence[Point], metric: str, at: Address) -> html.Div:
    columns = (
        Column[Stretch]("From (UTC)", lambda s: when(s.start), lambda s: s.start),
        Column[Stretch]("To", lambda s: when(s.end), lambda s: s.end),
        Column[Stretch]("Anomalies", lambda s: words.number(s.anomalies), lambda s: s.anomalies, numeric=True),
        Column[Stretch]("Highest score", lambda s: f"{s.strongest.anomaly_score:.3f}", _height, numeric=True),
        Column[Stretch]("Measured then", lambda s: words.number(s.strongest.value), numeric=True),
        Column[Stretch]("Expected", lambda s: words.number(s.strongest.expected), numeric=True),
        Column[Stretch]("Usual band", lambda s: _band(s.strongest), numeric=True),
    )
    return table("anomalies", f"Anomalies of {metric}, the newest first", columns, stretches(unusual), at)


def _height(stretch: Stretch) -> float:
    return stretch.strongest.anomaly_score


def _band(point: Point) -> str:
    return words.NONE if point.lower is None else f"{words.number(point.lower)} to {words.number(point.upper)}"


def _range(points: Sequence[Point]) -> list[float] | None:
    """By the values: a band that is wide while little is known must not press them to a line."""
    values = [point.value for point in points if point.value is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    margin = 0.25 * (high - low) or abs(high) * 0.1 or 1.0
    return [low - margin, high + margin]
