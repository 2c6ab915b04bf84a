"""What the scoring stream remembers of a bucket of series: one value in the state store, read and written as a whole.

A value a series would cost the state store's round trip for each, 0.65 ms; a block of thousands costs little more
than one. Layout: a JSON header behind its length, then the arrays that it lists, as they lie in memory.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.detection.scores import FloatMatrix, FloatVector, IntVector
from pipelines.detection.univariate import STATE_LAYOUT, fresh_states

_LENGTH = struct.Struct("<I")


@dataclass(eq=False)
class HostTrack:
    """Where the scoring of a host stands: the row that is not complete yet (`open_row`, epoch seconds; `values`, NaN
    where nothing came), and the state of the model that scored the rows before, `version`."""

    version: str
    open_row: int
    values: FloatVector
    state: FloatVector


@dataclass(eq=False)
class Block:
    """Series in the order in which they came: `ids` (n,), `seen` (n,) newest event time of each in epoch seconds,
    `states` (n, STATE_WIDTH); `hosts`: resource_id → its track."""

    ids: IntVector
    seen: FloatVector
    states: FloatMatrix
    hosts: dict[str, HostTrack] = field(default_factory=dict)

    def rows_of(self, series_ids: IntVector) -> IntVector:
        """The row of each series, (len(series_ids),); those that are new are given one."""
        wanted, inverse = np.unique(series_ids, return_inverse=True)
        order = np.argsort(self.ids, kind="stable")
        place = np.searchsorted(self.ids, wanted, sorter=order)
        known = np.zeros(len(wanted), dtype=np.bool_)
        inside = place < len(self.ids)
        known[inside] = self.ids[order[place[inside]]] == wanted[inside]
        rows = np.empty(len(wanted), dtype=np.int64)
        rows[known] = order[place[known]]
        new = wanted[~known]
        rows[~known] = len(self.ids) + np.arange(len(new))
        self.ids = np.concatenate([self.ids, new])
        self.seen = np.concatenate([self.seen, np.full(len(new), -np.inf)])
        self.states = np.concatenate([self.states, fresh_states(len(new))])
        return rows[inverse.reshape(-1)]

    def forget(self, before: float) -> None:
        """Drop the series without a value since `before` (epoch seconds), and hosts without a row."""
        kept = self.seen >= before
        if not kept.all():
            self.ids, self.seen, self.states = self.ids[kept], self.seen[kept], self.states[kept]
        self.hosts = {name: track for name, track in self.hosts.items() if track.open_row >= before}


def empty_block() -> Block:
    return Block(np.empty(0, dtype=np.int64), np.empty(0), fresh_states(0))


def to_bytes(block: Block) -> bytes:
    """The block as one value for the state store."""
    arrays = [block.ids, block.seen, block.states]
    for track in block.hosts.values():
        arrays += [track.values, track.state]
    header = {
        "layout": STATE_LAYOUT,
        "arrays": [(array.dtype.str, array.shape) for array in arrays],
        "hosts": [(name, track.version, track.open_row) for name, track in block.hosts.items()],
    }
    text = json.dumps(header).encode()
    return b"".join([_LENGTH.pack(len(text)), text, *(np.ascontiguousarray(array).tobytes() for array in arrays)])


def from_bytes(value: bytes) -> Block:
    """The block again. States of another layout, from before an upgrade, are begun anew: each series learns again."""
    (length,) = _LENGTH.unpack_from(value)
    start = _LENGTH.size + length
    header = json.loads(value[_LENGTH.size : start])
    arrays: list[NDArray[np.generic]] = []
    for dtype, shape in header["arrays"]:
        count = int(np.prod(shape))
        # Copied: what comes from the store must not be written to, and is to be learnt into.
        arrays.append(np.frombuffer(value, dtype, count, start).reshape(shape).copy())
        start += arrays[-1].nbytes
    if header["layout"] != STATE_LAYOUT:
        return empty_block()
    ids, seen, states, *of_hosts = arrays
    hosts = {
        name: HostTrack(version, open_row, *(part.astype(np.float64) for part in of_hosts[2 * at : 2 * at + 2]))
        for at, (name, version, open_row) in enumerate(header["hosts"])
    }
    return Block(ids.astype(np.int64), seen.astype(np.float64), states.astype(fresh_states(0).dtype), hosts)
