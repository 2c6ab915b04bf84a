"""Whether the streams keep up: a part of the page on data quality."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge
from pipelines.dashboard.layout.blocks import Child, Fact, facts, note, when
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.questions.pipeline import LATENCIES, STREAMS, MinuteOfStream, Stream


def pipeline(at: Address, answers: Answers) -> Child:
    streams = answers.ask(STREAMS)
    if not streams:
        return note("No stream has said anything yet.")
    errors, dropped = sum(one.errors for one in streams), sum(one.late_rows_dropped for one in streams)
    slowest = max((one.latency_p95_seconds for one in streams if one.latency_p95_seconds is not None), default=None)
    columns = (
        Column[Stream]("Stream", lambda s: s.query, lambda s: s.query),
        Column[Stream]("Layer", lambda s: s.layer, lambda s: s.layer),
        Column[Stream]("State", lambda s: badge("error" if s.errors else "ok"), lambda s: -s.errors),
        Column[Stream](
            "Rows a second", lambda s: words.number(s.rows_per_second), lambda s: s.rows_per_second, numeric=True
        ),
        Column[Stream](
            "Latency p95", lambda s: _seconds(s.latency_p95_seconds), lambda s: s.latency_p95_seconds, numeric=True
        ),
        Column[Stream]("Batch p95", lambda s: _ms(s.batch_p95_ms), lambda s: s.batch_p95_ms, numeric=True),
        Column[Stream]("Behind", _behind, lambda s: s.behind_offsets or s.behind_files or 0, numeric=True),
        Column[Stream]("Rows in state", lambda s: words.number(s.state_rows), lambda s: s.state_rows, numeric=True),
        Column[Stream](
            "Late, dropped", lambda s: words.number(s.late_rows_dropped), lambda s: s.late_rows_dropped, numeric=True
        ),
        Column[Stream]("Last word (UTC)", lambda s: when(s.last_word), lambda s: s.last_word),
    )
    shown: list[Child] = [
        facts(
            Fact("slowest p95", _seconds(slowest)),
            Fact("errors in the hour", words.number(errors), "bad" if errors else "good"),
            Fact("late rows dropped", words.number(dropped), "warn" if dropped else "good"),
        ),
        table("streams", "Each stream in the last hour that was measured", columns, streams, at),
    ]
    latencies = answers.ask(LATENCIES)
    return [*shown, _latencies(latencies)] if latencies else shown


def _seconds(value: float | None) -> str:
    return words.NONE if value is None else f"{words.number(value)} s"


def _ms(value: float | None) -> str:
    return words.NONE if value is None else f"{words.number(round(value))} ms"


def _behind(stream: Stream) -> str:
    if stream.behind_offsets is not None:
        return words.count_of(stream.behind_offsets, "record")
    return words.NONE if stream.behind_files is None else words.count_of(stream.behind_files, "file")


def _latencies(rows: Sequence[MinuteOfStream]) -> html.Figure:
    queries = sorted({row.query for row in rows})
    figure = go.Figure()
    for place, query in enumerate(queries):
        of_query = [row for row in rows if row.query == query]
        figure.add_trace(
            charts.line(query, [r.minute for r in of_query], [r.latency_p95_seconds for r in of_query], place)
        )
    figure.update_layout(yaxis_title="seconds", yaxis_rangemode="tozero", showlegend=True)
    worst = max(rows, key=lambda row: row.latency_p95_seconds)
    slowest = f"{worst.query}, {_seconds(worst.latency_p95_seconds)} at {words.moment(worst.minute)}"
    summary = f"The slowest five minutes: {slowest}."
    numbers = charts.Numbers(
        ("Time (UTC)", "Stream", "Latency p95"),
        [(words.moment(row.minute), row.query, _seconds(row.latency_p95_seconds)) for row in rows],
    )
    title = "From arrival until it is seen: the worst p95 of each five minutes"
    return charts.chart("latencies", title, summary, figure, numbers, height=280)
