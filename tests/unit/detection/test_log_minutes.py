"""The univariate detector on the minutes of logs: a flood and a silence are found, and batches may be cut anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd

from pipelines.detection.logs.detector import UnivariateCounts
from pipelines.detection.logs.minutes import score_minutes
from pipelines.detection.logs.state import blank_state
from pipelines.detection.logs.volume import VolumeRules

START, MINUTES = 29_000_000, 600
FLOOD, SILENCE = START + 400, range(START + 500, START + 520)
COLUMNS = ["resource_id", "minute", "score", "count", "expected", "lower", "upper"]


def counts() -> pd.DataFrame:
    """Some 50 records a minute of three resources; one has a flood, another falls silent for twenty minutes."""
    random = np.random.default_rng(1)
    rows = [
        (name, minute, 1000 if (name, minute) == ("a", FLOOD) else int(random.poisson(50)))
        for minute in range(START, START + MINUTES)
        for name in ("a", "b", "c")
        if name != "c" or minute not in SILENCE
    ]
    frame = pd.DataFrame(rows, columns=["resource_id", "minute", "count"])
    return frame.assign(
        severity_class=0, host_name="h", newest_minute=frame["minute"], kafka_timestamp=1, ingest_time=1
    )


@cache
def scored(batch_minutes: int) -> pd.DataFrame:
    state, parts = blank_state(), []
    for batch in _cut(counts(), batch_minutes):
        result = score_minutes(state, batch, VolumeRules(), UnivariateCounts())
        state = result.state
        parts.append(result.scored[COLUMNS])
    return pd.concat(parts, ignore_index=True).sort_values(["resource_id", "minute"], ignore_index=True)


def _cut(frame: pd.DataFrame, minutes: int) -> Iterator[pd.DataFrame]:
    for start in range(START, START + MINUTES, minutes):
        yield frame[(frame["minute"] >= start) & (frame["minute"] < start + minutes)]


def test_a_flood_and_a_silence_are_anomalies() -> None:
    flooded, silent = (scored(30).query(f"resource_id == '{name}'").set_index("minute") for name in ("a", "c"))

    assert flooded.loc[FLOOD, "score"] >= 0.8
    assert silent.loc[list(SILENCE), "count"].eq(0).all()
    assert silent.loc[list(SILENCE)[:2], "score"].max() >= 0.8


def test_of_an_ordinary_stream_less_than_one_minute_in_a_hundred_is() -> None:
    assert scored(30).query("resource_id == 'b'")["score"].ge(0.8).mean() < 0.01


def test_bounds_hold_what_is_expected() -> None:
    rows = scored(30).iloc[50:].dropna()

    assert rows["lower"].le(rows["expected"]).all()
    assert rows["expected"].le(rows["upper"]).all()
    assert rows["lower"].ge(0).all()


def test_however_time_is_cut_into_batches_the_scores_are_the_same() -> None:
    pd.testing.assert_frame_equal(scored(30), scored(600), rtol=1e-9)
