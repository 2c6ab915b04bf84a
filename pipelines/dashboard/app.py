"""The application: one callback turns an address into a page, behind headers that let nothing leave this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable

from dash import ClientsideFunction, Dash, Input, Output, html
from flask import Response

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout.blocks import Child, failure
from pipelines.dashboard.layout.markup import light
from pipelines.dashboard.layout.shell import INDEX, navigation, shell
from pipelines.dashboard.pages import (
    alerts,
    compliance,
    cost,
    fleet,
    forecasts,
    incidents,
    pipeline,
    quality,
    savings,
    security,
    series,
)
from pipelines.settings import Settings

_log = logging.getLogger(__name__)
_PAGES: dict[str, Callable[[Address, Answers], Child]] = {
    "/": fleet.page,
    "/incidents": incidents.page,
    "/series": series.page,
    "/quality": quality.page,
    "/cost": cost.page,
    "/forecasts": forecasts.page,
    "/alerts": alerts.page,
    "/security": security.page,
    "/compliance": compliance.page,
    "/savings": savings.page,
    "/pipeline": pipeline.page,
}


def make_app(settings: Settings) -> Dash:
    """All it needs is served from here. It reads tables, and writes nothing."""
    app = Dash(__name__, title="Fleet · Telemetry lakehouse", update_title="", serve_locally=True)
    app.index_string = INDEX
    app.layout = shell()
    answers = Answers(settings)

    @app.callback(
        Output("content", "children"),
        Output("navigation", "children"),
        Input("address", "pathname"),
        Input("address", "search"),
    )
    def show(path: str | None, search: str | None) -> tuple[Child, Child]:
        at = Address.parse(path, search)
        return build_page(at, answers), navigation(at.path)

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("lakehouse", "arrive"), Output("arrived", "children"), Input("content", "children")
    )
    app.server.after_request(_guarded(app))
    build_page(Address("/"), answers)  # what is slow the first time is over before there is a reader
    return app


def build_page(at: Address, answers: Answers) -> Child:
    """The content of a page, ready for the browser; of an address that is none, a page that says so."""
    build = _PAGES.get(at.path)
    if build is None:
        return [html.H1("No such page", tabIndex=-1), html.P(html.A("To the fleet", href="/"))]
    try:
        # A key of its own: what a reader had chosen in a form of the page before is not to stay.
        return light(html.Div(build(at, answers), key=at.link({})))
    except Exception:  # noqa: BLE001
        # The last resort: a defect of ours is told in the log, and the reader is not left with an empty page.
        _log.exception("the page %s failed", at.path)
        return [
            html.H1("This page failed", tabIndex=-1),
            failure("It is a defect: the log of the command has its traceback."),
        ]


def _guarded(app: Dash) -> Callable[[Response], Response]:
    """No other host is asked for anything, and no other page may frame this one."""
    scripts = " ".join(app.csp_hashes())
    policy = (
        f"default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )

    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return guard
