"""`python -m pipelines.artifacts lock | fetch | configure`; the package says what they do."""

from __future__ import annotations

import sys

from rich.console import Console

from pipelines.artifacts.cache import ensure, write_lock
from pipelines.artifacts.locking import read_declared
from pipelines.artifacts.spark_defaults import write_spark_defaults
from pipelines.errors import ArtifactError


def main(arguments: list[str]) -> int:
    """`lock`, `fetch` or `configure`; see the module's docstring."""
    console = Console(stderr=True, soft_wrap=True)
    try:
        if arguments == ["lock"]:
            console.print(f"wrote {write_lock()}")
        elif arguments == ["fetch"]:
            for name in read_declared():
                console.print(f"{name}: {len(ensure(name))} files")
        elif arguments == ["configure"]:
            console.print(f"wrote {write_spark_defaults()}")
        else:
            console.print("usage: python -m pipelines.artifacts lock | fetch | configure", markup=False)
            return 2
    except ArtifactError as error:
        console.print(str(error), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
