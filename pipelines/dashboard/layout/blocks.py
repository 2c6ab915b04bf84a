"""Sections, figures in words, and what is said where there is nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import html

from pipelines.dashboard.layout import words
from pipelines.dashboard.layout.aria import aria

Child = Any  # a component, a text, or a list of these: Dash has no narrower type


@dataclass(frozen=True)
class Fact:
    """A number that is read first, and what it is of."""

    label: str
    value: str
    tone: str = ""


def facts(*shown: Fact) -> html.Dl:
    return html.Dl(
        [html.Div([html.Dt(fact.label), html.Dd(fact.value)], className=f"fact {fact.tone}") for fact in shown],
        className="facts",
    )


def section(name: str, heading: str, *children: Child, about: str = "") -> html.Section:
    """`name`: its id on the page."""
    head: list[Child] = [html.H2(heading, id=f"{name}-heading")]
    if about:
        head.append(html.P(about, className="about"))
    for child in children:  # Dash renders no list inside a list
        head += child if isinstance(child, list) else [child]
    return html.Section(head, id=name, **aria(labelledby=f"{name}-heading"))


def note(*children: Child) -> html.P:
    return html.P(list(children), className="note")


def when(value: datetime | None) -> Child:
    """A moment that is not broken over two lines."""
    return words.NONE if value is None else html.Time(words.moment(value), dateTime=f"{value:%Y-%m-%dT%H:%M:%SZ}")


def command(line: str) -> html.Code:
    return html.Code(line)


def listed(items: Sequence[Child]) -> html.Ul:
    return html.Ul([html.Li(item) for item in items])


def failure(message: str) -> html.P:
    return html.P(message, className="failure", role="alert")
