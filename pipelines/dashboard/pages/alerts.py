"""Alerts: what fires now, and what did."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge, tone
from pipelines.dashboard.layout.blocks import Child, Fact, command, facts, note, when
from pipelines.dashboard.layout.daily import OfDay, daily_bars
from pipelines.dashboard.layout.severities import urgency
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part, resource_link
from pipelines.dashboard.questions.alerts import ACTIVE, FIRED_BY_DAY, HISTORY, DayOfAlerts, Transition


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Alerts", tabIndex=-1),
        part("now", "What is firing now?", lambda: _now(at, answers)),
        part("history", "What fired before?", lambda: _history(at, answers)),
    ]


def _now(at: Address, answers: Answers) -> Child:
    active = answers.ask(ACTIVE)
    firing = [alert for alert in active if alert.state == "firing"]
    shown = facts(
        Fact("firing", words.number(len(firing)), "bad" if firing else "good"),
        Fact("pending", words.number(len(active) - len(firing))),
    )
    if not active:
        return [shown, note("Nothing fires and nothing pends. The rules are in ", command("conf/alerts.yaml"), ".")]
    columns = (
        Column[Transition]("State", lambda t: badge(t.state), lambda t: tone(t.state).rank),
        Column[Transition]("Alert", _named, lambda t: t.alert_name),
        Column[Transition]("Severity", lambda t: badge(t.severity), lambda t: urgency(t.severity)),
        Column[Transition]("Resource", lambda t: resource_link(t.resource_id), lambda t: t.resource_id),
        Column[Transition]("What", lambda t: words.text(t.summary)),
        Column[Transition]("True since (UTC)", lambda t: when(t.active_since), lambda t: t.active_since),
        Column[Transition](
            "Value, in the unit of the rule", lambda t: words.number(t.value), lambda t: t.value, numeric=True
        ),
    )
    return [shown, table("active", "Active alerts, the gravest first", columns, active, at)]


def _history(at: Address, answers: Answers) -> Child:
    columns = (
        Column[Transition]("Time (UTC)", lambda t: when(t.transition_time), lambda t: t.transition_time),
        Column[Transition]("Became", lambda t: badge(t.state), lambda t: t.state),
        Column[Transition]("Was", lambda t: words.text(t.previous_state), lambda t: t.previous_state),
        Column[Transition]("Alert", _named, lambda t: t.alert_name),
        Column[Transition]("Severity", lambda t: badge(t.severity), lambda t: urgency(t.severity)),
        Column[Transition]("Resource", lambda t: resource_link(t.resource_id), lambda t: t.resource_id),
        Column[Transition]("What", lambda t: words.text(t.summary)),
    )
    history = table("transitions", "The last 500 changes, newest first", columns, answers.ask(HISTORY), at)
    by_day = answers.ask(FIRED_BY_DAY)
    return [_by_day(by_day), history] if by_day else history


def _named(alert: Transition) -> Child:
    """A link to what to do, if the rule has one that a browser may follow."""
    if alert.runbook and alert.runbook.startswith(("https://", "http://")):
        return html.A(alert.alert_name, href=alert.runbook, rel="noreferrer", title="runbook")
    return alert.alert_name


def _places(severities: Sequence[str]) -> tuple[int, ...]:
    """Of a severity the same colour each day: red pages, amber mails."""
    order = ("", "critical", "warning", "other", "page", "info")
    return tuple(order.index(severity) if severity in order else 3 for severity in severities)


def _by_day(rows: Sequence[DayOfAlerts]) -> html.Figure:
    severities = sorted({row.severity for row in rows}, key=urgency)
    figure = daily_bars(
        [OfDay(r.day.date(), r.severity, r.fired) for r in rows], severities, "alerts", _places(severities)
    )
    summary = (
        f"{words.count_of(sum(row.fired for row in rows), 'alert')} fired in the 30 days up to "
        f"{words.moment(max(row.day for row in rows).date())}."
    )
    numbers = charts.Numbers(
        ("Day", "Severity", "Fired"), [(words.moment(r.day.date()), r.severity, words.number(r.fired)) for r in rows]
    )
    return charts.chart("fired", "Alerts that fired, by day", summary, figure, numbers, height=240)
