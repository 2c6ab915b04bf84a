"""A host against its siblings, from the rows of a bucket as they come: minute by minute, each once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.detection.peers.distance import PeerParameters
from pipelines.detection.peers.minutes import GIVEN, PeerRules, advance
from pipelines.detection.peers.state import PeerState, empty_state, from_bytes, to_bytes
from pipelines.detection.score_frame import SCORED, identity

START = 1_790_000_040  # epoch seconds, at a full minute
EVERYTHING = PeerRules(least_score=0.0)
HOSTS = 6


def rows(values: np.ndarray, group: int = 7, first: int = 0) -> pd.DataFrame:
    """`values` (minutes, hosts): a row a minute and host, half a minute after the minute has begun."""
    minutes, hosts = (axis.reshape(-1) for axis in np.indices(values.shape))
    seconds = START + 60 * (first + minutes) + 30
    arrival = pd.to_datetime(seconds + 5, unit="s")
    return pd.DataFrame(
        {
            "peer_group": group,
            "series_id": 100 * group + hosts,
            "resource_id": [f"/host/{host}" for host in hosts],
            "host_name": [f"host{host}" for host in hosts],
            "namespace": "system",
            "metric": "% Used Memory",
            "event_time": pd.to_datetime(seconds, unit="s"),
            "value": values.reshape(-1).astype(float),
            "kafka_timestamp": arrival,
            "ingest_time": arrival + pd.Timedelta(seconds=1),
        }
    )


def alike(minutes: int, hosts: int = HOSTS) -> np.ndarray:
    course = 50 + 20 * np.sin(np.arange(minutes) / 10)
    return (course[:, None] + np.random.default_rng(1).normal(size=(minutes, hosts))).round(1)


def scores_of(frame: pd.DataFrame, rules: PeerRules = EVERYTHING) -> pd.DataFrame:
    return advance(empty_state(), frame, rules).scored


def in_batches(frames: list[pd.DataFrame], rules: PeerRules = EVERYTHING) -> pd.DataFrame:
    """The scores of frames that come one after the other, with the state in the store between them."""
    stored, scored = to_bytes(empty_state()), []
    for frame in frames:
        step = advance(from_bytes(stored), frame, rules)
        stored = to_bytes(step.state)
        scored.append(step.scored)
    return in_order(pd.concat([part for part in scored if len(part)] or scored[:1]))


def in_order(scored: pd.DataFrame) -> pd.DataFrame:
    return scored.sort_values(["event_time", "series_id"], ignore_index=True)


def test_a_host_that_stays_unlike_its_five_siblings_is_called_out_and_no_other() -> None:
    values = alike(120)
    values[90:, 3] -= 15
    found = scores_of(rows(values), PeerRules())
    alarms = found[found["anomaly_score"] >= 0.8]
    assert set(alarms["resource_id"]) == {"/host/3"}
    assert alarms["event_time"].min() > pd.to_datetime(START + 90 * 60, unit="s")
    assert alarms["event_time"].max() == pd.to_datetime(START + 118 * 60, unit="s")


def test_a_spike_of_one_minute_is_not() -> None:
    values = alike(120)
    values[90, 3] = 1e6
    assert (scores_of(rows(values))["anomaly_score"] < 0.8).all()


def test_what_is_written_of_a_score() -> None:
    values = np.full((2, HOSTS), 50.0)
    values[0] = [10, 20, 30, 40, 50, 60]
    row = in_order(scores_of(rows(values))).iloc[1]
    assert list(scores_of(rows(values)).columns) == [column.strip().split()[0] for column in SCORED.split(",")]
    assert (row["detector"], row["model_name"]) == ("peer", "peer_group")
    assert row["score_id"] == identity("peer", "701", START)
    assert row["event_time"] == pd.to_datetime(START, unit="s")
    assert (row["value"], row["expected"]) == (20.0, 40.0)
    assert row["lower"] < row["expected"] < row["upper"]
    assert (row["resource_id"], row["host_name"]) == ("/host/1", "host1")
    assert list(row["top_contributors"]) == []
    # The arrival is that of the next minute's first value, without which there would be no score.
    assert row["kafka_timestamp"] == pd.to_datetime(START + 60 + 30 + 5, unit="s")
    assert row["ingest_time"] == pd.to_datetime(START + 60 + 30 + 6, unit="s")


def test_the_version_is_that_of_the_parameters() -> None:
    assert PeerRules().version == PeerRules(least_score=0.1).version
    assert PeerRules().version != PeerRules(PeerParameters(alarm=5.0)).version
    assert PeerRules().version.startswith("builtin-")


def test_only_scores_that_say_something_are_written() -> None:
    values = alike(120)
    values[90:, 3] -= 15
    every, written = scores_of(rows(values)), scores_of(rows(values), PeerRules())
    assert 0 < len(written) < len(every) / 5
    pd.testing.assert_frame_equal(written, every[every["anomaly_score"] >= 0.5].reset_index(drop=True))


def test_a_minute_is_scored_when_a_later_one_has_begun() -> None:
    values = alike(3)
    step = advance(empty_state(), rows(values[:1]), EVERYTHING)
    assert step.scored.empty
    step = advance(step.state, rows(values[1:2, :1], first=1), EVERYTHING)
    assert len(step.scored) == HOSTS
    assert advance(step.state, rows(values[1:2, 1:2], first=1), EVERYTHING).scored.empty


def test_the_value_of_a_minute_is_the_mean_of_what_came_in_it() -> None:
    early, late = rows(np.full((1, HOSTS), 10.0)), rows(np.full((1, HOSTS), 40.0))
    late[["event_time", "kafka_timestamp", "ingest_time"]] += pd.Timedelta(seconds=20)
    found = in_batches([early, late, late, rows(alike(1), first=1)])
    assert found["value"].tolist() == [30.0] * HOSTS


def test_too_few_siblings_give_nothing() -> None:
    values = alike(60, hosts=4)
    values[30:, 3] -= 40
    assert scores_of(rows(values)).empty


def test_groups_are_not_compared_with_each_other() -> None:
    other = alike(20) + 500
    together = in_order(scores_of(pd.concat([rows(alike(20)), rows(other, group=8)])))
    apart = in_order(pd.concat([scores_of(rows(alike(20))), scores_of(rows(other, group=8))]))
    pd.testing.assert_frame_equal(together, apart)


def test_one_group_does_not_end_the_minutes_of_another() -> None:
    step = advance(empty_state(), rows(alike(1)), EVERYTHING)
    step = advance(step.state, rows(alike(5), group=8), EVERYTHING)
    assert set(step.scored["series_id"] // 100) == {8}


def test_values_that_come_after_their_minute_was_scored_are_ignored() -> None:
    in_time = [rows(alike(10)), rows(alike(3), first=10)]
    late = rows(np.full((5, HOSTS), 1e6))
    pd.testing.assert_frame_equal(in_batches([in_time[0], late, in_time[1]]), in_batches(in_time))


def test_a_host_with_a_clock_ahead_does_not_end_the_minutes_of_its_siblings() -> None:
    frame = rows(alike(10))
    ahead = frame["series_id"] == 700
    frame.loc[ahead, "event_time"] += pd.Timedelta(minutes=5)
    found = in_batches([frame[:HOSTS], frame[HOSTS : 2 * HOSTS], frame[2 * HOSTS :]])
    assert found["series_id"].value_counts().to_dict() == {701 + host: 9 for host in range(HOSTS - 1)}


def test_a_minute_can_be_held_open_for_late_values() -> None:
    values = alike(4)
    patient = PeerRules(least_score=0.0, wait_minutes=1)
    minutes = [rows(values[minute : minute + 1], first=minute) for minute in range(3)]
    found = in_batches([minutes[0][:3], minutes[1], minutes[0][3:], minutes[2]], patient)
    assert found["series_id"].tolist() == [700 + host for host in range(HOSTS)]
    assert (found["event_time"] == pd.to_datetime(START, unit="s")).all()


def test_what_is_no_number_was_not_measured() -> None:
    values = alike(20)
    values[5, 2], values[6, 2] = np.nan, np.inf
    found = scores_of(rows(values))
    assert len(found) == 19 * HOSTS - 2
    assert np.isfinite(found[["value", "expected", "lower", "upper", "anomaly_score"]].to_numpy()).all()


def test_a_batch_without_a_number_changes_nothing() -> None:
    state = advance(empty_state(), rows(alike(5)), EVERYTHING).state
    step = advance(state, rows(np.full((1, HOSTS), np.nan), first=5), EVERYTHING)
    assert step.scored.empty
    assert to_bytes(step.state) == to_bytes(state)


def test_a_host_without_a_name_is_a_host() -> None:
    frame = rows(alike(3)).assign(host_name=None)
    assert in_batches([frame[:HOSTS], frame[HOSTS:]])["host_name"].isna().all()


def test_hosts_that_send_nothing_any_more_are_forgotten() -> None:
    rules = PeerRules(least_score=0.0, forget_seconds=600.0)
    step = advance(empty_state(), rows(alike(2)), rules)
    step = advance(step.state, rows(alike(5, hosts=5), first=20), rules)
    assert step.state.members["series_id"].tolist() == [700, 701, 702, 703, 704]


def test_open_minutes_are_forgotten_with_their_host() -> None:
    rules = PeerRules(least_score=0.0, forget_seconds=600.0)
    step = advance(empty_state(), rows(alike(2)), rules)
    step = advance(step.state, rows(alike(2), group=8, first=20), rules)
    assert set(step.state.cells["peer_group"]) == set(step.state.members["peer_group"]) == {8}


def test_the_state_does_not_grow_with_the_minutes() -> None:
    state = advance(empty_state(), rows(alike(100)), EVERYTHING).state
    assert len(state.members) == len(state.cells) == HOSTS


def test_states_of_other_columns_are_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.detection.peers import state as peer_state

    stored = to_bytes(advance(empty_state(), rows(alike(5)), EVERYTHING).state)
    monkeypatch.setattr(peer_state, "CELLS", peer_state.CELLS.remove(0))
    assert from_bytes(stored).members.empty


@st.composite
def measured(draw: st.DrawFn) -> pd.DataFrame:
    """Up to two groups of six hosts over a few minutes, with gaps and minutes of many values, as they come in time."""
    minutes = draw(st.integers(1, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames = []
    for group in range(draw(st.integers(1, 2))):
        for second in (0, 20):
            frame = rows(random.integers(0, 20, (minutes, HOSTS)), group=group + 1)
            frame["event_time"] += pd.Timedelta(seconds=second)
            frames.append(frame[random.random(len(frame)) < 0.7])
    frame = pd.concat(frames).sort_values("event_time", kind="stable", ignore_index=True)
    arrival = frame["event_time"].max() + pd.to_timedelta(np.arange(len(frame)), unit="s")
    return frame.assign(kafka_timestamp=arrival, ingest_time=arrival)


@settings(max_examples=40, deadline=None)
@given(frame=measured(), cuts=st.lists(st.floats(0, 1), max_size=4))
def test_where_batches_end_changes_no_score(frame: pd.DataFrame, cuts: list[float]) -> None:
    places = [0, *sorted(int(cut * len(frame)) for cut in cuts), len(frame)]
    parts = [frame[begin:end] for begin, end in pairwise(places)]
    pd.testing.assert_frame_equal(in_batches(parts), in_batches([frame]))


@settings(max_examples=40, deadline=None)
@given(frame=measured(), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_in_a_batch_changes_nothing(frame: pd.DataFrame, seed: int) -> None:
    whole = advance(empty_state(), frame, EVERYTHING)
    shuffled = advance(empty_state(), frame.sample(frac=1, random_state=seed), EVERYTHING)
    pd.testing.assert_frame_equal(whole.scored, shuffled.scored)
    assert to_bytes(whole.state) == to_bytes(shuffled.state)


@settings(max_examples=20, deadline=None)
@given(frame=measured())
def test_a_state_comes_back_from_its_bytes_as_it_was(frame: pd.DataFrame) -> None:
    state: PeerState = advance(empty_state(), frame, EVERYTHING).state
    again = from_bytes(to_bytes(state))
    pd.testing.assert_frame_equal(again.members, state.members)
    pd.testing.assert_frame_equal(again.cells, state.cells)


def test_the_columns_given_are_those_of_the_stream() -> None:
    assert list(rows(alike(1)).columns) == [column.strip().split()[0] for column in GIVEN.split(",")]
