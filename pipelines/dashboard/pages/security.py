"""Security: what happened, how grave it is, which technique it is a sign of, and who did it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge
from pipelines.dashboard.layout.blocks import Child, Fact, command, facts, note, under, when
from pipelines.dashboard.layout.daily import OfDay, daily_bars
from pipelines.dashboard.layout.forms import Choice, any_of, choices
from pipelines.dashboard.layout.severities import SEVERITIES, gravity, places
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part, resource_link
from pipelines.dashboard.questions.security import (
    ACTORS,
    EVIDENCE,
    FINDINGS,
    FINDINGS_BY_DAY,
    TACTICS,
    TECHNIQUES,
    Actor,
    DayOfFindings,
    Evidence,
    Finding,
    Technique,
)

_DAYS = (("30", "30 days"), ("1", "the last day"), ("7", "7 days"), ("90", "90 days"))
_ATTACK = "https://attack.mitre.org/techniques/"


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Security", tabIndex=-1),
        part("findings", "What happened?", lambda: _findings(at, answers)),
        part("finding", "What does the record say?", lambda: _evidence(at, answers)),
        part("techniques", "Which techniques are these signs of?", lambda: _techniques(at, answers)),
        part("actors", "Who did it, or tried?", lambda: _actors(at, answers)),
    ]


def _chosen(at: Address) -> dict[str, Any]:
    return {
        "days": int(at.one_of("days", tuple(value for value, _ in _DAYS), "30")),
        "severity": at.one_of("severity", SEVERITIES, ""),
        "tactic": at.get("tactic") or "",
        "actor": at.get("actor") or "",
    }


def _findings(at: Address, answers: Answers) -> Child:
    chosen = _chosen(at)
    by_day = answers.ask(FINDINGS_BY_DAY, **chosen)
    of_severity = Counter[str]()
    for row in by_day:
        of_severity[row.severity] += row.findings
    said: list[Child] = [
        facts(
            Fact("critical", words.number(of_severity["critical"]), "bad" if of_severity["critical"] else "good"),
            Fact("high", words.number(of_severity["high"]), "bad" if of_severity["high"] else "good"),
            Fact("medium", words.number(of_severity["medium"]), "warn" if of_severity["medium"] else "good"),
            Fact("low and info", words.number(of_severity["low"] + of_severity["info"])),
        ),
        _filter(at, answers, chosen),
    ]
    if not by_day:
        if any(chosen[name] for name in ("severity", "tactic", "actor")):
            return [*said, note("No finding is like that. ", html.A("Show all", href=at.path))]
        return [
            note(
                "No audit record bears on security so far. Records come from CloudTrail, AzureActivity, Entra ID and ",
                "the hosts' own logs; which of them are findings is in ", command("conf/security.yaml"), ".",
            )
        ]  # fmt: skip
    return [*said, _by_day(by_day), _list(answers.ask(FINDINGS, **chosen), sum(of_severity.values()), at)]


def _filter(at: Address, answers: Answers, chosen: dict[str, Any]) -> html.Form:
    severities = (("", "all"), *((severity, severity) for severity in SEVERITIES))
    tactics = any_of("all", [tactic.name for tactic in answers.ask(TACTICS)])
    shown = [
        Choice("days", "Time", _DAYS, str(chosen["days"])),
        Choice("severity", "Severity", severities, chosen["severity"]),
        Choice("tactic", "Tactic", tactics, chosen["tactic"]),
    ]
    if chosen["actor"]:
        shown.append(Choice("actor", "Who", (("", "all"), (chosen["actor"], chosen["actor"])), chosen["actor"]))
    return choices("filter", at, shown)


def _by_day(rows: Sequence[DayOfFindings]) -> html.Figure:
    severities = sorted({row.severity for row in rows}, key=gravity)
    figure = daily_bars(
        [OfDay(r.day.date(), r.severity, r.findings) for r in rows], severities, "findings", places(severities)
    )
    most = max({row.day for row in rows}, key=lambda day: (sum(r.findings for r in rows if r.day == day), day))
    of_most = sum(row.findings for row in rows if row.day == most)
    whole = words.count_of(sum(row.findings for row in rows), "finding")
    summary = f"{whole} up to {words.moment(rows[-1].day.date())}; most on {words.moment(most.date())}: {of_most:,}."
    numbers = charts.Numbers(
        ("Day", "Severity", "Findings"),
        [(words.moment(r.day.date()), r.severity, words.number(r.findings)) for r in rows],
    )
    return charts.chart("findings-days", "Findings by day and severity", summary, figure, numbers, height=240)


def _list(rows: Sequence[Finding], amount: int, at: Address) -> html.Div:
    columns = (
        Column[Finding]("Time (UTC)", lambda f: when(f.event_time), lambda f: f.event_time),
        Column[Finding]("Severity", lambda f: badge(f.severity), lambda f: gravity(f.severity)),
        Column[Finding]("What happened", lambda f: _what(f, at), lambda f: f.title),
        Column[Finding]("Who", lambda f: _who(f.actor, at), lambda f: f.actor),
        Column[Finding]("From", lambda f: words.text(f.source_address), lambda f: f.source_address),
        Column[Finding]("On", lambda f: _on(f), lambda f: f.resource_id or f.target),
        Column[Finding]("Outcome", _outcome, lambda f: (f.outcome, f.occurrences)),
    )
    caption = (
        f"The newest {len(rows)} of {amount:,} findings"
        if amount > len(rows)
        else "All of these findings, newest first"
    )
    return table("finding-list", caption, columns, rows, at)


def _what(finding: Finding, at: Address) -> Child:
    """A finding that is chosen is told of below."""
    link = at.link({"finding": finding.finding_id}) + "#finding"
    title = html.A(finding.title, href=link, id=f"finding-{finding.finding_id}")
    return under(title, _technique(finding.technique_id, finding.technique_name)) if finding.technique_id else title


def _outcome(finding: Finding) -> str:
    return finding.outcome + (f", {finding.occurrences:,} times" if finding.occurrences > 1 else "")


def _technique(technique_id: str | None, name: str | None) -> Child:
    if technique_id is None:
        return words.NONE
    link = html.A(technique_id, href=_ATTACK + technique_id.replace(".", "/") + "/", rel="noreferrer")
    return html.Span([link, " ", name]) if name else link


def _who(actor: str | None, at: Address) -> Child:
    if actor is None:
        return "not known"
    return html.A(words.short_id(actor), href=at.link({"actor": actor, "finding-list-page": None}), title=actor)


def _on(finding: Finding) -> Child:
    return resource_link(finding.resource_id) if finding.resource_id else words.text(finding.target)


def _evidence(at: Address, answers: Answers) -> Child:
    asked = at.get("finding")
    if asked is None:
        known = answers.ask(FINDINGS, **_chosen(at))
        if not known:
            return note("There is no finding to tell of.")
        asked = min(known, key=lambda finding: gravity(finding.severity)).finding_id
    found = answers.ask(EVIDENCE, finding=asked)
    if not found:
        return note("There is no such finding any more: choose one above.")
    return _told(found[0], at)


def _told(one: Evidence, at: Address) -> list[Child]:
    known = (
        ("rule", one.rule), ("tactic", one.tactic), ("technique", _technique(one.technique_id, one.technique_name)),
        ("time (UTC)", words.moment(one.event_time)), ("who", one.actor), ("kind of actor", one.actor_type),
        ("from", one.source_address), ("provider", one.provider), ("account", one.account), ("region", one.region),
        ("resource", resource_link(one.resource_id)), ("done to", one.target), ("action", one.action),
        ("outcome", one.outcome), ("times", words.number(one.occurrences)), ("record", one.event_id),
    )  # fmt: skip
    rows = [(name, value) for name, value in known if value and value != words.NONE]
    rows += sorted((one.evidence or {}).items())
    columns = (
        Column[tuple[str, Child]]("Name", lambda row: row[0]),
        Column[tuple[str, Child]]("Value", lambda row: row[1]),
    )
    return [
        html.H3([one.title, " ", badge(one.severity)], id="finding-title"),
        table("record", "What is known of it, and what its record says", columns, rows, at),
    ]


def _techniques(at: Address, answers: Answers) -> Child:
    columns = (
        Column[Technique](
            "Technique",
            lambda t: _technique(t.technique_id, t.technique_name) if t.technique_id else "none named",
            lambda t: t.technique_id,
        ),
        Column[Technique]("Tactic", lambda t: words.text(t.tactic), lambda t: t.tactic),
        Column[Technique]("Gravest", lambda t: badge(t.gravest), lambda t: gravity(t.gravest)),
        Column[Technique]("Findings", lambda t: words.number(t.findings), lambda t: t.findings, numeric=True),
        Column[Technique]("By how many", lambda t: words.number(t.actors), lambda t: t.actors, numeric=True),
        Column[Technique]("Latest (UTC)", lambda t: when(t.latest), lambda t: t.latest),
    )
    rows = answers.ask(TECHNIQUES, **_chosen(at))
    return table("technique-list", "Techniques of MITRE ATT&CK, the gravest first", columns, rows, at)


def _actors(at: Address, answers: Answers) -> Child:
    columns = (
        Column[Actor]("Who", lambda a: _who(a.actor, at), lambda a: a.actor),
        Column[Actor]("Kind", lambda a: words.text(a.actor_type), lambda a: a.actor_type),
        Column[Actor]("Gravest", lambda a: badge(a.gravest), lambda a: gravity(a.gravest)),
        Column[Actor]("Critical or high", lambda a: words.number(a.grave), lambda a: a.grave, numeric=True),
        Column[Actor]("Findings", lambda a: words.number(a.findings), lambda a: a.findings, numeric=True),
        Column[Actor]("Techniques", lambda a: words.number(a.techniques), lambda a: a.techniques, numeric=True),
        Column[Actor]("Addresses", lambda a: words.number(a.addresses), lambda a: a.addresses, numeric=True),
        Column[Actor]("Latest (UTC)", lambda a: when(a.latest), lambda a: a.latest),
    )
    rows = answers.ask(ACTORS, **_chosen(at))
    return table("actor-list", "Actors, those with the gravest findings first", columns, rows, at)
