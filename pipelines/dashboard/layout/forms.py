"""Filters: a form of native selects and a button. What was chosen goes to the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.layout.aria import aria
from pipelines.dashboard.layout.blocks import Child


@dataclass(frozen=True)
class Choice:
    """`options`: value and what is read; the value that is chosen at first is the first."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str


def choices(name: str, at: Address, shown: Sequence[Choice]) -> html.Form:
    fields: list[Child] = [_select(name, choice) for choice in shown]
    button = html.Button("Show", type="submit", id=f"{name}-show")
    return html.Form(
        [*fields, button],
        id=name,
        action=at.path,
        method="get",
        className="choices",
        **aria(label="Choose what is shown"),
    )


def any_of(label: str, values: Sequence[str | None]) -> tuple[tuple[str, str], ...]:
    """Every value that there is, and all of them."""
    return ("", label), *((value, value) for value in sorted({value for value in values if value}))


def _select(form: str, choice: Choice) -> html.Div:
    options = [_option(value, label, choice) for value, label in choice.options]
    select = html.Select(options, id=f"{form}-{choice.name}", name=choice.name)
    return html.Div([html.Label(choice.label, htmlFor=f"{form}-{choice.name}"), select], className="field")


def _option(value: str, label: str, choice: Choice) -> html.Option:
    if value == choice.chosen:
        return html.Option(label, value=value, selected="selected")
    return html.Option(label, value=value)
