"""Whether it is time to train."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.detection import training_plan
from pipelines.detection.registry import CHALLENGER, CHAMPION, Registry


def due_reason(registry: Registry, retrain_after: timedelta, now: datetime) -> str | None:
    """Why to train, None if there is no reason: the newest data that champion or challenger was made with is younger.

    The challenger counts too: one that was no better yesterday is not tried again today.
    """
    newest: datetime | None = None
    for alias in (CHAMPION, CHALLENGER):
        version = registry.version_of(alias)
        plan = None if version is None else registry.read_file(version, training_plan.FILE)
        if plan is not None:
            end = training_plan.from_json(plan).end
            newest = end if newest is None else max(newest, end)
    if newest is None:
        return "nothing was trained yet"
    if now - newest <= retrain_after:
        return None
    return f"the last training used data until {newest:%Y-%m-%d %H:%M} UTC, older than detection.retrain_after"
