"""What the scoring stream remembers of a bucket: one value in the state store."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.detection import block as blocks
from pipelines.detection.block import HostTrack, empty_block, from_bytes, to_bytes

IDS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40).map(lambda ids: np.array(ids, dtype=np.int64))


@given(st.lists(IDS, max_size=5))
def test_a_series_keeps_its_row_whatever_comes_with_it(batches: list[np.ndarray]) -> None:
    block, row_of = empty_block(), {}
    for ids in batches:
        for series, row in zip(ids.tolist(), block.rows_of(ids).tolist(), strict=True):
            assert row_of.setdefault(series, row) == row
            assert block.ids[row] == series
    assert len(block.ids) == len(block.seen) == len(block.states) == len(row_of)


@given(IDS)
def test_what_is_stored_is_what_was_there(ids: np.ndarray) -> None:
    block = empty_block()
    block.rows_of(ids)
    block.states[:] = np.random.default_rng(0).normal(size=block.states.shape)
    block.seen[:] = 5.0
    block.hosts["/host"] = HostTrack("7", 120, np.array([1.0, np.nan]), np.arange(6.0))

    again = from_bytes(to_bytes(block))

    for name in ("ids", "seen", "states"):
        np.testing.assert_array_equal(getattr(again, name), getattr(block, name))
    track = again.hosts["/host"]
    assert (track.version, track.open_row) == ("7", 120)
    np.testing.assert_array_equal(track.values, [1.0, np.nan])
    np.testing.assert_array_equal(track.state, np.arange(6.0))


def test_it_can_be_learnt_into_after_reading() -> None:
    block = empty_block()
    block.rows_of(np.array([1]))
    from_bytes(to_bytes(block)).states[0] = 1.0


def test_a_series_that_sends_nothing_any_more_is_forgotten() -> None:
    block = empty_block()
    block.rows_of(np.array([1, 2, 3]))
    block.seen[:] = [100.0, 200.0, 300.0]
    block.states[:, 0] = [1, 2, 3]
    block.hosts = {"/old": HostTrack("1", 120, np.empty(0), np.empty(0))}

    block.forget(before=150.0)

    assert block.ids.tolist() == [2, 3]
    assert block.states[:, 0].tolist() == [2, 3]
    assert not block.hosts


def test_states_of_another_layout_are_begun_anew(monkeypatch) -> None:
    block = empty_block()
    block.rows_of(np.array([1]))
    stored = to_bytes(block)

    monkeypatch.setattr(blocks, "STATE_LAYOUT", blocks.STATE_LAYOUT + 1)

    assert len(from_bytes(stored).ids) == 0


def test_a_series_takes_four_kilobytes_at_most() -> None:
    block = empty_block()
    block.rows_of(np.arange(1000))
    assert len(to_bytes(block)) / 1000 <= 4096
