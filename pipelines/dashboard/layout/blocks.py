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
    """A number that is read first, and what it is of. `href`: where more of it is told."""

    label: str
    value: str
    tone: str = ""
    href: str | None = None


def facts(*shown: Fact) -> html.Dl:
    return html.Dl([_fact(fact) for fact in shown], className="facts")


def _fact(fact: Fact) -> html.Div:
    label = html.A(fact.label, href=fact.href) if fact.href else fact.label
    return html.Div([html.Dt(label), html.Dd(fact.value)], className=f"fact {fact.tone}")


def section(name: str, heading: str, *children: Child, about: str = "") -> html.Section:
    """`name`: its id on the page."""
    # A link to a part of a page, such as #incident, takes the focus there.
    head: list[Child] = [html.H2(heading, id=f"{name}-heading", tabIndex=-1)]
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


def under(first: Child, second: Child) -> html.Div:
    """What is read first, and below it, smaller, what belongs to it."""
    return html.Div([html.Div(first), html.Div(second, className="under")])


def command(line: str) -> html.Code:
    return html.Code(line)


def listed(items: Sequence[Child]) -> html.Ul:
    return html.Ul([html.Li(item) for item in items])


def failure(message: str) -> html.P:
    return html.P(message, className="failure", role="alert")
