"""The simulator: a believable fleet, and incidents with a known start and end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from pipelines.local.simulator import (
    IncidentKind,
    Message,
    Simulation,
    simulate,
)
from tests.unit.simulated_fleet import (
    AWS,
    COUNTERS,
    DIRTY,
    GRAIN_MS,
    HEARTBEAT,
    MONDAY,
    PERF,
    PROMETHEUS,
    SPOTLESS,
    Day,
    mean,
    moment,
    records,
    value_of,
)


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
