"""Incidents: when they were, what caused each, and how fast they are seen and mended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import plotly.graph_objects as go
from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge, tone
from pipelines.dashboard.layout.blocks import Child, Fact, facts, note, when
from pipelines.dashboard.layout.severities import urgency
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part, resource_link
from pipelines.dashboard.questions.incidents import DETAIL, INCIDENTS, MONTHS, Detail, Incident, Month

_DRAWN = 40
_MARKS = {
    "page": (charts.RED, "square"), "critical": (charts.AMBER, "diamond"), "warning": (charts.PURPLE, "triangle-up"),
    "info": (charts.GREY, "circle"),
}  # fmt: skip


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Incidents", tabIndex=-1),
        part("timeline", "What went wrong in the last 30 days?", lambda: _timeline(at, answers)),
        part("incident", "What most likely caused it?", lambda: _incident(at, answers)),
        part("months", "How fast are incidents seen and mended?", lambda: _months(at, answers)),
    ]


def _timeline(at: Address, answers: Answers) -> Child:
    rows = answers.ask(INCIDENTS)
    if not rows:
        return note("There was no incident.")
    still_open = [row for row in rows if row.status == "open"]
    columns = (
        Column[Incident]("Incident", lambda i: _chooser(i, at), lambda i: i.title),
        Column[Incident]("Status", lambda i: badge(i.status), lambda i: (tone(i.status).rank, i.status)),
        Column[Incident]("Severity", lambda i: badge(i.severity), lambda i: urgency(i.severity)),
        Column[Incident]("Service", lambda i: words.text(i.service), lambda i: i.service),
        Column[Incident]("Resources", lambda i: words.number(i.resources), lambda i: i.resources, numeric=True),
        Column[Incident]("Began (UTC)", lambda i: when(i.started_at), lambda i: i.started_at),
        Column[Incident]("Seen after", lambda i: words.duration(i.time_to_detect_seconds), _seen_after, numeric=True),
        Column[Incident]("Lasted", lambda i: words.duration(i.time_to_resolve_seconds), _lasted, numeric=True),
        Column[Incident]("Likeliest cause", lambda i: words.text(i.likeliest)),
    )
    return [
        facts(
            Fact("open", words.number(len(still_open)), "bad" if still_open else "good"),
            Fact("in 30 days", words.number(len(rows))),
        ),
        _drawn(rows),
        table("incident-list", "Incidents, open ones first", columns, rows, at),
    ]


def _chooser(incident: Incident, at: Address) -> html.A:
    return html.A(
        incident.title,
        href=at.link({"incident": incident.incident_id}) + "#incident",
        id=f"incident-{incident.incident_id}",
    )


def _seen_after(incident: Incident) -> float:
    return incident.time_to_detect_seconds


def _lasted(incident: Incident) -> float | None:
    return incident.time_to_resolve_seconds


def _end(incident: Incident) -> datetime:
    return incident.resolved_at or incident.last_seen


def _line(incident: Incident) -> str:
    return incident.service or "not known"


def _drawn(rows: Sequence[Incident]) -> html.Figure:
    """A bar an incident, from its begin to its end, on a line of its service."""
    shown = sorted(rows, key=lambda row: row.started_at)[-_DRAWN:]
    figure = go.Figure()
    for severity in sorted({row.severity for row in shown}, key=urgency):
        of_kind = [row for row in shown if row.severity == severity]
        colour, symbol = _MARKS.get(severity, _MARKS["info"])
        style = {"color": colour, "width": 7}
        marker = {"color": colour, "size": 13, "symbol": symbol}
        figure.add_trace(
            go.Scatter(
                x=[time for row in of_kind for time in (row.started_at, _end(row), None)],
                y=[_line(row) for row in of_kind for _ in range(3)],
                mode="lines", line=style, showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
        # A short incident among thirty days would be thinner than a line: the mark at its begin keeps it in sight.
        figure.add_trace(
            go.Scatter(
                x=[row.started_at for row in of_kind], y=[_line(row) for row in of_kind], mode="markers", name=severity,
                text=[row.title for row in of_kind], hovertemplate="%{text}<br>%{x}<extra></extra>", marker=marker,
            )
        )  # fmt: skip
    services = {row.service for row in shown}
    figure.update_layout(xaxis_type="date", hovermode="closest", showlegend=True)
    longest = max(shown, key=lambda row: _end(row) - row.started_at)
    summary = (
        f"{words.count_of(len(shown), 'incident')} of {words.count_of(len(services), 'service')}, the last from "
        f"{words.moment(shown[-1].started_at)}. The longest: {longest.title}, "
        f"{words.duration((_end(longest) - longest.started_at).total_seconds())}."
    )
    numbers = charts.Numbers(
        ("Incident", "Service", "Severity", "Began (UTC)", "Ended (UTC)"),
        [
            (i.title, words.text(i.service), i.severity, words.moment(i.started_at), words.moment(i.resolved_at))
            for i in shown
        ],
    )
    height = 140 + 44 * len(services)
    return charts.chart("incident-times", "Incidents by service and time", summary, figure, numbers, height=height)


def _incident(at: Address, answers: Answers) -> Child:
    asked = at.get("incident")
    if asked is None:
        known = answers.ask(INCIDENTS)
        if not known:
            return note("There was no incident.")
        asked = known[0].incident_id
    found = answers.ask(DETAIL, incident=asked)
    if not found:
        return note("There is no such incident any more: choose one above.")
    return _told(found[0], at)


def _told(one: Detail, at: Address) -> list[Child]:
    signs = (
        words.count_of(one.alerts, "alert"), words.count_of(one.anomalies, "spell of anomalies", "spells of anomalies"),
        words.count_of(one.silences, "silence"), words.count_of(one.events, "event"),
        words.count_of(one.changes, "change"),
    )  # fmt: skip
    cause_columns = (
        Column[dict[str, Any]]("Rank", lambda c: str(c["rank"]), numeric=True),
        Column[dict[str, Any]]("What", lambda c: c["what"]),
        Column[dict[str, Any]]("Kind", lambda c: c["kind"]),
        Column[dict[str, Any]]("Resource", lambda c: resource_link(c["resource_id"])),
        Column[dict[str, Any]]("When (UTC)", lambda c: when(c["at"])),
        Column[dict[str, Any]]("Score", lambda c: f"{c['score']:.2f}", numeric=True),
        Column[dict[str, Any]]("Why", lambda c: words.text(c["why"])),
    )
    evidence_columns = (
        Column[dict[str, Any]]("Time (UTC)", lambda e: when(e["at"])),
        Column[dict[str, Any]]("Kind", lambda e: e["kind"]),
        Column[dict[str, Any]]("Resource", lambda e: resource_link(e["resource_id"])),
        Column[dict[str, Any]]("What", lambda e: e["what"]),
    )
    return [
        html.H3([one.title, " ", badge(one.status)], id="incident-title"),
        html.P(", ".join(signs) + ".", className="told"),
        facts(
            Fact("began (UTC)", words.moment(one.started_at)),
            Fact("seen after", words.duration(one.time_to_detect_seconds)),
            Fact("mended after", words.duration(one.time_to_resolve_seconds)),
            Fact("resources", words.number(len(one.resource_ids))),
        ),
        table("causes", "Causes, the likeliest first", cause_columns, one.causes, at),
        html.H3("What happened, in order"),
        table("evidence", "Signals of the incident and of what was around it", evidence_columns, one.evidence, at),
    ]


def _months(at: Address, answers: Answers) -> Child:
    columns = (
        Column[Month]("Month", lambda m: f"{m.month:%Y-%m}", lambda m: m.month),
        Column[Month]("Incidents", lambda m: words.number(m.incidents), lambda m: m.incidents, numeric=True),
        Column[Month]("Still open", lambda m: words.number(m.still_open), lambda m: m.still_open, numeric=True),
        Column[Month]("Mean time to detect", lambda m: words.duration(m.mean_to_detect), _detect, numeric=True),
        Column[Month]("Mean time to resolve", lambda m: words.duration(m.mean_to_resolve), _resolve, numeric=True),
    )
    return table("month-list", "MTTD and MTTR by the month of the first symptom", columns, answers.ask(MONTHS), at)


def _detect(month: Month) -> float | None:
    return month.mean_to_detect


def _resolve(month: Month) -> float | None:
    return month.mean_to_resolve
