"""The simulator: what it breaks on purpose, what it says of it, and its rate."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipelines.errors import SettingsError
from pipelines.local.simulator import (
    TOPICS,
    FleetSize,
    Message,
    Simulation,
    expected_rate,
    scale_hosts,
    scale_interval,
    simulate,
    write_truth,
)
from pipelines.local.simulator.faults import RECORD_FAULTS, VALUE_FAULTS, reasons
from tests.unit.simulated_fleet import DIRTY, HEARTBEAT, PERF, PROMETHEUS, SMALL, SPOTLESS, records


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
