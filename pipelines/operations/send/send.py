"""Files to a topic: which, in which order, as which deliveries, and when Kafka has them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.operations.send.delivery import deliveries
from pipelines.operations.send.file_values import values_of
from pipelines.operations.send.outbox import Outbox, Sent
from pipelines.operations.send.packing import Value


@dataclass(frozen=True)
class Target:
    """Where to: the broker, what its client needs to log in, the topic, and how large a message may be, in bytes."""

    bootstrap: str
    options: Mapping[str, str]
    topic: str
    limit: int


def send_files(files: Sequence[Path], target: Target, delivery: str | None, progress: Callable[[Sent], None]) -> Sent:
    """Send them and wait until the broker has confirmed each message. `delivery` names that of all of them.

    Raises SendError, which names the file and its records, at the first that cannot be sent.
    """
    names = deliveries(files) if delivery is None else {path.parent: delivery for path in files}
    count = _Count(progress)
    stamps = _stamps(files)
    with Outbox(target.bootstrap, target.options, target.topic, target.limit) as outbox:
        for path in files:
            for value in values_of(path, names[path.parent], target.limit):
                outbox.send(path, value, stamps[path.parent], count.add)
            count.add_file()
    return count.sent


def _stamps(files: Iterable[Path]) -> Mapping[Path, int]:
    """Folder → Kafka's timestamp of its files, in milliseconds.

    The delivery that came last counts: two of one run must not have the same time, the later folder has the later.
    """
    folders = list(dict.fromkeys(path.parent for path in files))
    now = time.time_ns() // 1_000_000
    return {folder: now - len(folders) + place for place, folder in enumerate(folders, 1)}


class _Count:
    def __init__(self, progress: Callable[[Sent], None]) -> None:
        self.sent = Sent()
        self._progress = progress

    def add(self, value: Value) -> None:
        sent = self.sent
        self.sent = replace(
            sent,
            messages=sent.messages + 1,
            records=sent.records + value.records,
            bytes=sent.bytes + len(value.content),
        )
        self._progress(self.sent)

    def add_file(self) -> None:
        self.sent = replace(self.sent, files=self.sent.files + 1)
        self._progress(self.sent)
