"""The Databricks bundle as it is written, and with the variables of a target in place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

REFERENCE = re.compile(r"\$\{([^}]+)\}")
_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
# What a target's user gives with --var, for a start that can be checked.
_GIVEN = {
    "kafka_bootstrap_servers": "ns.servicebus.windows.net:9093",
    "warehouse_id": "0123456789abcdef",
    "notify_email": "operations@example.com",
    "catalog": "lakehouse",
}


@dataclass(frozen=True)
class Resource:
    """`file`: where it is written down; paths in it are relative to that."""

    kind: str
    name: str
    file: Path
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.file.name}: {self.kind}.{self.name}"


@dataclass(frozen=True)
class Task:
    """A task of a job, with its variables in place."""

    job: Resource
    content: dict[str, Any]

    @property
    def wheel(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content.get("python_wheel_task", {})
        return found

    @property
    def assignments(self) -> dict[str, str]:
        return {found[1]: found[2] for one in self.wheel["parameters"] if (found := _ASSIGNMENT.fullmatch(one))}

    @property
    def arguments(self) -> list[str]:
        return [one for one in self.wheel["parameters"] if not _ASSIGNMENT.fullmatch(one)]

    @property
    def is_serverless(self) -> bool:
        return "environment_key" in self.content

    def __str__(self) -> str:
        return f"{self.job}: task {self.content['task_key']}"


@dataclass(frozen=True)
class Bundle:
    root: Path

    @cached_property
    def top(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.root / "databricks.yml").read_text())
        return content

    @cached_property
    def project(self) -> dict[str, Any]:
        found: dict[str, Any] = tomllib.loads((self.root / "pyproject.toml").read_text())["project"]
        return found

    @cached_property
    def written(self) -> tuple[Resource, ...]:
        """Every resource as it is written, variables and all."""
        files = sorted({file for pattern in self.top["include"] for file in self.root.glob(pattern)})
        return tuple(
            Resource(kind, name, file, content)
            for file in files
            for kind, named in yaml.safe_load(file.read_text())["resources"].items()
            for name, content in named.items()
        )

    def resources(self, target: str, kind: str | None = None) -> Iterator[Resource]:
        """With the variables of `target` in place."""
        for one in self.written:
            if kind in (None, one.kind):
                yield Resource(one.kind, one.name, one.file, self.resolved(one.content, target))

    def tasks(self, target: str = "prod") -> Iterator[Task]:
        for job in self.resources(target, "jobs"):
            for task in job.content["tasks"]:
                yield Task(job, task)

    def resolved(self, value: Any, target: str) -> Any:
        """`value` without references; one that leads nowhere stays as it is, and `references` tells of it."""
        if isinstance(value, dict):
            return {key: self.resolved(one, target) for key, one in value.items()}
        if isinstance(value, list):
            return [self.resolved(one, target) for one in value]
        if not isinstance(value, str):
            return value
        whole = REFERENCE.fullmatch(value)
        if whole:
            found = self.lookup(whole[1], target)
            return value if found is None else self.resolved(found, target)
        return REFERENCE.sub(lambda one: str(self.resolved(self.lookup(one[1], target) or one[0], target)), value)

    def lookup(self, path: str, target: str) -> Any:
        """What `${path}` is; None if there is no such thing."""
        first, *rest = path.split(".")
        if first == "var":
            declared = self.top["variables"]
            if rest[0] not in declared:
                return None
            chosen = self.top["targets"][target].get("variables", {})
            return chosen.get(rest[0], declared[rest[0]].get("default", _GIVEN.get(rest[0])))
        if first == "bundle":
            return {"name": self.top["bundle"]["name"], "target": target}.get(rest[0])
        if first == "resources" and len(rest) == 3:
            named = {(one.kind, one.name): one.content for one in self.written}
            return named.get((rest[0], rest[1]), {}).get(rest[2])
        return None
