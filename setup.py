"""What pyproject.toml cannot say: a wheel carries conf/ and schemas/, which are beside the package in a checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_DATA = ("conf", "schemas")


class BuildWithData(build_py):
    """Puts the folders where `pipelines.settings` finds them; an editable install reads those of the checkout."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for folder in _DATA:
            target = Path(self.build_lib) / "pipelines" / folder
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder, target)


setup(cmdclass={"build_py": BuildWithData})
