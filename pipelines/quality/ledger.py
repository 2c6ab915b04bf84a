"""The counts of row rules, micro-batch by micro-batch, on their way to gold.quality.

A Delta commit costs as much as all rows of a small batch, so there is none for each: a batch leaves its counts as a
small file, `<root>/_quality/counts/<query id>/<batch id>.json`, and now and then all files are appended in one commit.
A batch that is repeated replaces its file. One whose counts are in the table already is known by the query's newest
batch there, as batches come in order. So nothing is counted twice, and nothing is lost by a kill: the files wait for
the next start.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.quality.tally import RuleCount
from pipelines.settings import Settings, parse_duration
from pipelines.streams import append_once
from pipelines.tables import contract, read_table

TABLE = contract("gold.quality")
_FILE_COLUMNS = ("table", "rule", "action", "checked", "broken")
_SCHEMA = ", ".join(f"`{column.name}` {column.type}" for column in TABLE.columns)
_flushed: dict[Path, float] = {}  # by root, on the monotonic clock


def note(settings: Settings, query: str, batch_id: int, counts: Iterable[RuleCount]) -> None:
    """Keep the counts of a batch. To be called when it has been written, before it is committed."""
    rows = [asdict(count) for count in counts]
    if not rows:
        return
    folder = _folder(settings) / query
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f".{batch_id}"
    written.write_text(json.dumps({"counted_at": datetime.now(UTC).isoformat(), "rows": rows}), encoding="utf-8")
    written.replace(folder / f"{batch_id}.json")


def flush_if_due(spark: SparkSession, settings: Settings) -> None:
    """`flush`, if the last time is `quality.count_interval` ago."""
    since = time.monotonic() - _flushed.setdefault(settings.root, time.monotonic())
    if since >= parse_duration(settings.quality.count_interval).total_seconds():
        flush(spark, settings)


def flush(spark: SparkSession, settings: Settings) -> None:
    """Bring all counts that wait to gold.quality, which is to be there, with one commit a query.

    By one process at a time: the one that runs silver.
    """
    _flushed[settings.root] = time.monotonic()
    waiting = {folder.name: _batches(folder) for folder in sorted(_folder(settings).glob("*/"))}
    for query, batches in waiting.items():
        if batches:
            _append(spark, settings, query, batches)
            for path in batches.values():
                path.unlink()


def _append(spark: SparkSession, settings: Settings, query: str, batches: dict[int, Path]) -> None:
    of_query = read_table(spark, settings, TABLE).where(F.col("query_id") == query)
    newest = of_query.agg(F.max("batch_id")).first()
    assert newest is not None
    new = [number for number in sorted(batches) if newest[0] is None or number > newest[0]]
    rows = [row for number in new for row in _read(query, number, batches[number])]
    if rows:
        frame = spark.createDataFrame(rows, _SCHEMA).coalesce(1)
        append_once(frame, settings, TABLE, query, new[-1])


def _read(query: str, batch_id: int, path: Path) -> list[tuple[object, ...]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    counted_at = datetime.fromisoformat(content["counted_at"])
    return [(query, batch_id, *(row[name] for name in _FILE_COLUMNS), counted_at) for row in content["rows"]]


def _batches(folder: Path) -> dict[int, Path]:
    return {int(path.stem): path for path in folder.glob("[0-9]*.json")}


def _folder(settings: Settings) -> Path:
    return settings.quality_dir / "counts"
