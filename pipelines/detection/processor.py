"""What runs in Spark's Python workers for each bucket of series: its block of state, its rows, its scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle

from pipelines.detection.block import empty_block, from_bytes, to_bytes
from pipelines.detection.packing import ROWS, frame_of, packed_frame
from pipelines.detection.published import Reader
from pipelines.detection.score_frame import epoch_seconds, score_frame

# A worker process serves many tasks, one after the other; it reads a champion once.
_readers: dict[Path, Reader] = {}


class ScoreBucket(StatefulProcessor):
    """State: one binary value a bucket (`block.py`). In and out, packed: `score_frame.GIVEN` and `SCORED`."""

    def __init__(self, pointer: Path, forget_seconds: float, scored: pa.Schema) -> None:
        self._pointer = pointer
        self._scored = scored
        self._forget_seconds = forget_seconds

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._block = handle.getValueState("block", "block binary")

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[pd.DataFrame]:
        frame = frame_of(packed for some in rows for packed in some[ROWS])
        stored = self._block.get()
        block = from_bytes(bytes(stored[0])) if stored else empty_block()
        champion = _readers.setdefault(self._pointer, Reader(self._pointer)).champion()
        scored = score_frame(frame, block, champion)
        block.forget(float(epoch_seconds(frame["event_time"]).max()) - self._forget_seconds)
        self._block.update((to_bytes(block),))
        yield pd.DataFrame({ROWS: [packed_frame(scored, self._scored)]})
