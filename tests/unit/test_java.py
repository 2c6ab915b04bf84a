from pathlib import Path

import pytest

from pipelines.errors import ServiceError
from pipelines.java import find_java


def fake_java(folder: Path, banner: str, exit_code: int = 0) -> Path:
    (folder / "bin").mkdir(parents=True)
    executable = folder / "bin" / "java"
    executable.write_text(f"#!/bin/sh\necho '{banner}' >&2\nexit {exit_code}\n")
    executable.chmod(0o755)
    return folder


def test_java_home_comes_before_path(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "home", 'openjdk version "21.0.2" 2024-01-16')
    other = fake_java(tmp_path / "other", 'openjdk version "17.0.15" 2025-04-15')

    java = find_java({"JAVA_HOME": str(home), "PATH": str(other / "bin")})

    assert java.version == 21
    assert java.home == home.resolve()


@pytest.mark.parametrize("banner", ['java version "1.8.0_402"', 'openjdk version "11.0.2"', "not Java at all"])
def test_an_unusable_java_home_falls_back_to_path(tmp_path: Path, banner: str) -> None:
    home = fake_java(tmp_path / "home", banner)
    other = fake_java(tmp_path / "other", 'openjdk version "17.0.15" 2025-04-15')

    assert find_java({"JAVA_HOME": str(home), "PATH": str(other / "bin")}).version == 17


@pytest.mark.parametrize(
    ("banner", "exit_code", "said"),
    [
        ('java version "1.8.0_402"', 0, "JAVA_HOME has Java 8"),
        ('openjdk version "16"', 0, "JAVA_HOME has Java 16"),
        ("broken", 1, "JAVA_HOME has one that does not start"),
    ],
)
def test_too_old_says_what_is_there_and_what_to_install(tmp_path: Path, banner: str, exit_code: int, said: str) -> None:
    home = fake_java(tmp_path / "home", banner, exit_code)

    with pytest.raises(ServiceError) as raised:
        find_java({"JAVA_HOME": str(home), "PATH": str(tmp_path)})

    message = str(raised.value)
    assert said in message
    assert "\n" not in message
    for word in ("apt-get install openjdk-17", "brew install", "Windows"):
        assert word in message


def test_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"^Java is not installed: install Java 17 or newer"):
        find_java({"PATH": str(tmp_path)})
