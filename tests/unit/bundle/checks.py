"""What `databricks bundle validate` needs a workspace for, and more: whether all that is referred to is there.

A check is a function of the bundle that returns a sentence for each thing that is wrong.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.settings import load_settings
from tests.unit.bundle.cron import cron_problem
from tests.unit.bundle.dashboards import dashboards
from tests.unit.bundle.reading import REFERENCE, Bundle
from tests.unit.bundle.shapes import shape


def references(bundle: Bundle) -> list[str]:
    """`${…}` leads to something, every variable is used, and a target sets only what is declared."""
    texts = {bundle.root / "databricks.yml", *(one.file for one in bundle.written)}
    used = {(file.name, path) for file in texts for path in REFERENCE.findall(_without_comments(file))}
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


def _without_comments(file: Path) -> str:
    return re.sub(r"(^|\s)#.*$", "", file.read_text(), flags=re.MULTILINE)


CHECKS = (shape, references, entry_points, wheel, compute, files, settings, schedules, dashboards)
