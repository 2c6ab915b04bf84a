"""The detectors' registered model: a version is a bundle, and there is a champion before anything was trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.detection.bundle import Bundle
from pipelines.detection.models.packaged import bundle_folder, package
from pipelines.model_registry.registration import RunFacts
from pipelines.model_registry.registry import CHAMPION, ModelRegistry
from pipelines.settings import Settings

# Tag of a version that nothing was trained for.
BUILT_IN = "built_in"


@dataclass(frozen=True)
class Registry(ModelRegistry):
    """The versions of the detectors' model."""

    @classmethod
    def of(cls, settings: Settings) -> Registry:
        """The registry that the settings name. Nothing is contacted yet."""
        return cls.named(settings, settings.detection.model_name)

    def register(self, facts: RunFacts, bundle: Bundle) -> str:
        """Log a run with all that `facts` tells and the packaged bundle, and register it: the new version."""
        return self.log_version(facts, partial(package, bundle))

    def download(self, version: str, folder: Path) -> Path:
        """Fetch a version below `folder`; where its bundle is. Raises ModelError if there is no such version."""
        return bundle_folder(super().download(version, folder))

    def ensure_champion(self) -> str:
        """The champion's version. Where there is none, the built-in parameters are registered and become it.

        The stream can so start before anything was trained. Processes that come at once on one machine take turns. On a
        server two may both register; their versions are equal, and the alias is with the later one.
        """
        champion = self.version_of(CHAMPION)
        if champion is not None:
            return champion
        with self.turn():
            champion = self.version_of(CHAMPION)
            if champion is None:
                # One that a killed process had registered but not yet made champion.
                left = next((one.version for one in self.versions() if BUILT_IN in one.tags), None)
                champion = left or self.register(_BUILT_IN_RUN, Bundle())
                self.set_alias(CHAMPION, champion)
        return champion


_BUILT_IN_RUN = RunFacts(
    "built-in parameters",
    parameters={"trained_on": "nothing: the built-in parameters"},
    tags={BUILT_IN: "registered as nothing had been trained yet"},
)
