"""Planned maintenance, conf/maintenance/windows.yaml: what happens then is not how a resource usually behaves.

- resource: "*/virtualmachines/web-*"   # glob on resource_id
  from: 2026-03-01T22:00:00Z            # UTC
  to: 2026-03-02T02:00:00Z
  why: kernel updates
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from pipelines.detection.models.exclusions import Exclusion
from pipelines.errors import SettingsError
from pipelines.settings import CONF_DIR

WINDOWS_FILE = CONF_DIR / "maintenance" / "windows.yaml"


def _moment(value: object) -> object:
    """YAML makes dates of days; midnight is meant."""
    return datetime(value.year, value.month, value.day) if type(value) is date else value


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_utc)]


class _Window(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    resource: Annotated[str, Field(min_length=1)]
    start: Annotated[Moment, Field(alias="from")]
    end: Annotated[Moment, Field(alias="to")]
    why: Annotated[str, Field(min_length=1)]


def maintenance_windows(path: Path = WINDOWS_FILE) -> tuple[Exclusion, ...]:
    """The windows of the file; none where there is no file. Raises SettingsError, which names window and field."""
    if not path.exists():
        return ()
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
        windows = TypeAdapter(list[_Window]).validate_python(listed or [])
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"{path}: window {place}: {first['msg']}; a window has resource (a glob), from, to and why"
        ) from error
    for number, window in enumerate(windows):
        if window.start >= window.end:
            raise SettingsError(f"{path}: window {number} ({window.why}) ends before it begins: correct from or to")
    return tuple(Exclusion(one.start, one.end, one.why, one.resource.lower()) for one in windows)
