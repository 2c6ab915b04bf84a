"""What the simulator promises: a believable fleet, its producers' formats, the same bytes for a seed, the truth."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from pipelines.errors import SettingsError
from pipelines.local.simulator import (
    TOPICS,
    FleetSize,
    Incident,
    IncidentKind,
    Message,
    Simulation,
    SimulationConfig,
    expected_rate,
    scale_hosts,
    scale_interval,
    simulate,
    write_truth,
)
from pipelines.local.simulator.faults import RECORD_FAULTS, VALUE_FAULTS, reasons

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HEARTBEAT, PERF, AWS, PROMETHEUS = TOPICS
COUNTERS = ("Uptime", "System Up Time", "node_network_receive_bytes_total", "up")
# Whoever reports within one step shares its fate.
GRAIN_MS = 5_000
SMALL = SimulationConfig(start=MONDAY, duration=timedelta(minutes=30), seed=7, fleet=FleetSize.of(40))
SPOTLESS = replace(
    SMALL,
    bad_share=0,
    duplicate_share=0,
    late_share=0,
    control_share=0,
    incident_share=0,
    restarts_per_host_day=0,
    gaps_per_host_day=0,
)
DIRTY = replace(SMALL, bad_share=0.02, duplicate_share=0.05, late_share=0.05, control_share=0.05)


def records(messages: Iterable[Message], topic: str) -> list[dict[str, Any]]:
    """Every record of a topic, out of whatever envelope."""
    found: list[dict[str, Any]] = []
    for message in messages:
        if message.topic == topic:
            assert message.value is not None
            for text in message.value.decode().splitlines():
                content = json.loads(text)
                found += content.get("records", [content])
    return found


def moment(record: dict[str, Any]) -> datetime:
    time_text = record["TimeGenerated"] if "TimeGenerated" in record else record["timestamp"]
    if isinstance(time_text, int):
        return datetime.fromtimestamp(time_text / 1000, UTC)
    return datetime.fromisoformat(time_text)


def value_of(record: dict[str, Any]) -> float:
    if "CounterValue" in record:
        return float(record["CounterValue"])
    value = record["value"]
    return value["sum"] / value["count"] if isinstance(value, dict) else float(value)


def host_of(record: dict[str, Any]) -> str:
    names = record.get("dimensions") or record.get("labels") or record
    keys = ("InstanceId", "DBInstanceIdentifier", "LoadBalancer", "node", "Computer")
    return next((names[key] for key in keys if key in names), "")


def instance_of(record: dict[str, Any]) -> str | None:
    names = record.get("dimensions") or record.get("labels") or record
    return names.get("InstanceName") or names.get("path") or names.get("mountpoint")


def metric_of(record: dict[str, Any]) -> str:
    return str(record.get("CounterName") or record.get("metric_name") or record.get("name") or record["Type"])


@dataclass(frozen=True)
class Day:
    """A simulation and its series: (host, metric) → [(epoch ms, value, instance)] in time order; heartbeats are 1."""

    simulation: Simulation
    points: dict[tuple[str, str], list[tuple[float, float, str | None]]]

    def of(self, kind: IncidentKind) -> list[Incident]:
        found = [incident for incident in self.simulation.incidents if incident.kind is kind]
        assert found
        return found

    def end_of(self, incident: Incident) -> int:
        return incident.end_ms or self.simulation.config.end_ms

    def values(self, incident: Incident) -> list[tuple[float, float]]:
        """(epoch ms, value) of what the incident is about."""
        points = self.points[incident.host, incident.metric or "Heartbeat"]
        return [(time, value) for time, value, instance in points if incident.instance in (None, instance)]


def mean(values: Iterable[float]) -> float:
    numbers = list(values)
    assert numbers
    return sum(numbers) / len(numbers)


@pytest.fixture(scope="module")
def day() -> Day:
    """Eight hours of one fleet with incidents, and nothing else wrong."""
    config = replace(
        SPOTLESS, duration=timedelta(hours=8), incident_share=0.05, restarts_per_host_day=0.2, gaps_per_host_day=0.2
    )
    simulation = Simulation(config)
    watched = {incident.metric for incident in simulation.incidents} | {"Heartbeat", "% Used Memory"} | set(COUNTERS)
    points = defaultdict(list)
    for message in simulation.messages():
        for record in records([message], message.topic):
            if (metric := metric_of(record)) in watched:
                value = 1.0 if metric == "Heartbeat" else value_of(record)
                point = (moment(record).timestamp() * 1000, value, instance_of(record))
                points[host_of(record), metric].append(point)
    return Day(simulation, points)


@pytest.fixture(scope="module")
def dirty() -> tuple[Simulation, list[Message]]:
    simulation = Simulation(DIRTY)
    return simulation, list(simulation.messages())


class TestDeterminism:
    def test_same_config_gives_the_same_messages_in_the_same_order(self) -> None:
        assert list(simulate(DIRTY)) == list(simulate(DIRTY))

    def test_another_seed_gives_another_estate(self) -> None:
        one, other = (
            {record["_ResourceId"] for record in records(simulate(replace(SPOTLESS, seed=seed)), PERF)}
            for seed in (1, 2)
        )
        assert one.isdisjoint(other)

    def test_a_larger_fleet_contains_the_smaller(self) -> None:
        small, large = (
            {r["_ResourceId"] for r in records(simulate(replace(SPOTLESS, fleet=FleetSize.of(hosts))), HEARTBEAT)}
            for hosts in (20, 40)
        )
        assert small < large


class TestEnvelopes:
    def test_heartbeats_are_log_analytics_rows(self) -> None:
        rows = records(simulate(SPOTLESS), HEARTBEAT)
        assert {row["SourceSystem"] for row in rows if row["OSType"] == "Windows"} == {"OpsManager"}
        assert {row["SourceSystem"] for row in rows if row["OSType"] == "Linux"} == {"Linux"}
        assert {row["ComputerEnvironment"] for row in rows} == {"Azure", "Non-Azure"}
        for row in rows:
            assert row["Type"] == "Heartbeat"
            assert len(row["TimeGenerated"].split(".")[1]) == len("1234567Z")
            assert row["_ResourceId"] == row["ResourceId"].lower()
            assert None not in row.values()

    def test_item_ids_never_repeat(self) -> None:
        messages = list(simulate(SPOTLESS))
        ids = [row["_ItemId"] for topic in (HEARTBEAT, PERF) for row in records(messages, topic)]
        # An id names a row of a table; tables number theirs apart.
        assert len(ids) == len(set(ids))

    def test_item_ids_of_the_next_run_are_new(self) -> None:
        later = replace(SPOTLESS, start=SPOTLESS.start + SPOTLESS.duration)
        one, other = ({row["_ItemId"] for row in records(simulate(config), PERF)} for config in (SPOTLESS, later))
        assert one.isdisjoint(other)

    def test_perf_has_the_counters_of_both_systems(self) -> None:
        rows = records(simulate(SPOTLESS), PERF)
        names = {(row["SourceSystem"], row["ObjectName"], row["CounterName"]) for row in rows}
        assert {
            ("Linux", "Processor", "% Processor Time"),
            ("Linux", "Memory", "% Used Memory"),
            ("OpsManager", "Memory", "Available MBytes"),
            ("OpsManager", "LogicalDisk", "% Free Space"),
        } <= names
        disks = {row["InstanceName"] for row in rows if row["CounterName"] == "% Free Space"}
        assert disks == {"/", "/var", "C:", "D:"}
        for row in rows:
            if "%" in row["CounterName"]:
                assert 0 <= row["CounterValue"] <= 100

    def test_some_rows_come_bare(self) -> None:
        bare = [m for m in simulate(SPOTLESS) if m.topic == PERF and m.items == 1]
        assert bare
        assert all(json.loads(m.value or b"")["Type"] == "Perf" for m in bare)

    def test_metric_stream_values_are_lines_that_end(self) -> None:
        messages = [m for m in simulate(SPOTLESS) if m.topic == AWS]
        assert all(
            m.value is not None and m.value.endswith(b"}\n") and m.value.count(b"\n") == m.items for m in messages
        )

    def test_statistics_agree_with_each_other(self) -> None:
        metrics = records(simulate(SPOTLESS), AWS)
        assert {m["namespace"] for m in metrics} == {"AWS/EC2", "AWS/RDS", "AWS/ApplicationELB", "CWAgent"}
        assert len({m["account_id"] for m in metrics}) > 1
        assert len({m["region"] for m in metrics}) > 1
        for metric in metrics:
            value = metric["value"]
            slack = 1e-6 * max(1.0, abs(value["max"]))
            assert value["min"] - slack <= value["sum"] / value["count"] <= value["max"] + slack
            if "p50" in value:
                assert value["min"] <= value["p50"] <= value["p90"] <= value["p99"] <= value["max"]
        assert any("p99" in metric["value"] for metric in metrics)

    def test_prometheus_samples_are_all_text(self) -> None:
        samples = records(simulate(SPOTLESS), PROMETHEUS)
        for sample in samples:
            assert sample["labels"]["__name__"] == sample["name"]
            assert list(sample["labels"]) == sorted(sample["labels"])
            assert {type(text) for text in (*sample["labels"].values(), sample["value"], sample["timestamp"])} == {str}
            assert len(sample["timestamp"]) == len("2026-03-02T00:00:00Z")
        assert any(sample["value"] == "NaN" for sample in samples)
        assert any(sample["labels"].get("le") == "+Inf" for sample in samples)

    def test_histogram_buckets_are_cumulative(self) -> None:
        buckets: dict[tuple[str, str], dict[float, float]] = defaultdict(dict)
        for sample in records(simulate(SPOTLESS), PROMETHEUS):
            labels = sample["labels"]
            if "le" in labels:
                buckets[labels["instance"], sample["timestamp"]][float(labels["le"])] = float(sample["value"])
        assert buckets
        for counts in buckets.values():
            assert all(a <= b for a, b in pairwise(counts[le] for le in sorted(counts)))

    def test_no_message_has_a_key(self) -> None:
        assert {message.key for message in simulate(SPOTLESS)} == {None}


class TestBehaviour:
    def test_messages_come_in_time_order(self, dirty: tuple[Simulation, list[Message]]) -> None:
        times = [message.event_time_ms for message in dirty[1]]
        assert times == sorted(times)
        assert DIRTY.start_ms < times[0]
        assert times[-1] <= DIRTY.end_ms

    def test_nothing_is_reported_before_it_happened(self) -> None:
        for message in simulate(SPOTLESS):
            for record in records([message], message.topic):
                age_ms = message.event_time_ms - moment(record).timestamp() * 1000
                assert 0 <= age_ms <= 1000 * SPOTLESS.step_seconds + 1000

    def test_every_host_reports_once_an_interval(self) -> None:
        beats = defaultdict(list)
        for row in records(simulate(SPOTLESS), HEARTBEAT):
            beats[row["Computer"]].append(moment(row))
        assert len(beats) == SPOTLESS.fleet.arc + SPOTLESS.fleet.azure
        gaps = {(b - a).total_seconds() for times in beats.values() for a, b in pairwise(sorted(times))}
        assert gaps == {60.0}

    def test_days_are_busier_than_nights(self) -> None:
        def load(hour: int) -> float:
            config = replace(SPOTLESS, start=MONDAY + timedelta(hours=hour), duration=timedelta(minutes=5))
            rows = records(simulate(config), PERF)
            return mean(row["CounterValue"] for row in rows if row["CounterName"] == "% Processor Time")

        assert load(14) > 1.5 * load(2)

    def test_weekends_are_quieter(self) -> None:
        def load(days: int) -> float:
            config = replace(SPOTLESS, start=MONDAY + timedelta(days=days, hours=14), duration=timedelta(minutes=5))
            return mean(value_of(m) for m in records(simulate(config), AWS) if m["metric_name"] == "RequestCount")

        assert load(5) < 0.85 * load(1)

    def test_noise_is_autocorrelated(self, day: Day) -> None:
        troubled = {incident.host for incident in day.simulation.incidents}
        host = next(host for host, metric in day.points if metric == "% Used Memory" and host not in troubled)
        values = [value for _, value, _ in day.points[host, "% Used Memory"]]
        steps = mean(abs(b - a) for a, b in pairwise(values))
        apart = mean(abs(b - a) for a, b in zip(values, values[60:], strict=False))
        assert steps < 0.6 * apart

    def test_late_values_carry_their_old_time(self, dirty: tuple[Simulation, list[Message]]) -> None:
        simulation, messages = dirty
        late = 0
        for message in messages:
            if message.topic == PROMETHEUS and message.value and b'"timestamp":"2026' in message.value:
                text = message.value.decode(errors="ignore").partition('"timestamp":"')[2][:20]
                age = message.event_time_ms / 1000 - datetime.fromisoformat(text).timestamp() if len(text) == 20 else 0
                late += age > 110
        assert late >= simulation.summary()[PROMETHEUS].late > 0


class TestIncidents:
    def test_every_kind_happens(self, day: Day) -> None:
        assert {incident.kind for incident in day.simulation.incidents} == set(IncidentKind)

    def test_silent_agents_are_silent(self, day: Day) -> None:
        for incident in day.of(IncidentKind.AGENT_SILENT):
            times = [time for time, _ in day.values(incident)]
            assert not [
                time for time in times if incident.start_ms + GRAIN_MS <= time < day.end_of(incident) - GRAIN_MS
            ]
            assert min(times) < incident.start_ms
            assert (incident.end_ms is None) is (max(times) < incident.start_ms + GRAIN_MS)

    def test_some_agents_stay_silent_and_some_return(self, day: Day) -> None:
        ends = [incident.end_ms for incident in day.of(IncidentKind.AGENT_SILENT)]
        assert None in ends
        assert any(end is not None for end in ends)

    @pytest.mark.parametrize("kind", [IncidentKind.CPU_SATURATION, IncidentKind.NOISY_LATENCY])
    def test_saturation_and_latency_stand_out(self, day: Day, kind: IncidentKind) -> None:
        for incident in day.of(kind):
            points, end = day.values(incident), day.end_of(incident)
            during = [value for time, value in points if incident.start_ms + GRAIN_MS <= time < end - GRAIN_MS]
            outside = [value for time, value in points if not incident.start_ms - GRAIN_MS <= time < end + GRAIN_MS]
            assert mean(during) > 1.5 * mean(outside)

    @pytest.mark.parametrize("kind", [IncidentKind.MEMORY_LEAK, IncidentKind.DISK_FILLING])
    def test_leaks_grow_until_they_end(self, day: Day, kind: IncidentKind) -> None:
        for incident in day.of(kind):
            end = day.end_of(incident)
            during = [value for time, value in day.values(incident) if incident.start_ms <= time < end]
            third = len(during) // 3
            first, last = mean(during[:third]), mean(during[-third:])
            # Free space and available memory shrink; used memory and used space grow.
            assert abs(last - first) > 0.15 * max(first, last)

    def test_restarts_reset_counters_and_gaps_do_not(self, day: Day) -> None:
        for incident in (*day.of(IncidentKind.RESTART), *day.of(IncidentKind.GAP)):
            if incident.topic == AWS:  # no counters there
                continue
            counter = next(points for name in COUNTERS if (points := day.points.get((incident.host, name))))
            fell = any(b[1] < a[1] for a, b in pairwise(counter))
            assert fell is (incident.kind is IncidentKind.RESTART)

    def test_nodes_that_restart_are_not_up(self, day: Day) -> None:
        for incident in day.of(IncidentKind.RESTART):
            if incident.topic == PROMETHEUS:
                ups = [
                    value for time, value, _ in day.points[incident.host, "up"] if time > incident.start_ms + GRAIN_MS
                ]
                assert 0.0 in ups
                assert ups[-1] == 1.0

    def test_no_machine_has_two_incidents(self, day: Day) -> None:
        hosts = [incident.resource_id for incident in day.simulation.incidents]
        assert len(hosts) == len(set(hosts))


class TestFaults:
    def test_without_bad_share_every_value_is_valid_json(self) -> None:
        messages = list(simulate(replace(DIRTY, bad_share=0)))
        assert sum(len(records(messages, topic)) for topic in TOPICS) > 0

    def test_every_reason_occurs_and_is_counted(self) -> None:
        simulation = Simulation(replace(DIRTY, bad_share=0.1))
        list(simulation.messages())
        for topic in TOPICS:
            assert set(simulation.summary()[topic].bad) == set(reasons(topic))
        assert set(reasons(PERF)) == {*RECORD_FAULTS, *VALUE_FAULTS}

    def test_unreadable_values_are_exactly_those_counted(self, dirty: tuple[Simulation, list[Message]]) -> None:
        simulation, messages = dirty
        for topic in TOPICS:
            values = [message.value for message in messages if message.topic == topic]
            bad = simulation.summary()[topic].bad
            assert sum(value is None for value in values) == bad["tombstone"]
            assert sum(value == b"" for value in values) == bad["empty_value"]
            assert sum(_is_not_utf8(value) for value in values) == bad["invalid_utf8"]
            assert sum(_is_cut_off(value) for value in values) == bad["truncated_json"]

    def test_bad_rows_come_among_good_ones(self, dirty: tuple[Simulation, list[Message]]) -> None:
        mixed = [
            message
            for message in dirty[1]
            if message.topic == PERF
            and message.value
            and b'"CounterValue":"n/a"' in message.value
            and message.items > 1
        ]
        assert mixed

    def test_duplicates_are_identical_and_counted(self) -> None:
        simulation = Simulation(replace(SPOTLESS, duplicate_share=0.1))
        messages = list(simulation.messages())
        for topic in TOPICS:
            texts = [json.dumps(record) for record in records(messages, topic)]
            assert len(texts) - len(set(texts)) == simulation.summary()[topic].duplicates > 0

    def test_some_duplicates_are_whole_values_and_some_are_not(self) -> None:
        values = [m.value for m in simulate(replace(SPOTLESS, duplicate_share=0.2)) if m.topic == PERF]
        repeated = len(values) - len(set(values))
        assert repeated > 0
        ids = [r["_ItemId"] for value in set(values) for r in records([Message(PERF, None, value, 0, 0)], PERF)]
        assert len(ids) > len(set(ids))


class TestTruth:
    def test_counts_add_up(self, dirty: tuple[Simulation, list[Message]]) -> None:
        simulation, messages = dirty
        for topic in TOPICS:
            counts = simulation.summary()[topic]
            assert counts.values == sum(message.topic == topic for message in messages)
            assert counts.items == sum(message.items for message in messages if message.topic == topic)
            assert counts.items == counts.unique + counts.duplicates + counts.ignored + sum(counts.bad.values())

    def test_faults_do_not_cost_any_good_record(self, dirty: tuple[Simulation, list[Message]]) -> None:
        spotless = Simulation(replace(DIRTY, bad_share=0, duplicate_share=0, late_share=0, control_share=0))
        list(spotless.messages())
        for topic in TOPICS:
            assert dirty[0].summary()[topic].unique == spotless.summary()[topic].items

    def test_empty_exports_are_ignored(self, dirty: tuple[Simulation, list[Message]]) -> None:
        for topic in (HEARTBEAT, PERF):
            empty = [m for m in dirty[1] if m.topic == topic and m.value == b'{"records":[]}']
            assert len(empty) == dirty[0].summary()[topic].ignored

    def test_nan_samples_are_counted(self, dirty: tuple[Simulation, list[Message]]) -> None:
        nan = [message for message in dirty[1] if message.value and b'"value":"NaN"' in message.value]
        assert len(nan) == dirty[0].summary()[PROMETHEUS].nan > 0

    def test_file_has_an_incident_a_line_and_the_summary_last(self, tmp_path: Any, dirty: Any) -> None:
        path = tmp_path / "deep" / "truth.jsonl"
        write_truth(path, dirty[0].incidents, dirty[0].summary())
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["kind"] for line in lines].count("summary") == 1
        assert lines[-1]["topics"][PERF]["items"] == dirty[0].summary()[PERF].items
        assert len(lines) == len(dirty[0].incidents) + 1
        assert {"kind", "resource_id", "host", "metric", "start", "end", "seed"} <= set(lines[0])

    def test_a_stopped_run_counts_what_it_sent(self) -> None:
        simulation = Simulation(DIRTY)
        sent = []
        for message in simulation.messages():
            sent.append(message)
            if len(sent) == 500:
                simulation.stop()
        assert simulation.summary().items == sum(message.items for message in sent)
        assert simulation.summary().end_ms < DIRTY.end_ms


class TestRate:
    @pytest.mark.parametrize("rate", [500.0, 5_000.0])
    def test_a_fleet_is_sized_to_a_rate(self, rate: float) -> None:
        config = scale_hosts(replace(SPOTLESS, interval_seconds=10, duration=timedelta(seconds=20)), rate)
        simulation = Simulation(config)
        list(simulation.messages())
        assert simulation.summary().items == pytest.approx(20 * rate, rel=0.02)
        assert expected_rate(config) == pytest.approx(rate, rel=0.01)

    def test_an_interval_is_fitted_to_a_rate(self) -> None:
        assert expected_rate(scale_interval(SPOTLESS, 100)) == pytest.approx(100)

    def test_a_fleet_too_small_for_its_rate_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="more hosts"):
            scale_interval(SPOTLESS, 100_000)

    def test_load_is_even_within_an_interval(self) -> None:
        per_step: dict[int, int] = defaultdict(int)
        for message in simulate(replace(SPOTLESS, fleet=FleetSize.of(400), duration=timedelta(minutes=2))):
            per_step[message.event_time_ms] += message.items
        assert max(per_step.values()) < 1.3 * min(per_step.values())

    def test_speed(self) -> None:
        """At least 50,000 items/s including their text; the best of three, since the machine has other things to do."""
        config = replace(SMALL, fleet=FleetSize.of(200), duration=timedelta(minutes=12))
        best = 0.0
        for _ in range(3):
            simulation = Simulation(config)
            began = time.perf_counter()
            for _message in simulation.messages():
                pass
            best = max(best, simulation.summary().items / (time.perf_counter() - began))
        assert best > 50_000


class TestConfig:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"start": datetime(2026, 3, 2)}, "time zone"),
            ({"duration": timedelta(0)}, "duration"),
            ({"bad_share": 0.9}, "bad_share"),
            ({"interval_seconds": 1}, "interval"),
            ({"fleet": FleetSize(arc=0, azure=0, aws=0, kubernetes=0)}, "machine"),
            ({"seed": -1}, "seed"),
        ],
    )
    def test_nonsense_is_refused_by_name(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            replace(SMALL, **change)

    @pytest.mark.parametrize("kind", ["arc", "azure", "aws", "kubernetes"])
    def test_a_fleet_of_one_kind_works(self, kind: str) -> None:
        sizes = {"arc": 0, "azure": 0, "aws": 0, "kubernetes": 0} | {kind: 3}
        assert list(simulate(replace(SMALL, fleet=FleetSize(**sizes), duration=timedelta(minutes=2))))


def _is_not_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return True
    return False


def _is_cut_off(value: bytes | None) -> bool:
    if not value or _is_not_utf8(value):
        return False
    try:
        for line in value.decode().splitlines():
            json.loads(line)
    except json.JSONDecodeError:
        return True
    return False


def test_the_step_does_not_change_the_records() -> None:
    """It only groups what arrives together."""

    def digest(step_seconds: float) -> str:
        rows = records(simulate(replace(SPOTLESS, step_seconds=step_seconds)), HEARTBEAT)
        texts = sorted(json.dumps({**row, "_ItemId": ""}) for row in rows)
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    assert digest(5.0) == digest(1.0)
