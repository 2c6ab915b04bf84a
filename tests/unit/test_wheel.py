"""The wheel: it has what a checkout has beside the package, and not what a Databricks runtime has of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from pipelines.settings import PROJECT_DIR

_BUILT_FROM = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "pipelines", "conf", "schemas")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources and unpacked, as pip installs it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in _BUILT_FROM:
        if (PROJECT_DIR / name).is_dir():
            shutil.copytree(PROJECT_DIR / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT_DIR / name, source / name)
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    shutil.rmtree(source)
    return folder / "site"


def test_settings_and_contracts_are_inside_and_are_those_of_the_checkout(installed: Path) -> None:
    for name in ("conf", "schemas"):
        inside, beside = (_files(folder / name) for folder in (installed / "pipelines", PROJECT_DIR))
        assert inside == beside
    assert (installed / "pipelines" / "operations" / "report.html.j2").is_file()


def test_it_works_in_a_folder_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    program = (
        "from pipelines.settings import CONF_DIR, load_settings\n"
        "from pipelines.tables import contract\n"
        "print(CONF_DIR, load_settings('databricks', {}).catalog, contract('silver.metrics').full_name)"
    )
    environ = {"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout

    assert said.split() == [str(installed / "pipelines" / "conf"), "lakehouse", "silver.metrics"]


def test_it_brings_neither_spark_nor_delta(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    needed = Parser().parsestr(metadata.read_text()).get_all("Requires-Dist") or []
    plain = {one.split("=")[0].split(">")[0].split("<")[0].split("[")[0] for one in needed if "extra ==" not in one}

    assert "mlflow" in plain
    assert not plain & {"pyspark", "delta-spark", "databricks-connect"}
    assert any(one.startswith("pyspark") and 'extra == "spark"' in one for one in needed)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
