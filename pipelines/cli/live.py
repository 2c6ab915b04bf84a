"""The live view of running streams: a table on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from pyspark.sql.streaming.query import StreamingQuery
from rich.console import Console
from rich.live import Live
from rich.table import Table

from pipelines.streams import latency_seconds

_LOG_SECONDS = 10.0
_REFRESH_SECONDS = 1.0


class LiveView:
    """Shows, per stream, rows so far, rows per second, how far it is behind, and the age of the oldest row of the last
    batch when it became visible."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=False) if console.is_terminal else None
        self._rows: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._drawn = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, queries: list[StreamingQuery]) -> None:
        """Draw, if it is time to. Called several times a second."""
        ending = any(not query.isActive for query in queries)
        pause = _REFRESH_SECONDS if self._live is not None else _LOG_SECONDS
        if not ending and time.monotonic() - self._drawn < pause:
            return
        self._drawn = time.monotonic()
        lines = [self._line(query) for query in queries]
        if self._live is None:
            for line in lines:
                self._console.print("  ".join(line), highlight=False, soft_wrap=True)
            return
        table = Table(box=None, pad_edge=False)
        for title in ("stream", "batch", "rows", "rows/s", "behind", "latency"):
            table.add_column(title, justify="left" if title == "stream" else "right")
        for line in lines:
            table.add_row(*line)
        self._live.update(table, refresh=True)

    def _line(self, query: StreamingQuery) -> tuple[str, ...]:
        name = query.name or "?"
        for progress in query.recentProgress:
            if progress["batchId"] > self._seen.get(name, -1):
                self._seen[name] = progress["batchId"]
                self._rows[name] = self._rows.get(name, 0) + int(progress["numInputRows"])
        last: Any = query.lastProgress
        rate = float(last["processedRowsPerSecond"]) if last else 0.0
        latency = latency_seconds(query)
        return (
            name,
            f"batch {self._seen.get(name, 0)}",
            f"{self._rows.get(name, 0):,} rows",
            f"{rate:,.0f}/s",
            _behind(last),
            "-" if latency is None else f"{latency:.1f} s",
        )


def _behind(progress: Any) -> str:
    """Kafka offsets not read yet, or files of the table above not read yet."""
    metrics: dict[str, str] = {}
    for source in progress["sources"] if progress else ():
        metrics |= source["metrics"] or {}
    if "maxOffsetsBehindLatest" in metrics:
        return f"{int(metrics['maxOffsetsBehindLatest']):,} offsets"
    if "numFilesOutstanding" in metrics:
        return f"{int(metrics['numFilesOutstanding']):,} files"
    return "-"
