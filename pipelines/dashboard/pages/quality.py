"""Data quality: what was refused, which rules are broken, what the checks found, and whether the models are fit."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge, tone
from pipelines.dashboard.layout.blocks import Child, Fact, facts, note, when
from pipelines.dashboard.layout.daily import OfDay, daily_bars
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part
from pipelines.dashboard.questions.quality import (
    CHECKS,
    MODELS,
    QUARANTINE_BY_DAY,
    REFUSED,
    RULES,
    Check,
    DayOfQuarantine,
    Model,
    Refused,
    Rule,
)


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Data quality", tabIndex=-1),
        part("quarantine", "What could not be taken in?", lambda: _quarantine(at, answers)),
        part("checks", "What did the last checks find?", lambda: _checks(at, answers)),
        part("rules", "Which rules were broken in the last seven days?", lambda: _rules(at, answers)),
        part("models", "Are the models fit?", lambda: _models(at, answers)),
    ]


def _quarantine(at: Address, answers: Answers) -> Child:
    refused, by_day = answers.ask(REFUSED), answers.ask(QUARANTINE_BY_DAY)
    if not refused:
        return note("The quarantine is empty.")
    waiting, items = sum(one.waiting for one in refused), sum(one.items for one in refused)
    columns = (
        Column[Refused]("Reason", lambda r: r.reason, lambda r: r.reason),
        Column[Refused]("Topic", lambda r: r.topic, lambda r: r.topic),
        Column[Refused]("Source", lambda r: words.text(r.source), lambda r: r.source),
        Column[Refused]("Items", lambda r: words.number(r.items), lambda r: r.items, numeric=True),
        Column[Refused]("Waiting", lambda r: words.number(r.waiting), lambda r: r.waiting, numeric=True),
        Column[Refused]("Latest (UTC)", lambda r: when(r.latest), lambda r: r.latest),
    )
    return [
        facts(
            Fact("waiting", words.number(waiting), "warn" if waiting else "good"),
            Fact("put right since", words.number(items - waiting)),
        ),
        _by_day(by_day),
        table("refused", "Quarantine by reason", columns, refused, at),
    ]


def _by_day(rows: Sequence[DayOfQuarantine]) -> html.Figure:
    reasons = sorted({row.reason for row in rows})
    figure = daily_bars([OfDay(r.day.date(), r.reason, r.items) for r in rows], reasons, "items")
    most = max(rows, key=lambda row: row.items)
    items = words.count_of(sum(row.items for row in rows), "item")
    days = words.count_of(len({row.day for row in rows}), "day")
    peak = f"most on {words.moment(most.day.date())}: {words.number(most.items)} by {most.reason}"
    summary = f"{items} on {days}; {peak}."
    numbers = charts.Numbers(
        ("Day", "Reason", "Items"),
        [(words.moment(row.day.date()), row.reason, words.number(row.items)) for row in rows],
    )
    return charts.chart("quarantine-days", "Quarantine by day", summary, figure, numbers, height=260)


def _checks(at: Address, answers: Answers) -> Child:
    checks = answers.ask(CHECKS)
    failed = [check for check in checks if check.status in ("failed", "error")]
    columns = (
        Column[Check]("Status", lambda c: badge(c.status), lambda c: (tone(c.status).rank, c.status)),
        Column[Check]("Table", lambda c: c.table_name, lambda c: c.table_name),
        Column[Check]("Check", lambda c: c.check_name, lambda c: c.check_name),
        Column[Check]("Severity", lambda c: c.severity, lambda c: c.severity),
        Column[Check]("Expected", lambda c: c.expected),
        Column[Check]("Found", lambda c: words.text(c.observed)),
        Column[Check]("What a failure means", lambda c: c.message),
        Column[Check]("Checked (UTC)", lambda c: when(c.checked_at), lambda c: c.checked_at),
    )
    return [
        facts(
            Fact("failed", words.number(len(failed)), "bad" if failed else "good"),
            Fact("checks", words.number(len(checks))),
        ),
        table("check-list", "The last result of each check, failures first", columns, checks, at),
    ]


def _rules(at: Address, answers: Answers) -> Child:
    columns = (
        Column[Rule]("Table", lambda r: r.table_name, lambda r: r.table_name),
        Column[Rule]("Rule", lambda r: r.rule, lambda r: r.rule),
        Column[Rule]("What becomes of the row", lambda r: r.action, lambda r: r.action),
        Column[Rule]("Rows", lambda r: words.number(r.checked), lambda r: r.checked, numeric=True),
        Column[Rule]("Broken", lambda r: words.number(r.broken), lambda r: r.broken, numeric=True),
        Column[Rule]("Share", lambda r: words.share(_share(r)), _share, numeric=True),
        Column[Rule]("Latest (UTC)", lambda r: when(r.latest), lambda r: r.latest),
    )
    return table("rule-list", "Rules, the most broken first", columns, answers.ask(RULES), at)


def _share(rule: Rule) -> float:
    return rule.broken / rule.checked if rule.checked else 0.0


def _models(at: Address, answers: Answers) -> Child:
    columns = (
        Column[Model]("State", lambda m: badge(m.state), lambda m: (tone(m.state).rank, m.state)),
        Column[Model]("Model", lambda m: m.model_name, lambda m: m.model_name),
        Column[Model]("Version", lambda m: m.model_version, lambda m: m.model_version),
        Column[Model]("Role", lambda m: m.role, lambda m: m.role),
        Column[Model]("Alerts", lambda m: words.share(m.alert_rate), lambda m: m.alert_rate, numeric=True),
        Column[Model]("Drift (PSI)", lambda m: words.number(m.psi, 2), lambda m: m.psi, numeric=True),
        Column[Model]("Why", lambda m: m.reason),
        Column[Model]("Checked (UTC)", lambda m: when(m.checked_at), lambda m: m.checked_at),
    )
    return table("model-list", "Models, the last one checked first", columns, answers.ask(MODELS), at)
