"""What the peer stream remembers of a bucket of peer groups: one value in the state store, read and written whole.

Two tables, each in Arrow's stream format behind its length: Arrow keeps types and missing names, and compresses the
names, which are the larger part of it and much alike.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

GROUP, SERIES, MINUTE = "peer_group", "series_id", "minute"
KEY = [GROUP, SERIES]
NAMES = ["resource_id", "host_name", "namespace", "metric"]
# The state of `peers.peer_scores`, column by column.
LEARNT = ["recent", "habit", "wander", "seen"]

# `newest`: the newest minute (minutes since 1970) of which a value came.
MEMBERS = pa.schema(
    [
        *((name, pa.int64()) for name in KEY),
        *((name, pa.string()) for name in NAMES),
        ("newest", pa.int64()),
        *((name, pa.float64()) for name in LEARNT),
    ]
)
CELLS = pa.schema([*((name, pa.int64()) for name in (*KEY, MINUTE)), ("sum", pa.float64()), ("count", pa.int64())])

_LENGTH = struct.Struct("<Q")
_WRITTEN = pa.ipc.IpcWriteOptions(compression="zstd")


@dataclass(frozen=True, eq=False)
class PeerState:
    """`members`: a row a series of a group, in the columns of MEMBERS, in the order of KEY. `cells`: in those of
    CELLS, the sum and number of a series' values in a minute that is not over yet."""

    members: pd.DataFrame
    cells: pd.DataFrame


def empty_state() -> PeerState:
    return PeerState(MEMBERS.empty_table().to_pandas(), CELLS.empty_table().to_pandas())


def to_bytes(state: PeerState) -> bytes:
    """The state as one value for the state store."""
    members, cells = _table_bytes(state.members, MEMBERS), _table_bytes(state.cells, CELLS)
    return b"".join([_LENGTH.pack(len(members)), members, cells])


def from_bytes(value: bytes) -> PeerState:
    """The state again. One of other columns, from before an upgrade, is begun anew: each group learns again."""
    (length,) = _LENGTH.unpack_from(value)
    end = _LENGTH.size + length
    members, cells = pa.ipc.open_stream(value[_LENGTH.size : end]), pa.ipc.open_stream(value[end:])
    if members.schema != MEMBERS or cells.schema != CELLS:
        return empty_state()
    return PeerState(members.read_all().to_pandas(), cells.read_all().to_pandas())


def _table_bytes(frame: pd.DataFrame, schema: pa.Schema) -> bytes:
    table = pa.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_WRITTEN) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
