"""Pipeline: whether each stream keeps up, how old its rows are when they are seen, and how large its state is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge
from pipelines.dashboard.layout.blocks import Child, Fact, facts, note, when
from pipelines.dashboard.layout.forms import Choice, choices
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part
from pipelines.dashboard.questions.pipeline import MEASURED, STREAMS, Measured, Stream

QUIET_SECONDS = 600.0


@dataclass(frozen=True)
class Measure:
    """`title`: of its chart."""

    name: str
    label: str
    unit: str
    title: str


_MEASURES = (
    Measure("p95", "latency p95", "s", "From arrival until it is seen: the worst p95 of each step"),
    Measure("p99", "latency p99", "s", "From arrival until it is seen: the worst p99 of each step"),
    Measure("rows", "rows a second", "rows/s", "Rows read a second"),
    Measure("records", "behind Kafka", "records", "Records of Kafka that were not read yet"),
    Measure(
        "commits", "behind the table before it", "commits", "Commits of the table before it that were not read yet"
    ),
    Measure("state", "size of state", "MB", "Memory that the state takes"),
)
_RANGES = (("24", "24 hours"), ("6", "6 hours"), ("168", "7 days"))
_STEPS = {24: 5, 6: 1, 168: 30}  # hours shown: minutes a step


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Pipeline", tabIndex=-1),
        part("streams-now", "Do the streams keep up?", lambda: _now(at, answers)),
        part("measured", "How was that over time?", lambda: _measured(at, answers)),
    ]


def quiet_seconds(streams: Sequence[Stream], now: datetime) -> float:
    """How long ago the last word of any stream was. `now`: UTC without a zone, as in answers."""
    return max(0.0, (now - max(one.last_word for one in streams)).total_seconds())


def clock() -> datetime:
    """UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def _now(at: Address, answers: Answers) -> Child:
    streams = answers.ask(STREAMS)
    if not streams:
        return note("No stream has said anything yet.")
    errors, dropped = sum(one.errors for one in streams), sum(one.late_rows_dropped for one in streams)
    slowest = max((one.worst_p99_seconds for one in streams if one.worst_p99_seconds is not None), default=None)
    quiet = quiet_seconds(streams, clock())
    columns = (
        Column[Stream]("Stream", lambda s: s.query, lambda s: s.query),
        Column[Stream]("State", lambda s: badge("error" if s.errors else "ok"), lambda s: -s.errors),
        Column[Stream]("Rows/s", lambda s: words.number(s.rows_per_second), lambda s: s.rows_per_second, numeric=True),
        Column[Stream]("It can do, rows/s", lambda s: _whole(s.can_do), lambda s: s.can_do, numeric=True),
        Column[Stream]("Latency p95", lambda s: seconds(s.latency_p95_seconds), _p95, numeric=True),
        Column[Stream]("p99, worst minute", lambda s: seconds(s.worst_p99_seconds), _p99, numeric=True),
        Column[Stream]("Batch p95", lambda s: _batch(s.batch_p95_ms), lambda s: s.batch_p95_ms, numeric=True),
        Column[Stream]("Behind", _behind, _behind_amount, numeric=True),
        Column[Stream]("Kept in state", _kept, lambda s: s.state_bytes, numeric=True),
        Column[Stream](
            "Late, dropped", lambda s: words.number(s.late_rows_dropped), lambda s: s.late_rows_dropped, numeric=True
        ),
        Column[Stream]("Last word (UTC)", lambda s: when(s.last_word), lambda s: s.last_word),
    )
    return [
        facts(
            Fact(
                "streams with errors",
                words.number(sum(1 for one in streams if one.errors)),
                "bad" if errors else "good",
            ),
            Fact("since the last word", words.duration(quiet), "warn" if quiet > QUIET_SECONDS else "good"),
            Fact("slowest minute, p99", seconds(slowest)),
            Fact("late rows dropped", words.number(dropped), "warn" if dropped else "good"),
        ),
        table("streams", "Each stream in the last hour that was measured", columns, streams, at),
    ]


def seconds(value: float | None) -> str:
    return words.NONE if value is None else f"{words.number(value)} s"


def _whole(value: float | None) -> str:
    return words.NONE if value is None else words.number(round(value))


def _batch(milliseconds: float | None) -> str:
    return words.NONE if milliseconds is None else f"{words.number(round(milliseconds))} ms"


def _p95(stream: Stream) -> float | None:
    return stream.latency_p95_seconds


def _p99(stream: Stream) -> float | None:
    return stream.worst_p99_seconds


def _kept(stream: Stream) -> str:
    if stream.state_rows is None:
        return words.NONE
    return f"{words.count_of(stream.state_rows, 'row')}, {words.size(stream.state_bytes)}"


def _behind(stream: Stream) -> str:
    if stream.behind_offsets is not None:
        return words.count_of(stream.behind_offsets, "record")
    if stream.behind_versions is not None:
        return words.count_of(stream.behind_versions, "commit")
    return words.NONE if stream.behind_files is None else words.count_of(stream.behind_files, "file")


def _behind_amount(stream: Stream) -> int | None:
    known = (stream.behind_offsets, stream.behind_versions, stream.behind_files)
    return next((amount for amount in known if amount is not None), None)


def _measured(at: Address, answers: Answers) -> Child:
    name = at.one_of("measure", tuple(one.name for one in _MEASURES), "p95")
    measure = next(one for one in _MEASURES if one.name == name)
    hours = int(at.one_of("hours", tuple(value for value, _ in _RANGES), "24"))
    rows = answers.ask(MEASURED, measure=name, hours=hours, bucket=_STEPS[hours])
    form = choices(
        "measure-of",
        at,
        (
            Choice("measure", "What", tuple((one.name, one.label) for one in _MEASURES), name),
            Choice("hours", "Time", _RANGES, str(hours)),
        ),
    )
    if not rows:
        return [form, note("No stream tells that: choose another measure.")]
    return [form, _drawn(rows, measure, _STEPS[hours])]


def _drawn(rows: Sequence[Measured], measure: Measure, step: int) -> html.Figure:
    queries = sorted({row.query for row in rows})
    figure = charts.lines(
        {query: [(row.begin, row.value) for row in rows if row.query == query] for query in queries},
        f"{measure.label}, {measure.unit}",
    )
    figure.update_layout(yaxis_rangemode="tozero")
    most = max(rows, key=lambda row: row.value)
    summary = f"The most: {most.query}, {words.number(most.value)} {measure.unit} at {words.moment(most.begin)}."
    numbers = charts.Numbers(
        ("Time (UTC)", "Stream", f"{measure.label}, {measure.unit}"),
        [(words.moment(row.begin), row.query, words.number(row.value)) for row in rows],
    )
    steps = words.count_of(step, "minute")
    return charts.chart("measures", f"{measure.title} ({steps})", summary, figure, numbers, height=300)
