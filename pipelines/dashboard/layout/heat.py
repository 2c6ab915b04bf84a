"""A grid of shares: a row a name, a column a day. Pale green is none of it; the redder, the more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import plotly.graph_objects as go

_ROW = 26  # pixels
_SCALE = ((0.0, "rgba(46,139,87,0.18)"), (0.0001, "rgba(217,72,59,0.30)"), (1.0, "rgba(217,72,59,1)"))


def daily_heat(shares: Mapping[tuple[date, str], float], names: Sequence[str], said: str) -> go.Figure:
    """`names` from the top; `said`: what a share is of. A day that is not known is left empty."""
    first, last = min(day for day, _ in shares), max(day for day, _ in shares)
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    heat = go.Heatmap(
        x=days, y=list(names), z=[[shares.get((day, name)) for day in days] for name in names], zmin=0, zmax=1,
        colorscale=[list(step) for step in _SCALE], showscale=False, xgap=2, ygap=2, hoverongaps=False,
        hovertemplate="%{y}<br>%{x|%d %b}: %{z:.1%} " + said + "<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(heat)
    figure.update_layout(hovermode="closest", yaxis={"autorange": "reversed"})
    figure.update_xaxes(type="date", tickformat="%d %b", showgrid=False, nticks=5)
    figure.update_yaxes(showgrid=False)
    return figure


def heat_height(rows: int) -> int:
    """Pixels for so many names, with the axis."""
    return 90 + _ROW * max(rows, 3)
