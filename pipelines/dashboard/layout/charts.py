"""Charts: each a figure with its summary in words above it, and its numbers as a table below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from pipelines.dashboard.layout.aria import aria
from pipelines.dashboard.layout.tables import plain_table

# Each at least 3:1 against both backgrounds, white and near black.
BLUE, RED, AMBER, GREEN, PURPLE, GREY = "#2f7fd1", "#d9483b", "#b7791f", "#2e8b57", "#8a63d2", "#7a8794"
WHEEL = (BLUE, AMBER, PURPLE, GREEN, RED, GREY)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MOST_ROWS = 200


@dataclass(frozen=True)
class Numbers:
    """What a chart shows, for those who read rather than look. `rows`: the first cell names each."""

    headings: tuple[str, ...]
    rows: Sequence[Sequence[str]]


def chart(name: str, title: str, summary: str, figure: go.Figure, numbers: Numbers, height: int = 320) -> html.Figure:
    """`summary` says in a sentence what a look at the chart would."""
    figure.update_layout(_layout(height))
    cut, shown = len(numbers.rows) > _MOST_ROWS, list(numbers.rows)[-_MOST_ROWS:]
    said = f"{title}: the last {_MOST_ROWS} of {len(numbers.rows):,}" if cut else title
    return html.Figure(
        [
            html.Figcaption([html.Strong(title), html.Span(summary, id=f"{name}-summary", className="summary")]),
            html.Div(
                dcc.Graph(
                    id=f"{name}-graph", figure=figure, config={"displayModeBar": False, "responsive": True},
                    style={"height": f"{height}px"},
                ),
                role="img", className="graph", **aria(label=f"{title}. {summary}"),
            ),
            html.Details(
                [html.Summary(f"Numbers: {title}"), plain_table(said, numbers.headings, shown)]
            ),
        ],
        id=name,
    )  # fmt: skip


def line(name: str, times: Sequence[Any], values: Sequence[float | None], place: int = 0) -> go.Scatter:
    """Lines differ by their dashes too, not by colour alone."""
    return go.Scatter(
        x=times, y=values, name=name, mode="lines", connectgaps=False,
        line={"color": WHEEL[place % len(WHEEL)], "width": 2, "dash": DASHES[place % len(DASHES)]},
    )  # fmt: skip


def lines(series: Mapping[str, Sequence[tuple[Any, float]]], unit: str) -> go.Figure:
    """A line a name: its times and values."""
    figure = go.Figure()
    for place, (name, pairs) in enumerate(series.items()):
        figure.add_trace(line(name, [time for time, _ in pairs], [value for _, value in pairs], place))
    figure.update_layout(yaxis_title=unit, showlegend=True)
    return figure


def band(
    name: str, times: Sequence[Any], lower: Sequence[float | None], upper: Sequence[float | None], opacity: float
) -> tuple[go.Scatter, go.Scatter]:
    """The area between two bounds."""
    edge = {"width": 0.5, "color": GREY}
    below = go.Scatter(
        x=times, y=lower, mode="lines", line=edge, showlegend=False, hoverinfo="skip", name=f"{name}, lower"
    )
    above = go.Scatter(
        x=times, y=upper, mode="lines", line=edge, fill="tonexty", fillcolor=f"rgba(122,135,148,{opacity})", name=name
    )
    return below, above


def points(name: str, times: Sequence[Any], values: Sequence[float | None], symbol: str, colour: str) -> go.Scatter:
    marker = {"symbol": symbol, "size": 9, "color": colour, "line": {"width": 1, "color": colour}}
    return go.Scatter(x=times, y=values, name=name, mode="markers", marker=marker)


def bars(name: str, names: Sequence[Any], values: Sequence[float | None], place: int = 0) -> go.Bar:
    """Bars differ by their pattern too."""
    pattern = ("", "/", ".", "x", "-", "|")[place % 6]
    marker = {"color": WHEEL[place % len(WHEEL)], "pattern": {"shape": pattern, "fgcolor": "white", "size": 6}}
    return go.Bar(x=names, y=values, name=name, marker=marker)


def _layout(height: int) -> go.Layout:
    """Texts and grids get their colours from the style sheet, which knows whether it is dark."""
    axis = {"automargin": True, "zeroline": False, "showline": True}
    return go.Layout(
        height=height,
        margin={"l": 50, "r": 16, "t": 10, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "inherit", "size": 13},
        legend={"orientation": "h", "traceorder": "normal", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        hoverlabel={"bgcolor": "#16202b", "font": {"color": "#ffffff"}},
        xaxis=axis | {"tickangle": 0},
        yaxis=axis,
    )
