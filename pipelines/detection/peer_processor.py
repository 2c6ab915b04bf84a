"""What runs in Spark's Python workers for each bucket of peer groups: its state, its rows, its scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle

from pipelines.detection.peer_minutes import PeerRules, advance
from pipelines.detection.peer_state import empty_state, from_bytes, to_bytes


class PeerBucket(StatefulProcessor):
    """State: one binary value a bucket (`peer_state.py`). In: `peer_minutes.GIVEN`; out: `score_frame.SCORED`."""

    def __init__(self, rules: PeerRules) -> None:
        self._rules = rules

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._state = handle.getValueState("peers", "peers binary")

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[pd.DataFrame]:
        frame = pd.concat(list(rows), ignore_index=True)
        stored = self._state.get()
        step = advance(from_bytes(bytes(stored[0])) if stored else empty_state(), frame, self._rules)
        self._state.update((to_bytes(step.state),))
        if len(step.scored):  # an empty frame has no types
            yield step.scored
