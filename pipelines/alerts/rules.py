"""Alert rules as data (conf/alerts.yaml): Prometheus' rule terms around the clauses of one SQL query.

    - alert: HostCpuHigh
      expr:
        select: {value: newest(cpu_utilization)}   # SELECT resource_id, newest(cpu_utilization) AS value
        from: silver.metrics                       # FROM silver.metrics
        by: [resource_id]                          # GROUP BY resource_id
        window: 5m                                 # the rows of the last five minutes
        having: value > 80                         # HAVING value > 80
      for: 5m
      labels: {severity: warning}
      annotations: {summary: 'CPU of {{ $labels.resource_id }} at {{ $value }} %'}

The clauses are apart so that rules over one table can share its scan (see `scan`), and so that each can be checked.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipelines.alerts import templates
from pipelines.alerts.durations import PositiveSpan, Span
from pipelines.errors import AlertRuleError
from pipelines.settings import CONF_DIR

RULES_FILE = CONF_DIR / "alerts.yaml"
VALUE = "value"
_RESERVED = {"alertname", "severity"}

Label = Annotated[str, Field(pattern=r"^[a-zA-Z_]\w*$")]
Severity = Literal["info", "warning", "critical", "page"]


def _labelled(by: Any) -> Any:
    """`[resource_id]` is short for `{resource_id: resource_id}`."""
    return {name: name for name in by} if isinstance(by, list) else by


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Expression(_Part):
    """One aggregating query over one table; `by`: label → SQL. Without a window it is over the table as it stands."""

    select: dict[Label, str]
    table: Annotated[str, Field(alias="from", pattern=r"^(silver|gold)\.\w+$")]
    where: str | None = None
    by: Annotated[dict[Label, str], BeforeValidator(_labelled)] = {}
    window: PositiveSpan | None = None
    having: str

    @model_validator(mode="after")
    def _is_whole(self) -> Expression:
        if VALUE not in self.select:
            raise ValueError("select should have a `value`, which alerts show")
        if self.window is None and self.follows_events:
            raise ValueError("window is missing: silver tables grow without end")
        doubled = _RESERVED & self.by.keys() or self.select.keys() & self.by.keys()
        if doubled:
            raise ValueError(f"by has {', '.join(sorted(doubled))}, which is taken: give it another name")
        return self

    @property
    def follows_events(self) -> bool:
        """Silver is judged at the newest event time there is; gold, which says what is known now, by the clock."""
        return self.table.startswith("silver.")


class Rule(_Part):
    alert: Label
    expr: Expression
    hold: Annotated[Span, Field(alias="for")] = timedelta(0)
    keep_firing_for: Span = timedelta(0)
    labels: dict[Label, str]
    annotations: dict[Label, str]

    @model_validator(mode="after")
    def _is_whole(self) -> Rule:
        severities = Severity.__args__  # type: ignore[attr-defined]
        if self.labels.get("severity") not in severities:
            found = self.labels.get("severity")
            raise ValueError(f"labels.severity is {found!r}: should be one of {', '.join(severities)}")
        if "summary" not in self.annotations:
            raise ValueError("annotations should have a `summary`")
        both = self.labels.keys() & (self.expr.by.keys() | {"alertname"})
        if both:
            raise ValueError(f"labels has {', '.join(sorted(both))}, which the expression gives already")
        for name, text in self.annotations.items():
            wrong = templates.complaint(text, self.label_names)
            if wrong is not None:
                raise ValueError(f"annotations.{name}: {wrong}")
        return self

    @property
    def fixed_labels(self) -> dict[str, str]:
        return {"alertname": self.alert, **self.labels}

    @property
    def label_names(self) -> set[str]:
        return {*self.fixed_labels, *self.expr.by}


class Group(_Part):
    """`interval`: the steps of time at which its rules are evaluated."""

    name: str
    interval: PositiveSpan
    rules: tuple[Rule, ...]


class _File(_Part):
    groups: tuple[Group, ...]


def load_rules(path: Path = RULES_FILE) -> tuple[Group, ...]:
    """Raises AlertRuleError for all that is wrong: a line each, with file, group, alert, key, value and remedy."""
    content = read_yaml(path)
    try:
        groups = _File(**content).groups
    except ValidationError as error:
        raise AlertRuleError("\n".join(f"{path}: {_explain(content, one)}" for one in error.errors())) from error
    seen: set[tuple[tuple[str, str], ...]] = set()
    for group in groups:
        for rule in group.rules:
            identity = tuple(sorted(rule.fixed_labels.items()))
            if identity in seen:
                raise AlertRuleError(
                    f"{path}: group {group.name}: alert {rule.alert}: is there twice with the same labels; alerts of "
                    "the two could not be told apart: give one another name or label"
                )
            seen.add(identity)
    return groups


def read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise AlertRuleError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise AlertRuleError(f"{path}: should hold `key: value` at its top, as conf/alerts.yaml does")
    return content


def _explain(content: dict[str, Any], detail: Any) -> str:
    names: list[str] = []
    keys: list[str] = []
    node: Any = content
    for step in detail["loc"]:
        node = node[step] if isinstance(node, list | dict) and _has(node, step) else None
        if isinstance(step, int) and isinstance(node, dict):
            names.append(f"alert {node['alert']}" if "alert" in node else f"group {node.get('name', step)}")
            keys = []
        else:
            keys.append(str(step))
    where = "".join(f"{name}: " for name in names)
    key = ".".join(keys) or "rule"
    if detail["type"] == "extra_forbidden":
        return f"{where}{key} is unknown (value {detail['input']!r}): remove it or correct its name"
    if detail["type"] == "missing":
        return f"{where}{key} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    if isinstance(detail["input"], dict):
        return f"{where}{key}: {message}"
    return f"{where}{key} is {detail['input']!r}: {message}"


def _has(node: Any, step: Any) -> bool:
    return step in node if isinstance(node, dict) else isinstance(step, int) and step < len(node)
