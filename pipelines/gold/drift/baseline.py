"""conf/baseline.yaml: the controls, each of what a field of an item of some resources should be."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.rule_files import Listed, check_names, read_rules
from pipelines.settings import CONF_DIR

BASELINE_FILE = CONF_DIR / "baseline.yaml"
_CONTROLS = Listed("controls", "control", "id")
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
    found = read_rules(path, Baseline, _CONTROLS)
    check_names(path, (control.id for control in found.controls), _CONTROLS)
    return found
