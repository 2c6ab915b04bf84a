"""Which data a training uses, exactly enough to do it again; kept with the run as `training.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta

from pipelines.detection.models.exclusions import Exclusion
from pipelines.errors import ModelError

FILE = "training.json"
# The newest fifth of the window is held back: nothing is fitted to it, and models are compared on it.
HELD_BACK = 0.2


@dataclass(frozen=True)
class Plan:
    """Fitted is what was measured in [`start`, `held_from`), judged what was in [`held_from`, `end`] (UTC).

    `metrics_version` and `feedback_version` are Delta versions, the latter None if there was no verdict. `exclusions`
    are those asked for and maintenance; those of verdicts follow from the feedback.
    """

    start: datetime
    held_from: datetime
    end: datetime
    metrics_version: int
    feedback_version: int | None
    exclusions: tuple[Exclusion, ...]
    seed: int

    @property
    def warm_from(self) -> datetime:
        """From here on rows are shown to the detectors of one series before they are judged: they learn as they go."""
        return max(self.start, self.held_from - (self.end - self.held_from))


def plan_of(
    newest: datetime,
    window: timedelta,
    metrics_version: int,
    feedback_version: int | None,
    exclusions: Iterable[Exclusion],
    seed: int,
) -> Plan:
    """The plan for the `window` up to the `newest` measurement; exclusions that do not touch it are left out."""
    start = newest - window
    held_from = (newest - window * HELD_BACK).replace(microsecond=0)
    touching = tuple(one for one in exclusions if one.start <= newest and one.end >= start)
    return Plan(start, held_from, newest, metrics_version, feedback_version, touching, seed)


def to_json(plan: Plan) -> str:
    return json.dumps(asdict(plan), default=lambda moment: moment.isoformat(), indent=1)


def from_json(text: str) -> Plan:
    """Raises ModelError if that is no plan of this release."""
    try:
        told = json.loads(text)
        plan = Plan(**{field.name: told[field.name] for field in fields(Plan)})
        exclusions = tuple(
            Exclusion(
                **{**one, "start": datetime.fromisoformat(one["start"]), "end": datetime.fromisoformat(one["end"])}
            )
            for one in told["exclusions"]
        )
        times = {name: datetime.fromisoformat(told[name]) for name in ("start", "held_from", "end")}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{FILE} of the run is not what this release writes ({type(error).__name__}: {error}): train anew"
        ) from error
    return replace(plan, exclusions=exclusions, **times)  # type: ignore[arg-type]
