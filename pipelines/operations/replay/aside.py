"""What a replay keeps beside the tables: the rows that it is about to put in place, and what it must finish."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.errors import StorageError
from pipelines.operations.replay.span import Span
from pipelines.settings import Settings

_FOLDER, _MARKER = "_replay", "putting_in_place.json"


@dataclass(frozen=True)
class Unfinished:
    """A replay that has begun to put rows in place. `hours`: those of measurements (UTC) that it touches."""

    span: str
    hours: tuple[datetime, ...]


@dataclass(frozen=True)
class Aside:
    folder: Path

    @property
    def unfinished(self) -> Unfinished | None:
        if not self._marker.exists():
            return None
        noted = json.loads(self._marker.read_text(encoding="utf-8"))
        return Unfinished(noted["span"], tuple(map(datetime.fromisoformat, noted.get("hours", ()))))

    def rows_of(self, name: str) -> str:
        """Where the rows for a table, or a part of it, are staged."""
        return str(self.folder / name)

    def begin(self, span: Span, hours: tuple[datetime, ...]) -> None:
        """From now on the replay is unfinished, until `clear`."""
        noted = json.dumps({"span": str(span), "hours": [hour.isoformat() for hour in hours]})
        scratch = self._marker.with_suffix(".new")
        scratch.write_text(noted, encoding="utf-8")
        scratch.replace(self._marker)

    def clear(self) -> None:
        # The marker last: what is left of a folder that was being removed is not taken for nothing to finish.
        for path in sorted(self.folder.glob("*"), key=lambda one: one == self._marker):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @property
    def _marker(self) -> Path:
        return self.folder / _MARKER


def aside_of(settings: Settings) -> Aside:
    return Aside(settings.root / _FOLDER)


def open_aside(settings: Settings, span: Span) -> Aside:
    """Empty, or as a replay of the same span left it when it was killed. StorageError: it was of another span."""
    aside = aside_of(settings)
    aside.folder.mkdir(parents=True, exist_ok=True)
    unfinished = aside.unfinished
    if unfinished is None:
        aside.clear()
    elif unfinished.span != str(span):
        raise StorageError(
            f"a replay of {unfinished.span} was interrupted while it put its rows in place: some tables have them and "
            "some do not. Run it again with the same --from, --to and --topic first"
        )
    return aside
