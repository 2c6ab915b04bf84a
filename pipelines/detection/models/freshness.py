"""Whether it is time to train."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.detection.models.registry import Registry
from pipelines.detection.models.training_record import DATA_UNTIL


def due_reason(registry: Registry, retrain_after: timedelta, now: datetime) -> str | None:
    """Why to train, None if there is no reason: some version was made with data younger than `retrain_after`.

    Whichever role it has: one that was no better yesterday, or was rolled back, is not tried again today.
    """
    known = [datetime.fromisoformat(one.tags[DATA_UNTIL]) for one in registry.versions() if DATA_UNTIL in one.tags]
    if not known:
        return "nothing was trained yet"
    newest = max(known)
    if now - newest <= retrain_after:
        return None
    return f"the last training used data until {newest:%Y-%m-%d %H:%M} UTC, older than detection.retrain_after"
