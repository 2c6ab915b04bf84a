"""How hosts are trained and judged, without Spark: rows of a host, injected anomalies, and what is not counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from pipelines.detection.bundle import Bundle
from pipelines.detection.models.exclusions import Exclusion
from pipelines.detection.models.host_rows import fit_host, from_bytes, in_order, interval_of, to_bytes, to_rows
from pipelines.detection.models.injection import SHAPES, inject
from pipelines.detection.models.maintenance import maintenance_windows
from pipelines.detection.models.shadow import Contest, join, judge_host
from pipelines.detection.models.shadow import to_bytes as judged_bytes
from pipelines.detection.models.training_data import Told
from pipelines.detection.models.training_plan import from_json, plan_of, to_json
from pipelines.errors import ModelError, SettingsError
from tests.unit.detection.measured import BEGIN, MINUTES, host_frame

PLAN = plan_of(BEGIN + timedelta(minutes=MINUTES), timedelta(minutes=MINUTES), 3, None, [], seed=5)
NOTHING_TOLD = Told((), (), (), ())


def test_the_rows_of_a_host_are_its_series_side_by_side_with_gaps_as_nan() -> None:
    frame = host_frame(1, minutes=10)
    frame = frame[~((frame["metric"] == "memory") & (frame.index % 10 == 4))]

    rows = to_rows(in_order(frame), np.array([101, 100]), ("memory", "cpu"), interval=60)

    assert rows.values.shape == (10, 2)
    assert rows.first == BEGIN.timestamp()
    assert np.flatnonzero(np.isnan(rows.values[:, 0])).tolist() == [4]
    np.testing.assert_array_equal(rows.values[:, 1], frame[frame["metric"] == "cpu"]["value"])


@pytest.mark.parametrize(("seconds", "interval"), [(15, 60), (60, 60), (62, 60), (300, 300), (400, 600), (90000, 3600)])
def test_the_interval_is_that_of_the_agent_and_a_minute_at_least(seconds: int, interval: int) -> None:
    frame = host_frame(1, minutes=50)
    frame["time"] = BEGIN.timestamp() + (frame["time"] - BEGIN.timestamp()) / 60 * seconds

    assert interval_of(in_order(frame)) == interval


def test_a_host_is_fitted_the_same_in_whatever_order_its_rows_come() -> None:
    frame = host_frame(1, minutes=500)
    shuffled = frame.sample(frac=1.0, random_state=2)

    assert to_bytes(fit_host(frame, seed=1)) == to_bytes(fit_host(shuffled, seed=1))
    assert from_bytes(to_bytes(fit_host(frame, seed=1))).model.metric_names == ("cpu", "memory", "requests")


def test_a_host_with_few_rows_is_refused() -> None:
    with pytest.raises(ModelError, match="no series with 200 values"):
        fit_host(host_frame(1, minutes=199), seed=1)


def test_injected_are_known_places_after_the_warm_up_the_same_for_a_seed() -> None:
    frame = in_order(host_frame(1))
    held_from = PLAN.held_from.timestamp()

    injected = inject(frame, "/host/1", held_from, 60, seed=5)

    changed = frame[injected.values != frame["value"]]
    times = changed["time"].to_numpy()[:, None]
    inside = ((times >= injected.spans[:, 0]) & (times < injected.spans[:, 1])).any(axis=1)
    assert len(injected.spans) == len(SHAPES)
    assert (changed["time"] >= held_from).all()
    assert inside.all()
    np.testing.assert_array_equal(inject(frame, "/host/1", held_from, 60, seed=5).values, injected.values)
    assert (inject(frame, "/host/2", held_from, 60, seed=5).spans != injected.spans).any()


def test_only_held_back_intervals_count_and_none_that_were_expected() -> None:
    hour = Exclusion(PLAN.held_from, PLAN.held_from + timedelta(hours=1), "load test")
    contest = Contest(Bundle(), Bundle(strictness={100: 2.0}), PLAN, NOTHING_TOLD)

    everything = judge_host(host_frame(1), "/host/1", contest)
    quieter = judge_host(host_frame(1), "/host/1", replace(contest, told=replace(NOTHING_TOLD, not_judged=(hour,))))

    assert everything.time.min() == PLAN.held_from.timestamp()
    assert len(everything.time) - len(quieter.time) == 61
    assert (everything.champion_plain >= everything.challenger_plain).all()  # the challenger is stricter
    both = join([judged_bytes(everything), judged_bytes(quieter)])
    assert len(both.time) == len(everything.time) + len(quieter.time)


def test_what_operators_called_true_is_to_be_found() -> None:
    incident = Exclusion(PLAN.held_from, PLAN.held_from + timedelta(minutes=9), "verdict", series_id=100)
    contest = Contest(Bundle(), Bundle(), PLAN, replace(NOTHING_TOLD, to_find=(incident,)))

    assert judge_host(host_frame(1), "/host/1", contest).to_find.sum() == 10
    assert judge_host(host_frame(2), "/host/2", contest).to_find.sum() == 0


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = replace(PLAN, exclusions=(Exclusion(BEGIN, PLAN.end, "why", "web-*", 7, "cpu"),))

    assert from_json(to_json(plan)) == plan
    with pytest.raises(ModelError, match="train anew"):
        from_json("{}")


def test_maintenance_is_read_from_a_file_and_only_if_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    assert maintenance_windows(file) == ()

    file.write_text("- {resource: '*/Web-*', from: 2026-03-01T22:00:00+01:00, to: 2026-03-02, why: kernel}")
    assert maintenance_windows(file) == (
        Exclusion(BEGIN + timedelta(hours=21), BEGIN + timedelta(days=1), "kernel", "*/web-*"),
    )
    file.write_text("- {resource: '*', from: 2026-03-03, to: 2026-03-02, why: kernel}")
    with pytest.raises(SettingsError, match=r"window 0 \(kernel\) ends before it begins"):
        maintenance_windows(file)
    file.write_text("- {resource: '*', to: 2026-03-02, why: kernel}")
    with pytest.raises(SettingsError, match=r"window 0.from: .*a window has resource"):
        maintenance_windows(file)
