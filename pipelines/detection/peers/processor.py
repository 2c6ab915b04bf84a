"""What runs in Spark's Python workers for each bucket of peer groups: its state, its rows, its scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle

from pipelines.detection.packing import ROWS, frame_of, packed_frame
from pipelines.detection.peers.minutes import PeerRules, advance
from pipelines.detection.peers.state import empty_state, from_bytes, to_bytes


class PeerBucket(StatefulProcessor):
    """State: one binary value a bucket (`state.py`). In and out, packed: `minutes.GIVEN` and `SCORED`."""

    def __init__(self, rules: PeerRules, scored: pa.Schema) -> None:
        self._rules = rules
        self._scored = scored

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._state = handle.getValueState("peers", "peers binary")

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[pd.DataFrame]:
        frame = frame_of(packed for some in rows for packed in some[ROWS])
        stored = self._state.get()
        step = advance(from_bytes(bytes(stored[0])) if stored else empty_state(), frame, self._rules)
        self._state.update((to_bytes(step.state),))
        if len(step.scored):  # an empty frame has no types
            yield pd.DataFrame({ROWS: [packed_frame(step.scored, self._scored)]})
