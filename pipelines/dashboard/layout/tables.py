"""Tables that are HTML: sorted and paged by links, so that a keyboard and a screen reader need nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.layout import words
from pipelines.dashboard.layout.aria import aria
from pipelines.dashboard.layout.blocks import Child, note

Row = TypeVar("Row")
_PAGE = 50
_SHORT = 18  # letters that are not broken over lines


@dataclass(frozen=True)
class Column(Generic[Row]):
    """`sorts`: what the column is sorted by; a table whose columns have none is not sorted by readers."""

    heading: str
    cell: Callable[[Row], Child]
    sorts: Callable[[Row], Any] | None = None
    numeric: bool = False


def table(name: str, caption: str, columns: Sequence[Column[Row]], rows: Sequence[Row], at: Address) -> html.Div:
    """Its order and its page are in the address, as `<name>-sort` (a minus in front: downwards) and `<name>-page`."""
    if not rows:
        return html.Div(note("There are no rows."), id=name)
    chosen = at.get(f"{name}-sort") or ""
    ordered = _ordered(columns, rows, chosen)
    pages = (len(ordered) + _PAGE - 1) // _PAGE
    page = min(at.number(f"{name}-page", 1), pages)
    shown = ordered[(page - 1) * _PAGE : page * _PAGE]
    head = html.Thead(html.Tr([_heading(name, place, column, chosen, at) for place, column in enumerate(columns)]))
    body = html.Tbody([html.Tr([_cell(column, row) for column in columns]) for row in shown])
    scroll = html.Div(
        html.Table([html.Caption(caption), head, body]),
        className="scroll", tabIndex=0, role="region", **aria(label=f"{caption} (table)"),
    )  # fmt: skip
    return html.Div([scroll, *_pages(name, page, pages, len(rows), at)], id=name)


def plain_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> html.Div:
    """All rows, as they are; the first column names each."""
    head = html.Thead(html.Tr([html.Th(heading, scope="col") for heading in headings]))
    body = html.Tbody(
        [
            html.Tr([html.Th(row[0], scope="row"), *(html.Td(cell, className="number") for cell in row[1:])])
            for row in rows
        ]
    )
    return html.Div(
        html.Table([html.Caption(caption), head, body]),
        className="scroll", tabIndex=0, role="region", **aria(label=f"{caption} (table)"),
    )  # fmt: skip


def _ordered(columns: Sequence[Column[Row]], rows: Sequence[Row], chosen: str) -> list[Row]:
    place = chosen.lstrip("-")
    if not place.isdecimal() or int(place) >= len(columns):
        return list(rows)
    sorts = columns[int(place)].sorts
    if sorts is None:
        return list(rows)
    known = [row for row in rows if sorts(row) is not None]
    unknown = [row for row in rows if sorts(row) is None]
    return sorted(known, key=sorts, reverse=chosen.startswith("-")) + unknown


def _heading(name: str, place: int, column: Column[Any], chosen: str, at: Address) -> html.Th:
    kind = "number" if column.numeric else ""
    if column.sorts is None:
        return html.Th(column.heading, scope="col", className=kind)
    order = {str(place): "ascending", f"-{place}": "descending"}.get(chosen, "none")
    following = f"-{place}" if order == "ascending" else str(place)
    mark = {"ascending": " ↑", "descending": " ↓"}.get(order, "")
    link = html.A(
        [column.heading, html.Span(mark, **aria(hidden="true"))],
        href=at.link({f"{name}-sort": following, f"{name}-page": None}),
        id=f"{name}-sort-{place}",
    )
    return html.Th(link, scope="col", className=kind, **aria(sort=order))


def _cell(column: Column[Row], row: Row) -> html.Td:
    shown = column.cell(row)
    is_short = isinstance(shown, str) and len(shown) <= _SHORT
    return html.Td(shown, className="number" if column.numeric else "short" if is_short else "")


def _pages(name: str, page: int, pages: int, rows: int, at: Address) -> list[Child]:
    if pages == 1:
        return []

    def step(label: str, to: int) -> Child:
        if not 1 <= to <= pages:
            return html.Span(label, className="unavailable")
        return html.A(label, href=at.link({f"{name}-page": str(to)}), id=f"{name}-{label.lower()}")

    said = html.Span(f"page {page} of {pages}, {words.count_of(rows, 'row')}")
    return [
        html.Nav(
            [step("Previous", page - 1), said, step("Next", page + 1)],
            className="pages",
            **aria(label=f"Pages of {name}"),
        )
    ]
