"""A part of a page that stands alone: where its table is missing, it says so, and the rest of the page is there."""

from __future__ import annotations

from collections.abc import Callable

from dash import html

from pipelines.dashboard.answers import NotYetMadeError
from pipelines.dashboard.layout.blocks import Child, command, failure, note, section
from pipelines.errors import QueryError


def part(name: str, heading: str, build: Callable[[], Child], about: str = "") -> html.Section:
    """`build` asks the questions and shows the answers."""
    try:
        return section(name, heading, build(), about=about)
    except NotYetMadeError as missing:
        said = note(f"{missing.table} has not been made yet. This makes it: ", command(missing.made_by))
        return section(name, heading, said, about=about)
    except QueryError as error:
        return section(name, heading, failure(str(error)), about=about)
