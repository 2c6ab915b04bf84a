"""The Databricks bundle, read and checked without a workspace: what `databricks bundle validate` needs one for.

A check is a function of the bundle that returns a sentence for each thing that is wrong. The shapes of resources are
the types that Databricks generates from its API (PyPI: databricks-bundles); of the file around them, whose JSON schema
only the CLI has, the few keys that we use are written down here (docs.databricks.com/dev-tools/bundles/reference).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from databricks.bundles.dashboards import Dashboard
from databricks.bundles.jobs import Job
from databricks.bundles.registered_models import RegisteredModel
from databricks.bundles.schemas import Schema
from databricks.bundles.volumes import Volume
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.settings import load_settings

KINDS: dict[str, Any] = {
    "jobs": Job,
    "schemas": Schema,
    "volumes": Volume,
    "registered_models": RegisteredModel,
    "dashboards": Dashboard,
}
_REFERENCE = re.compile(r"\$\{([^}]+)\}")
_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
# What a target's user gives with --var, for a start that can be checked.
_GIVEN = {
    "kafka_bootstrap_servers": "ns.servicebus.windows.net:9093",
    "warehouse_id": "0123456789abcdef",
    "notify_email": "operations@example.com",
    "catalog": "lakehouse",
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
        whole = _REFERENCE.fullmatch(value)
        if whole:
            found = self.lookup(whole[1], target)
            return value if found is None else self.resolved(found, target)
        return _REFERENCE.sub(lambda one: str(self.resolved(self.lookup(one[1], target) or one[0], target)), value)

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


def shape(bundle: Bundle) -> list[str]:
    """Keys, types and values as Databricks has them, in each target."""
    wrong = []
    try:
        _Top.model_validate(bundle.top)
    except ValidationError as error:
        return [f"databricks.yml: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    for target in bundle.top["targets"]:
        for one in bundle.resources(target):
            if one.kind not in KINDS:
                wrong.append(f"{one}: a kind that nobody has checked")
                continue
            try:
                KINDS[one.kind].from_dict(one.content)
            except (ValueError, TypeError) as error:
                wrong.append(f"{one} in target {target}: {error}")
    return wrong


def references(bundle: Bundle) -> list[str]:
    """`${…}` leads to something, every variable is used, and a target sets only what is declared."""
    texts = {bundle.root / "databricks.yml", *(one.file for one in bundle.written)}
    used = {(file.name, path) for file in texts for path in _REFERENCE.findall(_without_comments(file))}
    wrong = [
        f"{file}: ${{{path}}} is not defined"
        for file, path in sorted(used)
        if bundle.lookup(path, "prod") is None and bundle.lookup(path, "dev") is None
    ]
    names = {path.split(".")[1] for _, path in used if path.startswith("var.")}
    wrong += [f"databricks.yml: variable {name} is used nowhere" for name in bundle.top["variables"].keys() - names]
    for target, content in bundle.top["targets"].items():
        unknown = content.get("variables", {}).keys() - bundle.top["variables"].keys()
        wrong += [f"databricks.yml: target {target} sets variable {name}, which is not declared" for name in unknown]
    return wrong


def entry_points(bundle: Bundle) -> list[str]:
    """A task calls a script of the wheel; every file of jobs/ has a task; every script of a job too."""
    scripts = bundle.project["scripts"]
    called = {task.wheel.get("entry_point"): task for task in bundle.tasks()}
    wrong = [
        f"{task}: entry point {name} is not in [project.scripts]"
        for name, task in called.items()
        if name not in scripts
    ]
    for name in scripts.keys() - {"lakehouse"} - called.keys():
        wrong.append(f"pyproject.toml: script {name} is run by no job")
    for file in sorted((bundle.root / "jobs").glob("*.py")):
        if f"lakehouse-{file.stem.replace('_', '-')}" not in called:
            wrong.append(f"jobs/{file.name}: no resource runs it")
    return wrong


def wheel(bundle: Bundle) -> list[str]:
    """What a task installs is what the artifact builds."""
    built = (bundle.root / "dist").resolve()
    name = bundle.project["name"].replace("-", "_")
    wrong = []
    if not any(one["type"] == "whl" for one in bundle.top["artifacts"].values()):
        wrong.append("databricks.yml: no artifact builds a wheel")
    for task in bundle.tasks():
        if task.wheel.get("package_name") != name:
            wrong.append(f"{task}: package_name is {task.wheel.get('package_name')}, the wheel's is {name}")
        if task.is_serverless:
            environments = {one["environment_key"]: one["spec"] for one in task.job.content.get("environments", ())}
            paths = environments.get(task.content["environment_key"], {}).get("dependencies", [])
        else:
            paths = [one["whl"] for one in task.content.get("libraries", ()) if "whl" in one]
        for path in paths:
            if (task.job.file.parent / path).resolve().parent != built or not path.endswith("*.whl"):
                wrong.append(f"{task}: {path} is not where the wheel is built, {built.name}/*.whl")
        if not paths:
            wrong.append(f"{task}: installs no wheel")
    return wrong


def compute(bundle: Bundle) -> list[str]:
    """Keys of clusters, environments and tasks are declared; a cluster has the settings that the streams rely on."""
    from pipelines.session import REQUIRED

    wrong = []
    for task in bundle.tasks():
        job = task.job.content
        for key, declared in (
            ("job_cluster_key", {one["job_cluster_key"] for one in job.get("job_clusters", ())}),
            ("environment_key", {one["environment_key"] for one in job.get("environments", ())}),
        ):
            if key in task.content and task.content[key] not in declared:
                wrong.append(f"{task}: {key} {task.content[key]} is not declared")
        if not task.content.keys() & {"job_cluster_key", "environment_key"}:
            wrong.append(f"{task}: runs nowhere")
        keys = {one["task_key"] for one in job["tasks"]}
        for one in task.content.get("depends_on", ()):
            if one["task_key"] not in keys:
                wrong.append(f"{task}: depends on {one['task_key']}, which is no task of the job")
    for job in bundle.resources("prod", "jobs"):
        for cluster in job.content.get("job_clusters", ()):
            confs = cluster["new_cluster"].get("spark_conf", {})
            missing = sorted(key for key, value in REQUIRED.items() if confs.get(key) != value)
            if missing:
                wrong.append(f"{job}: cluster {cluster['job_cluster_key']} lacks {', '.join(missing)}")
    return wrong


def files(bundle: Bundle) -> list[str]:
    """What is named by its path is there."""
    wrong = [
        f"databricks.yml: include {one} matches nothing"
        for one in bundle.top["include"]
        if not any(bundle.root.glob(one))
    ]
    for one in bundle.resources("prod", "dashboards"):
        if not (one.file.parent / one.content["file_path"]).is_file():
            wrong.append(f"{one}: {one.content['file_path']} is not there")
    return wrong


def settings(bundle: Bundle) -> list[str]:
    """What a task puts into the environment is what the settings take, and its arguments are those of its command."""
    import typer

    from pipelines.cli import build
    from pipelines.errors import SettingsError

    wrong = []
    # The error that all refusals of arguments are, which typer has no name for.
    refusal = typer.BadParameter.__base__
    streams = {path.stem for path in (bundle.root / "jobs").glob("*.py") if "cli.run" in path.read_text()}
    for target in bundle.top["targets"]:
        for task in bundle.tasks(target):
            keys = {one["job_cluster_key"]: one["new_cluster"] for one in task.job.content.get("job_clusters", ())}
            environ = keys.get(task.content.get("job_cluster_key"), {}).get("spark_env_vars", {}) | task.assignments
            try:
                made = load_settings("databricks", environ)
            except SettingsError as error:
                wrong.append(f"{task} in target {target}: {error}")
                continue
            if f"/Volumes/{made.catalog}/" not in str(made.root):
                wrong.append(f"{task} in target {target}: root {made.root} is no volume of catalog {made.catalog}")
            name = str(task.wheel["entry_point"]).removeprefix("lakehouse-")
            command, arguments = ("run", [name, *task.arguments]) if name in streams else (name, task.arguments)
            group = typer.main.get_command(build(command))
            try:
                group.commands[command].make_context(command, list(arguments))
            except KeyError:
                wrong.append(f"{task}: `lakehouse {command}` is no command")
            except refusal as error:
                wrong.append(f"{task}: `lakehouse {command}` refuses {arguments}: {error}")
            if task.arguments[-1:] == ["--env"] or "databricks" not in task.arguments:
                wrong.append(f"{task}: does not say --env databricks")
    return wrong


def schedules(bundle: Bundle) -> list[str]:
    """A job is continuous or has a valid cron expression, one run at a time, and says who hears of a failure."""
    wrong = []
    for target in bundle.top["targets"]:
        running: dict[str, str] = {}
        for job in bundle.resources(target, "jobs"):
            content = job.content
            when = [key for key in ("continuous", "schedule") if key in content]
            if len(when) != 1:
                wrong.append(f"{job}: should have one of continuous and schedule")
                continue
            if when == ["schedule"]:
                problem = cron_problem(content["schedule"]["quartz_cron_expression"])
                wrong += [f"{job}: quartz_cron_expression {problem}"] if problem else []
            if content.get("max_concurrent_runs") != 1:
                wrong.append(f"{job}: max_concurrent_runs should be 1, as a checkpoint has one writer")
            if not content.get("email_notifications", {}).get("on_failure"):
                wrong.append(f"{job}: tells nobody of a failure")
            for task in content["tasks"]:
                trigger = task["python_wheel_task"]["parameters"]
                if "--trigger" not in trigger or content[when[0]]["pause_status"] != "UNPAUSED":
                    continue
                stream = task["python_wheel_task"]["entry_point"]
                if stream in running:
                    wrong.append(f"{job} and {running[stream]} in target {target} both run {stream}: pause one")
                running[stream] = job.name
            for task in content["tasks"]:
                if when == ["continuous"] and task.keys() & {"max_retries", "depends_on", "timeout_seconds"}:
                    wrong.append(f"{job}: a continuous job has neither retries, dependencies nor a timeout of its own")
                if when == ["schedule"] and not {"max_retries", "timeout_seconds"} <= task.keys():
                    wrong.append(f"{job}: task {task['task_key']} has no max_retries or no timeout_seconds")
    return sorted(set(wrong))


_CRON_FIELDS = (
    ("seconds", 0, 59),
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 1, 7),
    ("year", 1970, 2099),
)
_CRON_NAMES = {
    "month": ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    "day of week": ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
}


def cron_problem(expression: str) -> str | None:
    """What is wrong with a Quartz expression (quartz-scheduler.org, CronTrigger), in words; None if nothing is."""
    parts = expression.split()
    if len(parts) not in (6, 7):
        return f"{expression!r} has {len(parts)} fields: seconds, minutes, hours, day, month, weekday and perhaps year"
    if (parts[3] == "?") == (parts[5] == "?"):
        return f"{expression!r}: one of day of month and day of week is '?', and only one"
    for part, (name, least, most) in zip(parts, _CRON_FIELDS, strict=False):
        if part == "?":
            continue
        for item in part.split(","):
            numbers = _cron_numbers(item, name)
            if numbers is None or any(not least <= number <= most for number in numbers):
                return f"{expression!r}: {name} {item!r} is not within {least} to {most}"
    return None


def _cron_numbers(item: str, name: str) -> list[int] | None:
    """The numbers of a part without commas, those of `*` left out; None if it is none."""
    base, slash, step = item.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return None
    if base == "*":
        return []
    names = _CRON_NAMES.get(name, [])
    numbers = [names.index(one) + 1 if one in names else int(one) if one.isdigit() else -1 for one in base.split("-")]
    return numbers if len(numbers) <= 2 else None


def dashboard_datasets(bundle: Bundle) -> dict[str, str]:
    """Name → SQL of every dataset of every dashboard."""
    return {
        dataset["name"]: "".join(dataset["queryLines"])
        for one in bundle.resources("prod", "dashboards")
        for dataset in json.loads((one.file.parent / one.content["file_path"]).read_text())["datasets"]
    }


def dashboard_fields(bundle: Bundle) -> list[tuple[str, str, list[str]]]:
    """Widget, its dataset, and the columns that it shows of it."""
    found = []
    for one in bundle.resources("prod", "dashboards"):
        content = json.loads((one.file.parent / one.content["file_path"]).read_text())
        for page in content["pages"]:
            for place in page["layout"]:
                for query in place["widget"].get("queries", ()):
                    fields = [field["expression"].strip("`") for field in query["query"]["fields"]]
                    found.append((f"{page['name']}.{place['widget']['name']}", query["query"]["datasetName"], fields))
    return found


def dashboards(bundle: Bundle) -> list[str]:
    """Names are there once, what a widget encodes it queries, its dataset exists, and none lies on another."""
    wrong = []
    for one in bundle.resources("prod", "dashboards"):
        path = one.file.parent / one.content["file_path"]
        content = json.loads(path.read_text())
        datasets = [dataset["name"] for dataset in content["datasets"]]
        wrong += [f"{path.name}: dataset {name} is there twice" for name in set(datasets) if datasets.count(name) > 1]
        used = set()
        for page in content["pages"]:
            taken: dict[tuple[int, int], str] = {}
            for place in page["layout"]:
                widget, at = place["widget"], place["position"]
                for x in range(at["x"], at["x"] + at["width"]):
                    for y in range(at["y"], at["y"] + at["height"]):
                        if (x, y) in taken or x >= 6:
                            wrong.append(f"{path.name}: widget {widget['name']} has no room at {x}, {y}")
                        taken[x, y] = widget["name"]
                queried = {field["name"] for query in widget["queries"] for field in query["query"]["fields"]}
                used |= {query["query"]["datasetName"] for query in widget["queries"]}
                encoded = set(re.findall(r'"fieldName": "([^"]+)"', json.dumps(widget["spec"]["encodings"])))
                for name in encoded - queried:
                    wrong.append(f"{path.name}: widget {widget['name']} shows {name}, which it does not query")
        wrong += [f"{path.name}: dataset {name} is not there" for name in used - set(datasets)]
        wrong += [f"{path.name}: dataset {name} is shown nowhere" for name in set(datasets) - used]
    return sorted(set(wrong))


def _without_comments(file: Path) -> str:
    return re.sub(r"(^|\s)#.*$", "", file.read_text(), flags=re.MULTILINE)


CHECKS = (shape, references, entry_points, wheel, compute, files, settings, schedules, dashboards)
