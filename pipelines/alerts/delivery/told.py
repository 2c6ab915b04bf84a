"""How far receivers have been told, kept beside the checkpoint of the stream that tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import StorageError


class Told:
    """`until`: what was evaluated to fire by then has been taken by a receiver, or was over before the first start;
    `is_first`: this is that start.

    A file with that time. Alerts that began to fire later and are over were not told, however long ago it was.
    """

    def __init__(self, path: Path) -> None:
        """Raises StorageError if the file cannot be read, or cannot be made where there is none."""
        self._path = path
        self.is_first = not path.exists()
        self.until = self._read()

    def reach(self, until: datetime) -> None:
        """Note a later time; nothing if it is not. Raises StorageError."""
        if until <= self.until:
            return
        temporary = self._path.with_name(f".{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(until.isoformat(), encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from error
        self.until = until

    def _read(self) -> datetime:
        try:
            return datetime.fromisoformat(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.until = datetime.min.replace(tzinfo=UTC)
            self.reach(datetime.now(UTC))
            return self.until
        except (OSError, ValueError) as error:
            raise StorageError(
                f"{self._path}: cannot be read as the time up to which alerts have been told ({error}); without it "
                "(delete it) alerts that were over before the next start are not told"
            ) from error
