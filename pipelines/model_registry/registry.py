"""The model registry, thin over MLflow: SQLite and a folder by default, a server or Unity Catalog with the same code.

A version is what `train` registers; which one scores is an alias: `champion`, `challenger`, and `previous`, the one
that was champion before. All calls go through a client with explicit URIs, so MLflow's global state stays as it is.
"""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from pipelines.errors import ModelError
from pipelines.model_registry.mlflow_quiet import quiet_mlflow
from pipelines.model_registry.registration import Place, RunFacts, register
from pipelines.settings import Settings

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"}
T = TypeVar("T")


@dataclass(frozen=True)
class Version:
    """A registered version; `aliases` in alphabetical order, `created_at` UTC."""

    version: str
    run_id: str | None
    aliases: tuple[str, ...]
    created_at: datetime
    tags: Mapping[str, str]


@dataclass(frozen=True)
class ModelRegistry:
    """One registered model. `local_dir`: where the default keeps its files; None for a server or Databricks."""

    tracking_uri: str
    registry_uri: str
    model_name: str
    local_dir: Path | None

    @classmethod
    def named(cls, settings: Settings, model_name: str) -> Self:
        """That model in the registry that the settings name. Nothing is contacted yet."""
        tracking = settings.mlflow.tracking_uri
        local_dir = settings.models_dir if tracking is None else None
        tracking = tracking or f"sqlite:///{settings.models_dir / 'mlflow.db'}"
        name = settings.registered_name(model_name)
        return cls(tracking, settings.mlflow.registry_uri or tracking, name, local_dir)

    def version_of(self, alias: str) -> str | None:
        """The version that has `alias`, None if none has. Raises ModelError if the registry does not answer."""
        found = self._ask(f"which version is {alias}", self._client_call("get_model_version_by_alias", alias))
        return None if found is None else str(found.version)

    def download(self, version: str, folder: Path) -> Path:
        """Fetch a version below `folder`; where its MLflow model is. Raises ModelError if there is no such version."""
        folder.mkdir(parents=True, exist_ok=True)
        fetched = self._ask(
            f"version {version}",
            lambda: quiet_mlflow().artifacts.download_artifacts(
                artifact_uri=self._location(version),
                dst_path=str(folder),
                tracking_uri=self.tracking_uri,
                registry_uri=self.registry_uri,
            ),
        )
        if fetched is None:
            raise ModelError(
                f"model {self.model_name} has no version {version}: `lakehouse models list` shows what there is"
            )
        return Path(fetched)

    def log_version(self, facts: RunFacts, package: Callable[[Path], None]) -> str:
        """Log a run with all that `facts` tells and what `package` writes, and register it: the new version."""
        # A workspace of Databricks takes paths alone.
        on_databricks = self.tracking_uri.startswith("databricks")
        experiment = f"/Shared/{self.model_name}" if on_databricks else self.model_name
        artifacts = None if self.local_dir is None else (self.local_dir / "artifacts").as_uri()
        place = Place(self.model_name, experiment, artifacts)
        return self._must("register a version", lambda: register(self.client, place, facts, package))

    def set_alias(self, alias: str, version: str) -> None:
        self._must(f"set {alias}", self._client_call("set_registered_model_alias", alias, version))

    def drop_alias(self, alias: str) -> None:
        self._must(f"drop {alias}", self._client_call("delete_registered_model_alias", alias))

    def set_tags(self, version: str, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self._must(f"tag version {version}", self._client_call("set_model_version_tag", version, key, value))

    def versions(self) -> tuple[Version, ...]:
        """All versions, the newest first; none where nothing is registered yet."""
        model = self._ask("the model", self._client_call("get_registered_model"))
        if model is None:
            return ()
        by_version: dict[str, list[str]] = {}
        for alias, version in model.aliases.items():
            by_version.setdefault(str(version), []).append(alias)
        found = self._must(
            "list versions", lambda: self.client.search_model_versions(f"name='{self.model_name}'", max_results=1000)
        )
        listed = (
            Version(
                str(one.version),
                one.run_id or None,
                tuple(sorted(by_version.get(str(one.version), ()))),
                datetime.fromtimestamp(one.creation_timestamp / 1000, UTC),
                dict(one.tags),
            )
            for one in found
        )
        return tuple(sorted(listed, key=lambda one: int(one.version), reverse=True))

    def version(self, version: str) -> Version:
        """One of `versions`. Raises ModelError if there is none of that number."""
        found = next((one for one in self.versions() if one.version == version), None)
        if found is None:
            raise ModelError(
                f"model {self.model_name} has no version {version}: `lakehouse models list` shows what there is"
            )
        return found

    def read_file(self, version: str, name: str) -> str | None:
        """A text file that the run of a version logged; None if it logged none of that name."""
        run_id = self.version(version).run_id
        if run_id is None:
            return None
        if name not in self._must(f"run {run_id}", lambda: [one.path for one in self.client.list_artifacts(run_id)]):
            return None
        with tempfile.TemporaryDirectory(prefix="lakehouse-run-") as scratch:
            fetched = self._must(f"run {run_id}", lambda: self.client.download_artifacts(run_id, name, scratch))
            return Path(fetched).read_text(encoding="utf-8")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Processes that come at once on one machine go one after the other; on a server they do not wait."""
        if self.local_dir is None:
            yield
            return
        self.local_dir.mkdir(parents=True, exist_ok=True)
        with (self.local_dir / "registry.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _location(self, version: str) -> str:
        """Unity Catalog gives access by the model's name alone; MLflow would look up such a name elsewhere in the
        registry of its global state."""
        if self.registry_uri.startswith(("databricks", "uc")):
            return f"models:/{self.model_name}/{version}"
        return str(self.client.get_model_version_download_uri(self.model_name, version))

    @cached_property
    def client(self) -> Any:
        """MLflow's own, for what is not here."""
        if self.local_dir is not None:
            self.local_dir.mkdir(parents=True, exist_ok=True)
        mlflow = quiet_mlflow()
        return mlflow.MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.registry_uri)

    def _client_call(self, method: str, *arguments: str) -> Callable[[], Any]:
        return lambda: getattr(self.client, method)(self.model_name, *arguments)

    def _ask(self, what: str, call: Callable[[], T]) -> T | None:
        """None if there is no such thing."""
        quiet_mlflow()
        from mlflow.exceptions import MlflowException

        try:
            return call()
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise self._trouble(what, error) from error

    def _must(self, what: str, call: Callable[[], T]) -> T:
        quiet_mlflow()
        from mlflow.exceptions import MlflowException

        try:
            return call()
        except MlflowException as error:
            raise self._trouble(what, error) from error

    def _trouble(self, what: str, error: Exception) -> ModelError:
        return ModelError(
            f"model registry at {self.registry_uri}, {what}: {str(error).strip().splitlines()[0]}; "
            "check mlflow.tracking_uri and mlflow.registry_uri"
        )
