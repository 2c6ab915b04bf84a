"""The simulator: its producers' formats, and the same bytes for a seed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from pipelines.errors import SettingsError
from pipelines.local.simulator import (
    FleetSize,
    simulate,
)
from tests.unit.simulated_fleet import AWS, DIRTY, HEARTBEAT, PERF, PROMETHEUS, SMALL, SPOTLESS, records


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


def test_the_step_does_not_change_the_records() -> None:
    """It only groups what arrives together."""

    def digest(step_seconds: float) -> str:
        rows = records(simulate(replace(SPOTLESS, step_seconds=step_seconds)), HEARTBEAT)
        texts = sorted(json.dumps({**row, "_ItemId": ""}) for row in rows)
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    assert digest(5.0) == digest(1.0)
