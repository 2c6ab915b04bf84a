"""The version of each table that fits the batches of the queries.

Each append and overwrite of a stream notes its query and batch in the table (`txn`). A version fits if the table has
nothing of a batch later than `begun`, and all of those up to `committed`; and if no query has read beyond it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.operations.backup.batches import Query
from pipelines.operations.delta_log import newest_version
from pipelines.tables import Table


@dataclass(frozen=True)
class Noted:
    """That a commit holds batch `batch` of query `query_id`."""

    version: int
    query_id: str
    batch: int


@dataclass(frozen=True)
class Cut:
    """`fits`: False if the streams were too quick for the look at them, which is to be repeated."""

    version: int
    fits: bool


def noted_since(folder: Path, version: int) -> tuple[Noted, ...]:
    """What the commits after `version` say, in their order."""
    found = []
    for later in range(version + 1, newest_version(folder) + 1):
        text = (folder / "_delta_log" / f"{later:020d}.json").read_text(encoding="utf-8")
        actions = (json.loads(line) for line in text.splitlines() if line.startswith('{"txn"'))
        found += [Noted(later, one["txn"]["appId"], int(one["txn"]["version"])) for one in actions]
    return tuple(found)


def cut(table: Table, before: int, latest: int, noted: tuple[Noted, ...], streams: tuple[Query, ...]) -> Cut:
    """`before`: the version before the queries were looked at; `latest`: a later one; `noted`: since `before`.

    A gold table that no query has written meanwhile is taken as it was before: it may note how far it has read others
    (`pipelines.gold.daily`), which are taken later.
    """
    by_id = {query.id: query for query in streams}
    ours = [one for one in noted if one.query_id in by_id]
    if not ours and table.layer == "gold":
        return Cut(before, fits=True)
    too_late = [one.version for one in ours if one.batch > by_id[one.query_id].begun]
    version = min(too_late) - 1 if too_late else latest
    lost = [one for one in ours if one.version > version and one.batch <= by_id[one.query_id].committed]
    return Cut(version, fits=not lost)


def reads_within(streams: tuple[Query, ...], versions: dict[str, int]) -> bool:
    """Whether no query has read a table (by its Delta id) beyond the version that is taken."""
    return all(
        read <= versions[table_id] + 1 for query in streams for table_id, read in query.sources if table_id in versions
    )
