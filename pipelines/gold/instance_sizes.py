"""Sizes of machines (conf/instance_sizes.yaml): what one of a type has, and the sizes below and above it in its family.

Needs no Spark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from pipelines.errors import SettingsError
from pipelines.settings import CONF_DIR

SIZES_FILE = CONF_DIR / "instance_sizes.yaml"
# Managed databases run on the same machines.
_AWS_PREFIXES = ("", "db.")
_AZURE_PREFIX = "Standard_"
_LARGE_VCPUS, _XLARGE_VCPUS = 2, 4


@dataclass(frozen=True)
class Size:
    """`memory`: GiB."""

    type: str
    vcpus: float
    memory: float


@dataclass(frozen=True)
class Step:
    """From one size of a family to another, `down` steps smaller (1 or 2, or -1: the next that is larger)."""

    current: Size
    target: Size
    down: int

    @property
    def vcpu_ratio(self) -> float:
        return self.target.vcpus / self.current.vcpus

    @property
    def memory_ratio(self) -> float:
        return self.target.memory / self.current.memory


@cache
def steps(path: Path = SIZES_FILE) -> tuple[Step, ...]:
    """One and two sizes down, and one up, of every size that has them. Raises SettingsError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        families = [*_aws(document), *_azure(document)]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{path}: the sizes of machines cannot be read: {error!r}") from error
    return tuple(step for family in families for step in _steps_of(family))


def _steps_of(family: tuple[Size, ...]) -> Iterator[Step]:
    for smaller, larger in pairwise(family):
        yield Step(larger, smaller, 1)
        yield Step(smaller, larger, -1)
    for smallest, largest in zip(family, family[2:], strict=False):
        yield Step(largest, smallest, 2)


def _aws(document: dict[str, Any]) -> Iterator[tuple[Size, ...]]:
    aws = document["aws"]
    for prefix in _AWS_PREFIXES:
        for ladder, families in aws["listed"].items():
            for family in families:
                yield tuple(Size(f"{prefix}{family}.{size}", c, m) for size, c, m in document["ladders"][ladder])
        for group in aws["even"]:
            for family in group["families"]:
                large = Size(f"{prefix}{family}.large", _LARGE_VCPUS, _LARGE_VCPUS * group["memory"])
                yield (large, *(_xlarge(f"{prefix}{family}", step, group["memory"]) for step in group["steps"]))


def _xlarge(family: str, step: int, per_vcpu: float) -> Size:
    vcpus = step * _XLARGE_VCPUS
    return Size(f"{family}.{'' if step == 1 else step}xlarge", vcpus, vcpus * per_vcpu)


def _azure(document: dict[str, Any]) -> Iterator[tuple[Size, ...]]:
    azure = document["azure"]
    for ladder, families in azure["listed"].items():
        for family in families:
            yield tuple(Size(_AZURE_PREFIX + family.format(size), c, m) for size, c, m in document["ladders"][ladder])
    for group in azure["even"]:
        for family in group["families"]:
            yield tuple(
                Size(_AZURE_PREFIX + family.format(vcpus), vcpus, vcpus * group["memory"]) for vcpus in group["steps"]
            )
