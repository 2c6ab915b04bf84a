"""What the demo shows at its end, as data: what arrived, what was refused, which agents are silent, who is busy.

Everything comes from the tables; only the balances (the reconcile proof) and the truth are handed in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.operations import report_sql
from pipelines.operations.cells import plain
from pipelines.operations.findings import Findings, find
from pipelines.operations.query import connect, fetch, list_tables
from pipelines.operations.truth_file import AGENT_SILENT, Happened, read_truth
from pipelines.settings import Settings, parse_duration

if TYPE_CHECKING:
    from pipelines.operations.reconcile import TopicBalance

_BUSIEST_HOSTS = 10
_STRIPS = 36
_UNTROUBLED_STRIPS = 12
_MOST_BUCKETS = 120
_BUCKET_SECONDS = (5, 15, 60, 300, 900, 3_600, 21_600, 86_400)
_ENOUGH_OF_THE_FLEET = 0.8
# The names by which the queries find what to open.
_TABLES = "telemetry metrics heartbeats quarantine anomaly_scores metric_rollup agent_health"

Ask = Callable[..., tuple[tuple[Any, ...], ...]]


class Verdict(StrEnum):
    """How a silent agent compares with the truth."""

    FOUND = "found"
    FALSE = "false alarm"
    FEED_ENDED = "feed ended"  # it sent until all sending ended, so its silence is nobody's incident
    UNKNOWN = "not checked"


@dataclass(frozen=True)
class Arrival:
    topic: str
    family: str
    values: int
    bytes: int
    silver: int
    quarantined: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Flow:
    """Silver rows of one family in each bucket of `seconds`."""

    family: str
    seconds: int
    times: tuple[datetime, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Refusal:
    reason: str
    message: str
    count: int
    topics: tuple[str, ...]
    example: str


@dataclass(frozen=True)
class Agent:
    resource_id: str
    host: str
    state: str
    last_heartbeat: datetime
    since: datetime
    downtime_seconds: float
    closed_downtime_seconds: float
    verdict: Verdict = Verdict.UNKNOWN


@dataclass(frozen=True)
class SilenceCheck:
    """The silent agents against the truth.

    `too_young` began so late that nobody could call them silent yet; `ended` are the silences that ended today,
    `ended_seen` those of them that show as downtime.
    """

    found: int
    missed: tuple[Happened, ...]
    false: int
    too_young: int
    ended: int
    ended_seen: int

    @property
    def perfect(self) -> bool:
        return not self.missed and not self.false


@dataclass(frozen=True)
class Strip:
    """One agent's heartbeats, as spans without a gap."""

    host: str
    state: str
    runs: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class BusyHost:
    host: str
    family: str
    mean: float
    peak: float
    peak_at: datetime
    minutes: int


@dataclass(frozen=True)
class CpuBand:
    times: tuple[datetime, ...]
    p50: tuple[float, ...]
    p95: tuple[float, ...]
    hosts: int


@dataclass(frozen=True)
class Report:
    arrivals: tuple[Arrival, ...]
    flows: tuple[Flow, ...]
    refusals: tuple[Refusal, ...]
    agents: tuple[Agent, ...]
    as_of: datetime | None
    check: SilenceCheck | None
    strips: tuple[Strip, ...]
    busiest: tuple[BusyHost, ...]
    cpu: CpuBand
    findings: Findings
    balances: tuple[TopicBalance, ...]

    def in_state(self, state: str) -> tuple[Agent, ...]:
        return tuple(agent for agent in self.agents if agent.state == state)

    @property
    def feed_end(self) -> datetime | None:
        return max((arrival.last for arrival in self.arrivals), default=None)

    @property
    def feed_start(self) -> datetime | None:
        return min((arrival.first for arrival in self.arrivals), default=None)

    @property
    def holds(self) -> bool | None:
        """Whether every topic's account is right; None where nobody has reconciled."""
        return all(balance.holds for balance in self.balances) if self.balances else None


def build_report(settings: Settings, balances: Sequence[TopicBalance] = (), truth: Path | None = None) -> Report:
    """Ask the tables. Raises QueryError naming the table that is not there yet."""
    tables = list_tables(settings)
    incidents = read_truth(truth) if truth else ()
    with connect(tables, _TABLES) as connection:

        def ask(sql: str, **parameters: Any) -> tuple[tuple[Any, ...], ...]:
            return fetch(connection, sql, tables, parameters=parameters).rows

        arrivals = tuple(Arrival(*row) for row in ask(report_sql.ARRIVALS))
        rows = ask(report_sql.AGENTS)
        as_of = max((row[7] for row in rows), default=None)
        agents = tuple(Agent(*row[:7]) for row in rows)
        check = None
        if truth and as_of is not None:
            feed_end = max((agent.last_heartbeat for agent in agents), default=as_of)
            silent_after = parse_duration(settings.gold.silent_after)
            agents, check = check_silences(agents, incidents, as_of, feed_end, silent_after)
        return Report(
            arrivals=arrivals,
            flows=_flows(ask, arrivals),
            refusals=tuple(
                Refusal(reason, message, count, tuple(topics), plain(example) if example else "")
                for reason, message, count, topics, example in ask(report_sql.QUARANTINED)
            ),
            agents=agents,
            as_of=as_of,
            check=check,
            strips=_strips(ask, agents),
            busiest=tuple(BusyHost(*row) for row in ask(report_sql.BUSIEST, hosts=_BUSIEST_HOSTS)),
            cpu=_cpu_band(ask),
            findings=find(ask, incidents),
            balances=tuple(balances),
        )


def check_silences(
    agents: tuple[Agent, ...],
    incidents: tuple[Happened, ...],
    as_of: datetime,
    feed_end: datetime,
    silent_after: timedelta,
) -> tuple[tuple[Agent, ...], SilenceCheck]:
    """The agents with a verdict on each silent one, and the count of what was found, missed and made up."""
    silences = [incident for incident in incidents if incident.kind == AGENT_SILENT]
    lasting = {
        incident.resource_id: incident for incident in silences if incident.end is None and incident.start <= as_of
    }
    judged = []
    for agent in agents:
        verdict = Verdict.UNKNOWN
        if agent.state == "silent":
            until_the_end = agent.last_heartbeat >= feed_end - silent_after
            verdict = Verdict.FEED_ENDED if until_the_end else Verdict.FALSE
            if agent.resource_id in lasting:
                verdict = Verdict.FOUND
        judged.append(Agent(**{**vars(agent), "verdict": verdict}))
    found = {agent.resource_id for agent in judged if agent.verdict is Verdict.FOUND}
    unseen = [incident for resource_id, incident in lasting.items() if resource_id not in found]
    # The table knows the downtime of its day alone.
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = {
        incident.resource_id
        for incident in silences
        if incident.end and incident.end > midnight and incident.end - incident.start > silent_after
    }
    return tuple(judged), SilenceCheck(
        found=len(found),
        missed=tuple(incident for incident in unseen if as_of - incident.start > silent_after),
        false=sum(agent.verdict is Verdict.FALSE for agent in judged),
        too_young=sum(as_of - incident.start <= silent_after for incident in unseen),
        ended=len(ended),
        ended_seen=sum(agent.resource_id in ended and agent.closed_downtime_seconds > 0 for agent in agents),
    )


def bucket_seconds(span: timedelta) -> int:
    """The shortest bucket that leaves a chart readable."""
    fitting = (seconds for seconds in _BUCKET_SECONDS if span.total_seconds() / seconds <= _MOST_BUCKETS)
    return next(fitting, _BUCKET_SECONDS[-1])


def _flows(ask: Ask, arrivals: tuple[Arrival, ...]) -> tuple[Flow, ...]:
    if not arrivals:
        return ()
    seconds = bucket_seconds(max(each.last for each in arrivals) - min(each.first for each in arrivals))
    by_family: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for family, bucket, count in ask(report_sql.ARRIVALS_OVER_TIME, seconds=seconds):
        by_family[family].append((bucket, count))
    # The bucket that was going on when the feed ended is part of one, and would look like a drop.
    complete = max(each.last for each in arrivals) - timedelta(seconds=seconds)
    return tuple(
        Flow(family, seconds, *zip(*(point for point in points if point[0] <= complete), strict=True))
        for family, points in sorted(by_family.items(), key=lambda item: -sum(count for _, count in item[1]))
        if points[0][0] <= complete
    )


def _strips(ask: Ask, agents: tuple[Agent, ...]) -> tuple[Strip, ...]:
    """Silent agents first, then those with gaps, then a few others for comparison."""
    runs: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for resource_id, first, last in ask(report_sql.HEARTBEAT_RUNS):
        runs[resource_id].append((first, last))
    ranked = sorted(agents, key=lambda agent: (agent.state != "silent", -len(runs[agent.resource_id])))
    strips = tuple(Strip(agent.host, agent.state, tuple(runs[agent.resource_id])) for agent in ranked)
    troubled = sum(strip.state == "silent" or len(strip.runs) > 1 for strip in strips)
    return strips[: min(_STRIPS, troubled + _UNTROUBLED_STRIPS)]


def _cpu_band(ask: Ask) -> CpuBand:
    rows = ask(report_sql.CPU_BAND)
    hosts = max((row[3] for row in rows), default=0)
    # The first and the last minute hold whoever happened to report: not the fleet.
    fleet = list(rows)
    if len(fleet) > 1 and fleet[0][3] < _ENOUGH_OF_THE_FLEET * fleet[1][3]:
        fleet = fleet[1:]
    if len(fleet) > 1 and fleet[-1][3] < _ENOUGH_OF_THE_FLEET * fleet[-2][3]:
        fleet = fleet[:-1]
    times, p50, p95 = (tuple(row[place] for row in fleet) for place in range(3))
    return CpuBand(times, p50, p95, hosts)
