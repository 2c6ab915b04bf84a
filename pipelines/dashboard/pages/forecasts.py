"""Forecasts: what will be full, what will fail, and where to run on spot."""

from __future__ import annotations

from datetime import datetime

import plotly.graph_objects as go
from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge
from pipelines.dashboard.layout.blocks import Child, Fact, facts, note
from pipelines.dashboard.layout.forms import Choice, choices
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part, resource_link
from pipelines.dashboard.questions.forecasts import CAPACITY, CURVE, RISKS, SPOT, Capacity, Curve, Risk, Spot

_SOON, _OFFERED = 14.0, 200


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Forecasts", tabIndex=-1),
        part("capacity", "What will be full, and when?", lambda: _capacity(at, answers)),
        part(
            "failure",
            "What is about to fail?",
            lambda: _risks(at, answers),
            about="How likely a failure or a silence begins within the time; the base rate is that of any machine.",
        ),
        part("spot", "Where to run spot instances?", lambda: _spot(at, answers)),
    ]


def _name(host_name: str | None, resource_id: str) -> str:
    return host_name or words.short_id(resource_id)


def _capacity(at: Address, answers: Answers) -> Child:
    rows = answers.ask(CAPACITY)
    if not rows:
        return note("No series with a capacity has been forecast: it takes a few hours of a disk, memory or quota.")
    forecast = [row for row in rows if row.shown != "none"]
    soon = [row for row in rows if row.days_to_full is not None and row.days_to_full <= _SOON]
    said: list[Child] = [
        facts(
            Fact("full within 14 days", words.number(len(soon)), "warn" if soon else "good"),
            Fact("series with a forecast", f"{len(forecast):,} of {len(rows):,}"),
            Fact("forecast made (UTC)", words.moment(max(row.as_of for row in rows))),
        )
    ]
    if forecast:
        offered = tuple((str(row.series_id), _label(row)) for row in forecast[:_OFFERED])
        chosen = at.one_of("series", tuple(value for value, _ in offered), offered[0][0])
        said.append(choices("curve-of", at, (Choice("series", "Forecast of", offered, chosen),)))
        said += [_fan(curve) for curve in answers.ask(CURVE, series=int(chosen)) if curve.forecast]
    columns = (
        Column[Capacity](
            "Resource", lambda c: resource_link(c.resource_id, c.host_name), lambda c: _name(c.host_name, c.resource_id)
        ),
        Column[Capacity]("Metric", lambda c: c.metric, lambda c: c.metric),
        Column[Capacity]("Of", lambda c: words.text(c.part), lambda c: c.part),
        Column[Capacity]("Now", lambda c: words.measure(c.last_value, c.unit), lambda c: c.last_value, numeric=True),
        Column[Capacity](
            "Full at", lambda c: words.measure(c.capacity_limit, c.unit), lambda c: c.capacity_limit, numeric=True
        ),
        Column[Capacity](
            "Days to full", lambda c: words.number(c.days_to_full), lambda c: c.days_to_full, numeric=True
        ),
        Column[Capacity]("80 % interval", _interval, lambda c: c.earliest, numeric=True),
        Column[Capacity]("Made by", lambda c: c.model or c.reason or words.NONE, lambda c: c.model),
        Column[Capacity]("Better than naive", lambda c: words.share(c.skill), lambda c: c.skill, numeric=True),
    )
    return [*said, table("capacities", "Capacity, what is full first", columns, rows, at)]


def _label(row: Capacity) -> str:
    when = f", full in {row.days_to_full:,.1f} days" if row.days_to_full is not None else ""
    part_of = f" {row.part}" if row.part else ""
    return f"{_name(row.host_name, row.resource_id)}: {row.metric}{part_of}{when}"


def _interval(row: Capacity) -> str:
    if row.earliest is None:
        return words.NONE
    return f"{words.number(row.earliest)} to {words.number(row.latest) if row.latest is not None else 'never'}"


def _fan(curve: Curve) -> html.Figure:
    steps = curve.forecast or []
    times: list[datetime] = [step["time"] for step in steps]
    values = {
        name: [step[name] for step in steps] for name in ("value", "lower_80", "upper_80", "lower_95", "upper_95")
    }
    figure = go.Figure(
        [
            *charts.band("95 %", times, values["lower_95"], values["upper_95"], 0.18),
            *charts.band("80 %", times, values["lower_80"], values["upper_80"], 0.3),
            charts.line("forecast", times, values["value"]),
        ]
    )
    begin = curve.history_end or times[0]
    figure.add_trace(
        go.Scatter(
            x=[min(begin, times[0]), times[-1]], y=[curve.capacity_limit] * 2, name="full", mode="lines",
            line={"color": charts.RED, "dash": "dash", "width": 2},
        )
    )  # fmt: skip
    if curve.last_value is not None:
        figure.add_trace(charts.points("last value", [begin], [curve.last_value], "diamond", charts.PURPLE))
    figure.update_layout(yaxis_title=curve.unit or curve.metric)
    name = _name(curve.host_name, curve.resource_id)
    ends = f"{words.measure(values['value'][-1], curve.unit)} by {words.moment(times[-1])}"
    when = (
        "It is not full within the forecast's reach."
        if curve.days_to_full is None
        else f"It is full in {words.number(curve.days_to_full)} days, about {words.moment(curve.full_at)}."
    )
    summary = f"From {words.measure(curve.last_value, curve.unit)} now to {ends}. {when}"
    numbers = charts.Numbers(
        ("Time (UTC)", "Forecast", "80 % from", "80 % to", "95 % from", "95 % to"),
        [
            (
                words.moment(step["time"]), words.number(step["value"]), words.number(step["lower_80"]),
                words.number(step["upper_80"]), words.number(step["lower_95"]), words.number(step["upper_95"]),
            )
            for step in steps
        ],
    )  # fmt: skip
    return charts.chart("fan", f"{curve.metric} of {name}", summary, figure, numbers)


def _risks(at: Address, answers: Answers) -> Child:
    rows = answers.ask(RISKS)
    down = sum(row.is_down for row in rows)
    raised = sum(1 for row in rows if row.risk_24h is not None and row.risk_24h > 2 * row.base_rate_24h)
    columns = (
        Column[Risk](
            "Resource", lambda r: resource_link(r.resource_id, r.host_name), lambda r: _name(r.host_name, r.resource_id)
        ),
        Column[Risk]("State", lambda r: badge("down" if r.is_down else _raised(r)), lambda r: not r.is_down),
        Column[Risk]("1 hour", lambda r: words.share(r.risk_1h), lambda r: r.risk_1h, numeric=True),
        Column[Risk]("24 hours", lambda r: words.share(r.risk_24h), lambda r: r.risk_24h, numeric=True),
        Column[Risk]("7 days", lambda r: words.share(r.risk_168h), lambda r: r.risk_168h, numeric=True),
        Column[Risk](
            "Base rate, 24 hours", lambda r: words.share(r.base_rate_24h), lambda r: r.base_rate_24h, numeric=True
        ),
        Column[Risk]("Why", lambda r: "; ".join(r.reasons) or words.NONE),
    )
    shown = facts(
        Fact("down", words.number(down), "bad" if down else "good"),
        Fact("over twice the base rate", words.number(raised), "warn" if raised else "good"),
        Fact("machines", words.number(len(rows))),
    )
    said = (
        []
        if all(row.is_calibrated for row in rows)
        else [note("These probabilities are not calibrated: take them as an order.")]
    )
    return [shown, *said, table("risks", "Risk of failure, what is down first", columns, rows, at)]


def _raised(row: Risk) -> str:
    return "at risk" if row.risk_24h is not None and row.risk_24h > 2 * row.base_rate_24h else "ok"


def _spot(at: Address, answers: Answers) -> Child:
    columns = (
        Column[Spot]("Type", lambda s: s.instance_type, lambda s: s.instance_type),
        Column[Spot]("Product", lambda s: s.product, lambda s: s.product),
        Column[Spot]("Zone", lambda s: s.zone, lambda s: s.zone),
        Column[Spot]("Rank", lambda s: words.number(s.rank), lambda s: s.rank, numeric=True),
        Column[Spot]("Price now, USD/h", lambda s: _price(s.price), lambda s: s.price, numeric=True),
        Column[Spot]("In 24 hours, USD/h", lambda s: _price(s.price_24h), lambda s: s.price_24h, numeric=True),
        Column[Spot](
            "80 % interval", lambda s: f"{_price(s.lower)} to {_price(s.upper)}", lambda s: s.lower, numeric=True
        ),
        Column[Spot](
            "With interruptions, USD/h", lambda s: _price(s.cost_per_hour), lambda s: s.cost_per_hour, numeric=True
        ),
        Column[Spot](
            "Interrupted in a day",
            lambda s: words.share(s.interruption_risk),
            lambda s: s.interruption_risk,
            numeric=True,
        ),
    )
    return table("offers", "Spot offers; rank 1 is the zone to run a type in", columns, answers.ask(SPOT), at)


def _price(value: float | None) -> str:
    return words.NONE if value is None else f"{value:.4f}"
