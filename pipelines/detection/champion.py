"""The driver's part of a change of champion: ask the registry, try the version out, publish it to the workers.

A version that cannot be used is refused, the former one goes on, and `on_refusal` is told, once for each version and
reason. So does the former one while the registry cannot be reached; that is said to `on_refusal` too, with the version
that is kept.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from pipelines.detection.block import empty_block
from pipelines.detection.bundle import Bundle, load
from pipelines.detection.multivariate import fresh_state, score_rows
from pipelines.detection.published import Published, publish, published
from pipelines.detection.univariate import score_points
from pipelines.errors import LakehouseError, ModelError
from pipelines.model_registry.registry import CHAMPION
from pipelines.settings import Settings, parse_duration

# Versions whose folders are kept: a worker may be about to read the former one.
_KEPT = 3


class Models(Protocol):
    """What is asked of the registry (`registry.Registry`). Each raises ModelError if it cannot be reached."""

    def ensure_champion(self) -> str: ...

    def version_of(self, alias: str) -> str | None: ...

    def download(self, version: str, folder: Path) -> Path: ...


class ChampionWatch:
    """Keeps what is published in step with the registry's alias."""

    def __init__(self, settings: Settings, models: Models, on_refusal: Callable[[str, str], None]) -> None:
        self._name = settings.registered_name(settings.detection.model_name)
        self._models = models
        self._on_refusal = on_refusal
        self._interval = parse_duration(settings.detection.champion_interval).total_seconds()
        self._folder = settings.models_dir / "published"
        self._pointer = pointer(settings)
        self._told: set[tuple[str, str]] = set()

    def prepare(self) -> None:
        """Have a champion published. Raises ModelError if there is no former one and the registry's cannot be used."""
        if published(self._pointer) is None:
            self._publish(self._models.ensure_champion())

    def follow(self, is_wanted: Callable[[], bool]) -> None:
        """Look for another champion at once and then now and then, in a thread of its own, while `is_wanted`."""
        threading.Thread(target=self._keep_looking, args=(is_wanted,), name="champion", daemon=True).start()

    def look(self) -> None:
        """Publish the registry's champion if it is another than the published one and can be used."""
        current = published(self._pointer)
        kept = current.version if current is not None and current.name == self._name else ""
        try:
            version = self._models.version_of(CHAMPION)
            if version is None:
                raise ModelError(f"model {self._name}: no version has the alias {CHAMPION}")
        except LakehouseError as error:
            self._refuse(kept, str(error))
            return
        if version == kept:
            return
        try:
            self._publish(version)
        except LakehouseError as error:
            self._refuse(version, f"{error}; version {kept or 'none'} goes on")

    def _keep_looking(self, is_wanted: Callable[[], bool]) -> None:
        while is_wanted():
            self.look()
            time.sleep(self._interval)

    def _publish(self, version: str) -> None:
        folder = self._folder / f"{self._name}-{version}"
        fetched = self._models.download(version, folder)
        try_out(load(fetched), fetched)
        publish(Published(self._name, version, str(fetched)), self._pointer)
        self._remove_old(folder)

    def _remove_old(self, newest: Path) -> None:
        others = sorted(
            (path for path in self._folder.iterdir() if path != newest), key=lambda path: path.stat().st_mtime
        )
        for path in others[: max(0, len(others) - _KEPT + 1)]:
            shutil.rmtree(path)

    def _refuse(self, version: str, reason: str) -> None:
        if (version, reason) not in self._told:
            self._told.add((version, reason))
            self._on_refusal(version, reason)


def pointer(settings: Settings) -> Path:
    """The file that tells the workers which version is published."""
    return settings.models_dir / "champion.json"


def try_out(bundle: Bundle, folder: Path) -> None:
    """Score a few made-up rows. Raises ModelError if that fails, or gives what is no score."""
    values = np.sin(np.arange(50.0))
    block = empty_block()
    rows = block.rows_of(np.zeros(len(values), dtype=np.int64))
    scores = score_points(block.states, rows, 60.0 * np.arange(50.0), values, bundle.parameters, np.ones(1))
    given = [("series", scores.score)]
    for name, host in bundle.hosts.items():
        state = fresh_state(host.model)
        given.append((name, score_rows(host.model, state, np.zeros((2, len(host.series_ids)))).score))
    for what, score in given:
        if not (np.isfinite(score).all() and (score >= 0).all() and (score <= 1).all()):
            raise ModelError(f"model in {folder}: scores of {what} are not between 0 and 1; train it anew")
