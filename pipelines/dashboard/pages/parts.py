"""What several pages are made of: a part that stands alone, and the link to a resource."""

from __future__ import annotations

from collections.abc import Callable

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import NotYetMadeError
from pipelines.dashboard.layout import words
from pipelines.dashboard.layout.blocks import Child, command, failure, note, section
from pipelines.errors import QueryError


def part(name: str, heading: str, build: Callable[[], Child], about: str = "") -> html.Section:
    """`build` asks the questions and shows the answers; where its table is missing, the rest of the page is there."""
    try:
        return section(name, heading, build(), about=about)
    except NotYetMadeError as missing:
        said = note(f"{missing.table} has not been made yet. This makes it: ", command(missing.made_by))
        return section(name, heading, said, about=about)
    except QueryError as error:
        return section(name, heading, failure(str(error)), about=about)


def resource_link(resource_id: str | None, name: str | None = None) -> Child:
    """To its series; read by its name, else by the last part of its id."""
    if resource_id is None:
        return words.NONE
    link = Address("/series").link({"resource": resource_id})
    return html.A(name or words.short_id(resource_id), href=link, title=resource_id)
