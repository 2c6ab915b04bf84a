"""Which size is below or above another in its family, and how much of it is left?"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.gold.instance_sizes import Step, steps


def step(current: str, down: int) -> Step | None:
    return next((one for one in steps() if one.current.type == current and one.down == down), None)


@pytest.mark.parametrize(
    ("current", "down", "target", "vcpus", "memory"),
    [
        ("t3.large", 1, "t3.medium", 1, 0.5),
        ("t3.large", 2, "t3.small", 1, 0.25),
        ("m5.2xlarge", 1, "m5.xlarge", 0.5, 0.5),
        ("m5.2xlarge", 2, "m5.large", 0.25, 0.25),
        ("c5.9xlarge", 1, "c5.4xlarge", 16 / 36, 16 / 36),
        ("db.r6g.xlarge", 1, "db.r6g.large", 0.5, 0.5),
        ("Standard_D4s_v5", 1, "Standard_D2s_v5", 0.5, 0.5),
        ("Standard_D8as_v5", 2, "Standard_D2as_v5", 0.25, 0.25),
        ("Standard_B2ms", 1, "Standard_B2s", 1, 0.5),
        ("Standard_D4s_v5", -1, "Standard_D8s_v5", 2, 2),
    ],
)
def test_a_size_below_or_above(current: str, down: int, target: str, vcpus: float, memory: float) -> None:
    found = step(current, down)

    assert found is not None
    assert (found.target.type, found.vcpu_ratio, found.memory_ratio) == (target, vcpus, memory)


@pytest.mark.parametrize(
    ("current", "down"), [("t3.nano", 1), ("m5.large", 1), ("m5.24xlarge", -1), ("Standard_D2s_v5", 1), ("x9.large", 1)]
)
def test_there_is_none_beyond_the_ends_of_a_family(current: str, down: int) -> None:
    assert step(current, down) is None


def test_every_size_has_one_place() -> None:
    places = [(one.current.type, one.down) for one in steps()]

    assert len(places) == len(set(places))
    assert all(one.memory_ratio < 1 for one in steps() if one.down > 0)


@pytest.mark.parametrize("text", ["aws: {", "aws: {}", "ladders: {}\naws: {listed: {gone: [t3]}, even: []}"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sizes.yaml"
    file.write_text(text)

    with pytest.raises(SettingsError, match=r"sizes\.yaml: the sizes of machines cannot be read"):
        steps(file)
