"""Compliance: how well the baseline is kept, what drifted from it, who changed that, and what it broke."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge
from pipelines.dashboard.layout.blocks import Child, Fact, command, facts, note, under, when
from pipelines.dashboard.layout.forms import Choice, any_of, choices
from pipelines.dashboard.layout.heat import daily_heat, heat_height
from pipelines.dashboard.layout.severities import gravity
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part, resource_link
from pipelines.dashboard.questions.compliance import (
    CONTROLS,
    DAYS_OF_CONTROLS,
    DRIFTS,
    SCORES,
    Control,
    DayOfControl,
    DayOfScore,
    Drift,
)

_DRAWN = 15
_ABOUT = "An account's score: the share of resources that keep a control; critical weighs 8, high 4, medium 2, low 1."


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Compliance", tabIndex=-1),
        part("score", "How well is the baseline kept?", lambda: _score(at, answers), about=_ABOUT),
        part("controls", "Which controls are not kept?", lambda: _controls(at, answers)),
        part("drift", "What drifted, who changed it, and what broke after it?", lambda: _drift(at, answers)),
    ]


def _account(at: Address) -> str:
    return at.get("account") or ""


def _score(at: Address, answers: Answers) -> Child:
    rows = answers.ask(SCORES)
    if not rows:
        return note(
            "Nothing that the baseline is about has been seen: it needs the inventory of machines (change tracking) ",
            "or AWS Config. The controls are in ", command("conf/baseline.yaml"), ".",
        )  # fmt: skip
    accounts = sorted({row.account for row in rows})
    last = [row for row in rows if row.day == rows[-1].day]
    chosen = at.one_of("account", tuple(accounts), "")
    of_chosen = [row for row in last if not chosen or row.account == chosen]
    worst = min(of_chosen or last, key=lambda row: row.score)
    critical = sum(row.critical_drifted for row in of_chosen)
    label = f"score of {worst.account}" if chosen or len(accounts) == 1 else f"lowest score: {worst.account}"
    return [
        facts(
            Fact(label, words.share(worst.score), _kept(worst)),
            Fact("against a week before", _change(worst), _tone(worst)),
            Fact("critical controls not kept", words.number(critical), "bad" if critical else "good"),
            Fact("as of the end of (UTC)", words.moment(worst.day)),
        ),
        choices("filter", at, (Choice("account", "Account", any_of("all", accounts), chosen),)),
        _scores([row for row in rows if not chosen or row.account == chosen]),
    ]


def _kept(row: DayOfScore) -> str:
    return "bad" if row.critical_drifted else "warn" if row.drifted else "good"


def _change(row: DayOfScore) -> str:
    return words.NONE if row.score_before is None else words.points(row.score - row.score_before)


def _tone(row: DayOfScore) -> str:
    if row.score_before is None or abs(row.score - row.score_before) < 0.0005:
        return ""
    return "good" if row.score > row.score_before else "bad"


def _scores(rows: Sequence[DayOfScore]) -> html.Figure:
    last = rows[-1].day
    by_score = sorted((row for row in rows if row.day == last), key=lambda row: (row.score, row.account))
    shown = [row.account for row in by_score[: len(charts.WHEEL)]]
    figure = charts.lines(
        {name: [(row.day, 100 * row.score) for row in rows if row.account == name] for name in shown}, "score, %"
    )
    lowest = min(100 * row.score for row in rows if row.account in shown)
    figure.update_layout(yaxis_range=[max(0.0, lowest - 5), 101])
    figure.update_xaxes(type="date", tickformat="%d %b")
    more = f"The {len(shown)} lowest of {len(by_score)} accounts. " if len(by_score) > len(shown) else ""
    ends = ", ".join(f"{row.account} {words.share(row.score)}" for row in by_score[:3])
    summary = f"{more}On {words.moment(last)}: {ends}."
    numbers = charts.Numbers(
        ("Day", "Account", "Score", "Controls", "Not kept"),
        [
            (words.moment(r.day), r.account, words.share(r.score), words.number(r.controls), words.number(r.drifted))
            for r in rows
        ],
    )
    return charts.chart("scores", "Score by account and day", summary, figure, numbers, height=240)


def _controls(at: Address, answers: Answers) -> Child:
    rows = answers.ask(CONTROLS, account=_account(at))
    if not rows:
        return note("No control has a resource in scope. ", html.A("Show all accounts", href=at.path))
    columns = (
        Column[Control]("Control", lambda c: _chooser(c, at), lambda c: c.title),
        Column[Control]("Severity", lambda c: badge(c.severity), lambda c: gravity(c.severity)),
        Column[Control]("Score", lambda c: words.share(c.score), lambda c: c.score, numeric=True),
        Column[Control]("In a week", _trend, _trended, numeric=True),
        Column[Control]("Not kept by", lambda c: words.number(c.drifted), lambda c: c.drifted, numeric=True),
        Column[Control]("Of resources", lambda c: words.number(c.in_scope), lambda c: c.in_scope, numeric=True),
        Column[Control]("From", lambda c: c.frameworks, lambda c: c.frameworks),
    )
    broken = sum(1 for row in rows if row.drifted)
    days = answers.ask(DAYS_OF_CONTROLS, account=_account(at))
    drawn = _heat(days, {row.control_id: row.severity for row in rows})
    return [
        facts(
            Fact("controls not kept", words.number(broken), "warn" if broken else "good"),
            Fact("controls with a resource", words.number(len(rows))),
        ),
        *([drawn] if drawn else []),
        table("control-list", "Controls, the gravest that are not kept first", columns, rows, at),
    ]


def _chooser(control: Control, at: Address) -> html.A:
    return html.A(
        control.title, href=at.link({"control": control.control_id, "drift-list-page": None}) + "#drift",
        id=f"control-{control.control_id}", title=control.control_id,
    )  # fmt: skip


def _trend(control: Control) -> str:
    return words.NONE if control.score_before is None else words.points(control.score - control.score_before)


def _trended(control: Control) -> float | None:
    return None if control.score_before is None else control.score - control.score_before


def _heat(rows: Sequence[DayOfControl], severities: dict[str, str]) -> html.Figure | None:
    """Of the controls that were not kept at some time; None if all were."""
    missed: dict[str, float] = {}
    for row in rows:
        missed[row.control_id] = missed.get(row.control_id, 0.0) + 1 - row.score
    broken = [control for control in missed if missed[control] > 0]
    if not broken:
        return None
    broken.sort(key=lambda control: (gravity(severities.get(control, "")), -missed[control], control))
    shown = broken[:_DRAWN]
    shares: dict[tuple[date, str], float] = {
        (row.day, row.control_id): 1 - row.score for row in rows if row.control_id in shown
    }
    figure = daily_heat(shares, shown, "not kept")
    worst = max((row for row in rows if row.control_id in shown), key=lambda row: (1 - row.score, row.day))
    summary = (
        f"{words.count_of(len(broken), 'control was', 'controls were')} not kept at some time in the 30 days up to "
        f"{words.moment(rows[-1].day)}. The worst: {worst.control_id}, not kept by {words.share(1 - worst.score)} of "
        f"its resources on {words.moment(worst.day)}."
    )
    numbers = charts.Numbers(
        ("Day", "Control", "Score"),
        [(words.moment(r.day), r.control_id, words.share(r.score)) for r in rows if r.control_id in shown],
    )
    title = "Controls that were not kept, by day: the redder, the more resources did not"
    return charts.chart("control-days", title, summary, figure, numbers, height=heat_height(len(shown)))


def _drift(at: Address, answers: Answers) -> Child:
    control = at.get("control") or ""
    rows = answers.ask(DRIFTS, account=_account(at), control=control)
    said: list[Child] = []
    if control:
        said = [note(f"Of the control {control} alone. ", html.A("Show all", href=at.link({"control": None})))]
    if not rows:
        return [*said, note("Nothing has drifted in the last 30 days.")]
    still = [row for row in rows if row.status == "open"]
    broke = sum(1 for row in still if row.broke_alerts)
    columns = (
        Column[Drift]("Status", lambda d: badge(d.status), lambda d: d.status != "open"),
        Column[Drift]("Severity", lambda d: badge(d.severity), lambda d: gravity(d.severity)),
        Column[Drift]("Resource", _resource, lambda d: d.host_name or d.resource_id),
        Column[Drift]("What", _what, lambda d: (d.item, d.field)),
        Column[Drift]("Should be", lambda d: words.text(d.expected)),
        Column[Drift]("Is", lambda d: words.text(d.actual)),
        Column[Drift]("Since (UTC)", lambda d: when(d.since), lambda d: d.since),
        Column[Drift]("Changed by", _changed, lambda d: d.changed_by),
        Column[Drift]("Broke in the hour after", _broke, lambda d: (d.broke_alerts, d.broke_anomalies)),
    )
    return [
        *said,
        facts(
            Fact("open", words.number(len(still)), "warn" if still else "good"),
            Fact("open, with alerts after", words.number(broke), "bad" if broke else "good"),
            Fact("put back in 30 days", words.number(len(rows) - len(still))),
        ),
        table("drift-list", "Drifts, open and grave ones first", columns, rows, at),
    ]


def _resource(drift: Drift) -> Child:
    return resource_link(drift.resource_id, drift.host_name)


def _what(drift: Drift) -> Child:
    return under(f"{drift.item} {drift.field}", drift.title)


def _changed(drift: Drift) -> Child:
    if drift.changed_by is None:
        return "nobody known"
    who = html.Span(words.short_id(drift.changed_by), title=drift.changed_by)
    return under(who, drift.changed_by_action) if drift.changed_by_action else who


def _broke(drift: Drift) -> str:
    told = []
    if drift.broke_alerts:
        first = f", first {drift.first_alert}" if drift.first_alert else ""
        told.append(words.count_of(drift.broke_alerts, "alert") + first)
    if drift.broke_anomalies:
        told.append(words.count_of(drift.broke_anomalies, "anomaly", "anomalies"))
    return "; ".join(told) or "nothing seen"
