"""Keys, types and values of the bundle, as Databricks has them.

The shapes of resources are the types that Databricks generates from its API (PyPI: databricks-bundles); of the file
around them, whose JSON schema only the CLI has, the few keys that we use are written down here
(docs.databricks.com/dev-tools/bundles/reference).
"""

from __future__ import annotations

from typing import Any, Literal

from databricks.bundles.dashboards import Dashboard
from databricks.bundles.jobs import Job
from databricks.bundles.registered_models import RegisteredModel
from databricks.bundles.schemas import Schema
from databricks.bundles.volumes import Volume
from pydantic import BaseModel, ConfigDict, ValidationError

from tests.unit.bundle.reading import Bundle

_KINDS: dict[str, Any] = {
    "jobs": Job,
    "schemas": Schema,
    "volumes": Volume,
    "registered_models": RegisteredModel,
    "dashboards": Dashboard,
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Named(_Strict):
    name: str


class _Artifact(_Strict):
    type: Literal["whl"]
    build: str
    dynamic_version: bool = False


class _Variable(_Strict):
    description: str
    type: Literal["complex"] | None = None
    default: Any = None


class _RunAs(_Strict):
    service_principal_name: str


class _Permission(_Strict):
    level: Literal["CAN_MANAGE", "CAN_VIEW", "CAN_RUN"]
    group_name: str | None = None
    service_principal_name: str | None = None


class _Workspace(_Strict):
    root_path: str


class _Target(_Strict):
    mode: Literal["development", "production"]
    default: bool = False
    workspace: _Workspace | None = None
    variables: dict[str, Any] = {}
    run_as: _RunAs | None = None
    permissions: list[_Permission] = []


class _Top(_Strict):
    bundle: _Named
    include: list[str]
    artifacts: dict[str, _Artifact]
    variables: dict[str, _Variable]
    targets: dict[str, _Target]


def shape(bundle: Bundle) -> list[str]:
    """Keys, types and values as Databricks has them, in each target."""
    wrong = []
    try:
        _Top.model_validate(bundle.top)
    except ValidationError as error:
        return [f"databricks.yml: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    for target in bundle.top["targets"]:
        for one in bundle.resources(target):
            if one.kind not in _KINDS:
                wrong.append(f"{one}: a kind that nobody has checked")
                continue
            try:
                _KINDS[one.kind].from_dict(one.content)
            except (ValueError, TypeError) as error:
                wrong.append(f"{one} in target {target}: {error}")
    return wrong
