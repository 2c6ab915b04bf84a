"""The Databricks bundle: every check of `tests.unit.bundle.checks` holds for ours, and each can fail."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import grimp
import pytest
from pyspark.sql import SparkSession

from pipelines.settings import PROJECT_DIR
from pipelines.tables import all_contracts
from tests.unit.bundle import checks
from tests.unit.bundle.cron import cron_problem
from tests.unit.bundle.dashboards import datasets, fields
from tests.unit.bundle.reading import Bundle

OURS = Bundle(PROJECT_DIR)
_COPIED = ("databricks.yml", "pyproject.toml", "resources", "jobs")


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_the_bundle_has_nothing_wrong(check: Callable[[Bundle], list[str]]) -> None:
    assert check(OURS) == []


@pytest.mark.parametrize(
    ("check", "file", "old", "new", "said"),
    [
        (checks.shape, "databricks.yml", "mode: production", "mode: prod", "targets.prod.mode"),
        (checks.shape, "databricks.yml", "include:", "includes:", "databricks.yml: includes"),
        (
            checks.shape,
            "resources/bronze.job.yml",
            "max_concurrent_runs",
            "max_concurrent",
            "Unexpected field 'max_concurrent'",
        ),
        (checks.shape, "resources/bronze.job.yml", "STREAMING_BACKLOG_SECONDS", "BACKLOG", "'BACKLOG' is not a valid"),
        (
            checks.shape,
            "resources/unity_catalog.yml",
            "volume_type: MANAGED",
            "volume_type: OURS",
            "'OURS' is not a valid",
        ),
        (
            checks.references,
            "resources/bronze.job.yml",
            "${var.stream_cluster}",
            "${var.cluster}",
            "${var.cluster} is not defined",
        ),
        (
            checks.references,
            "resources/unity_catalog.yml",
            "${resources.schemas.ops.name}",
            "${resources.schemas.op.name}",
            "op.name} is not defined",
        ),
        (
            checks.references,
            "databricks.yml",
            "catalog: lakehouse_dev",
            "catalogue: dev",
            "sets variable catalogue, which is not declared",
        ),
        (
            checks.references,
            "databricks.yml",
            "  secret_scope:",
            "  unused:\n    description: None\n  secret_scope:",
            "variable unused is used nowhere",
        ),
        (
            checks.entry_points,
            "resources/bronze.job.yml",
            "entry_point: lakehouse-bronze",
            "entry_point: bronze",
            "is not in [project.scripts]",
        ),
        (
            checks.compute,
            "resources/bronze.job.yml",
            "job_cluster_key: stream\n          l",
            "job_cluster_key: s\n          l",
            "job_cluster_key s is not",
        ),
        (
            checks.compute,
            "resources/train.job.yml",
            "environment_key: lakehouse\n          p",
            "environment_key: l\n          p",
            "environment_key l is not",
        ),
        (
            checks.compute,
            "resources/catch_up.job.yml",
            "- task_key: silver\n          depends",
            "- task_key: s\n          depends",
            "depends on silver, which is no task",
        ),
        (
            checks.compute,
            "databricks.yml",
            'spark.sql.mapKeyDedupPolicy: "LAST_WIN"',
            "a: b",
            "lacks spark.sql.mapKeyDedupPolicy",
        ),
        (checks.wheel, "resources/bronze.job.yml", "../dist/*.whl", "./dist/*.whl", "is not where the wheel is built"),
        (
            checks.wheel,
            "resources/train.job.yml",
            "../dist/*.whl",
            "telemetry-lakehouse",
            "is not where the wheel is built",
        ),
        (
            checks.wheel,
            "resources/train.job.yml",
            "package_name: telemetry_lakehouse",
            "package_name: lakehouse",
            "the wheel's is telemetry_lakehouse",
        ),
        (
            checks.files,
            "resources/fleet.dashboard.yml",
            "fleet.lvdash.json",
            "fleets.lvdash.json",
            "fleets.lvdash.json is not there",
        ),
        (
            checks.files,
            "databricks.yml",
            "- resources/*.yml",
            "- resources/*.yml\n  - more/*.yml",
            "include more/*.yml matches nothing",
        ),
        (
            checks.settings,
            "resources/train.job.yml",
            "LAKEHOUSE_CATALOG=",
            "LAKEHOUSE_CATALOGUE=",
            "setting catalogue is unknown",
        ),
        (checks.settings, "resources/train.job.yml", "/ops/checkpoints", "", "is no volume"),
        (
            checks.settings,
            "databricks.yml",
            "LAKEHOUSE_KAFKA__ACCESS: event-hubs\n        L",
            "LAKEHOUSE_KAFKA__ACCESS: hubs\n        L",
            "kafka.access is 'hubs'",
        ),
        (checks.settings, "resources/bronze.job.yml", "- continuous\n", "- always\n", "`lakehouse run` refuses"),
        (checks.settings, "resources/train.job.yml", '"--if-due"', '"--if-needed"', "`lakehouse train` refuses"),
        (checks.settings, "resources/train.job.yml", "- databricks\n", "- local\n", "does not say --env databricks"),
        (checks.schedules, "resources/train.job.yml", "0 0 2 * * ?", "0 2 * * *", "has 5 fields"),
        (
            checks.schedules,
            "resources/train.job.yml",
            "0 0 2 * * ?",
            "0 0 24 * * ?",
            "hours '24' is not within 0 to 23",
        ),
        (
            checks.schedules,
            "databricks.yml",
            "default: PAUSED",
            "default: UNPAUSED",
            "both run lakehouse-bronze: pause one",
        ),
        (
            checks.schedules,
            "resources/train.job.yml",
            "timeout_seconds: 14400\n",
            "retry_on_timeout: false\n",
            "has no max_retries or no timeout_seconds",
        ),
        (
            checks.schedules,
            "resources/train.job.yml",
            "        on_failure:\n          - ${var.notify_email}\n",
            "",
            "tells nobody of a failure",
        ),
        (
            checks.schedules,
            "resources/train.job.yml",
            "max_concurrent_runs: 1",
            "max_concurrent_runs: 2",
            "a checkpoint has one writer",
        ),
        (
            checks.dashboards,
            "resources/dashboards/fleet.lvdash.json",
            '"datasetName": "fleet"',
            '"datasetName": "flees"',
            "dataset flees is not there",
        ),
        (
            checks.dashboards,
            "resources/dashboards/fleet.lvdash.json",
            '"fieldName": "silent_agents"',
            '"fieldName": "silent"',
            "which it does not query",
        ),
        (
            checks.dashboards,
            "resources/dashboards/fleet.lvdash.json",
            '"x": 2,\n            "y": 0',
            '"x": 1,\n            "y": 0',
            "has no room at 1, 0",
        ),
    ],
)
def test_each_check_can_fail(
    tmp_path: Path, check: Callable[[Bundle], list[str]], file: str, old: str, new: str, said: str
) -> None:
    spoiled = copy(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))

    assert said in "\n".join(check(spoiled))


def test_a_job_that_nobody_runs_on_databricks_is_found(tmp_path: Path) -> None:
    spoiled = copy(tmp_path)
    (tmp_path / "jobs" / "new_job.py").write_text("")
    scripts = (
        (tmp_path / "pyproject.toml").read_text().replace("[project.scripts]", '[project.scripts]\nlakehouse-x = "y:z"')
    )
    (tmp_path / "pyproject.toml").write_text(scripts)

    assert checks.entry_points(spoiled) == [
        "pyproject.toml: script lakehouse-x is run by no job",
        "jobs/new_job.py: no resource runs it",
    ]


def test_every_script_is_a_function() -> None:
    scripts = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"]["scripts"]
    for place in scripts.values():
        module, _, name = place.partition(":")
        assert callable(getattr(import_module(module), name))


def test_what_is_serverless_calls_nothing_that_serverless_compute_refuses() -> None:
    """Spark Connect has no JVM to call, and serverless compute no cache: docs.databricks.com/compute/serverless."""
    refused = re.compile(r"\.sparkContext|\._jvm|\._jdf|\.persist\(|\.cache\(\)|ocalCheckpoint\(")
    graph = grimp.build_graph("pipelines")
    calling = {
        module
        for module in graph.modules
        for path in [PROJECT_DIR / f"{module.replace('.', '/')}.py"]
        if path.is_file() and refused.search(path.read_text())
    }
    assert "pipelines.silver" in calling
    # `session` asks first whether there is a JVM; `query_id` of `streams` is for foreachBatch.
    calling -= {"pipelines.session", "pipelines.streams"}
    for task in OURS.tasks():
        name = task.wheel["entry_point"].removeprefix("lakehouse-").replace("-", "_")
        # The module of the command of bronze has all streams, of which it starts one.
        start = "pipelines.bronze" if name == "bronze" else f"pipelines.cli.{name}"
        if task.is_serverless:
            assert not calling & {start, *graph.find_upstream_modules(start)}, str(task)


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("0 0 * * * ?", True),
        ("0 0/15 8-18 ? * MON-FRI", True),
        ("0 0 3 1,15 JAN ? 2027", True),
        ("0 0 3 * * *", False),
        ("0 0 3 ? * ?", False),
        ("0 60 3 * * ?", False),
        ("0 0/0 3 * * ?", False),
        ("0 0 3 ? * 8", False),
        ("0 0 3 ? FEV MON", False),
    ],
)
def test_cron_expressions_are_those_of_quartz(expression: str, *, fits: bool) -> None:
    assert (cron_problem(expression) is None) == fits


@pytest.fixture
def gold(spark: SparkSession) -> Iterator[SparkSession]:
    """Spark with `gold.<table>` for each contract, without rows."""
    spark.sql("CREATE SCHEMA gold")
    for table in all_contracts():
        if table.layer == "gold":
            columns = ", ".join(f"CAST(NULL AS {column.type}) AS `{column.name}`" for column in table.columns)
            spark.sql(f"CREATE VIEW gold.{table.name} AS SELECT {columns} WHERE false")
    yield spark
    spark.sql("DROP SCHEMA gold CASCADE")


def test_every_query_of_the_dashboards_runs_and_has_the_columns_that_are_shown(gold: SparkSession) -> None:
    """On tables as their contracts have them, in Databricks' own dialect; a query names `gold.<table>` and no other."""
    columns = {name: gold.sql(sql).columns for name, sql in datasets(OURS).items()}

    asked = {name for sql in datasets(OURS).values() for name in re.findall(r"(?:FROM|JOIN)\s+gold\.(\w+)", sql)}
    assert asked >= {
        "resource_health", "incidents", "alerts", "cost_daily", "savings", "security_audit", "compliance",
        "config_drift", "pipeline_health",
    }  # fmt: skip
    for widget, dataset, shown in fields(OURS):
        assert set(shown) <= set(columns[dataset]), widget
    for sql in datasets(OURS).values():
        assert re.findall(r"(?:FROM|JOIN)\s+(\w+)\.", sql)
        assert set(re.findall(r"(?:FROM|JOIN)\s+(\w+)\.", sql)) == {"gold"}


def copy(folder: Path) -> Bundle:
    """Ours, to spoil."""
    for name in _COPIED:
        source = PROJECT_DIR / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return Bundle(folder)
