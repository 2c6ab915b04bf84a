"""Fleet: what there is, by service or owner, and how it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.aria import aria
from pipelines.dashboard.layout.badges import badge, tone
from pipelines.dashboard.layout.blocks import Child, Fact, facts, note, when
from pipelines.dashboard.layout.daily import OfDay, daily_bars
from pipelines.dashboard.layout.forms import Choice, any_of, choices
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part
from pipelines.dashboard.pages.watch import watch
from pipelines.dashboard.questions.fleet import AGENTS, DAYS_OF_FLEET, RESOURCES

_GROUPINGS = (("service", "service"), ("owner", "owner"), ("provider", "provider"), ("kind", "kind"))
_NOBODY = "not known"
_WIDE, _MOST_TILES = 150, 1_500  # resources of a group: from where on it has a row of its own, and is not all drawn
_DOWN, _POOR = "unavailable at its end", "degraded at its end"


@dataclass(frozen=True)
class Member:
    """A resource, from whichever table knows of it."""

    resource_id: str
    name: str
    state: str
    service: str | None
    owner: str | None
    provider: str | None
    kind: str | None
    availability: float | None
    availability_30d: float | None
    downtime_seconds: float
    anomalies: int | None
    worst_signal: str | None
    burn_rate: float | None
    last_heard: datetime

    def group(self, by: str) -> str:
        return {"service": self.service, "owner": self.owner, "provider": self.provider, "kind": self.kind}[
            by
        ] or _NOBODY


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Fleet", tabIndex=-1),
        part("watch", "What needs somebody now?", lambda: watch(answers)),
        part("map", "How is the fleet now?", lambda: _now(at, answers)),
        part("days", "How were the last 30 days?", lambda: _days(answers)),
    ]


def members(answers: Answers) -> tuple[Member, ...]:
    """All resources, of gold.resource_health; as long as it is not there, the agents that send heartbeats."""
    if not answers.has(RESOURCES):
        return tuple(
            Member(
                agent.resource_id, agent.host_name or words.short_id(agent.resource_id), agent.state, None, None,
                _provider(agent.resource_id), agent.source, None, None, agent.downtime_seconds, None, None, None,
                agent.last_heartbeat,
            )
            for agent in answers.ask(AGENTS)
        )  # fmt: skip
    return tuple(
        Member(
            one.resource_id, one.host_name or words.short_id(one.resource_id), one.state, one.service, one.owner,
            one.cloud_provider, one.resource_type, one.availability_today, one.availability_30d, one.downtime_seconds,
            one.anomalies, one.worst_signal, one.burn_rate, one.last_heard,
        )
        for one in answers.ask(RESOURCES)
    )  # fmt: skip


def _provider(resource_id: str) -> str | None:
    if resource_id.startswith("/subscriptions/"):
        return "azure"
    return "aws" if resource_id.startswith("arn:aws") else None


def _now(at: Address, answers: Answers) -> Child:
    everything = members(answers)
    by = at.one_of("by", tuple(value for value, _ in _GROUPINGS), "service" if answers.has(RESOURCES) else "provider")
    shown = [
        member
        for member in everything
        if _is_chosen(at, "owner", member.owner)
        and _is_chosen(at, "provider", member.provider)
        and _is_chosen(at, "service", member.service)
        and _is_chosen(at, "state", member.state)
    ]
    states = Counter(member.state for member in shown)
    ordered = sorted(states, key=lambda state: (tone(state).rank, state))
    said: list[Child] = [
        facts(
            Fact("resources", words.number(len(shown))),
            *(Fact(state, words.number(states[state]), tone(state).css) for state in ordered),
        ),
        choices(
            "filter",
            at,
            (
                Choice("by", "Group by", _GROUPINGS, by),
                Choice("owner", "Owner", any_of("all", [m.owner for m in everything]), at.get("owner") or ""),
                Choice(
                    "provider", "Provider", any_of("all", [m.provider for m in everything]), at.get("provider") or ""
                ),
                Choice("service", "Service", any_of("all", [m.service for m in everything]), at.get("service") or ""),
                Choice("state", "State", any_of("all", [m.state for m in everything]), at.get("state") or ""),
            ),
        ),
    ]
    if not shown:
        return [*said, note("No resource is like that. ", html.A("Show all", href=at.path))]
    return [*said, _map(shown, by, at), _list(shown, at)]


def _is_chosen(at: Address, name: str, value: str | None) -> bool:
    chosen = at.get(name)
    return chosen is None or chosen == value


def _map(shown: Sequence[Member], by: str, at: Address) -> html.Div:
    """A tile a resource, the worst group first. The list below says the same to those who do not see it."""
    groups: dict[str, list[Member]] = {}
    for member in shown:
        groups.setdefault(member.group(by), []).append(member)
    ordered = sorted(groups, key=lambda name: (min(tone(m.state).rank for m in groups[name]), -len(groups[name]), name))
    return html.Div([_group(name, groups[name], by, at) for name in ordered], className="map")


def _group(name: str, of_group: Sequence[Member], by: str, at: Address) -> html.Div:
    states = Counter(member.state for member in of_group)
    worst_first = sorted(states, key=lambda state: (tone(state).rank, state))
    told = ", ".join(f"{states[state]} {state}" for state in worst_first)
    worst_members = sorted(of_group, key=lambda member: (tone(member.state).rank, member.name))
    tiles: list[Child] = [_tile(member) for member in worst_members[:_MOST_TILES]]
    if len(of_group) > _MOST_TILES:
        tiles.append(html.Span(f"and {len(of_group) - _MOST_TILES:,} more", className="more"))
    can_filter = by != "kind" and name != _NOBODY
    heading = html.A(name, href=at.link({by: name})) if can_filter else name
    return html.Div(
        [
            html.H3(heading),
            html.P(told, className="told"),
            html.Div(tiles, className="tiles", role="img", **aria(label=f"{name}: {told}")),
        ],
        className="group wide" if len(of_group) > _WIDE else "group",
    )


def _tile(member: Member) -> html.Span:
    found = tone(member.state)
    return html.Span(found.shape, className=f"tile {found.css}", title=f"{member.name}: {member.state}")


def _list(shown: Sequence[Member], at: Address) -> html.Div:
    worst_first = sorted(shown, key=lambda member: (tone(member.state).rank, member.name))
    columns = (
        Column[Member](
            "Resource", lambda m: html.A(m.name, href=_series(m), title=m.resource_id), lambda m: m.name.lower()
        ),
        Column[Member]("State", lambda m: badge(m.state), lambda m: (tone(m.state).rank, m.state)),
        Column[Member]("Service", lambda m: words.text(m.service), lambda m: m.service),
        Column[Member]("Owner", lambda m: words.text(m.owner), lambda m: m.owner),
        Column[Member]("Provider", lambda m: words.text(m.provider), lambda m: m.provider),
        Column[Member]("Last heard (UTC)", lambda m: when(m.last_heard), lambda m: m.last_heard),
        Column[Member](
            "Down that day", lambda m: words.duration(m.downtime_seconds), lambda m: m.downtime_seconds, numeric=True
        ),
        Column[Member](
            "Up, 30 days", lambda m: words.share(m.availability_30d), lambda m: m.availability_30d, numeric=True
        ),
        Column[Member]("Burn rate", lambda m: words.number(m.burn_rate), lambda m: m.burn_rate, numeric=True),
        Column[Member]("Anomalies", lambda m: words.number(m.anomalies), lambda m: m.anomalies, numeric=True),
        Column[Member]("Worst signal", lambda m: words.text(m.worst_signal), lambda m: m.worst_signal),
    )
    return table("resources", "Resources, the worst first", columns, worst_first, at)


def _series(member: Member) -> str:
    return Address("/series").link({"resource": member.resource_id})


def _days(answers: Answers) -> Child:
    days = answers.ask(DAYS_OF_FLEET)
    if not days:
        return note("No day has been worked out yet.")
    amounts = [OfDay(day.day, _DOWN, day.unavailable) for day in days]
    amounts += [OfDay(day.day, _POOR, day.degraded) for day in days]
    figure = daily_bars(amounts, (_DOWN, _POOR), "resources", places=(4, 1))
    worst = min(days, key=lambda day: 1.0 if day.availability is None else day.availability)
    lasts = f"The fleet was up {words.share(days[-1].availability)} of the last day, {words.moment(days[-1].day)}"
    worsts = f"{words.share(worst.availability)} of its worst, {words.moment(worst.day)}"
    summary = f"{lasts}, its worst." if worst is days[-1] else f"{lasts}, and {worsts}."
    numbers = charts.Numbers(
        ("Day", "Resources", "Unavailable", "Degraded", "Up"),
        [
            (
                words.moment(d.day),
                f"{d.resources:,}",
                f"{d.unavailable:,}",
                f"{d.degraded:,}",
                words.share(d.availability),
            )
            for d in days
        ],
    )
    return charts.chart("availability", "Resources in trouble by day", summary, figure, numbers, height=260)
