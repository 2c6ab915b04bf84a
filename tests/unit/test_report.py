import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from rich.console import Console

from pipelines.errors import QueryError, StorageError
from pipelines.operations.findings import Alert, Findings, first_alert, is_at
from pipelines.operations.report import Report, Verdict, bucket_seconds, build_report, check_silences
from pipelines.operations.report_page import print_summary, render_page, write_page
from pipelines.operations.truth_file import Happened, read_truth
from pipelines.settings import Settings, load_settings

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
AS_OF = START + timedelta(minutes=31)
HOSTS = ("healthy", "silent-real", "silent-invented", "recovered")
TIMES = pa.timestamp("us", "UTC")
MAP = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True)
class Balance:
    topic: str = "am-Perf"
    values: int = 5
    items: int = 10
    silver: int = 7
    duplicates: int = 1
    quarantined: int = 2
    ignored: int = 0
    missing: int = 0
    unexpected: int = 0
    late_duplicates: int = 0

    @property
    def holds(self) -> bool:
        return self.missing == 0


def minutes(amount: float) -> datetime:
    return START + timedelta(minutes=amount)


def beats(host: str) -> list[datetime]:
    """One a minute for half an hour; two hosts stop after ten minutes, one is away from minute 5 to 15."""
    last = 10 if host.startswith("silent") else 30
    return [minutes(at) for at in range(last + 1) if host != "recovered" or not 5 < at < 15]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path)})

    def write(layer: str, table: str, rows: list[dict[str, object]], **types: pa.DataType) -> None:
        kinds = {name: types.get(name) or pa.infer_type([row[name] for row in rows]) for name in rows[0]}
        path = str(settings.table_path(layer, table))
        write_deltalake(path, pa.Table.from_pylist(rows, pa.schema(kinds.items())))

    arrivals = [{"topic": "am-Perf", "value": b"12345", "kafka_timestamp": minutes(at)} for at in range(31)]
    write("bronze", "telemetry", arrivals, kafka_timestamp=TIMES)
    source = {"topic": "am-Perf", "source": "azure.log_analytics.perf"}
    measured = [
        {**source, "kafka_timestamp": minutes(at), "event_id": f"m{at}", "dimensions": [], "unit": "Percent"}
        for at in range(31)
    ]
    write("silver", "metrics", measured, kafka_timestamp=TIMES, dimensions=MAP)
    write("silver", "anomaly_scores", [scored(at) for at in range(30)], event_time=TIMES)
    heartbeats = [
        {**source, "kafka_timestamp": time, "event_time": time, "resource_id": f"/{host}"}
        for host in HOSTS
        for time in beats(host)
    ]
    write("silver", "heartbeats", heartbeats, kafka_timestamp=TIMES, event_time=TIMES)
    refused = {"reason": "malformed_json", "message": "it is cut off", "topic": "am-Perf", "kafka_timestamp": START}
    write(
        "silver",
        "quarantine",
        [{**refused, "raw": b'{"<script>": tru'}, {**refused, "raw": None}],
        kafka_timestamp=TIMES,
    )
    health = [
        {
            "resource_id": f"/{host}",
            "host_name": host,
            "state": "silent" if host.startswith("silent") else "connected",
            "last_heartbeat": beats(host)[-1],
            "state_since": beats(host)[-1],
            "downtime_seconds": 1260.0 if host.startswith("silent") else 0.0,
            "closed_downtime_seconds": 600.0 if host == "recovered" else 0.0,
            "as_of": AS_OF,
        }
        for host in HOSTS
    ]
    write("gold", "agent_health", health, last_heartbeat=TIMES, state_since=TIMES, as_of=TIMES)
    write("gold", "metric_rollup", [*gauge(), *counters()], window_start=TIMES, dimensions=MAP)
    return settings


def scored(at: int) -> dict[str, object]:
    """CPU of `healthy`: 30 % and, while it is saturated, 90 %, which is called out from the third minute on."""
    busy = 10 <= at < 20
    return {
        "score_id": f"m{at}",
        "series_id": 1,
        "detector": "univariate",
        "resource_id": "/healthy",
        "metric": "CPUUtilization",
        "event_time": minutes(at),
        "value": 90.0 if busy else 30.0,
        "expected": 30.0,
        "lower": 25.0,
        "upper": 35.0,
        "anomaly_score": 0.9 if busy else 0.1,
        "is_anomaly": 12 <= at < 20,
    }


def rollup(host: str, metric: str, at: int, mean: float, **dimensions: str) -> dict[str, object]:
    return {
        "granularity": "PT1M",
        "window_start": minutes(at),
        "series_id": crc32(repr((host, metric, dimensions)).encode()),
        "source": "prometheus" if metric.startswith("node") else "aws.metric_stream",
        "resource_id": f"/{host}",
        "host_name": host,
        "namespace": "n",
        "metric": metric,
        "unit": "Percent",
        "dimensions": list(dimensions.items()),
        "mean": mean,
        "minimum": mean - 1,
        "maximum": mean + 1,
    }


def gauge() -> list[dict[str, object]]:
    return [rollup("healthy", "CPUUtilization", at, 90.0 if 10 <= at < 20 else 30.0) for at in range(30)]


def counters() -> list[dict[str, object]]:
    """A node that spends 45 of 60 seconds idle, and restarts in minute 15."""
    return [
        rollup("node", "node_cpu_seconds_total", at, float((at if at < 15 else at - 15) * seconds), mode=mode)
        for at in range(30)
        for mode, seconds in (("idle", 45), ("user", 15))
    ]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    def line(kind: str, host: str, start: float, end: float | None, metric: str | None = None) -> str:
        moments = {"start": minutes(start).isoformat(), "end": None if end is None else minutes(end).isoformat()}
        return json.dumps(
            {"kind": kind, "resource_id": f"/{host}", "host": host, "metric": metric, "instance": None, **moments}
        )

    path = tmp_path / "truth.jsonl"
    lines = (
        line("agent_silent", "silent-real", 10, None),
        line("agent_silent", "healthy", 12, None),
        line("agent_silent", "recovered", 5, 15),
        line("agent_silent", "young", 28, None),
        line("cpu_saturation", "healthy", 10, 20, "CPUUtilization"),
        json.dumps({"kind": "summary"}),
    )
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def report(settings: Settings, truth: Path) -> Report:
    return build_report(settings, (Balance(),), truth)


def test_what_arrived(report: Report) -> None:
    (arrival,) = report.arrivals

    assert (arrival.family, arrival.values, arrival.bytes, arrival.quarantined) == ("Azure Log Analytics", 31, 155, 2)
    assert arrival.silver == 31 + sum(len(beats(host)) for host in HOSTS)
    assert (report.flows[0].seconds, report.flows[0].times[0]) == (15, START.replace(tzinfo=None))


def test_what_was_refused_comes_with_an_example(report: Report) -> None:
    (refusal,) = report.refusals

    assert (refusal.reason, refusal.count, refusal.topics) == ("malformed_json", 2, ("am-Perf",))
    assert refusal.example == '{"<script>": tru'


def test_silent_agents_are_held_against_the_truth(report: Report) -> None:
    assert report.check is not None
    verdicts = {agent.host: agent.verdict for agent in report.in_state("silent")}

    assert verdicts == {"silent-real": Verdict.FOUND, "silent-invented": Verdict.FALSE}
    assert [incident.host for incident in report.check.missed] == ["healthy"]
    assert (report.check.found, report.check.false, report.check.too_young) == (1, 1, 1)
    assert (report.check.ended, report.check.ended_seen) == (1, 1)
    assert not report.check.perfect


def test_a_silence_that_ended_yesterday_is_no_downtime_of_today() -> None:
    def silence(start: float, end: float) -> Happened:
        return Happened("agent_silent", f"/{start}", "a", None, None, minutes(start), minutes(end))

    midnight = 12 * 60
    told = (silence(midnight - 60, midnight - 30), silence(midnight - 20, midnight + 10))

    _, check = check_silences((), told, minutes(midnight + 30), minutes(midnight + 30), timedelta(minutes=5))

    assert (check.ended, check.ended_seen) == (1, 0)


def test_an_agent_that_sent_until_the_feed_ended_is_no_false_alarm(settings: Settings, truth: Path) -> None:
    path = str(settings.table_path("gold", "agent_health"))
    moments = {name: minutes(30) for name in ("last_heartbeat", "state_since")}
    row = {"resource_id": "/a", "host_name": "a", "state": "silent", **moments, "as_of": minutes(60)}
    rows = [{**row, "downtime_seconds": 1800.0, "closed_downtime_seconds": 0.0}]
    write_deltalake(path, pa.Table.from_pylist(rows), mode="overwrite", schema_mode="overwrite")

    report = build_report(settings, truth=truth)

    assert report.agents[0].verdict is Verdict.FEED_ENDED


def test_without_truth_nothing_is_compared(settings: Settings) -> None:
    report = build_report(settings)

    assert report.check is None
    assert report.holds is None
    assert not report.findings.each
    assert report.findings.alerts == 1
    assert {agent.verdict for agent in report.agents} == {Verdict.UNKNOWN}


def test_gaps_in_heartbeats_are_seen(report: Report) -> None:
    runs = {strip.host: len(strip.runs) for strip in report.strips}

    assert runs == {"silent-real": 1, "silent-invented": 1, "recovered": 2, "healthy": 1}
    assert report.strips[0].state == "silent"


def test_the_busiest_are_in_percent_whatever_the_family_sends(report: Report) -> None:
    first, second = report.busiest

    assert (first.host, first.family, first.mean, first.peak) == ("healthy", "AWS CloudWatch", pytest.approx(50), 90.0)
    assert (second.host, second.mean, second.peak) == ("node", pytest.approx(25), pytest.approx(25))
    assert report.cpu.hosts == 2


def test_an_incident_is_shown_with_what_led_to_it_and_when_it_was_found(report: Report) -> None:
    (finding,) = report.findings.each

    assert finding.incident.kind == "cpu_saturation"
    assert (len(finding.points), finding.points[0].value, max(point.value for point in finding.points)) == (30, 30, 90)
    assert finding.delay_seconds == 120.0
    assert (report.findings.recall, report.findings.precision) == (1.0, 1.0)


def test_an_alert_is_at_an_incident_of_its_resource_and_time() -> None:
    incident = Happened("cpu_saturation", "/a", "a", "cpu", None, minutes(10), minutes(20))

    def alert(start: float, end: float, resource_id: str = "/a") -> Alert:
        return Alert(resource_id, minutes(start), minutes(end), 0.9, "cpu")

    assert is_at(alert(12, 13), incident)
    assert is_at(alert(25, 26), incident), "what follows an incident is part of it"
    assert not is_at(alert(31, 40), incident)
    assert not is_at(alert(1, 9), incident)
    assert not is_at(alert(12, 13, "/b"), incident)


def test_an_incident_is_found_by_the_first_alert_while_it_lasts() -> None:
    incident = Happened("cpu_saturation", "/a", "a", "cpu", None, minutes(10), minutes(20))
    early, late, after = (Alert("/a", minutes(at), minutes(at + 2), 0.9, "cpu") for at in (9, 15, 25))

    assert first_alert(incident, (late, after)) == minutes(15)
    assert first_alert(incident, (early, late)) == minutes(10), "one that went on already"
    assert first_alert(incident, (after,)) is None


def test_a_table_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="has not been created yet: `lakehouse run"):
        build_report(load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path)}))


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_but_itself(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "build" / "demo.html"
    write_page(report, path)
    tags = Page(path.read_text()).found

    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    outside = [
        value for _, attributes in tags for name, value in attributes.items() if name in ("src", "href", "xlink:href")
    ]
    assert all(value and value.startswith("#") for value in outside)


def test_every_picture_is_described_and_every_table_has_headers(report: Report) -> None:
    page = render_page(report)
    pictures = [attributes for tag, attributes in Page(page).found if tag == "svg"]

    assert len(pictures) == 4
    assert all(picture["role"] == "img" and picture["aria-label"] for picture in pictures)
    assert page.count("<table>") == page.count("<thead>")
    assert "#00000" not in page, "every stand-in colour becomes one of the page"


def test_what_came_from_outside_cannot_break_the_page(report: Report) -> None:
    assert "&lt;script&gt;" in render_page(report)


def test_an_empty_lakehouse_makes_a_page_too(report: Report) -> None:
    empty = dict.fromkeys(("arrivals", "flows", "refusals", "agents", "strips", "busiest", "balances"), ())
    bare = Report(
        **{
            **vars(report),
            **empty,
            "as_of": None,
            "check": None,
            "findings": Findings((), 0, 0),
            "cpu": type(report.cpu)((), (), (), 0),
        }
    )

    assert "Nothing was." in render_page(bare)


def test_the_summary_says_the_same_on_a_terminal(report: Report) -> None:
    output = StringIO()
    print_summary(report, Console(file=output, width=120))
    text = output.getvalue()

    for expected in (
        "am-Perf",
        "malformed_json",
        "silent-real",
        "found",
        "1 missed",
        "1 of 1 found",
        "holds for every topic",
    ):
        assert expected in text


def test_a_bucket_fits_its_span() -> None:
    assert bucket_seconds(timedelta(minutes=2)) == 5
    assert bucket_seconds(timedelta(hours=2)) == 60
    assert bucket_seconds(timedelta(days=900)) == 86_400


def test_a_broken_truth_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text('{"kind": "agent_silent"}\n')

    with pytest.raises(StorageError, match=r"truth\.jsonl, line 1: not an incident"):
        read_truth(path)
    with pytest.raises(StorageError, match="cannot be read"):
        read_truth(tmp_path / "nothing")
