"""Stacked bars a day: each day has a place, also one on which nothing happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import plotly.graph_objects as go

from pipelines.dashboard.layout.charts import bars

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class OfDay:
    """An amount of a kind on a day; a kind has one amount a day."""

    day: date
    kind: str
    amount: float


def daily_bars(amounts: Sequence[OfDay], kinds: Sequence[str], unit: str, places: Sequence[int] = ()) -> go.Figure:
    """`kinds` in the order in which they are stacked; `places`: of their colours in the wheel, else the first ones."""
    first, last = min(one.day for one in amounts), max(one.day for one in amounts)
    days = [first + _ONE_DAY * place for place in range((last - first).days + 1)]
    known = {(one.day, one.kind): one.amount for one in amounts}
    figure = go.Figure(
        [
            bars(kind, days, [known.get((day, kind), 0) for day in days], place)
            for place, kind in zip(places or range(len(kinds)), kinds, strict=True)
        ]
    )
    figure.update_layout(barmode="stack", yaxis_title=unit, yaxis_rangemode="tozero", showlegend=len(kinds) > 1)
    # A bar is a day wide; where there are few, the axis is a week, so that no bar is a wall.
    missing, around = max(timedelta(days=7) - (last - first), timedelta(0)), timedelta(hours=18)
    figure.update_xaxes(
        type="date", tickformat="%d %b", range=[_midnight(first) - missing - around, _midnight(last) + around]
    )
    highest = max(sum(known.get((day, kind), 0) for kind in kinds) for day in days)
    if highest <= 5 and all(float(one.amount).is_integer() for one in amounts):
        figure.update_yaxes(dtick=1)
    if len(days) <= 10:
        figure.update_xaxes(dtick=86_400_000)
    return figure


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)
