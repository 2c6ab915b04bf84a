"""conf/baseline.yaml: the controls, each of what a field of an item of some resources should be."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.errors import SettingsError
from pipelines.settings import CONF_DIR

BASELINE_FILE = CONF_DIR / "baseline.yaml"
Text = Annotated[str, Field(min_length=1)]


class Severity(StrEnum):
    """The weight of a control in the overall score is in the view gold.compliance_score."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_Section):
    """Which resources: globs without regard to case; all, where there are none. `tags`: name → glob on the value."""

    resource_types: tuple[Text, ...] = ()
    resources: tuple[Text, ...] = ()
    tags: dict[str, Text] = {}


class Control(_Section):
    """`item` is a glob on the item's name. Of `allowed`, `forbidden` and `must_not_change` exactly one is given."""

    id: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    title: Text
    severity: Severity
    frameworks: Annotated[tuple[Text, ...], Field(min_length=1)]
    applies_to: Scope = Scope()
    item_type: Text
    item: Text
    field: Text
    allowed: tuple[Text, ...] = ()
    forbidden: tuple[Text, ...] = ()
    must_not_change: bool = False

    @model_validator(mode="after")
    def _expects_one_thing(self) -> Control:
        given = [bool(self.allowed), bool(self.forbidden), self.must_not_change]
        if sum(given) != 1:
            raise ValueError("expects nothing, or several things: give one of allowed, forbidden and must_not_change")
        return self

    @property
    def expected(self) -> str:
        """In words; of what must not change, the value before is what is expected."""
        if self.allowed:
            return " or ".join(self.allowed)
        return f"not {' or '.join(self.forbidden)}" if self.forbidden else "as it was"


class Baseline(_Section):
    controls: Annotated[tuple[Control, ...], Field(min_length=1)]


@cache
def baseline(path: Path = BASELINE_FILE) -> Baseline:
    """The controls of the file. Raises SettingsError, which names file, control and field, and what would be right."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = Baseline.model_validate(content)
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, content, detail) for detail in error.errors())) from error
    ids = [control.id for control in found.controls]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise SettingsError(f"{path}: control {twice[0]} is there twice: give one of them another id")
    return found


def _explain(path: Path, content: Any, detail: Any) -> str:
    place = list(detail["loc"])
    if place[:1] == ["controls"] and len(place) > 1:
        control = content["controls"][place[1]]
        place[:2] = [f"control {control.get('id', place[1]) if isinstance(control, dict) else place[1]}"]
    said = detail["msg"].removeprefix("Value error, ")
    return f"{path}: {'.'.join(str(part) for part in place) or 'the file'} is {detail['input']!r:.200}: {said}"
