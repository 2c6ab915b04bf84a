import hashlib
import os
import sys
import tarfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipelines import artifacts
from pipelines.artifacts import cache as artifact_cache
from pipelines.artifacts import spark_defaults
from pipelines.artifacts.locking import Artifact, read_declared, read_lock
from pipelines.errors import ArtifactError

CONTENT = b"not really a jar"
YAML = "demo:\n  roots: [org.example:thing:1.0]\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(coordinate: str, *_: object) -> Path:
        raise ArtifactError(f"{coordinate}: cannot be downloaded (no network in this test)")

    monkeypatch.setattr(artifact_cache, "fetch", refuse)


def conf(folder: Path, coordinate: str = "org.example:thing:1.0", content: bytes = CONTENT) -> Path:
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    (folder / "artifacts" / "artifacts.yaml").write_text(YAML)
    declared = read_declared(folder)["demo"].digest
    line = f"{coordinate} sha256:{hashlib.sha256(content).hexdigest()} {len(content)}"
    (folder / "artifacts" / "artifacts.lock").write_text(f"# a comment\n\nset demo:{declared}\n{line}\n")
    return folder


def cached(cache: Path, content: bytes = CONTENT) -> Path:
    file = cache / "maven/org/example/thing/1.0/thing-1.0.jar"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


def test_a_coordinate_is_laid_out_as_in_a_maven_repository() -> None:
    assert Artifact("a.b:c:1", "", 0).relative_path == Path("a/b/c/1/c-1.jar")
    assert Artifact("a.b:c:1:tar.gz:all", "", 0).relative_path == Path("a/b/c/1/c-1-all.tar.gz")


def test_the_lock_is_read_by_set(tmp_path: Path) -> None:
    locked = read_lock(conf(tmp_path / "conf"))["demo"]

    assert locked.artifacts == (Artifact("org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),)


@pytest.mark.parametrize("line", ["nonsense", "a:b:1 md5:00 3", "a:b:1 sha256:00 many", "set demo"])
def test_a_spoilt_lock_names_its_line(tmp_path: Path, line: str) -> None:
    folder = conf(tmp_path / "conf")
    with (folder / "artifacts" / "artifacts.lock").open("a") as lock:
        lock.write(line + "\n")

    with pytest.raises(ArtifactError, match=r"artifacts\.lock:5: .*artifacts lock"):
        read_lock(folder)


def test_a_changed_declaration_asks_for_a_new_lock(tmp_path: Path, cache: Path) -> None:
    folder = conf(tmp_path / "conf")
    (folder / "artifacts" / "artifacts.yaml").write_text(YAML.replace("1.0", "1.1"))

    with pytest.raises(ArtifactError, match=r"changed since it was locked: run `python -m pipelines\.artifacts lock`"):
        artifacts.ensure("demo", folder)


def test_a_verified_file_is_not_read_again(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, file = conf(tmp_path / "conf"), cached(cache)
    assert artifacts.ensure("demo", folder) == (file,)

    def fail(_: Path) -> str:
        raise AssertionError("the stamp should have been enough")

    monkeypatch.setattr(artifact_cache, "sha256", fail)
    assert artifacts.ensure("demo", folder) == (file,)


@pytest.mark.parametrize("tampered", [b"longer than it was before", b"not really a JAR"], ids=["size", "same size"])
def test_a_changed_file_is_refused_with_both_sums(tmp_path: Path, cache: Path, tampered: bytes) -> None:
    folder, file = conf(tmp_path / "conf"), cached(cache)
    artifacts.ensure("demo", folder)
    before = file.stat()
    file.write_bytes(tampered)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))

    with pytest.raises(ArtifactError) as raised:
        artifacts.ensure("demo", folder)

    for words in (str(file), hashlib.sha256(CONTENT).hexdigest(), hashlib.sha256(tampered).hexdigest(), "Delete it"):
        assert words in str(raised.value)


def fetch_of(content: bytes) -> Callable[..., Path]:
    def fetch(_coordinate: str, scratch: Path, _advance: object) -> Path:
        file = scratch / "download"
        file.write_bytes(content)
        return file

    return fetch


def test_a_download_enters_the_cache_only_if_it_is_the_locked_one(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = conf(tmp_path / "conf")
    monkeypatch.setattr(artifact_cache, "fetch", fetch_of(b"an impostor"))
    with pytest.raises(ArtifactError, match="is not the file that was locked"):
        artifacts.ensure("demo", folder)
    assert [path for path in cache.rglob("*") if path.is_file()] == []

    monkeypatch.setattr(artifact_cache, "fetch", fetch_of(CONTENT))
    (file,) = artifacts.ensure("demo", folder)
    assert file.read_bytes() == CONTENT
    assert not list(cache.glob("scratch-*"))


def test_a_missing_file_without_network_is_named(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ArtifactError, match=r"org\.example:thing:1\.0: cannot be downloaded"):
        artifacts.ensure("demo", conf(tmp_path / "conf"))


def test_an_archive_is_unpacked_once(tmp_path: Path, cache: Path) -> None:
    source = tmp_path / "readme.txt"
    source.write_text("hello")
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(source, "readme.txt")
    folder = conf(tmp_path / "conf", content=archive.read_bytes())
    cached(cache, archive.read_bytes())

    home = artifacts.unpacked("demo", folder)
    assert (home / "readme.txt").read_text() == "hello"
    assert artifacts.unpacked("demo", folder) == home
    assert not list(cache.glob("scratch-*"))


def test_the_committed_lock_matches_the_committed_declaration() -> None:
    declared, locked = read_declared(), read_lock()

    assert {name: each.digest for name, each in declared.items()} == {
        name: each.declared for name, each in locked.items()
    }


def test_no_spark_jar_shadows_one_that_pyspark_ships() -> None:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    shipped = [jar.name for jar in (Path(spec.origin).parent / "jars").glob("*.jar")]

    for artifact in read_lock()["spark"].artifacts:
        name = artifact.coordinate.split(":")[1]
        assert not [jar for jar in shipped if jar.startswith(f"{name}-") and jar[len(name) + 1].isdigit()], name


def test_spark_defaults_keep_what_others_wrote(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "pyspark"
    (package / "conf").mkdir(parents=True)
    (package / "__init__.py").touch()
    defaults = package / "conf" / "spark-defaults.conf"
    defaults.write_text("# mine\nspark.ui.port 4141\nspark.pyspark.python=/old/python\n")
    scripts = tmp_path / "bin"
    scripts.mkdir()
    (scripts / "find_spark_home.py").touch()
    jar = tmp_path / "delta.jar"
    monkeypatch.setattr(spark_defaults, "ensure", lambda _: (jar,))
    monkeypatch.setattr(spark_defaults.importlib.util, "find_spec", lambda _: find_spec_at(package))
    monkeypatch.setattr(spark_defaults.sysconfig, "get_path", lambda _: str(scripts))

    for _ in range(2):
        assert artifacts.write_spark_defaults() == defaults

    lines = defaults.read_text().splitlines()
    assert lines[:5] == [
        "# mine",
        "spark.ui.port 4141",
        f"spark.driver.extraClassPath {jar}",
        f"spark.pyspark.python {sys.executable}",
        f"spark.pyspark.driver.python {sys.executable}",
    ]
    assert any(line.startswith("spark.driver.memory ") for line in lines[5:])
    assert (scripts / "spark-distribution").resolve() == package.resolve()


def find_spec_at(package: Path) -> object:
    from importlib.util import spec_from_file_location

    return spec_from_file_location("pyspark", package / "__init__.py")
