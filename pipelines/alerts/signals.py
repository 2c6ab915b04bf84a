"""One name for what many senders measure under many names (conf/signals.yaml): a column of silver.metrics for rules.

A signal is null in the rows of all other metrics, so `avg(cpu_utilization)` is what it says. NaN and infinite values
are null too: in SQL NaN is greater than any number, and would fire whatever has a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.alerts.rules import read_yaml
from pipelines.errors import AlertRuleError
from pipelines.settings import CONF_DIR

SIGNALS_FILE = CONF_DIR / "signals.yaml"
_FINITE = "nullif(nullif(nanvl({0}, CAST(NULL AS DOUBLE)), double('Infinity')), double('-Infinity'))"


class _Alias(BaseModel):
    """A metric that is the signal where `where` holds; `value`: how to bring it to the unit of the signal."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    metric: Annotated[str, Field(min_length=1)]
    where: str | None = None
    value: str = "value"


class _Signal(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    unit: str
    metrics: tuple[_Alias, ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    signals: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], _Signal]


@dataclass(frozen=True)
class Signal:
    """`sql`: over a row of silver.metrics; `metrics`: the names that it can have there, its own among them."""

    name: str
    unit: str
    metrics: tuple[str, ...]
    sql: str


def load_signals(path: Path = SIGNALS_FILE) -> dict[str, Signal]:
    """Raises AlertRuleError, with file, signal, key, value and what would be right."""
    try:
        signals = _File(**read_yaml(path)).signals
    except ValidationError as error:
        lines = (
            f"{path}: {'.'.join(map(str, one['loc']))} is {one['input']!r}: {one['msg']}" for one in error.errors()
        )
        raise AlertRuleError("\n".join(lines)) from error
    return {name: _signal(name, signal) for name, signal in signals.items()}


def _signal(name: str, signal: _Signal) -> Signal:
    own = _Alias(metric=name)
    branches = " ".join(_branch(alias) for alias in (own, *signal.metrics))
    names = tuple(dict.fromkeys((name, *(alias.metric for alias in signal.metrics))))
    return Signal(name, signal.unit, names, _FINITE.format(f"CASE {branches} END"))


def _branch(alias: _Alias) -> str:
    condition = f"metric = {quoted(alias.metric)}" + (f" AND ({alias.where})" if alias.where else "")
    return f"WHEN {condition} THEN CAST({alias.value} AS DOUBLE)"


def quoted(text: str) -> str:
    """A string literal of Spark SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
